package delivery

import (
	"context"
	"slices"

	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
)

// smaller sends a batch that was refused for its size in two parts. The parts that
// are taken say what fits; an invite that is too large by itself says nothing about
// the others.
func (d *Delivery) smaller(ctx context.Context, b *batch) (lone bool, failed *exchange.Failure) {
	byNumber := d.Size.full(len(b.places)) || b.reply.Failure != nil && b.reply.Failure.Code == exchange.BulkLimitExceeded
	// Until it is known better, size is what was wrong: others in flight, and what is
	// left of this call, need not meet it too.
	before := d.Size.halve(len(b.places), growAfter)
	lone, failed = d.halves(ctx, b.places)
	switch {
	case failed != nil:
	case lone:
		d.Size.restore(before)
	default:
		d.Size.limit(len(b.places)-len(b.places)/2, byNumber)
	}
	return lone, failed
}

// without sends again what was not done of a batch that was refused for an invite in it.
// Those that the look-ups have shown to be invited already are the reason, or a part of
// it: they are refused, and the others are sent. If none was shown, the others are sent
// in two parts.
func (d *Delivery) without(ctx context.Context, b *batch) *exchange.Failure {
	var rest []int
	explained := false
	for _, i := range b.places {
		f := &d.fates[i]
		if f.verdict == evidence.Sent {
			continue
		}
		f.Throttled = false // nothing was done
		if f.Explained {
			f.Refused, f.verdict, f.refusal = true, evidence.Refused, d.refusal(b.reply.Failure)
			d.lone, d.all, explained = d.lone+1, b.reply.Failure, true
		} else {
			rest = append(rest, i)
		}
	}
	if !explained {
		_, failed := d.halves(ctx, rest)
		return failed
	}
	if d.Split != nil {
		d.Split(rest)
	}
	_, failed := d.part(ctx, rest)
	return failed
}

// halves sends what was refused as a whole in two parts. Which one comes first changes
// from level to level: where many at the beginning or at the end are the reason, one
// that is taken is soon found.
func (d *Delivery) halves(ctx context.Context, all []int) (lone bool, failed *exchange.Failure) {
	if d.Split != nil {
		d.Split(all)
	}
	d.depth++
	defer func() { d.depth-- }()
	middle := len(all) / 2
	halves := [][]int{all[:middle], all[middle:]}
	if d.depth%2 == 0 {
		slices.Reverse(halves)
	}
	for _, half := range halves {
		culprit, err := d.part(ctx, half)
		lone = lone || culprit
		if err != nil {
			return lone, err
		}
	}
	return lone, nil
}
