package roq_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// willing makes every invite at once and remembers none: what memory is in use is
// the client's. Its answers are as long as a platform's.
type willing struct{ token string }

// RoundTrip implements [http.RoundTripper].
func (w willing) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := bytes.NewBuffer(make([]byte, 0, 512+3*len(asked)))
	if strings.HasPrefix(r.URL.Path, "/v01/authorize") {
		_, _ = answer.WriteString(`{"accessToken":"` + w.token + `"}`)
	} else {
		before, after, _ := strings.Cut(invite, "wick.john@roq.tech")
		separator := `{"data":{"sendUserInvitesV2":{"errors":[],"success":[`
		for _, rest := range bytes.Split(asked, []byte(`"email":"`))[1:] {
			email, _, _ := bytes.Cut(rest, []byte(`"`))
			_, _ = answer.WriteString(separator + before)
			_, _ = answer.Write(email)
			_, _ = answer.WriteString(after)
			separator = ","
		}
		_, _ = answer.WriteString(`]}}}`)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(answer.Len()), Body: io.NopCloser(answer), Request: r}, nil
}

// crowd is that many inputs, of which every fiftieth has come before.
func crowd(n int) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for i := range n {
			format, who := "person-%d@crowd.example", i
			if i%50 == 49 {
				format, who = "PERSON-%d@crowd.example", i-49
			}
			if !yield(roq.UserInviteInput{CreatedByUserID: userID, Email: fmt.Sprintf(format, who), FirstName: "Ann"}, nil) {
				return
			}
		}
	}
}

// live is how much memory is in use that is not garbage.
func live() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// stream sends to so many people and counts their outcomes; every outcome
// comes once. It returns how much more memory was in use at most than before.
func stream(t *testing.T, client *roq.Client, n int, opts ...roq.StreamOption) (most int64, count map[roq.OutcomeStatus]int) {
	t.Helper()
	count = make(map[roq.OutcomeStatus]int)
	had, total := make([]bool, n), 0
	before := live()
	for o, err := range client.AsSuperAdmin().SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: crowd(n)}, opts...) {
		if err != nil {
			t.Fatal(err)
		}
		if had[o.Index] {
			t.Fatalf("input %d has a second outcome", o.Index)
		}
		had[o.Index] = true
		count[o.Status]++
		if total++; total%(n/10) == 0 {
			most = max(most, live()-before)
		}
	}
	if total != n {
		t.Errorf("%d outcomes, want %d", total, n)
	}
	return most, count
}

// measuresMemory skips a test where that would take long, or measure something else.
func measuresMemory(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes some ten seconds, and -short is set")
	}
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
}

// A million people fit in little memory: what is kept of each is what tells a
// second one with the same address.
//
//nolint:paralleltest // what others use would be counted
func TestMillionInvites(t *testing.T) {
	measuresMemory(t)
	const n, bound = 1_000_000, 64 << 20
	client := newClient(t, config(), roq.WithHTTPClient(&http.Client{Transport: willing{accessToken(24 * time.Hour)}}), roq.WithBatchSize(1000))
	begin := time.Now()
	most, count := stream(t, client, n)
	if count[roq.OutcomeSent] != n*49/50 || count[roq.OutcomeDuplicate] != n/50 {
		t.Errorf("%v, want %d sent and %d duplicates", count, n*49/50, n/50)
	}
	if most > bound {
		t.Errorf("%d MiB in use, want at most %d", most>>20, bound>>20)
	}
	t.Logf("%d invites in %.1f s, %.1f MiB in use at most, %d bytes an input", n, time.Since(begin).Seconds(), float64(most)/(1<<20), most/n)
}

// remembering is a journal that says of everybody that their invite is sent.
type remembering int

// Begin implements [roq.Journal].
func (n remembering) Begin(_ context.Context, campaign string) iter.Seq2[roq.JournalRecord, error] {
	return func(yield func(roq.JournalRecord, error) bool) {
		for in, err := range crowd(int(n)) {
			sum := sha256.Sum256([]byte(campaign + "\x00" + strings.ToLower(in.Email)))
			id := fmt.Sprintf("db7a682d-6dca-4259-b15b-%s", hex.EncodeToString(sum[:6]))
			if !yield(roq.JournalRecord{Key: hex.EncodeToString(sum[:16]), Status: roq.OutcomeSent, InviteID: id, At: time.Now().UTC()}, err) {
				return
			}
		}
	}
}

// Append implements [roq.Journal].
func (remembering) Append(context.Context, []roq.JournalRecord) error { return nil }
func (remembering) End() error                                        { return nil }

// What is kept of each person that a journal tells of.
//
//nolint:paralleltest // what others use would be counted
func TestResumedMemory(t *testing.T) {
	measuresMemory(t)
	const n, bound = 200_000, 400
	client := newClient(t, config(), roq.WithHTTPClient(&http.Client{Transport: willing{accessToken(24 * time.Hour)}}))
	begin := time.Now()
	most, count := stream(t, client, n, roq.WithJournal(remembering(n)))
	if count[roq.OutcomeSent] != n*49/50 || count[roq.OutcomeDuplicate] != n/50 {
		t.Errorf("%v, want %d sent and %d duplicates", count, n*49/50, n/50)
	}
	if most/n > bound {
		t.Errorf("%d bytes in use for an input, want at most %d", most/n, bound)
	}
	t.Logf("%d invites out of the journal in %.1f s, %.1f MiB in use at most, %d bytes an input", n, time.Since(begin).Seconds(), float64(most)/(1<<20), most/n)
}
