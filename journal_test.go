package roq_test

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// notebook is a journal in memory, which a test can read and meddle with.
type notebook struct {
	mu       sync.Mutex
	campaign string
	records  []roq.JournalRecord
	// begun and ended count calls of Begin that succeeded and of End.
	begun, ended int
	// end is the error of End.
	end error
	// fail may make Append fail.
	fail func(records []roq.JournalRecord) error
}

func (n *notebook) Begin(_ context.Context, campaign string) iter.Seq2[roq.JournalRecord, error] {
	return func(yield func(roq.JournalRecord, error) bool) {
		if n.begun > n.ended {
			yield(roq.JournalRecord{}, errors.New("another stream uses it"))
			return
		}
		if n.campaign != "" && n.campaign != campaign {
			yield(roq.JournalRecord{}, errors.New("of another campaign"))
			return
		}
		n.campaign = campaign
		for _, r := range n.records {
			if !yield(r, nil) {
				return
			}
		}
		n.begun++
	}
}

func (n *notebook) End() error {
	n.ended++
	return n.end
}

func (n *notebook) Append(_ context.Context, records []roq.JournalRecord) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		if err := n.fail(records); err != nil {
			return err
		}
	}
	n.records = append(n.records, records...)
	return nil
}

// cut leaves the records that stood there before the n-th outcome: what a process
// leaves that was killed then.
func (n *notebook) cut(outcomes int) *notebook {
	left := &notebook{campaign: n.campaign}
	for _, r := range n.records {
		if r.Status != roq.OutcomeUnderWay {
			if outcomes--; outcomes < 0 {
				continue
			}
		}
		left.records = append(left.records, r)
	}
	return left
}

// Each batch is in the journal before it leaves, and its outcome afterwards. No
// address is.
func TestJournalIsWrittenAhead(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if _, err := b.send(t.Context(), 1, "guest"); err != nil {
		t.Fatal(err)
	}
	book := &notebook{fail: func(records []roq.JournalRecord) error {
		ahead := len(b.Invites()) - 1
		for _, r := range records {
			if r.Status == roq.OutcomeUnderWay && ahead > 0 {
				t.Errorf("a record is written when its invite exists")
			}
			if r.Status == roq.OutcomeSent && ahead == 0 {
				t.Errorf("an invite is written down as sent before it exists")
			}
		}
		return nil
	}}
	outcomes, err := b.sendAll(t.Context(), t, streamOf(nil, "a@example.com", "guest0@example.com", "no address"), roq.WithJournal(book))
	if err != nil {
		t.Fatal(err)
	}
	var got []roq.OutcomeStatus
	for _, r := range book.records {
		got = append(got, r.Status)
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(r.Key) || time.Since(r.At) > time.Minute || strings.Contains(r.Message, "@") {
			t.Errorf("record %+v", r)
		}
		if (r.Status == roq.OutcomeSent) != (r.InviteID == outcomes[0].InviteID) || (r.Status == roq.OutcomeRefused) != (r.Code == "USER_ALREADY_INVITED") {
			t.Errorf("record %+v, the invite is %s", r, outcomes[0].InviteID)
		}
	}
	if want := []roq.OutcomeStatus{roq.OutcomeUnderWay, roq.OutcomeUnderWay, roq.OutcomeSent, roq.OutcomeRefused}; !slices.Equal(got, want) {
		t.Errorf("the journal has %v, want %v", got, want)
	}
}

// What waits for its turn is not in the journal, so that nobody wonders about it
// after a kill.
func TestJournalIsWrittenWhenTheTurnHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithRateLimit(1))
		underWay := 0
		book := &notebook{fail: func(records []roq.JournalRecord) error {
			if records[0].Status == roq.OutcomeUnderWay {
				underWay += len(records)
				if left := len(b.Invites()); underWay-left > 10 {
					t.Errorf("%d are under way, and %d have left", underWay, left)
				}
			}
			return nil
		}}
		outcomes, err := b.sendAll(t.Context(), t, people(80, "person"), roq.WithJournal(book), roq.WithBatchSize(10), roq.WithParallel(8))
		if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 80 || underWay != 80 {
			t.Errorf("%v, %v; %d were under way, want 80", got, err, underWay)
		}
	})
}

