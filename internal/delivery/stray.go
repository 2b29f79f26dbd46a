package delivery

import (
	"slices"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/wire"
)

// stray is what an answer says of somebody whom nobody asked for in that spelling: an
// invite that was made, or a refusal.
type stray struct {
	email   string
	row     *wire.Invite
	refusal said
}

// pair finds out whom the strays are about: the platform may store another form of an
// address. What both sides of one answer have left over is compared by the mailbox
// first, and then by what is left of that without marks.
func (b *batch) pair() {
	for _, form := range []func(string) string{
		func(mailbox string) string { return mailbox },
		address.Skeleton,
	} {
		if len(b.strays) == 0 {
			return
		}
		count := make(map[string]int, len(b.strays))
		for _, s := range b.strays {
			count[form(address.Mailbox(s.email))]++
		}
		left := make(map[string][]int)
		for _, i := range b.sending {
			if !slices.Contains(b.made, i) && !slices.ContainsFunc(b.refusals, func(r said) bool { return r.place == i }) {
				key := form(b.d.Invites[i].Mailbox)
				left[key] = append(left[key], i)
			}
		}
		b.strays = slices.DeleteFunc(b.strays, func(s stray) bool {
			key := form(address.Mailbox(s.email))
			if count[key] != 1 || len(left[key]) != 1 {
				return false
			}
			i := left[key][0]
			if s.row != nil {
				b.made = append(b.made, i)
				b.d.Keep(i, s.row)
			} else {
				s.refusal.place = i
				b.refusals = append(b.refusals, s.refusal)
			}
			return true
		})
	}
	b.excess += len(b.strays)
	b.strays = nil
}
