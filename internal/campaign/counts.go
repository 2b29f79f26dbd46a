package campaign

import (
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
)

// counts is how many outcomes of each kind a campaign has had.
type counts struct{ sent, refused, unknown, notSent int }

func (c *counts) add(s Status) {
	switch s {
	case Sent:
		c.sent++
	case Refused, Duplicate:
		c.refused++
	case Unknown:
		c.unknown++
	case NotSent:
		c.notSent++
	}
}

// conclude makes a failure that of the campaign: it says what is known of all the
// invites, each of which has its own outcome.
func (c *counts) conclude(f *exchange.Failure) *exchange.Failure {
	return f.Concluded(0, delivery.Summary(c.sent, c.refused, c.unknown, c.notSent))
}
