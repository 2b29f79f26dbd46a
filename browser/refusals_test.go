package browser

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// picky is a platform that finds the addresses that begin with "never" not valid.
func (w *world) picky() roq.Config {
	cfg := w.platform.Config()
	answer := w.platform.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte(`"never`)) {
			r.Body = io.NopCloser(bytes.NewReader(body))
			answer.ServeHTTP(rw, r)
			return
		}
		body = bytes.ReplaceAll(body, []byte(`"never`), []byte(`"n@ver`))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		kept := httptest.NewRecorder()
		answer.ServeHTTP(kept, r)
		for name := range kept.Header() {
			rw.Header().Set(name, kept.Header().Get(name))
		}
		rw.WriteHeader(kept.Code)
		_, _ = rw.Write(bytes.ReplaceAll(kept.Body.Bytes(), []byte(`"n@ver`), []byte(`"never`)))
	}))
	w.t.Cleanup(server.Close)
	cfg.PlatformURL = server.URL
	return cfg
}

// box is the lines of the boxes of a color, those that are folded too.
func (b *tab) box(color string) []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll('.rq .box.`+color+` li')].map((e) => e.textContent)`)
}

// has fails the test if there are not so many lines, or one that should have the text
// has not.
func has(t *testing.T, what string, lines []string, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	seen := map[string]bool{}
	for _, line := range lines {
		address, reason, _ := strings.Cut(line, ": ")
		if seen[address] {
			t.Errorf("%s: %s is there twice", what, address)
		}
		seen[address] = true
		got[reason]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Every kind of refusal in one paste of 500: what is understood of it, then what became
// of each.
func TestBrowserRefusals(t *testing.T) {
	w := newPlatform(t)
	w.serve(w.picky())
	w.visit(w.ann)
	w.seed(20, "invited")
	var paste []string
	add := func(n int, format string) {
		for i := range n {
			paste = append(paste, strings.ReplaceAll(format, "%", fmt.Sprintf("%05d", i)))
		}
	}
	add(340, `"Good, G%" <good%@example.com>`)
	add(60, `"Wrong, W%" <wrong%@@example.com>`)
	add(10, `"Long, `+strings.Repeat("x", 300)+`" <long%@example.com>`)
	add(20, "invited%@example.com")
	for i := range 20 {
		email := fmt.Sprintf("member%05d@example.com", i)
		w.user(email, "", "", "")
		paste = append(paste, strings.ToUpper(email[:1])+email[1:])
	}
	add(30, `"Never, N%" <never%@example.com>`)
	add(18, "Good%@EXAMPLE.com") // again, in another spelling
	paste = append(paste, "ja.ne.doe@gmail.com", "janedoe@gmail.com")
	if len(paste) != 500 {
		t.Fatalf("%d lines", len(paste))
	}

	w.invite(strings.Join(paste, "\n"))
	w.sees("Nothing has been sent yet", "391 people can be invited", "70 entries are not valid:", "20 people are already invited:", "19 addresses are repeated:")
	has(t, "preview, red", w.box("red"), map[string]int{"not a valid e-mail address": 60, "the name is not valid": 10})
	has(t, "preview, amber", w.box("amber"), map[string]int{"": 39}) // the headings say why
	w.looks("refusals-preview")
	w.again()
	w.mails(20)
	w.sees("391 people can be invited")

	w.click("Send 391 invitations")
	w.sees("341 invitations were sent.", "For 20 people there was nothing to do:", "100 invitations were not sent and are still in the form:")
	has(t, "report, red", w.box("red"), map[string]int{"not a valid e-mail address": 60, "the name is not valid": 10, "refused by the platform (email must be an email)": 30})
	has(t, "report, amber", w.box("amber"), map[string]int{"already a member": 20})
	w.looks("refusals-report")
	left := strings.Split(w.left(), "\n")
	slices.Sort(left)
	if len(left) != 100 || !slices.Contains(left, `"Wrong, W00007" <wrong00007@@example.com>`) || !slices.Contains(left, `"Never, N00029" <never00029@example.com>`) {
		t.Errorf("%d are left in the form: %s", len(left), left)
	}
	w.mails(361)
	w.once()
	w.again()
	w.sees("341 invitations were sent.")

	// Those who are left can be sent again as they are, which mails nobody.
	w.click("Send invitations")
	w.sees("Nothing has been sent yet", "30 people can be invited")
	w.click("Send 30 invitations")
	w.sees("100 invitations were not sent")
	w.mails(361)
}

// Files as people have them: what a spreadsheet saves, in German and in English.
func TestBrowserFiles(t *testing.T) {
	w := newWorld(t)
	utf16le := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune("E-mail\tFirst name\tLast name\r\nzoe@example.com\tZoë\tŽižek\r\nשרה@example.com\tשרה\tלוי\r\n")) {
		utf16le = append(utf16le, byte(unit), byte(unit>>8))
	}
	latin1 := make([]byte, 0, 100)
	for _, r := range "Vorname;Nachname;E-Mail\r\nJürgen;Müßig;juergen@example.com\r\nBärbel;Öztürk;baerbel@example.com\r\n" {
		latin1 = append(latin1, byte(r))
	}
	for _, file := range []struct {
		name    string
		content []byte
		people  []string
	}{
		{"header.csv", []byte("Nr,First name,Last name,Email,Team\r\n1,Ann,\"Lee, Jr.\",lee@example.com,A\r\n2,Bob,Ray,ray@example.com,B\r\n"), []string{"lee@example.com: Ann Lee, Jr.", "ray@example.com: Bob Ray"}},
		{"semicolons.csv", []byte("\ufeffEmail;First name;Last name\nsemi@example.com;Sam;Iver\n"), []string{"semi@example.com: Sam Iver"}},
		{"utf16.txt", utf16le, []string{"zoe@example.com: Zoë Žižek", "שרה@example.com: שרה לוי"}},
		{"latin1.csv", latin1, []string{"juergen@example.com: Jürgen Müßig", "baerbel@example.com: Bärbel Öztürk"}},
	} {
		path := filepath.Join(t.TempDir(), file.name)
		if err := os.WriteFile(path, file.content, 0o600); err != nil {
			t.Fatal(err)
		}
		w.open(w.at(""))
		perform(w.tab, "choose "+file.name, chromedp.SetUploadFiles(chromedp.CSS("#rq-file"), []string{path}))
		before := len(w.platform.Outbox())
		w.click("Send invitations")
		w.sees("Nothing has been sent yet")
		if got := eval[[]string](w.tab, `[...document.querySelectorAll('.card li')].map((e) => e.textContent)`); !slices.Equal(got, file.people) {
			t.Errorf("%s is read as %q, want %q", file.name, got, file.people)
		}
		w.mails(before)
		w.click(map[int]string{1: "Send 1 invitation", 2: "Send 2 invitations"}[len(file.people)])
		w.sees(map[int]string{1: "1 invitation was sent.", 2: "2 invitations were sent."}[len(file.people)])
		w.mails(before + len(file.people))
		w.again()
	}
	if found := w.platform.FindInvites(roqtest.Query{Email: "juergen@example.com"}).Rows; len(found) != 1 || found[0].LastName != "Müßig" {
		t.Errorf("the platform has %+v", found)
	}
}
