package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// mixed are inputs of every kind that WithSkipInvalid tells apart.
func mixed() []roq.UserInviteInput {
	return []roq.UserInviteInput{
		{Email: "Bob <bob@example.com>"},
		{Email: "jane@example.com", Roles: []string{""}},
		{Email: "jane@example.com"},
		{Email: "ann@acme.example"}, // a user already
		{Email: "JANE@example.com", FirstName: "Jane", LastName: "Two"},
		{Email: "eve@example.com"},
		{Email: "joe@example.com", Locale: "en\nUS", FirstName: "\x00"},
	}
}

// Whatever is valid is sent; the rest comes back with its place and its findings.
func TestSkipInvalid(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: mixed()}
	sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in, roq.WithSkipInvalid())
	if err != nil {
		t.Fatalf("SendUserInvites = %v, want no error of the call", err)
	}
	if diff := cmp.Diff(map[string][]string{
		"success": {"jane@example.com", "eve@example.com"},
		"errors":  {"Bob <bob@example.com>", "jane@example.com", "ann@acme.example", "JANE@example.com", "joe@example.com"},
	}, account(sent)); diff != "" {
		t.Errorf("the lists (-want +got):\n%s", diff)
	}
	if len(b.Outbox()) != 2 {
		t.Errorf("%d e-mails, want 2", len(b.Outbox()))
	}
	type refusal struct {
		Index            int
		Own              bool
		Message, Finding string
	}
	var got []refusal
	for _, e := range sent.Errors {
		r := refusal{Index: e.Index, Message: e.Message, Own: errors.Is(e, roq.ErrInvalidInput) && errors.Is(e, roq.ErrNotSent)}
		if wrong := (*roq.Error)(nil); errors.As(e, &wrong) {
			for _, f := range wrong.Findings {
				r.Finding += f.String() + ";"
			}
		}
		got = append(got, r)
	}
	if diff := cmp.Diff([]refusal{
		{0, true, "Email: must be one e-mail address without a name, quotes or spaces", "UserInvites[0].Email: must be one e-mail address without a name, quotes or spaces;"},
		{1, true, "Roles[0]: must not be empty", "UserInvites[1].Roles[0]: must not be empty;"},
		{3, false, "the tenant has a user with this email", ""},
		{4, true, "Email: must not be the address of UserInvites[2]", "UserInvites[4].Email: must not be the address of UserInvites[2];"},
		{6, true, got[4].Message, got[4].Finding},
	}, got); diff != "" {
		t.Errorf("the errors (-want +got):\n%s", diff)
	}
	if last := got[4]; !strings.Contains(last.Finding, "[6].Locale: ") || !strings.Contains(last.Finding, "[6].FirstName: ") || !strings.Contains(last.Message, "; FirstName: ") {
		t.Errorf("the last is %+v, want a finding for each field", last)
	}
	if e := sent.Errors[3]; e.FirstName != "Jane" || e.LastName != "Two" {
		t.Errorf("the names are %q %q, want the input's", e.FirstName, e.LastName)
	}
	for _, kind := range []error{roq.ErrInvalidInput, roq.ErrAlreadyExists, roq.ErrNotSent} {
		if !errors.Is(sent.Err(), kind) {
			t.Errorf("Err() = %v, want it to match %v", sent.Err(), kind)
		}
	}
	if text := fmt.Sprintf("%+v", sent.Err()); strings.Contains(text, "@example.com") {
		t.Errorf("Err() prints an address: %s", text)
	}
}