// A campaign that is begun again sends nothing twice, whatever of its journal is
// left.
func TestJournalResumes(t *testing.T) {
	t.Parallel()
	for _, outcomes := range []int{0, 1, 25, 49, 50} {
		b := newBackend(t)
		whole := &notebook{}
		first, err := b.sendAll(t.Context(), t, people(50, "person"), roq.WithJournal(whole), roq.WithBatchSize(10))
		if err != nil {
			t.Fatal(err)
		}
		before := len(b.Requests())
		again, err := b.sendAll(t.Context(), t, people(60, "person"), roq.WithJournal(whole.cut(outcomes)), roq.WithBatchSize(10))
		if got := statuses(again); err != nil || got[roq.OutcomeSent] != 60 {
			t.Fatalf("killed after %d outcomes: %v, %v; want all sent", outcomes, got, err)
		}
		for i := range first {
			if again[i].InviteID != first[i].InviteID {
				t.Errorf("input %d is invite %s and then %s", i, first[i].InviteID, again[i].InviteID)
			}
		}
		sends := 0
		for _, r := range b.Requests()[before:] {
			if r.Operation == "sendUserInvites" {
				sends++
			}
		}
		if sends != 1 {
			t.Errorf("killed after %d outcomes: %d batches were sent again, want the one that is new", outcomes, sends)
		}
		b.mailedOnce(t, again)
	}
}

// What was refused is told again, and not asked again.
func TestJournalKeepsRefusals(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	book := &notebook{}
	for range 2 {
		outcomes, err := b.sendAll(t.Context(), t, streamOf(nil, "ANN@acme.example"), roq.WithJournal(book))
		var refused roq.UserInviteError
		if err != nil || !errors.As(outcomes[0].Err, &refused) || !errors.Is(refused, roq.ErrAlreadyExists) || refused.Email != "ANN@acme.example" {
			t.Errorf("the outcome is %+v, %v", outcomes, err)
		}
	}
	if n := len(b.Requests()); n != 3 {
		t.Errorf("%d requests, want two for the token and one", n)
	}
}

// What may have left when the process was killed is not sent again, unless that is
// known to be safe.
func TestJournalDoubt(t *testing.T) {
	t.Parallel()
	for _, repeat := range []bool{false, true} {
		var opts []roq.Option
		want := roq.OutcomeUnknown
		if repeat {
			opts, want = append(opts, roq.WithRepeatUnknown()), roq.OutcomeSent
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, opts...)
			book := &notebook{}
			sent, err := b.sendAll(t.Context(), t, people(20, "person"), roq.WithJournal(book), roq.WithBatchSize(10))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range sent[:5] {
				if err := b.Remove(o.InviteID); err != nil { // as if they had not got there
					t.Fatal(err)
				}
			}
			time.Sleep(time.Hour) //nolint:forbidigo // in a bubble: the machine was away for long
			left := book.cut(0)
			for range 2 {
				again, err := b.sendAll(t.Context(), t, people(20, "person"), roq.WithJournal(left), roq.WithBatchSize(10))
				if err != nil {
					t.Fatal(err)
				}
				for i, o := range again {
					expected := roq.OutcomeSent
					if i < 5 {
						expected = want
					}
					if o.Status != expected || want == roq.OutcomeUnknown && i < 5 && !errors.Is(o.Err, roq.ErrOutcomeUnknown) {
						t.Errorf("repeating %v: input %d is %s (%v), want %s", repeat, i, o.Status, o.Err, expected)
					}
				}
			}
		})
	}
}

// An old invite to the same person is no evidence of a request that came later.
func TestJournalDoubtWithOlderInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
		if _, err := b.sendAll(t.Context(), t, people(1, "person")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		book := &notebook{}
		if _, err := b.sendAll(t.Context(), t, people(1, "person"), roq.WithJournal(book)); err != nil {
			t.Fatal(err)
		}
		newest := b.Invites()[1].ID
		if err := b.Remove(newest); err != nil {
			t.Fatal(err)
		}
		again, err := b.sendAll(t.Context(), t, people(1, "person"), roq.WithJournal(book.cut(0)))
		if err != nil || again[0].Status != roq.OutcomeUnknown {
			t.Errorf("the outcome is %+v, %v; want unknown", again, err)
		}
	})
}

