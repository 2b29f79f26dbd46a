package address_test

import (
	"testing"

	"github.com/go-roq/roq/internal/address"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                  "",
		"jane@x.example":    "jane@x.example",
		"Jane@X.EXAMPLE":    "jane@x.example",
		"JÜRGEN@x.example":  "jürgen@x.example",
		"\u00a0jane@x":      "\u00a0jane@x",
		"\u212a@x.example":  "\u212a@x.example", // the Kelvin sign is no k
		"\u0130@x.example":  "\u0130@x.example", // and a dotted capital I no i
		"ju\u0308@x":        "ju\u0308@x",
		"jane@BÜCHER.local": "jane@bücher.local",
	} {
		if got := address.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string][]string{
		"":               {"", "  "},
		"nobody":         {"nobody", "Nobody "},
		"jane@x.example": {"jane@x.example", "JANE@x.Example", " jane@x.example\r\n", "\u00a0jane@x.example"},
		"jane@xn--bcher-kva.example": {"jane@bücher.example", "jane@BÜCHER.example", "jane@bu\u0308cher.example", "jane@xn--bcher-kva.example",
			"Jane@XN--BCHER-KVA.Example", "jane@ｂücher.example", "jane@bücher。example"},
		"jürgen@x.example":          {"jürgen@x.example", "JÜRGEN@x.example", "ju\u0308rgen@x.example", "JU\u0308RGEN@X.example"},
		"jane@xn--fa-hia.example":   {"jane@faß.example"},
		"jane@fass.example":         {"jane@fass.example"},
		"k@x.example":               {"\u212a@x.example"},   // by NFC
		"jane@xn--a.example":        {"jane@xn--a.example"}, // decodes to nothing
		"jane@bü\ue000cher.example": {"jane@bü\ue000cher.example", "Jane@BÜ\ue000cher.example"},
		"@":                         {"@", " @"},
		"a@b@xn--bcher-kva":         {"a@b@bücher", "A@B@bücher"},
	} {
		for _, in := range spellings {
			if got := address.Mailbox(in); got != want {
				t.Errorf("Mailbox(%q) = %q, want %q", in, got, want)
			}
			if again := address.Mailbox(want); again != want {
				t.Errorf("Mailbox(%q) = %q, want it as it is", want, again)
			}
		}
	}
}

// FuzzMailbox takes any text: a normal form is its own.
func FuzzMailbox(f *testing.F) {
	for _, seed := range []string{"Jane@X.example", "jane@bücher.example", "a@xn--bcher-kva", "\u0130@\u0130", "A\u0308@ẞ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, email string) {
		once := address.Mailbox(email)
		if twice := address.Mailbox(once); twice != once {
			t.Errorf("Mailbox(%q) = %q, which becomes %q", email, once, twice)
		}
	})
}

func TestPlainAddressesAllocateNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { address.Mailbox(address.Fold("wick.john@roq.tech")) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
