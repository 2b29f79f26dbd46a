package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of what a page shows of what others wrote.
const (
	shortText  = 80       // characters of a name or address in a line
	longText   = 400      // characters of one beside others in the reading pane
	wholeText  = 8 << 10  // bytes of JSON in the reading pane
	previewed  = 4 << 10  // bytes of JSON of which a line has the beginning
	largestDoc = 64 << 10 // bytes of JSON that are read for the reading pane
)

// cut returns at most n characters of a text.
func cut(n int, s string) string {
	if len(s) <= n {
		return s
	}
	end := 0
	for i := range s {
		if n == 0 {
			end = i
			break
		}
		n--
	}
	if end == 0 {
		return s
	}
	return s[:end] + "…"
}

// short is a text in a line.
func short(s string) string { return cut(shortText, s) }

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
}

// took is a duration for people.
func took(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}

// ahead is how far the clock is ahead.
func ahead(d time.Duration) string {
	d = d.Round(time.Second)
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
	switch {
	case days == 0:
		return rest.String()
	case rest == 0:
		return plural(int(days), "day")
	default:
		return plural(int(days), "day") + " and " + rest.String()
	}
}

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// preview is the beginning of JSON in a line, without secrets.
func preview(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case len(raw) > previewed:
		return size(len(raw))
	}
	safe, ok := redact(raw)
	if !ok {
		return size(len(raw))
	}
	return cut(2*shortText, string(safe))
}

// document is JSON for the reading pane, indented, without secrets and cut off at its
// bound.
func document(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if len(raw) > largestDoc {
		return "It has " + size(len(raw)) + ", which is too much to show."
	}
	safe, ok := redact(raw)
	if !ok {
		return "It has " + size(len(raw)) + " and is not JSON."
	}
	var out bytes.Buffer
	_ = json.Indent(&out, safe, "", "  ")
	if text := out.String(); len(text) > wholeText {
		end := wholeText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		return text[:end] + "\n… " + size(len(raw)) + " in all"
	}
	return out.String()
}

// redact returns JSON with the values of members that hold secrets replaced.
func redact(raw json.RawMessage) (safe json.RawMessage, ok bool) {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	var v any
	if in.Decode(&v) != nil {
		return nil, false
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(hide(v)) != nil {
		return nil, false
	}
	return bytes.TrimSpace(out.Bytes()), true
}

// hide replaces secrets inside a value.
func hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inside := range v {
			if secret(name) {
				v[name] = "(secret)"
			} else {
				v[name] = hide(inside)
			}
		}
	case []any:
		for i := range v {
			v[i] = hide(v[i])
		}
	}
	return v
}

// secret reports whether a member of that name holds a secret. userTokenId does not.
func secret(name string) bool {
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	return strings.HasSuffix(name, "token") || strings.HasSuffix(name, "tokens") || strings.Contains(name, "apikey") ||
		strings.Contains(name, "secret") || strings.Contains(name, "password") || name == "authorization"
}
