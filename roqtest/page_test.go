package roqtest_test

import (
	"fmt"
	"testing"
)

// What ROQ's own page asks before it shows anything: whether its user may do what it
// offers, and texts in place of its own.
func TestPageQueries(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	_, answer := p.graphQL(token, `{ userAccess { access platform project __typename } }`, nil)
	for _, operation := range []string{"create", "read", "update", "delete"} {
		if at(answer, "data", "userAccess", "platform", "userInvite", operation) != true {
			t.Errorf("userAccess = %v, want that everybody may %s invites", answer, operation)
		}
	}
	if _, answer := p.graphQL("", `{ userAccess { platform } }`, nil); refusal(answer) != "INVALID_AUTH_HEADER 401" {
		t.Errorf("userAccess without a token: %v", answer)
	}
	for arguments, want := range map[[2]string]string{
		{``, ``}: "[map[locale:en-US value:Invitations] map[locale:de-DE value:Einladungen]]",
		{`(searchTerm: "roq-ui.")`, `(filter: {locale: {valueIn: ["de-DE"]}})`}:          "[map[locale:de-DE value:Einladungen]]",
		{`(searchTerm: "roq-ui.")`, `(filter: {locale: {valueIn: ["fr-FR", "en-US"]}})`}: "[map[locale:fr-FR value:Invitations] map[locale:en-US value:Invitations]]",
		{`(searchTerm: "roq-ui.")`, `(filter: {locale: {equalTo: "en-US"}})`}:            "[map[locale:en-US value:Invitations]]",
		{`(searchTerm: "other")`, ``}: "",
	} {
		_, answer := p.graphQL(token, `{ translationKeys`+arguments[0]+` { totalCount data { key translations`+arguments[1]+` { totalCount data { locale value } } } } }`, nil)
		got := ""
		for _, row := range at(answer, "data", "translationKeys", "data").([]any) {
			got += fmt.Sprint(at(row, "translations", "data"))
		}
		if got != want {
			t.Errorf("translationKeys%s = %s, want %s", arguments, got, want)
		}
	}
}