// Without the option one finding refuses the call, and what is wrong with the call
// refuses it with the option too.
func TestSkipInvalidIsAboutInputs(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	p := b.client.AsUser(b.user.ID)
	for name, row := range map[string]struct {
		in   roq.SendUserInvitesInput
		opts []roq.CallOption
		want string
	}{
		"without the option": {roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: mixed()}, nil, "UserInvites[0].Email: must be"},
		"no tenant":          {roq.SendUserInvitesInput{UserInvites: mixed()}, []roq.CallOption{roq.WithSkipInvalid()}, "sendUserInvites: TenantID: must not be empty; nothing"},
		"bad tenant":         {roq.SendUserInvitesInput{TenantID: "a b", UserInvites: mixed()}, []roq.CallOption{roq.WithSkipInvalid()}, "TenantID: must be printable ASCII without spaces; nothing"},
		"nobody":             {roq.SendUserInvitesInput{TenantID: b.tenant}, []roq.CallOption{roq.WithSkipInvalid()}, "UserInvites: must have from 1 to 100000 invites; nothing"},
	} {
		sent, err := p.SendUserInvites(t.Context(), row.in, row.opts...)
		if sent != nil || !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(fmt.Sprint(err), row.want) {
			t.Errorf("%s: %v, %v; want %q", name, sent, err, row.want)
		}
	}
	if n := len(b.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// If no input is valid, nothing is sent, and the result says it all.
func TestSkipInvalidWithNobodyLeft(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "x"}, {}, {Email: "x"}}}
	sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in, roq.WithSkipInvalid())
	if err != nil || len(sent.Errors) != 3 || sent.Success != nil || sent.Unknown != nil || sent.NotSent != nil || !errors.Is(sent.Err(), roq.ErrInvalidInput) {
		t.Errorf("%v, %v; want three errors", account(sent), err)
	}
	if n := len(b.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	// An identity without a user refuses each input that names none.
	in.UserInvites = []roq.UserInviteInput{{Email: "a@example.com"}, {Email: "b@example.com", CreatedByUserID: b.user.ID}}
	sent, err = b.client.AsSuperAdmin().SendUserInvites(t.Context(), in, roq.WithSkipInvalid())
	if err != nil || len(sent.Success) != 1 || len(sent.Errors) != 1 || sent.Errors[0].Message != "CreatedByUserID: must not be empty" {
		t.Errorf("%v, %v; want one sent", sent, err)
	}
}

// What a call returns is what a stream yields for the same inputs.
func TestOutcomesAreThoseOfAStream(t *testing.T) {
	t.Parallel()
	outcomes := func(send func(*roq.RoqPlatform, string) []roq.SendOutcome) []string {
		b := newBackend(t)
		var all []string
		for _, o := range send(b.client.AsUser(b.user.ID), b.tenant) {
			text := fmt.Sprintf("%d %s %s %T %v", o.Index, o.Input.Email, o.Status, o.Err, o.Err)
			if o.Invite != nil {
				text += fmt.Sprint(" ", o.Invite.Email, o.Invite.ID == o.InviteID)
			}
			all = append(all, strings.ReplaceAll(strings.ReplaceAll(text, "the address of UserInvites[2]", "the first's"), "the address of input 2", "the first's"))
		}
		slices.Sort(all) // a stream yields them as they are known
		return all
	}
	call := outcomes(func(p *roq.RoqPlatform, tenant string) []roq.SendOutcome {
		sent, err := p.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenant, UserInvites: mixed()}, roq.WithSkipInvalid())
		if err != nil {
			t.Error(err)
		}
		all := sent.Outcomes()
		if !slices.IsSortedFunc(all, func(a, b roq.SendOutcome) int { return a.Index - b.Index }) {
			t.Error("the outcomes are not in the order of the inputs")
		}
		return all
	})
	stream := outcomes(func(p *roq.RoqPlatform, tenant string) (all []roq.SendOutcome) {
		in := roq.SendAllUserInvitesInput{TenantID: tenant, UserInvites: roq.InputsOf(slices.Values(mixed()))}
		for o, err := range p.SendAllUserInvites(t.Context(), in, roq.WithSkipInvalid()) {
			if err != nil {
				t.Error(err)
			}
			all = append(all, o)
		}
		return all
	})
	if diff := cmp.Diff(stream, call); diff != "" {
		t.Errorf("the outcomes (-stream +call):\n%s", diff)
	}
	if len(call) != len(mixed()) {
		t.Errorf("%d outcomes of %d inputs", len(call), len(mixed()))
	}
}

