package delivery

import (
	"fmt"
	"strings"

	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
)

// What the texts of failures end with.
const (
	nothingSent    = "nothing was sent"
	nothingChanged = "nothing was changed"
	unknownOutcome = "the outcome is unknown"
)

// conclude makes the failure of a batch that of the whole delivery: it says what
// is known of all the invites.
func (d *Delivery) conclude(base *exchange.Failure) *exchange.Failure {
	if base == nil {
		return nil
	}
	sent, refused, unknown, notSent := d.Count()
	return Conclude(base, sent, refused, unknown, notSent)
}

// Conclude returns a failure with what is known of invites of which so many were sent,
// refused, and so on.
func Conclude(base *exchange.Failure, sent, refused, unknown, notSent int) *exchange.Failure {
	var kind exchange.Kind
	switch {
	case sent+refused+unknown == 0 && !base.Refused:
		kind = exchange.NotSent
	case unknown > 0:
		kind = exchange.OutcomeUnknown
	}
	return base.Concluded(kind, Summary(sent, refused, unknown, notSent))
}

// Summary says what is known of invites of which so many were sent, refused, and
// so on.
func Summary(sent, refused, unknown, notSent int) string {
	var known []string
	for _, part := range []struct {
		n    int
		what string
	}{{sent, "sent"}, {refused, "refused"}, {notSent, "not sent"}} {
		if part.n > 0 {
			known = append(known, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	switch {
	case sent+refused+unknown == 0:
		return nothingSent
	case len(known) == 0:
		return unknownOutcome
	case unknown == 0:
		return "invites: " + strings.Join(known, ", ")
	default:
		return fmt.Sprintf("invites: %s; the outcome of %d is unknown", strings.Join(known, ", "), unknown)
	}
}

// Because makes a failure that of one invite with that verdict.
func Because(f *exchange.Failure, v evidence.Verdict) *exchange.Failure {
	if v == evidence.Unknown {
		return f.Concluded(exchange.OutcomeUnknown, unknownOutcome)
	}
	return f.Concluded(exchange.NotSent, nothingSent)
}
