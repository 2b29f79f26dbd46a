package roq_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// batchKeeper keeps the state of a batch, as a queue does.
type batchKeeper struct {
	sent     [][]int                   // the places in each request
	settled  map[int]roq.OutcomeStatus // by place
	order    []string                  // "send 3", "settle 2"
	refuse   func(request int) error   // of BeforeSend
	fail     error                     // of Settled
	repeated bool                      // whether an outcome came twice
	expired  bool                      // whether the context of Settled had ended
}

func (k *batchKeeper) batch(tenantID string, inputs ...roq.UserInviteInput) roq.UserInviteBatch {
	k.settled = map[int]roq.OutcomeStatus{}
	return roq.UserInviteBatch{
		TenantID: tenantID, UserInvites: inputs,
		BeforeSend: func(_ context.Context, invites []int) error {
			if k.refuse != nil {
				if err := k.refuse(len(k.sent) + 1); err != nil {
					return err
				}
			}
			k.sent = append(k.sent, slices.Clone(invites))
			k.order = append(k.order, fmt.Sprint("send ", len(invites)))
			return nil
		},
		Settled: func(ctx context.Context, outcomes []roq.SendOutcome) error {
			k.expired = k.expired || ctx.Err() != nil
			for _, o := range outcomes {
				_, before := k.settled[o.Index]
				k.repeated = k.repeated || before
				k.settled[o.Index] = o.Status
			}
			k.order = append(k.order, fmt.Sprint("settle ", len(outcomes)))
			return k.fail
		},
	}
}

// emails makes inputs of addresses.
func emails(addresses ...string) []roq.UserInviteInput {
	inputs := make([]roq.UserInviteInput, len(addresses))
	for i, address := range addresses {
		inputs[i].Email = address
	}
	return inputs
}

// keptStatuses are the statuses of outcomes, and what is wrong with the list as a whole.
func keptStatuses(t *testing.T, k *batchKeeper, outcomes []roq.SendOutcome) []roq.OutcomeStatus {
	t.Helper()
	list := make([]roq.OutcomeStatus, len(outcomes))
	for i, o := range outcomes {
		list[i] = o.Status
		if o.Index != i || (o.Status == roq.OutcomeSent) != (o.Err == nil) || (o.Status == roq.OutcomeSent) != (o.InviteID != "") || k.settled[i] != o.Status {
			t.Errorf("outcome %d is %+v (%v), and Settled has %q", i, o, o.Err, k.settled[i])
		}
		// What is wrong with one input says nothing about the others.
		if own := (*roq.Error)(nil); errors.As(o.Err, &own) && len(own.Findings) > 0 && o.Status != roq.OutcomeUnknown && !strings.HasSuffix(own.Error(), "; it was not sent") {
			t.Errorf("outcome %d is %v", i, own)
		}
	}
	if k.repeated || k.expired || len(k.settled) != len(outcomes) {
		t.Errorf("Settled has %d of %d outcomes, twice: %v, in a context that has ended: %v", len(k.settled), len(outcomes), k.repeated, k.expired)
	}
	return list
}

const (
	isSent, isRefused, isUnknown, isNotSent, isDuplicate = roq.OutcomeSent, roq.OutcomeRefused, roq.OutcomeUnknown, roq.OutcomeNotSent, roq.OutcomeDuplicate
)

