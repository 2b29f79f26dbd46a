package roqtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// Every filter operator, order, search and paging.
func TestList(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	ids := p.invite(token, "anna@x.org", "Bert@x.org", "carl_1@y.org", "dora@y.org")
	if _, err := p.Accept(p.Outbox()[1].Token); err != nil {
		t.Fatal(err)
	}
	accepted := p.Invites()[1]
	list := func(args string) string {
		_, answer := p.graphQL(token, `{ userInvites(`+args+`) { totalCount data { email } } }`, nil)
		var emails []string
		data, _ := at(answer, "data", "userInvites", "data").([]any)
		for _, one := range data {
			emails = append(emails, at(one, "email").(string)[:1])
		}
		if at(answer, "errors") != nil {
			return refusal(answer)
		}
		return fmt.Sprintf("%s of %v", strings.Join(emails, ""), at(answer, "data", "userInvites", "totalCount"))
	}
	for args, want := range map[string]string{
		`limit: 10`:           "aBcd of 4",
		`limit: 2`:            "aB of 4",
		`limit: 2, offset: 3`: "d of 4",
		`offset: 9`:           " of 4",
		`limit: 0`:            " of 4",
		`limit: -1`:           "BAD_USER_INPUT 400",
		`filter: {}`:          "aBcd of 4",
		`filter: {email: {}}`: "aBcd of 4",
		`filter: null`:        "aBcd of 4",
		`filter: {email: {equalTo: "anna@x.org"}}`:                                      "a of 1",
		`filter: {email: {equalTo: "ANNA@x.org"}}`:                                      " of 0",
		`filter: {email: {notEqualTo: "anna@x.org"}}`:                                   "Bcd of 3",
		`filter: {email: {valueIn: ["anna@x.org", "dora@y.org"]}}`:                      "ad of 2",
		`filter: {email: {valueIn: []}}`:                                                " of 0",
		`filter: {email: {valueNotIn: ["anna@x.org"]}}`:                                 "Bcd of 3",
		`filter: {email: {like: "%@x.org"}}`:                                            "aB of 2",
		`filter: {email: {like: "b%"}}`:                                                 " of 0",
		`filter: {email: {iLike: "b%"}}`:                                                "B of 1",
		`filter: {email: {like: "carl_1%"}}`:                                            "c of 1",
		`filter: {email: {like: "carl\\_1%"}}`:                                          "c of 1",
		`filter: {email: {like: "ann_@x.org"}}`:                                         "a of 1",
		`filter: {email: {like: "ann\\_@x.org"}}`:                                       " of 0",
		`filter: {email: {like: "%a%", notEqualTo: "anna@x.org"}}`:                      "cd of 2",
		`filter: {status: {equalTo: "accepted"}}`:                                       "B of 1",
		`filter: {status: {valueIn: ["pending", "accepted"]}}`:                          "aBcd of 4",
		`filter: {firstName: {equalTo: "First2"}}`:                                      "c of 1",
		`filter: {lastName: {equalTo: ""}}`:                                             " of 0", // null is not equal either
		`filter: {lastName: {notEqualTo: "x"}}`:                                         " of 0",
		`filter: {locale: {equalTo: "de-DE"}}`:                                          " of 0",
		`filter: {locale: {notEqualTo: "de-DE"}}`:                                       "aBcd of 4",
		`filter: {id: {equalTo: "` + strings.ToUpper(ids[3]) + `"}}`:                    "d of 1",
		`filter: {id: {equalTo: "urn:uuid:` + ids[3] + `"}}`:                            "BAD_USER_INPUT 400",
		`filter: {acceptedByUserId: {valueNotIn: []}}`:                                  "aBcd of 4",
		`filter: {email: {like: "` + strings.Repeat("%a", 40) + `%z"}}`:                 " of 0", // at once, too
		`filter: {id: {equalTo: "` + ids[3] + `"}}`:                                     "d of 1",
		`filter: {id: {notEqualTo: "` + ids[3] + `"}}`:                                  "aBc of 3",
		`filter: {id: {valueIn: ["` + ids[3] + `", "` + ids[0] + `"]}}`:                 "ad of 2",
		`filter: {id: {valueNotIn: ["` + ids[3] + `"]}}`:                                "aBc of 3",
		`filter: {id: {equalTo: "nope"}}`:                                               "BAD_USER_INPUT 400",
		`filter: {id: {valueIn: ["nope"]}}`:                                             "BAD_USER_INPUT 400",
		`filter: {tenantId: {equalTo: "` + p.tenant + `"}}`:                             "aBcd of 4",
		`filter: {createdByUserId: {equalTo: "` + p.ann.ID + `"}}`:                      "aBcd of 4",
		`filter: {userTokenId: {equalTo: "` + accepted.UserTokenID + `"}}`:              "B of 1",
		`filter: {acceptedByUserId: {equalTo: "` + accepted.AcceptedByUserID + `"}}`:    "B of 1",
		`filter: {acceptedByUserId: {notEqualTo: "` + accepted.AcceptedByUserID + `"}}`: " of 0", // null is not unequal, in SQL
		`filter: {acceptedByUserId: {}}`:                                                "aBcd of 4",
		`order: {sort: email, order: ASC}`:                                              "Bacd of 4",
		`order: {sort: email, order: DESC}`:                                             "dcaB of 4",
		`order: {sort: status, order: ASC}`:                                             "Bacd of 4",
		`order: {sort: firstName, order: DESC}`:                                         "dcBa of 4",
		`order: {sort: locale, order: ASC}`:                                             "aBcd of 4",
		`order: {sort: lastName, order: ASC}`:                                           "aBcd of 4",
		`order: {sort: data, order: ASC}`:                                               "aBcd of 4",
		`search: {key: firstName, value: "first1"}`:                                     "B of 1",
		`search: {key: locale, value: "US"}`:                                            "aBcd of 4",
		`search: {key: lastName, value: "x"}`:                                           " of 0",
		`search: {key: firstName, value: "1"}, filter: {email: {like: "a%"}}`:           " of 0",
		`search: {key: locale, value: "en"}, limit: 1, offset: 1`:                       "B of 4",
	} {
		if got := list(args); got != want {
			t.Errorf("%s = %s, want %s", args, got, want)
		}
	}
}

func TestListByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := roqtest.NewHandler()
		tenant := srv.AddTenant("Acme")
		ann := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example"})
		p := inBubble(t, srv).AsUser(ann.ID)
		for _, email := range []string{"a@x.org", "b@x.org", "c@x.org"} {
			if _, err := p.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenant, UserInvites: []roq.UserInviteInput{{Email: email}}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		}
		if _, err := srv.Accept(srv.Outbox()[0].Token); err != nil {
			t.Fatal(err)
		}
		for want, order := range map[string]roq.UserInviteOrder{
			"abc": {Sort: roq.SortCreatedAt, Order: roq.Ascending}, "cba": {Sort: roq.SortCreatedAt, Order: roq.Descending},
			"bca": {Sort: roq.SortUpdatedAt, Order: roq.Ascending}, "acb": {Sort: roq.SortUpdatedAt, Order: roq.Descending},
		} {
			page, err := p.UserInvites(t.Context(), roq.UserInvitesQuery{Order: &order})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, i := range page.Data {
				got += i.Email[:1]
			}
			if got != want {
				t.Errorf("%v = %s, want %s", order, got, want)
			}
		}
	})
}

// Of invites made in the same moment the later one is the newer one.
func TestNewestFirst(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	for i := range 30 {
		newest := fmt.Sprintf("p%d@x.org", i)
		p.invite(token, newest)
		_, answer := p.graphQL(token, `{ userInvites(limit: 1, order: {sort: createdAt, order: DESC}) { data { email } } }`, nil)
		if got := at(answer, "data", "userInvites", "data", 0, "email"); got != newest {
			t.Fatalf("the newest is %v, want %s", got, newest)
		}
	}
}

// What is null in the answer is null in a filter.
func TestNulls(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	p.graphQL(token, `mutation($data: UserInvitesCreateV2Dto!) { sendUserInvitesV2(data: $data) { success { id } } }`,
		map[string]any{"data": map[string]any{"tenantId": p.tenant, "userInvites": []any{map[string]any{"createdByUserId": p.ann.ID, "email": "a@x.org"}}}})
	for _, field := range []string{"locale", "firstName", "lastName"} {
		for filter, want := range map[string]float64{`{}`: 1, `{notEqualTo: "en"}`: 0, `{like: "%"}`: 0, `{valueNotIn: ["en"]}`: 0, `{equalTo: ""}`: 0, `{valueNotIn: []}`: 1} {
			_, answer := p.graphQL(token, `{ userInvites(filter: {`+field+`: `+filter+`}) { totalCount data { `+field+` } } }`, nil)
			if got := at(answer, "data", "userInvites", "totalCount"); got != want {
				t.Errorf("%s: %s = %v, want %v", field, filter, got, want)
			}
			if rows, _ := at(answer, "data", "userInvites", "data").([]any); len(rows) == 1 && at(rows[0], field) != nil {
				t.Errorf("%s is %v, want null", field, at(rows[0], field))
			}
		}
	}
}
