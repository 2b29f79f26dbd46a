package roqtest

import "strings"

// The models of what ROQ's own page asks besides invites, roles and tenants.
type (
	accessModel      struct{ Access, Platform, Project jsonObject }
	translationModel struct{ Locale, Value string }

	translationPageModel struct {
		Data       []*translationModel
		TotalCount int32
	}
	translationKeyModel     struct{ Key string }
	translationKeyPageModel struct {
		Data       []*translationKeyModel
		TotalCount int32
	}
	translationsArgs struct {
		Filter *struct{ Locale *stringFilter }
	}
	translationKeysArgs struct{ SearchTerm *string }
)

// UserAccess resolves Query.userAccess: everybody may do everything with invites, which
// is our reading of permissions (see the package documentation). The names of the
// resource and of its operations are those that npm @roq/ui-react 1.0.13 looks for; what
// access holds is not published.
func (r *resolver) UserAccess() *accessModel {
	return &accessModel{
		Access:   jsonObject{[]byte(`{}`)},
		Platform: jsonObject{[]byte(`{"userInvite":{"create":true,"read":true,"update":true,"delete":true}}`)},
		Project:  jsonObject{[]byte(`{}`)},
	}
}

// pageTitle is the key of the only text that has a translation here. The page has all
// texts in its package, but if it gets none in its locale, it asks again and again.
const pageTitle = "roq-ui.auth.user-invites.title"

// TranslationKeys resolves Query.translationKeys. That the search term is any part of
// the key is our reading.
func (r *resolver) TranslationKeys(args translationKeysArgs) *translationKeyPageModel {
	page := &translationKeyPageModel{Data: []*translationKeyModel{}}
	if strings.Contains(pageTitle, deref(args.SearchTerm)) {
		page.Data, page.TotalCount = append(page.Data, &translationKeyModel{pageTitle}), 1
	}
	return page
}

// Translations resolves TranslationKeyModel.translations. The two locales are those that
// the page has texts in; the text is English in every other one that is asked for.
func (*translationKeyModel) Translations(args translationsArgs) *translationPageModel {
	locales, asked := []string{"en-US", "de-DE"}, (*stringFilter)(nil)
	if args.Filter != nil {
		asked = args.Filter.Locale
	}
	if asked != nil && asked.ValueIn != nil {
		locales = *asked.ValueIn
	}
	page := &translationPageModel{Data: []*translationModel{}}
	for _, locale := range locales {
		if !asked.matches(locale) {
			continue
		}
		text := "Invitations"
		if strings.HasPrefix(locale, "de") {
			text = "Einladungen"
		}
		page.Data = append(page.Data, &translationModel{locale, text})
	}
	page.TotalCount = int32(len(page.Data))
	return page
}