// Every input of a batch has one outcome, whatever happens; Settled has it too.
func TestSendUserInviteBatch(t *testing.T) {
	t.Parallel()
	own := errors.New("somebody else has it")
	for name, row := range map[string]struct {
		inputs []roq.UserInviteInput
		opts   []roq.Option
		before func(t *testing.T, b *bubbled) // what an earlier worker did
		since  []time.Duration
		fault  roqtest.Fault
		refuse func(request int) error
		fail   error
		want   []roq.OutcomeStatus
		errs   []error
		order  []string
		mails  int
	}{
		"all sent": {inputs: emails("a@x.org", "b@x.org"), want: []roq.OutcomeStatus{isSent, isSent}, order: []string{"send 2", "settle 2"}, mails: 2},
		"in two requests": {inputs: emails("a@x.org", "b@x.org", "c@x.org"), opts: []roq.Option{roq.WithBatchSize(2)},
			want: []roq.OutcomeStatus{isSent, isSent, isSent}, order: []string{"send 2", "settle 2", "send 1", "settle 1"}, mails: 3},
		"odd inputs": {inputs: emails("a@x.org", "nobody", "A@x.org", "b@x.org", ""),
			want: []roq.OutcomeStatus{isSent, isRefused, isDuplicate, isSent, isRefused}, order: []string{"send 2", "settle 2", "settle 3"}, mails: 2},
		"none valid": {inputs: emails("nobody"), want: []roq.OutcomeStatus{isRefused}, order: []string{"settle 1"}},
		"invited already": {inputs: emails("a@x.org", "b@x.org"), before: func(t *testing.T, b *bubbled) { b.invite(t, "a@x.org") },
			want: []roq.OutcomeStatus{isRefused, isSent}, order: []string{"send 2", "settle 2"}, mails: 2},
		"the answer is lost": {inputs: emails("a@x.org", "b@x.org"), fault: roqtest.Fault{Drop: roqtest.DropAfter, Times: 1},
			want: []roq.OutcomeStatus{isSent, isSent}, order: []string{"send 2", "settle 2"}, mails: 2},
		"the request is lost": {inputs: emails("a@x.org", "b@x.org"), fault: roqtest.Fault{Drop: roqtest.DropBefore, Times: 1},
			want: []roq.OutcomeStatus{isUnknown, isUnknown}, errs: []error{roq.ErrOutcomeUnknown}, order: []string{"send 2", "settle 2"}},
		"throttled": {inputs: emails("a@x.org"), fault: roqtest.Fault{Status: 429, Times: 1},
			want: []roq.OutcomeStatus{isSent}, order: []string{"send 1", "send 1", "settle 1"}, mails: 1},
		"too large": {inputs: emails("a@x.org", "b@x.org", "c@x.org"), fault: roqtest.Fault{Status: 413, Times: 1},
			want: []roq.OutcomeStatus{isSent, isSent, isSent}, order: []string{"send 3", "send 1", "settle 1", "send 1", "settle 1", "send 1", "settle 1"}, mails: 3},
		"forbidden": {inputs: emails("a@x.org"), fault: roqtest.Fault{Status: 403},
			want: []roq.OutcomeStatus{isNotSent}, errs: []error{roq.ErrForbidden}, order: []string{"send 1", "settle 1"}},
		"sent before": {inputs: emails("a@x.org", "b@x.org"), before: func(t *testing.T, b *bubbled) { b.invite(t, "a@x.org") }, since: []time.Duration{time.Minute},
			want: []roq.OutcomeStatus{isSent, isSent}, order: []string{"settle 1", "send 1", "settle 1"}, mails: 2},
		"sent before, in doubt": {inputs: emails("a@x.org", "b@x.org"), since: []time.Duration{time.Minute, -1},
			want: []roq.OutcomeStatus{isUnknown, isSent}, errs: []error{roq.ErrOutcomeUnknown}, mails: 1},
		"sent before, repeated": {inputs: emails("a@x.org", "b@x.org"), since: []time.Duration{time.Minute, time.Minute}, opts: []roq.Option{roq.WithRepeatUnknown()},
			before: func(t *testing.T, b *bubbled) { b.invite(t, "b@x.org") },
			want:   []roq.OutcomeStatus{isSent, isSent}, mails: 2},
		"sent before, not valid now": {inputs: emails("nobody", "b@x.org"), since: []time.Duration{time.Minute},
			want: []roq.OutcomeStatus{isUnknown, isSent}, errs: []error{roq.ErrOutcomeUnknown}, order: []string{"send 1", "settle 1", "settle 1"}, mails: 1},
		"taken by somebody else": {inputs: emails("a@x.org", "b@x.org"), refuse: func(int) error { return own },
			want: []roq.OutcomeStatus{isNotSent, isNotSent}, errs: []error{own, roq.ErrNotSent}, order: []string{"settle 2"}},
		"taken meanwhile": {inputs: emails("a@x.org", "b@x.org", "c@x.org"), opts: []roq.Option{roq.WithBatchSize(2)}, refuse: func(request int) error {
			if request == 2 {
				return own
			}
			return nil
		}, want: []roq.OutcomeStatus{isSent, isSent, isNotSent}, errs: []error{own}, order: []string{"send 2", "settle 2", "settle 1"}, mails: 2},
		"taken before it is repeated": {inputs: emails("a@x.org"), fault: roqtest.Fault{Status: 429, Times: 1}, refuse: func(request int) error {
			if request == 2 {
				return own
			}
			return nil
		}, want: []roq.OutcomeStatus{isNotSent}, errs: []error{own, roq.ErrNotSent}, order: []string{"send 1", "settle 1"}},
		"not kept": {inputs: emails("a@x.org", "b@x.org", "c@x.org"), opts: []roq.Option{roq.WithBatchSize(2)}, fail: own,
			want: []roq.OutcomeStatus{isSent, isSent, isNotSent}, errs: []error{own}, order: []string{"send 2", "settle 2", "settle 1"}, mails: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil, row.opts...)
				if row.before != nil {
					row.before(t, b)
					<-time.After(30 * time.Second)
				}
				if row.fault.Status+int(row.fault.Drop) > 0 {
					row.fault.Operation = "sendUserInvites"
					b.Inject(row.fault)
				}
				k := &batchKeeper{refuse: row.refuse, fail: row.fail}
				batch := k.batch(b.tenant, row.inputs...)
				batch.Since = row.since
				outcomes, err := b.client.AsUser(b.user.ID).SendUserInviteBatch(t.Context(), batch)
				if got := keptStatuses(t, k, outcomes); !slices.Equal(got, row.want) {
					t.Errorf("the outcomes are %q, want %q; %v", got, row.want, err)
				}
				if (err == nil) != (row.errs == nil) {
					t.Errorf("the error is %v", err)
				}
				for _, want := range row.errs {
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, want %v", err, want)
					}
				}
				if row.order != nil && !slices.Equal(k.order, row.order) {
					t.Errorf("the order is %q, want %q", k.order, row.order)
				}
				if n := len(b.Outbox()); n != row.mails {
					t.Errorf("%d were mailed, want %d", n, row.mails)
				}
			})
		})
	}
}