// A journal that fails ends the campaign before anything is sent that is not in it.
func TestJournalFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left for ann@acme.example")
	for name, tt := range map[string]struct {
		status roq.OutcomeStatus // whose records cannot be written
		mails  int
	}{
		"before": {roq.OutcomeUnderWay, 0},
		"after":  {roq.OutcomeSent, 10},
	} {
		b := newBackend(t)
		book := &notebook{fail: func(records []roq.JournalRecord) error {
			if records[0].Status == tt.status {
				return full
			}
			return nil
		}}
		outcomes, err := b.sendAll(t.Context(), t, people(100, "a"), roq.WithJournal(book), roq.WithBatchSize(10), roq.WithParallel(1))
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "journal") || strings.Contains(err.Error(), "@") || errors.Is(err, roq.ErrNotSent) {
			t.Errorf("%s: the error is %v", name, err)
		}
		if mails, got := len(b.Outbox()), statuses(outcomes); mails != tt.mails || got[roq.OutcomeSent] != tt.mails || len(outcomes) < 10 {
			t.Errorf("%s: %d e-mails and %v, want %d", name, mails, got, tt.mails)
		}
	}
}

func TestJournalIsRefused(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	book := &notebook{}
	if _, err := b.sendAll(t.Context(), t, people(1, "a"), roq.WithJournal(book)); err != nil {
		t.Fatal(err)
	}
	other := b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(),
		roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: people(1, "b"), Campaign: "autumn"}, roq.WithJournal(book))
	if _, err := outcomesOf(t, other); err == nil || !strings.Contains(err.Error(), "of another campaign") || !errors.Is(err, roq.ErrNotSent) {
		t.Errorf("of another campaign: %v", err)
	}
	for name, record := range map[string]roq.JournalRecord{
		"a record without a time": {Key: strings.Repeat("0", 32), Status: roq.OutcomeUnderWay},
		"a key that is too short": {Key: "ab", Status: roq.OutcomeSent},
		"a key that is none":      {Key: strings.Repeat("x", 32), Status: roq.OutcomeSent},
		"a key that is too long":  {Key: strings.Repeat("0", 34), Status: roq.OutcomeSent},
		"no key":                  {Status: roq.OutcomeSent},
		"a status from elsewhere": {Key: strings.Repeat("0", 32), Status: "delivered"},
		"a status that is none":   {Key: strings.Repeat("0", 32), Status: roq.OutcomeDuplicate},
	} {
		outcomes, err := b.sendAll(t.Context(), t, people(1, "b"), roq.WithJournal(&notebook{records: []roq.JournalRecord{record}}))
		if err == nil || len(outcomes) > 0 || !errors.Is(err, roq.ErrNotSent) {
			t.Errorf("%s: %v, %v; want a refusal", name, outcomes, err)
		}
	}
	if n := len(b.Outbox()); n != 1 {
		t.Errorf("%d e-mails, want the first", n)
	}
}

// Two streams with one journal would each send what the other sends, also if they
// belong to two Clients.
func TestJournalIsForOneStream(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	other, err := roq.New(b.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer other.CloseIdleConnections()
	in := roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: people(2, "a")}
	book := &notebook{}
	for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(book)) {
		if err != nil {
			t.Error(err)
		}
		for _, client := range []*roq.Client{b.client, other} {
			outcomes, err := outcomesOf(t, client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(book)))
			if len(outcomes) > 0 || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(err.Error(), "another stream") {
				t.Errorf("a second stream: %v, %v; want a refusal", outcomes, err)
			}
		}
	}
	if outcomes, err := b.sendAll(t.Context(), t, people(2, "a"), roq.WithJournal(book)); err != nil || len(outcomes) != 2 {
		t.Errorf("afterwards: %v, %v", outcomes, err)
	}
	if n := len(b.Outbox()); n != 2 {
		t.Errorf("%d e-mails, want 2", n)
	}
	if book.begun != 2 || book.ended != 2 {
		t.Errorf("the journal was begun %d times and ended %d times, want 2 and 2", book.begun, book.ended)
	}
}