// Settling changes the outcomes of those that it finds, in the order of the inputs,
// around those that were skipped; another copy of the result stays as it was.
func TestOutcomesAfterSettling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithBatchSize(2), roq.WithSettleTimeout(0))
		b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response { return instead(502, "")(resp) })
		in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: mixed()}
		p := b.client.AsUser(b.user.ID)
		sent, err := p.SendUserInvites(t.Context(), in, roq.WithSkipInvalid())
		if !errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Fatalf("%v, %v; want unknown ones", account(sent), err)
		}
		statuses := func(r *roq.SendUserInvitesResult) (all []roq.OutcomeStatus) {
			for i, o := range r.Outcomes() {
				all = append(all, o.Status)
				if o.Index != i || o.Input.Email != in.UserInvites[i].Email || (o.Err == nil) != (o.Status == roq.OutcomeSent) {
					t.Errorf("outcome %d is %+v", i, o)
				}
				if errors.Is(o.Err, roq.ErrOutcomeUnknown) != (o.Status == roq.OutcomeUnknown) {
					t.Errorf("outcome %d is %s, with %v", i, o.Status, o.Err)
				}
			}
			return all
		}
		before := []roq.OutcomeStatus{"refused", "refused", "unknown", "unknown", "duplicate", "not sent", "refused"}
		if got := statuses(sent); !slices.Equal(got, before) {
			t.Fatalf("before settling: %v", got)
		}
		if err := sent.Outcomes()[5].Err; !errors.Is(err, roq.ErrNotSent) || !strings.HasSuffix(err.Error(), "; nothing was sent") {
			t.Errorf("of what was not sent: %v", err)
		}
		old := *sent
		sent.Errors = nil     // not needed for settling
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		err = p.SettleUserInvites(t.Context(), sent, roq.WithSettleTimeout(time.Second))
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(sent.Success) != 1 || sent.Success[0].Email != "jane@example.com" {
			t.Fatalf("settling: %v, %v; want Jane found and Ann not", account(sent), err)
		}
		if got := sent.Outcomes(); got != nil {
			t.Errorf("Outcomes of a changed result = %v, want nil", got)
		}
		sent.Errors = old.Errors
		after := slices.Clone(before)
		after[2] = roq.OutcomeSent
		if got := statuses(sent); !slices.Equal(got, after) {
			t.Errorf("after settling: %v, want %v", got, after)
		}
		if got := statuses(&old); !slices.Equal(got, before) {
			t.Errorf("the copy: %v, want %v", got, before)
		}
	})
}

// Results that no call made have no outcomes, and nothing in one is the caller's.
func TestOutcomesAreTheirOwn(t *testing.T) {
	t.Parallel()
	var none *roq.SendUserInvitesResult
	made := &roq.SendUserInvitesResult{Success: make([]roq.UserInvite, 1)}
	if none.Outcomes() != nil || made.Outcomes() != nil || new(roq.SendUserInvitesResult).Outcomes() != nil {
		t.Error("a result made by hand has outcomes")
	}
	b := newBackend(t)
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}}}
	sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	first := sent.Outcomes()
	in.UserInvites[0].Email, first[0].Invite.Email = "changed", "changed"
	if again := sent.Outcomes(); again[0].Input.Email != "bob@example.com" || again[0].Invite.Email != "bob@example.com" || sent.Success[0].Email != "bob@example.com" {
		t.Errorf("the outcome is now of %s, %s", again[0].Input.Email, again[0].Invite.Email)
	}
}

// A result prints nobody who was refused, whatever the verb.
func TestResultsHideWhoWasRefused(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.AddUser(roqtest.User{TenantID: b.tenant, Email: "canary@acme.example"})
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{
		{Email: "canary@acme.example"}, {Email: "canary <canary@acme.example>"}, {Email: "CANARY@acme.example"},
	}}
	sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in, roq.WithSkipInvalid())
	if err != nil || len(sent.Errors) != 3 {
		t.Fatalf("%v, %v", sent, err)
	}
	noCanary(t, "value", *sent)
	noCanary(t, "errors", sent.Errors)
	noCanary(t, "Err()", sent.Err())
}