// invite invites somebody as an earlier worker did.
func (b *bubbled) invite(t *testing.T, address string) {
	t.Helper()
	sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: emails(address)})
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
}

// When the context ends, outcomes are kept all the same.
func TestSendUserInviteBatchInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithBatchSize(1))
		ctx, cancel := context.WithCancel(t.Context())
		b.meddle = on("sendUserInvites", 2, func(*http.Response) *http.Response {
			cancel()
			return nil
		})
		k := new(batchKeeper)
		outcomes, err := b.client.AsUser(b.user.ID).SendUserInviteBatch(ctx, k.batch(b.tenant, emails("a@x.org", "b@x.org", "c@x.org")...))
		if got := keptStatuses(t, k, outcomes); !slices.Equal(got, []roq.OutcomeStatus{isSent, isUnknown, isNotSent}) || !errors.Is(err, roq.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
			t.Errorf("the outcomes are %q, %v", got, err)
		}
	})
}

// A batch that is wrong is refused before anything happens.
func TestSendUserInviteBatchIsChecked(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	good := func() roq.UserInviteBatch { return new(batchKeeper).batch(tenantID, emails("a@x.org")...) }
	for want, change := range map[string]func(*roq.UserInviteBatch){
		"TenantID: must not be empty":                    func(b *roq.UserInviteBatch) { b.TenantID = "" },
		"UserInvites: must hold from 1 to 10000 invites": func(b *roq.UserInviteBatch) { b.UserInvites = nil },
		"UserInvites: must hold":                         func(b *roq.UserInviteBatch) { b.UserInvites = make([]roq.UserInviteInput, 10_001) },
		"Since: must not be longer":                      func(b *roq.UserInviteBatch) { b.Since = make([]time.Duration, 2) },
		"BeforeSend: must not be nil":                    func(b *roq.UserInviteBatch) { b.BeforeSend = nil },
		"Settled: must not be nil":                       func(b *roq.UserInviteBatch) { b.Settled = nil },
	} {
		b := good()
		change(&b)
		outcomes, err := client.AsUser(userID).SendUserInviteBatch(t.Context(), b)
		if outcomes != nil || !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(err.Error(), want) {
			t.Errorf("SendUserInviteBatch = %v, %v; want %q", outcomes, err, want)
		}
	}
	if _, err := new(roq.RoqPlatform).SendUserInviteBatch(t.Context(), good()); !errors.Is(err, roq.ErrInvalidInput) {
		t.Errorf("of nobody: %v", err)
	}
}

// Clients of one environment have the same scope, and it tells nothing of them.
func TestScope(t *testing.T) {
	t.Parallel()
	cfg := config()
	one := newClient(t, cfg).Scope()
	cfg.APIKey, cfg.AppURL = "another", "https://app.example"
	same := newClient(t, cfg).Scope()
	cfg.EnvironmentID += "2"
	other := newClient(t, cfg).Scope()
	if one != same || one == other || len(one) != 32 || strings.Contains(one, cfg.EnvironmentID) {
		t.Errorf("the scopes are %q, %q and %q", one, same, other)
	}
	if s := (*roq.Client)(nil).Scope() + new(roq.Client).Scope(); s != "" {
		t.Errorf("the scope of no Client is %q", s)
	}
}

// The journal has the outcome of one part of a batch before the next one leaves.
func TestJournalOfABatchInParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		j := new(notebook)
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 413, Times: 1})
		kept := map[int]int{} // outcomes in the journal by send
		sends := 0
		b.meddle = on("sendUserInvites", 0, func(resp *http.Response) *http.Response {
			sends++
			for _, r := range j.records {
				if r.Status == roq.OutcomeSent {
					kept[sends]++
				}
			}
			return resp
		})
		if _, err := b.sendAll(t.Context(), t, people(4, "a"), roq.WithJournal(j)); err != nil {
			t.Fatal(err)
		}
		if sends != 3 || kept[2] != 0 || kept[3] != 2 {
			t.Errorf("%d sends; the journal had %v outcomes when each was answered", sends, kept)
		}
	})
}
