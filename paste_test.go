package roq_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
)

func TestParseUserInvites(t *testing.T) {
	t.Parallel()
	email := func(emails ...string) []roq.UserInviteInput {
		var all []roq.UserInviteInput
		for _, e := range emails {
			all = append(all, roq.UserInviteInput{Email: e})
		}
		return all
	}
	named := func(first, last, e string) []roq.UserInviteInput {
		return []roq.UserInviteInput{{FirstName: first, LastName: last, Email: e}}
	}
	for text, want := range map[string][]roq.UserInviteInput{
		"":                            nil,
		" \r\n\t,;, \n":               nil,
		"a@x.org":                     email("a@x.org"),
		"a@x.org, b@x.org;c@x.org":    email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org\nb@x.org\r\nc@x.org": email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org b@x.org\tc@x.org":    email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org, A@X.org\na@x.org":   email("a@x.org"),
		"<a@x.org>":                   email("a@x.org"),
		"Ann <ann@x.org>":             named("Ann", "", "ann@x.org"),
		"Ann Lee <ann@x.org>":         named("Ann", "Lee", "ann@x.org"),
		"Ann van Lee < ann@x.org >":   named("Ann van", "Lee", "ann@x.org"),
		`"Lee, Ann" <ann@x.org>`:      named("Ann", "Lee", "ann@x.org"),
		`'Ann Lee' <ann@x.org>`:       named("Ann", "Lee", "ann@x.org"),
		`"ann@x.org" <ann@x.org>`:     email("ann@x.org"),
		"Ann Lee<ann@x.org>":          named("Ann", "Lee", "ann@x.org"),
		"Ann  Lee\u00a0<ann@x.org>":   named("Ann", "Lee", "ann@x.org"),
		"jürgen@x.org":                email("jürgen@x.org"),
		`"a;b" <a@x.org>; c@x.org`:    append(named("a;b", "", "a@x.org"), email("c@x.org")...),
		`"Ann <Lee>" <ann@x.org>`:     named("Ann", "<Lee>", "ann@x.org"),
		// Quotes, as Outlook and others put them around what they copy.
		"'a@x.org'": email("a@x.org"),
		`"a@x.org"`: email("a@x.org"),
		"“a@x.org”, ‘b@x.org’; „c@x.org“":       email("a@x.org", "b@x.org", "c@x.org"),
		"'a@x.org'; 'b@x.org'\n'c@x.org'":       email("a@x.org", "b@x.org", "c@x.org"),
		`'a@x.org' "b@x.org" “c@x.org”`:         email("a@x.org", "b@x.org", "c@x.org"),
		`"'a@x.org'"`:                           email("a@x.org"),
		"<'a@x.org'>":                           email("a@x.org"),
		"< ‘a@x.org’ >":                         email("a@x.org"),
		"'Ann Lee' <'ann@x.org'>":               named("Ann", "Lee", "ann@x.org"),
		"‘Ann Lee’ <ann@x.org>":                 named("Ann", "Lee", "ann@x.org"),
		"“Ann Lee” <ann@x.org>":                 named("Ann", "Lee", "ann@x.org"),
		`"'Ann Lee'" <ann@x.org>`:               named("Ann", "Lee", "ann@x.org"),
		"'Lee, Ann' <ann@x.org>; b@x.org":       append(named("Ann", "Lee", "ann@x.org"), email("b@x.org")...),
		"“Lee, Ann” <ann@x.org>, „Lee“ <l@x>":   append(named("Ann", "Lee", "ann@x.org"), named("Lee", "", "l@x")...),
		"'O'Lee, Ann'<ann@x.org>":               named("Ann", "O'Lee", "ann@x.org"),
		"'ann@x.org' <ann@x.org>":               email("ann@x.org"),
		"‘Ann@X.org’ <ann@x.org>":               email("ann@x.org"),
		`"'ann@x.org'" <'ann@x.org'>`:           email("ann@x.org"),
		"o'brien@x.org, 'o'brien@y.org'":        email("o'brien@x.org", "o'brien@y.org"),
		"Ann O'Brien <ann@x.org>":               named("Ann", "O'Brien", "ann@x.org"),
		"'t Hooft <a@x.org>; 'Bob' <b@x.org>":   append(named("'t", "Hooft", "a@x.org"), named("Bob", "", "b@x.org")...),
		"'a@x.org', 'Bob' <b@x.org>":            append(email("a@x.org"), named("Bob", "", "b@x.org")...),
		"Jess' <j@x.org>":                       named("Jess'", "", "j@x.org"),
		"‘a@x.org, b@x.org":                     email("‘a@x.org", "b@x.org"),
		"'a@x.org\nBob' <b@x.org>":              append(email("'a@x.org"), named("Bob'", "", "b@x.org")...),
		`"ann@y.org" <ann@x.org>`:               named("ann@y.org", "", "ann@x.org"),
		"Ann Lee <ann@x.org> Bob Ray <b@x.org>": append(named("Ann", "Lee", "ann@x.org"), named("Bob", "Ray", "b@x.org")...),
		"<a@x.org><b@x.org> <c@x.org>":          email("a@x.org", "b@x.org", "c@x.org"),
		// What is no address is still there.
		"Ann <ann@x.org> (Sales)":          append(named("Ann", "", "ann@x.org"), email("(Sales)")...),
		"''":                               email("''"),
		"'nobody'":                         email("'nobody'"),
		"'Ann' and 'Bob'":                  email("'Ann' and 'Bob'"),
		"<''>":                             email("''"),
		"'<a@x.org>'":                      email("'<a@x.org>", "'"),
		`"<a@x.org>"`:                      email(`"<a@x.org>"`),
		"nobody":                           email("nobody"),
		"Ann ann@x.org":                    email("Ann ann@x.org"),
		"Ann <ann@x.org":                   email("Ann <ann@x.org"),
		"Ann <>":                           email("Ann <>"),
		"Lee, Ann <ann@x.org>":             append(email("Lee"), named("Ann", "", "ann@x.org")...),
		"\"never closed, a@x.org\nb@x.org": email(`"never closed, a@x.org`, "b@x.org"),
		"<never closed, a@x.org\nb@x.org":  email("<never closed, a@x.org", "b@x.org"),
	} {
		if diff := cmp.Diff(want, roq.ParseUserInvites(text)); diff != "" {
			t.Errorf("ParseUserInvites(%q) (-want +got):\n%s", text, diff)
		}
	}
}

