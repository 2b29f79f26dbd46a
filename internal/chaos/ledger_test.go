package chaos_test

import (
	"strings"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// ledger tells what the platform really did since the ledger was opened.
type ledger struct {
	platform *roqtest.Server
	before   int // e-mails
}

func newLedger(platform *roqtest.Server) *ledger {
	return &ledger{platform: platform, before: len(platform.Outbox())}
}

// entry is what was done, counted: e-mails, or 1 for an invite that is canceled or
// accepted.
type entry struct {
	invited, resent, canceled, accepted map[string]int
}

func (l *ledger) read() entry {
	e := entry{make(map[string]int), make(map[string]int), make(map[string]int), make(map[string]int)}
	for _, mail := range l.platform.Outbox()[l.before:] {
		if mail.Kind == roqtest.KindResend {
			e.resent[mail.InviteID]++
		} else {
			e.invited[strings.ToLower(mail.To)]++
		}
	}
	for _, invite := range l.platform.Invites() {
		switch invite.Status {
		case roq.StatusCanceled:
			e.canceled[invite.ID] = 1
		case roq.StatusAccepted:
			e.accepted[invite.ID] = 1
		}
	}
	return e
}

// effects returns what was done for each item of a task; nothing for a read.
func (e entry) effects(t task) []int {
	switch t.operation {
	case opSend:
		done := make([]int, len(t.addresses))
		for i, address := range t.addresses {
			done[i] = e.invited[strings.ToLower(address)]
		}
		return done
	case opResend:
		return []int{e.resent[t.inviteID]}
	case opCancel:
		return []int{e.canceled[t.inviteID]}
	case opAccept:
		return []int{e.accepted[t.inviteID]}
	default:
		return nil
	}
}

// claim is what a caller was told of one item.
type claim int

const (
	// claimDone is success without an error.
	claimDone claim = iota
	// claimFailed is an error that says that nothing happened.
	claimFailed
	// claimUnknown is an error that says that it may have.
	claimUnknown
	// claimNothing is an item that was told of not once, or more than once.
	claimNothing
	// claimWrong is success with something that is not so.
	claimWrong
)

// tally is what runs came to.
type tally struct {
	calls, succeeded, unknown                    int // calls
	unknownDone                                  int // the unknown ones that were processed
	sends, unknownSends                          int // the sends among them
	lost, duplicated, falselyFailed, unaccounted int // items
	panics, overdue                              int // calls
	slowest                                      float64
}

func (t *tally) add(other tally) {
	t.calls += other.calls
	t.succeeded += other.succeeded
	t.unknown += other.unknown
	t.unknownDone += other.unknownDone
	t.sends += other.sends
	t.unknownSends += other.unknownSends
	t.lost += other.lost
	t.duplicated += other.duplicated
	t.falselyFailed += other.falselyFailed
	t.unaccounted += other.unaccounted
	t.panics += other.panics
	t.overdue += other.overdue
	t.slowest = max(t.slowest, other.slowest)
}

// broken is whether a promise was.
func (t *tally) broken() bool {
	return t.lost+t.duplicated+t.falselyFailed+t.unaccounted+t.panics+t.overdue > 0
}

// judge compares what the callers were told with what was done.
func judge(tasks []task, claims [][]claim, done entry, shared bool) (t tally) {
	for i, told := range claims {
		t.call(told, tasks[i].operation == opSend)
		if shared {
			continue
		}
		processed := false
		for item, n := range append(done.effects(tasks[i]), make([]int, len(told))...)[:len(told)] {
			t.item(told[item:item+1], n, tasks[i])
			processed = processed || n > 0 && told[item] == claimUnknown
		}
		if processed {
			t.unknownDone++
		}
	}
	if shared {
		// Nobody can tell whose of the effects is which: they are all callers'.
		for item, n := range done.effects(tasks[0]) {
			var told []claim
			for _, one := range claims {
				told = append(told, one[item])
			}
			t.item(told, n, tasks[0])
		}
	}
	return t
}

// call counts one call.
func (t *tally) call(told []claim, send bool) {
	t.calls++
	if send {
		t.sends++
	}
	ok, unclear := true, false
	for _, c := range told {
		ok = ok && c == claimDone
		unclear = unclear || c == claimUnknown
		if c == claimNothing {
			t.unaccounted++
		}
	}
	if ok {
		t.succeeded++
	}
	if unclear {
		t.unknown++
		if send {
			t.unknownSends++
		}
	}
}

// item counts the outcome of one item that all of those callers asked for.
func (t *tally) item(told []claim, effects int, of task) {
	changes := of.operation != opList && of.operation != opToken
	done, admitted := false, false
	for _, c := range told {
		done = done || c == claimDone
		admitted = admitted || c == claimDone || c == claimUnknown || c == claimNothing
		if c == claimWrong {
			t.lost++
		}
	}
	if changes && done && effects == 0 {
		t.lost++
	}
	if changes && !admitted && effects > 0 {
		t.falselyFailed++
	}
	t.duplicated += max(0, effects-len(told))
}