// However a stream ends, the journal is ended once, and only if it was begun.
func TestJournalEnds(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	in := roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: people(3, "a")}
	for name, run := range map[string]func(*notebook){
		"the loop is left": func(book *notebook) {
			for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(book)) {
				if err != nil {
					t.Error(err)
				}
				break
			}
		},
		"a panic": func(book *notebook) {
			defer func() { _ = recover() }()
			for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(book)) {
				panic(err)
			}
		},
		"the context": func(book *notebook) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = b.sendAll(ctx, t, people(3, "a"), roq.WithJournal(book))
		},
		"a record that is none": func(book *notebook) {
			book.records = []roq.JournalRecord{{Key: "x"}}
			_, _ = b.sendAll(t.Context(), t, people(3, "a"), roq.WithJournal(book))
		},
	} {
		book := &notebook{end: errors.New("not read by anybody")}
		if run(book); book.ended != book.begun {
			t.Errorf("%s: the journal was begun %d times and ended %d times", name, book.begun, book.ended)
		}
	}
}

// A journal that cannot be ended is an error, after all outcomes.
func TestJournalCannotEnd(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	book := &notebook{end: errors.New("the lock of ann@acme.example is gone")}
	outcomes, err := b.sendAll(t.Context(), t, people(3, "a"), roq.WithJournal(book))
	if !errors.Is(err, book.end) || !errors.As(err, new(*roq.Error)) || errors.Is(err, roq.ErrNotSent) || strings.Contains(err.Error(), "@") {
		t.Errorf("the error is %v", err)
	}
	if got := statuses(outcomes); got[roq.OutcomeSent] != 3 {
		t.Errorf("%v, want 3 sent", got)
	}
}

// A batch that is sent in parts is under way in parts.
func TestJournalOfHalves(t *testing.T) {
	t.Parallel()
	b := newBackend(t, roqtest.WithBulkLimit(5))
	book := &notebook{}
	if _, err := b.sendAll(t.Context(), t, people(10, "a"), roq.WithJournal(book)); err != nil {
		t.Fatal(err)
	}
	underWay, most := 0, 0
	for i, r := range book.records {
		if r.Status == roq.OutcomeUnderWay {
			underWay++
		} else {
			underWay--
		}
		if i >= 10 {
			most = max(most, underWay)
		}
	}
	if most > 10 || underWay > 0 {
		t.Errorf("%d were under way at once, and %d are: %v", most, underWay, book.records)
	}
	sent := 0
	for _, r := range book.records[20:25] {
		if r.Status == roq.OutcomeUnderWay {
			sent++
		}
	}
	if sent != 5 || book.records[10].Status != roq.OutcomeNotSent {
		t.Errorf("after the refusal come %v", book.records[10:25])
	}
}

// Invites in doubt that do not come again are not passed over in silence.
func TestJournalOfOtherPeople(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	book := &notebook{}
	if _, err := b.sendAll(t.Context(), t, people(3, "a"), roq.WithJournal(book)); err != nil {
		t.Fatal(err)
	}
	outcomes, err := b.sendAll(t.Context(), t, people(3, "b"), roq.WithJournal(book.cut(1)))
	if !errors.Is(err, roq.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "2 invites") || statuses(outcomes)[roq.OutcomeSent] != 3 {
		t.Errorf("%v, %v; want three sent and two in doubt", statuses(outcomes), err)
	}
}

// What is in doubt stays in doubt when a campaign ends before it was looked for.
func TestJournalDoubtIsNotDropped(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	book := &notebook{}
	if _, err := b.sendAll(t.Context(), t, people(3, "a"), roq.WithJournal(book)); err != nil {
		t.Fatal(err)
	}
	left := book.cut(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, err := b.sendAll(ctx, t, people(3, "a"), roq.WithJournal(left))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	for _, o := range outcomes {
		if o.Status != roq.OutcomeUnknown {
			t.Errorf("input %d is %s, want unknown", o.Index, o.Status)
		}
	}
	for _, r := range left.records {
		if r.Status != roq.OutcomeUnderWay {
			t.Errorf("the journal says %s", r.Status)
		}
	}
}