// Validate says the same as SendUserInvites, before anything is sent.
func TestValidate(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	for name, in := range map[string]roq.UserInviteInput{
		"fine":       {Email: "a@x.org"},
		"empty":      {},
		"no address": {Email: "nobody"},
		"a name":     {Email: "Ann <ann@x.org>"},
		"no UTF-8":   {Email: "a@x.org", FirstName: "\xff", LastName: "\xff", Locale: "\xff", Roles: []string{"ok", "\xff"}},
		"an id":      {Email: "a@x.org", CreatedByUserID: "a b"},
		"variables":  {Email: "a@x.org", Variables: map[string]any{"f": func() {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := in.Validate()
			if (err == nil) != (name == "fine") || err != nil && (!errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent)) {
				t.Errorf("Validate() = %v", err)
			}
			if err == nil {
				return
			}
			_, sending := client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
			if got, want := err.Error(), strings.ReplaceAll(fmt.Sprint(sending), "UserInvites[0].", ""); got != want {
				t.Errorf("Validate says %q, SendUserInvites %q", got, want)
			}
		})
	}
}

// FuzzParseUserInvites takes any text: nobody is in the result twice or without
// an address, what is valid is found again when it is pasted again, and no word
// is lost.
func FuzzParseUserInvites(f *testing.F) {
	for _, text := range []string{"a@x.org, b@x.org", `"Lee, Ann" <ann@x.org>; <b@x.org>`, "a@x.org b@x.org\nnobody", "\"<,>\n<\"", "'a@x.org' <'a@x.org'>; “Lee, Ann” <b@x.org>'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		var valid []string
		var written strings.Builder
		for _, in := range roq.ParseUserInvites(text) {
			fmt.Fprintln(&written, in.Email, in.FirstName, in.LastName)
			if in.Email == "" || seen[in.Email] {
				t.Errorf("%q gives %+v", text, in)
			}
			seen[in.Email] = true
			if in.Validate() == nil {
				valid = append(valid, in.Email)
			}
		}
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			// An address that comes again may come in another case, and with another name.
			if !strings.Contains(strings.ToLower(written.String()), strings.ToLower(word)) && !strings.Contains(text, "<") {
				t.Errorf("%q is lost: %q gives %q", word, text, written.String())
			}
		}
		var again []string
		for _, in := range roq.ParseUserInvites(strings.Join(valid, ", ")) {
			again = append(again, in.Email)
		}
		if diff := cmp.Diff(valid, again); diff != "" {
			t.Errorf("pasted again (-first +second):\n%s", diff)
		}
	})
}
