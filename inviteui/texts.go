package inviteui

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed assets
var files embed.FS

// Texts are the words of the page in one language.
type Texts struct {
	// Lang is the language, as in "fr" or "pt-BR".
	Lang string
	// Words are the words by their key: see [English]. Keys that end in .one and .other
	// are for one and for several; {n} is the number, and {0} what a sentence is about.
	Words map[string]string
}

// English returns the words of the page in English, to translate from.
func English() Texts { return Texts{"en", builtin("en").words} }

// German returns the words of the page in German.
func German() Texts { return Texts{"de", builtin("de").words} }

// language is a language of the page, complete.
type language struct {
	Tag   string
	words map[string]string
}

func builtin(tag string) *language {
	l := &language{Tag: tag}
	text, err := files.ReadFile("assets/" + tag + ".json")
	if err == nil {
		err = json.Unmarshal(text, &l.words)
	}
	if err != nil {
		panic(err) // it is a part of this package
	}
	return l
}

func (o *options) addTexts(t Texts) error {
	if t.Lang == "" {
		return errors.New("inviteui: WithTexts: Lang must not be empty")
	}
	added := builtin("en")
	added.Tag = t.Lang
	for _, l := range o.languages {
		if strings.EqualFold(l.Tag, t.Lang) {
			added = &language{l.Tag, maps.Clone(l.words)}
		}
	}
	for key, text := range t.Words {
		if _, known := added.words[key]; !known {
			return fmt.Errorf("inviteui: WithTexts: there is no text with the key %q", key)
		}
		added.words[key] = text
	}
	o.languages = append(slices.DeleteFunc(o.languages, func(l *language) bool { return l.Tag == added.Tag }), added)
	return nil
}

// speak returns the language for a visitor: the session's, then the first that the
// browser accepts, then English. Browsers list the best first.
func (o *options) speak(locale, accepts string) *language {
	for wanted := range strings.SplitSeq(locale+","+accepts, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(wanted), ";")
		for tag = strings.ReplaceAll(tag, "_", "-"); tag != ""; tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)] {
			for _, l := range o.languages { // who reads "de" reads "de-CH"
				if strings.EqualFold(l.Tag, tag) {
					return l
				}
			}
		}
	}
	return o.languages[slices.IndexFunc(o.languages, func(l *language) bool { return l.Tag == "en" })]
}

// T returns the text with that key. The arguments replace {0}, {1} and so on.
func (l *language) T(key string, args ...any) string {
	text := l.words[key]
	for i, arg := range args {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(arg))
	}
	return text
}

// N returns the text with that key for n of something.
func (l *language) N(key string, n int, args ...any) string {
	form := map[bool]string{true: ".one", false: ".other"}[n == 1]
	return strings.ReplaceAll(l.T(key+form, args...), "{n}", l.Number(n))
}

// Number returns a number as the language writes it.
func (l *language) Number(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + l.words["number.separator"] + digits[at:]
	}
	return digits
}

// date returns a time as the language writes it, in a time zone.
func (l *language) date(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	return t.In(at).Format(l.words["date.layout"])
}
