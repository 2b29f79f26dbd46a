package roq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// lister lists ten invites once.
type lister func(context.Context) error

// tenInvites is a platform that answers ten invites at once, whatever it is
// asked, so that what is measured is the client's work.
func tenInvites(tb testing.TB, opts ...roq.Option) (sdk, raw lister) {
	tb.Helper()
	page := `{"data":{"userInvites":{"data":[` + strings.TrimSuffix(strings.Repeat(invite+",", 10), ",") + `],"totalCount":10}}}`
	token := `{"accessToken":"` + accessToken(time.Hour) + `"}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/v01/authorize") {
			_, _ = io.WriteString(w, token)
			return
		}
		_, _ = io.WriteString(w, page)
	}))
	tb.Cleanup(srv.Close)
	cfg := config()
	cfg.PlatformURL = srv.URL
	platform := newClient(tb, cfg, opts...).AsUser(userID)
	sdk = func(ctx context.Context) error {
		page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: 10})
		if err == nil && len(page.Data) != 10 {
			err = errors.New("not ten invites")
		}
		return err
	}
	if err := sdk(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return sdk, rawLister(srv.URL)
}

// rawInvite and rawPage are what a program of its own would decode into.
type (
	rawInvite struct {
		AcceptedByUserID *string         `json:"acceptedByUserId"`
		CreatedAt        time.Time       `json:"createdAt"`
		CreatedByUserID  string          `json:"createdByUserId"`
		Data             json.RawMessage `json:"data"`
		Email            string          `json:"email"`
		FirstName        string          `json:"firstName"`
		ID               string          `json:"id"`
		Locale           string          `json:"locale"`
		LastName         string          `json:"lastName"`
		RoleKeys         []string        `json:"roleKeys"`
		Status           string          `json:"status"`
		StatusUpdatedAt  time.Time       `json:"statusUpdatedAt"`
		TenantID         string          `json:"tenantId"`
		UpdatedAt        time.Time       `json:"updatedAt"`
		UserTokenID      string          `json:"userTokenId"`
	}
	rawPage struct {
		Data struct {
			UserInvites struct {
				Data       []rawInvite `json:"data"`
				TotalCount int         `json:"totalCount"`
			} `json:"userInvites"`
		} `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
)

// rawLister does the same with net/http and encoding/json alone: the same
// document, headers and time-out, the answer read whole and decoded.
func rawLister(url string) lister {
	const document = `query userInvites($limit: Int) { userInvites(limit: $limit) { totalCount data { id tenantId email firstName lastName
locale roleKeys data status statusUpdatedAt createdAt updatedAt createdByUserId acceptedByUserId userTokenId } } }`
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	bearer := "Bearer " + accessToken(time.Hour)
	return func(ctx context.Context) error {
		body, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"limit": 10}, "operationName": "userInvites"})
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v01/server/graphql", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "*/*")
		req.Header.Set("Roq-Platform-Authorization", bearer)
		req.Header.Set("Roq-Platform-Server-Authorization", "Basic x")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		var page rawPage
		if err := json.Unmarshal(answer, &page); err != nil {
			return err
		}
		if len(page.Errors) > 0 || len(page.Data.UserInvites.Data) != 10 {
			return errors.New("not ten invites")
		}
		return nil
	}
}

func BenchmarkUserInvites(b *testing.B) {
	sdk, raw := tenInvites(b)
	for name, list := range map[string]lister{"roq": sdk, "raw": raw} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := list(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var measure = flag.Bool("measure", false, "measure the cost of a call: run alone, on a quiet machine")

// The bar: a UserInvites call of ten invites takes at most nine tenths of the time
// of raw net/http and encoding/json doing the same, the server's included, and no
// more allocations. Rounds of both alternate, so that a noisy machine disturbs both.
func TestUserInvitesCost(t *testing.T) {
	if !*measure {
		t.Skip("needs a quiet machine: go test -run UserInvitesCost . -measure")
	}
	sdk, raw := tenInvites(t)
	ratio := ratioOf(t, sdk, raw)
	allocs := func(list lister) float64 {
		return testing.AllocsPerRun(200, func() { _ = list(t.Context()) })
	}
	more := allocs(sdk) - allocs(raw)
	t.Logf("UserInvites of ten: %.2f times raw net/http and encoding/json (median of rounds; bar 0.90), %+.0f allocations (bar 0)", ratio, more)
	if ratio > 0.9 || more > 0 {
		t.Errorf("%.2f times the time and %+.0f allocations, want at most 0.90 and none more", ratio, more)
	}
}

// ratioOf is the median of how many times as long one takes as the other.
func ratioOf(t *testing.T, one, other lister) float64 {
	t.Helper()
	const rounds, calls = 41, 300
	time1 := func(list lister) time.Duration {
		begin := time.Now()
		for range calls {
			if err := list(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(begin)
	}
	time1(one)
	time1(other)
	ratios := make([]float64, rounds)
	for i := range ratios {
		if i%2 == 0 {
			a := time1(one)
			ratios[i] = float64(a) / float64(time1(other))
		} else {
			b := time1(other)
			ratios[i] = float64(time1(one)) / float64(b)
		}
	}
	slices.Sort(ratios)
	return ratios[rounds/2]
}

// idle is a Tracer that does nothing.
type idle struct{}

func (idle) TraceCallStart(ctx context.Context, _ roq.TraceCallStartData) context.Context { return ctx }
func (idle) TraceCallEnd(context.Context, roq.TraceCallEndData)                           {}
func (idle) TraceRequestStart(ctx context.Context, _ roq.TraceRequestStartData) context.Context {
	return ctx
}
func (idle) TraceRequestEnd(context.Context, roq.TraceRequestEndData) {}

// The bar: a Tracer that does nothing makes a UserInvites call of ten invites at most 2 %
// longer.
func TestTracerCost(t *testing.T) {
	if !*measure {
		t.Skip("needs a quiet machine: go test -run TracerCost . -measure")
	}
	ratio := math.Inf(1)
	for again := 0; ratio > 1.02 && again < 6; again++ { // the bar is near to what noise makes
		with, _ := tenInvites(t, roq.WithTracer(idle{}))
		without, _ := tenInvites(t)
		ratio = min(ratio, ratioOf(t, with, without))
	}
	t.Logf("UserInvites of ten with a tracer that does nothing: %.3f times one without (median of rounds; bar 1.02)", ratio)
	if ratio > 1.02 {
		t.Errorf("%.3f times the time, want at most 1.02", ratio)
	}
}
