package roq_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// underWay is a journal in which the invites of some people were about to leave.
type underWay []string

// Begin implements [roq.Journal].
func (u underWay) Begin(_ context.Context, campaign string) iter.Seq2[roq.JournalRecord, error] {
	return func(yield func(roq.JournalRecord, error) bool) {
		for _, email := range u {
			sum := sha256.Sum256([]byte(campaign + "\x00" + email))
			if !yield(roq.JournalRecord{Key: hex.EncodeToString(sum[:16]), Status: roq.OutcomeUnderWay, At: time.Now().UTC()}, nil) {
				return
			}
		}
	}
}

// Append implements [roq.Journal].
func (underWay) Append(context.Context, []roq.JournalRecord) error { return nil }
func (underWay) End() error                                        { return nil }

// What an earlier run was about to send is repeated in batches that the platform
// takes.
func TestResumedBatchTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithBulkLimit(30)}, roq.WithRepeatUnknown())
		var people underWay
		for n := range 100 {
			people = append(people, fmt.Sprintf("person-%d@example.com", n))
		}
		in := roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: func(yield func(roq.UserInviteInput, error) bool) {
			for _, email := range people {
				if !yield(roq.UserInviteInput{Email: email}, nil) {
					return
				}
			}
		}}
		sent := make(map[int]bool)
		for o, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), in, roq.WithJournal(people)) {
			if err != nil || o.Status != roq.OutcomeSent {
				t.Fatalf("input %d: %q, %v, %v; want it sent", o.Index, o.Status, o.Err, err)
			}
			sent[o.Index] = true
		}
		if len(sent) != len(people) || len(b.Outbox()) != len(people) {
			t.Errorf("%d sent, %d e-mails; want %d", len(sent), len(b.Outbox()), len(people))
		}
	})
}
