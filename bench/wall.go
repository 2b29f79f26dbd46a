package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-roq/roq"
)

// wallCase is a call of many requests, timed by the clock against a platform
// that takes serverDelay for each.
type wallCase struct {
	key  string // for -only
	name string
	// ideal is what the platform's delays alone come to, with eight requests at a
	// time: a list asks for one page first, and a stream begins with one batch, two, and
	// four.
	ideal time.Duration
	// run makes the call and returns how many invites it listed or sent.
	run func(context.Context, *roq.RoqPlatform) (int, error)
}

// wallBar is how many times the ideal a case may take.
const wallBar = 1.15

func wallCases() []wallCase {
	return []wallCase{
		{"listAll", "AllUserInvites, 10,000 in pages of 100", 14 * serverDelay, listAll},
		{"sendAll", "SendAllUserInvites, 10,000 in batches of 100", 15 * serverDelay, sendAll},
	}
}

func listAll(ctx context.Context, platform *roq.RoqPlatform) (int, error) {
	n := 0
	for _, err := range platform.AllUserInvites(ctx, roq.UserInvitesQuery{Limit: 100}, roq.WithParallel(8)) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func sendAll(ctx context.Context, platform *roq.RoqPlatform) (int, error) {
	people := func(yield func(roq.UserInviteInput, error) bool) {
		for i := range population {
			if !yield(roq.UserInviteInput{Email: fmt.Sprintf("person%d@example.com", i), Locale: "en-US"}, nil) {
				return
			}
		}
	}
	in := roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people}
	n := 0
	for outcome, err := range platform.SendAllUserInvites(ctx, in, roq.WithBatchSize(100), roq.WithParallel(8)) {
		if err != nil {
			return n, err
		}
		if outcome.Status == roq.OutcomeSent {
			n++
		}
	}
	return n, nil
}

// wallResult is how long a case took.
type wallResult struct {
	wallCase
	took []float64 // ns
}

// times is how many times the ideal that is.
func (r *wallResult) times() summary {
	times := make([]float64, len(r.took))
	for i, took := range r.took {
		times[i] = took / float64(r.ideal)
	}
	return summarize(times)
}

func measureWall(ctx context.Context, c wallCase, url string, runs int) (*wallResult, error) {
	client, err := roq.New(roq.Config{PlatformURL: url, EnvironmentID: environmentID, APIKey: apiKey})
	if err != nil {
		return nil, err
	}
	platform := client.AsUser(userID)
	// The token is no part of what is timed.
	if _, err := platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: 1}); err != nil {
		return nil, err
	}
	var took []float64
	for range runs {
		began := time.Now()
		n, err := c.run(ctx, platform)
		if err == nil && n != population {
			err = fmt.Errorf("%d invites, want %d", n, population)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		took = append(took, float64(time.Since(began)))
	}
	return &wallResult{c, took}, nil
}
