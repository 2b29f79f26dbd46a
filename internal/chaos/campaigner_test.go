package chaos_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// campaigner is set in the environment of a process that runs a campaign.
const campaigner = "ROQ_CHAOS_CAMPAIGN"

// campaignJob is what such a process is told.
type campaignJob struct {
	TenantID, UserID    string
	Journal, Outcomes   string // files
	Invites             int
	BatchSize, Parallel int
	Repeat              bool
}

// somebody is one input of a campaign.
type somebody struct {
	email                      string
	member, invalid, duplicate bool
}

// person is who comes n-th: some are members already, some addresses are none, and
// some have come before.
func person(n int) somebody {
	switch {
	case n%97 == 13 && person(n-7).ordinary():
		return somebody{email: strings.ToUpper(person(n - 7).email), duplicate: true}
	case n%101 == 17:
		return somebody{email: fmt.Sprintf("nobody-%d", n), invalid: true}
	case n%103 == 19:
		return somebody{email: fmt.Sprintf("member-%d@chaos.example", n), member: true}
	default:
		return somebody{email: fmt.Sprintf("Campaign-%d@chaos.example", n)}
	}
}

func (s somebody) ordinary() bool { return !s.member && !s.invalid && !s.duplicate }

// TestCampaigner is that process. It writes down each outcome, and in the end how
// the campaign came to it.
func TestCampaigner(t *testing.T) {
	var job campaignJob
	if err := json.Unmarshal([]byte(os.Getenv(campaigner)), &job); err != nil {
		t.Skip("runs in a process of its own: see TestCampaign")
	}
	opts := []roq.Option{
		roq.WithTimeout(2 * attemptTimeout),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3, MinWait: 2 * time.Millisecond, MaxWait: 10 * time.Millisecond}),
		roq.WithSettleTimeout(400 * time.Millisecond),
		roq.WithMaxResponseBytes(bombSize / 4),
	}
	if job.Repeat {
		opts = append(opts, roq.WithRepeatUnknown())
	}
	client := must(roq.New(must(roq.ConfigFromEnv()), opts...))
	defer client.CloseIdleConnections()
	file := must(journal.Open(job.Journal))
	defer func() { _ = file.Close() }()
	out := must(os.Create(job.Outcomes))
	defer func() { _ = out.Close() }()
	buffered := bufio.NewWriter(out)

	in := roq.SendAllUserInvitesInput{TenantID: job.TenantID, Campaign: "siege", UserInvites: func(yield func(roq.UserInviteInput, error) bool) {
		for n := range job.Invites {
			if !yield(roq.UserInviteInput{Email: person(n).email}, nil) {
				return
			}
		}
	}}
	end := "end"
	for o, err := range client.AsUser(job.UserID).SendAllUserInvites(t.Context(), in,
		roq.WithJournal(file), roq.WithBatchSize(job.BatchSize), roq.WithParallel(job.Parallel)) {
		if err != nil {
			end = "end: " + err.Error()
			break
		}
		_, _ = fmt.Fprintln(buffered, o.Index, o.Status)
	}
	_, _ = fmt.Fprintln(buffered, end)
	if err := buffered.Flush(); err != nil {
		t.Fatal(err)
	}
}
