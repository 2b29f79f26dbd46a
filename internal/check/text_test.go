package check_test

import (
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/check"
)

func TestLines(t *testing.T) {
	t.Parallel()
	rules := map[string]func(string) error{"Name": check.Name, "Locale": check.Locale, "Role": check.Role}
	for name, rule := range rules {
		for _, good := range []string{"a", "en-US", "O'Neil ~", "Jürgen", "\u200c", strings.Repeat("x", 64), strings.Repeat("ü", 64)} {
			if err := rule(good); err != nil {
				t.Errorf("%s(%q) = %v", name, good, err)
			}
		}
		for _, bad := range []string{"\x00", "a\nb", "\t", "\x7f", "\u0080", "\u2028", "\u202e", "\u200e", "\xff", strings.Repeat("x", 256), strings.Repeat("ü", 256)} {
			if rule(bad) == nil {
				t.Errorf("%s(%q) = nil, want an error", name, bad)
			}
		}
		if err := rule(""); (err != nil) != (name == "Role") {
			t.Errorf("%s of nothing = %v", name, err)
		}
	}
	if check.Locale(strings.Repeat("x", 65)) == nil || check.Name(strings.Repeat("ü", 255)) != nil {
		t.Error("the bounds are not 64 and 255 characters")
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for object, want := range map[string][2]bool{ // whether they are variables, and data
		`{}`:                               {true, true},
		`{"a":"b","c":[1,null,{"d":"e"}]}`: {true, true},
		`{"a":"\"\\\/é<"}`:                 {true, true},
		`{"a":"\n"}`:                       {false, true},
		`{"\t":1}`:                         {false, true},
		`{"a":["\u202E"]}`:                 {false, true},
		"{\"a\":\"\u202e\"}":               {false, true},
		"{\"a\":\"\x7f\"}":                 {false, true},
		`{"a":"\u0000"}`:                   {false, false},
		`{"a":{"\u0000":1}}`:               {false, false},
		`{"a":"\\u0000"}`:                  {true, true},
		`{"a":"\ud800"}`:                   {false, false},
	} {
		if err := check.Variables([]byte(object)); (err == nil) != want[0] {
			t.Errorf("Variables(%s) = %v", object, err)
		}
		if err := check.Data([]byte(object)); (err == nil) != want[1] {
			t.Errorf("Data(%s) = %v", object, err)
		}
	}
}
