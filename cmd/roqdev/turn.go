package main

import (
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	// maxTurn bounds how far the clock is turned at once.
	maxTurn = 366 * 24 * time.Hour
	// maxAhead bounds how far it is turned in all: what is a hundred years ahead does not
	// overflow a time.Duration.
	maxAhead = 100 * maxTurn
	// turnWait is how long a turn of the clock is waited for: webhooks that are due are
	// sent meanwhile, and their receiver may be slow.
	turnWait = 2 * time.Second
)

// errNothingDue is that there is no moment to turn the clock to.
var errNothingDue = errors.New("nothing is due: no invite is pending, or no webhook waits")

// turn turns the platform's clock: by a duration such as 1h, until the next invite
// expires (expiry), or to the next attempt to send a webhook (webhook).
func (s *site) turn(ctx context.Context, by string) error {
	clock := s.platform.Clock()
	var d time.Duration
	switch by {
	case "expiry", "webhook":
		due := clock.NextExpiry
		if by == "webhook" {
			due = clock.NextWebhook
		}
		if due.IsZero() {
			return errNothingDue
		}
		d = max(0, due.Sub(clock.Now))
	default:
		var err error
		if d, err = time.ParseDuration(by); err != nil || d < 0 || d > maxTurn {
			return errors.New("turn must be expiry, webhook or a duration such as 90m, of at most 8784h")
		}
	}
	if clock.Ahead+d > maxAhead {
		return errors.New("the clock must not be more than 100 years ahead")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.platform.Advance(d)
	}()
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	select {
	case <-done:
	case <-wait.C: // the rest happens by itself
	case <-ctx.Done():
	}
	return nil
}

// postClock is the form.
func (s *site) postClock(w http.ResponseWriter, r *http.Request) {
	switch err := s.turn(r.Context(), r.FormValue("turn")); {
	case errors.Is(err, errNothingDue):
		s.refuse(w, r, http.StatusConflict, "The clock was not turned: no invite is pending, or no webhook waits.")
	case err != nil:
		s.refuse(w, r, http.StatusBadRequest, "The clock was not turned: "+err.Error()+".")
	default:
		back(w, r)
	}
}
