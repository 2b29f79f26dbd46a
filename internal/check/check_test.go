package check_test

import (
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/check"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://mars-pp.roq-platform.com":  "https://mars-pp.roq-platform.com",
		"https://mars-pp.roq-platform.com/": "https://mars-pp.roq-platform.com",
		"https://a.example/roq//":           "https://a.example/roq",
		"http://localhost:4000":             "http://localhost:4000",
		"https://[::1]:8443/":               "https://[::1]:8443",
		"HTTPS://A.example:1":               "HTTPS://A.example:1",
		"https://a.example:65535":           "https://a.example:65535",
	} {
		if got, err := check.BaseURL(in); got != want || err != nil {
			t.Errorf("BaseURL(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "a.example", "//a.example", "https://", "https:///path", "https:a.example", "file:///etc/passwd",
		"javascript:alert(1)", "ftp://a.example", "https://good@evil.example", "https://u:p@a.example", "https://@a.example", "https://a.example/@b",
		"https://a.example?x=1", "https://a.example?", "https://a.example#f", "https://a.example#",
		"https://a.example:0", "https://a.example:99999", "https://a.example:-1", "https://a.example:", "https://a.example:x",
		"https://a.example/%2e%2e/x", "https://a.example/../x", "https://a.example/.", "https://a%2eexample", `https://a.example\x`,
		"https://a.example\r\nHost: evil", "https://a.example\x00", "https://a.example/ b", "https://а.example", // Cyrillic а
		"https://[::1", "https://" + strings.Repeat("a", 2048) + ".example",
	} {
		if got, err := check.BaseURL(bad); err == nil {
			t.Errorf("BaseURL(%q) = %q, want an error", bad, got)
		} else if strings.Contains(err.Error(), "evil") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("BaseURL(%q): the error repeats the value: %v", bad, err)
		}
	}
}

func TestConfidential(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"https://a.example": true, "HTTPS://a.example": true, "http://localhost": true, "http://LOCALHOST:1": true,
		"http://127.0.0.1:4000": true, "http://127.8.9.10": true, "http://[::1]:80": true,
		"http://a.example": false, "http://10.0.0.1": false, "http://localhost.evil.example": false,
		"http://127.0.0.1.evil.example": false, "http://0.0.0.0": false, "http://[::1": false,
	} {
		if got := check.Confidential(base); got != want {
			t.Errorf("Confidential(%q) = %v, want %v", base, got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(string) error{"ID": check.ID, "Secret": check.Secret, "Token": check.Token, "EnvironmentID": check.EnvironmentID} {
		if err := f("e3408733-0ac2-4596-8264-0a7da2481801"); err != nil {
			t.Errorf("%s(UUID) = %v", name, err)
		}
		for _, bad := range []string{"", "a b", "a\r\nb", "a\x00", "a\x7f", "clé", "a\u200b", "\xff", strings.Repeat("a", 20_000)} {
			if err := f(bad); err == nil {
				t.Errorf("%s(%.20q) = nil, want an error", name, bad)
			}
		}
	}
	if err := check.EnvironmentID("a:b"); err == nil {
		t.Error("EnvironmentID with a colon = nil, want an error")
	}
	if err := check.Secret("a:b"); err != nil {
		t.Errorf("Secret with a colon = %v", err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	if err := check.Text("Jürgen 🚀"); err != nil {
		t.Errorf("Text = %v", err)
	}
	if err := check.Text("J\xfcrgen"); err == nil {
		t.Error("Text of Latin-1 = nil, want an error")
	}
	if err := check.HeaderText("acme-backend/2.1 (blue)"); err != nil {
		t.Errorf("HeaderText = %v", err)
	}
	for _, bad := range []string{"", "a\r\nb: c", "é"} {
		if err := check.HeaderText(bad); err == nil {
			t.Errorf("HeaderText(%q) = nil, want an error", bad)
		}
	}
}

func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{"https://a.example/", "https://good@evil", "http://[::1]:80", "https://a.example/%2e%2e", "javascript:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base, err := check.BaseURL(s)
		if err != nil {
			return
		}
		if again, err := check.BaseURL(base); again != base || err != nil {
			t.Errorf("BaseURL(%q) = %q, which becomes %q, %v", s, base, again, err)
		}
		if strings.ContainsAny(base, "@?#%\\ \r\n") {
			t.Errorf("BaseURL(%q) = %q", s, base)
		}
	})
}
