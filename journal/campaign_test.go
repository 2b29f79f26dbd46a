package journal_test

import (
	"bytes"
	"errors"
	"iter"
	"net/http"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// run sends a campaign to three people, of whom one is refused, and returns what
// became of them.
func run(t *testing.T, srv *roqtest.Server, ann roqtest.User, file *journal.File) []roq.SendOutcome {
	t.Helper()
	client, err := roq.New(srv.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	in := roq.SendAllUserInvitesInput{TenantID: ann.TenantID, Campaign: "spring", UserInvites: func(yield func(roq.UserInviteInput, error) bool) {
		for _, email := range []string{"Bob@acme.example", ann.Email, "eve@acme.example"} {
			if !yield(roq.UserInviteInput{Email: email, FirstName: "Hidden", LastName: "Hidden"}, nil) {
				return
			}
		}
	}}
	var outcomes []roq.SendOutcome
	for o, err := range client.AsUser(ann.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(file)) {
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// Whoever finds the file does not learn whom it is about, and who has it goes on
// with what it says: also with what the platform said.
func TestNoAddressInTheFile(t *testing.T) {
	t.Parallel()
	srv := roqtest.NewServer()
	defer srv.Close()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Status: http.StatusInternalServerError})
	file := open(t, path(t))
	before := run(t, srv, ann, file)
	if after := run(t, srv, ann, file); len(before) != 3 || len(after) != 3 {
		t.Errorf("%d and %d outcomes, want 3", len(before), len(after))
	} else {
		for i := range after {
			b, a := before[i], after[i]
			if a.Status != b.Status || a.InviteID != b.InviteID || !errors.Is(a.Err, b.Err) {
				t.Errorf("the second run says %q, %q, %v of input %d; the first said %q, %q, %v", a.Status, a.InviteID, a.Err, i, b.Status, b.InviteID, b.Err)
			}
		}
	}
	if n := len(srv.Outbox()); n != 2 {
		t.Errorf("%d e-mails, want 2", n)
	}
	kept := bytes.ToLower(content(t, file))
	for _, word := range []string{"@", "acme", "bob", "hidden", ann.TenantID, ann.ID} {
		if bytes.Contains(kept, []byte(word)) {
			t.Errorf("the journal has %q in it: %s", word, kept)
		}
	}
}

// One File serves one stream, also if a second one belongs to another Client.
func TestTwoClients(t *testing.T) {
	t.Parallel()
	srv := roqtest.NewServer()
	defer srv.Close()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
	file := open(t, path(t))
	in := roq.SendAllUserInvitesInput{TenantID: ann.TenantID, UserInvites: func(yield func(roq.UserInviteInput, error) bool) {
		_ = yield(roq.UserInviteInput{Email: "bob@acme.example"}, nil) && yield(roq.UserInviteInput{Email: "eve@acme.example"}, nil)
	}}
	stream := func() iter.Seq2[roq.SendOutcome, error] {
		client, err := roq.New(srv.Config())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		return client.AsUser(ann.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(file))
	}
	for o, err := range stream() {
		if o.Status != roq.OutcomeSent || err != nil {
			t.Errorf("the first stream: %s, %v; want sent", o.Status, err)
		}
		for o, err := range stream() {
			if !errors.Is(err, journal.ErrInUse) || !errors.Is(err, roq.ErrNotSent) {
				t.Errorf("the second stream: %+v, %v; want ErrInUse and ErrNotSent", o, err)
			}
		}
	}
	for o, err := range stream() {
		if o.Status != roq.OutcomeSent || err != nil {
			t.Errorf("a stream afterwards: %s, %v; want sent", o.Status, err)
		}
	}
	if n := len(srv.Outbox()); n != 2 {
		t.Errorf("%d e-mails, want 2", n)
	}
}