// errors.As finds a refusal in both forms, whichever it is held in.
func TestRefusalsAreFoundInBothForms(t *testing.T) {
	t.Parallel()
	refused := roq.UserInviteError{Index: 3, Code: "USER_ALREADY_INVITED", Message: "no"}
	for name, err := range map[string]error{
		"value": refused, "pointer": &refused,
		"wrapped value": fmt.Errorf("x: %w", refused), "wrapped pointer": fmt.Errorf("x: %w", &refused),
		"result": (&roq.SendUserInvitesResult{Errors: []roq.UserInviteError{refused}}).Err(),
	} {
		var value roq.UserInviteError
		if !errors.As(err, &value) || value != refused {
			t.Errorf("%s: errors.As with a value = %+v", name, value)
		}
		var pointer *roq.UserInviteError
		if !errors.As(err, &pointer) || *pointer != refused {
			t.Errorf("%s: errors.As with a pointer = %+v", name, pointer)
		}
		if own := (*roq.Error)(nil); errors.As(err, &own) || errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrAlreadyInvited) {
			t.Errorf("%s: it matches what it is not: %v", name, own)
		}
	}
	if text, err := json.Marshal(refused); err != nil || string(text) != `{"Code":"USER_ALREADY_INVITED","Message":"no"}` {
		t.Errorf("it marshals as %s, %v", text, err)
	}
}

// A stream's refusals have their place in the stream.
func TestStreamRefusalsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	in := roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: roq.InputsOf(slices.Values([]roq.UserInviteInput{{Email: "bob@example.com"}, {Email: b.user.Email}}))}
	for o, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in) {
		if err != nil {
			t.Fatal(err)
		}
		if refused := (roq.UserInviteError{}); errors.As(o.Err, &refused) && refused.Index != 1 {
			t.Errorf("the refusal's Index is %d, want 1", refused.Index)
		}
	}
}

// InputsOf passes inputs on until the loop is left, and makes no stream of nothing.
func TestInputsOf(t *testing.T) {
	t.Parallel()
	if roq.InputsOf(nil) != nil {
		t.Error("InputsOf(nil) is not nil")
	}
	b := newBackend(t)
	for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: roq.InputsOf(nil)}) {
		if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites: must not be nil") {
			t.Errorf("a stream of nil: %v", err)
		}
	}
	taken := 0
	source := func(yield func(roq.UserInviteInput) bool) {
		for yield(roq.UserInviteInput{Email: fmt.Sprint(taken)}) {
			taken++
		}
	}
	for in, err := range roq.InputsOf(source) {
		if err != nil || in.Email != fmt.Sprint(taken) {
			t.Errorf("input %d is %q, %v", taken, in.Email, err)
		}
		if taken == 2 {
			break
		}
	}
	if taken != 2 {
		t.Errorf("%d were taken after the loop was left", taken)
	}
}

// A refusal of the platform, the skipped and the unsent keep the order of the input,
// over several batches.
func TestSkipInvalidKeepsTheOrder(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	client := newClient(t, b.Config(), roq.WithBatchSize(3), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
	b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 2, Status: 429})
	in := roq.SendUserInvitesInput{TenantID: b.tenant}
	want := map[string][]string{}
	for i := range 20 {
		one := roq.UserInviteInput{Email: fmt.Sprintf("person%d@example.com", i)}
		list := "success"
		switch {
		case i%3 == 0:
			one.Email, list = fmt.Sprint("person", i), "errors"
		case i == 4:
			one.Email, list = b.user.Email, "errors"
		case i > 9: // seven valid ones came before
			list = "not sent"
		}
		want[list] = append(want[list], one.Email)
		in.UserInvites = append(in.UserInvites, one)
	}
	sent, err := client.AsUser(b.user.ID).SendUserInvites(context.Background(), in, roq.WithSkipInvalid())
	if !errors.Is(err, roq.ErrRateLimited) {
		t.Fatalf("SendUserInvites = %v", err)
	}
	if diff := cmp.Diff(want, account(sent)); diff != "" {
		t.Errorf("the lists (-want +got):\n%s", diff)
	}
	for i, o := range sent.Outcomes() {
		if o.Index != i || o.Input.Email != in.UserInvites[i].Email || o.Status == roq.OutcomeSent && o.Invite.Email != o.Input.Email {
			t.Errorf("outcome %d is %+v", i, o)
		}
	}
}
