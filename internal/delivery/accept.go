package delivery

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// Accept accepts the invite that a token belongs to. It returns the invite, or why the
// request failed and what is known of its outcome.
//
// A token does not name an invite that could be read. Three questions settle a request
// that may have been processed. Each is asked only if the one before is not conclusive:
//
//  1. Is the token still valid? Then nobody has accepted the invite, and the request is
//     made again: a token can be used only once.
//  2. Was exactly one invite to the token's address accepted since the request began?
//     Then that is the invite, whoever accepted it.
//  3. How does the platform refuse the same request now? The token is used up, so the
//     request changes nothing, and the refusal is about this token.
func Accept(ctx context.Context, call *exchange.Call, as *exchange.Identity, token string) (*wire.Invite, *exchange.Failure) {
	a := &acceptance{call: call, as: as, token: token}
	return a.run(ctx)
}

// acceptance is a request that accepts an invite.
type acceptance struct {
	call  *exchange.Call
	as    *exchange.Identity
	token string

	record evidence.Record
	start  evidence.Start
	reply  *exchange.Reply
	state  tokenState
	// said is how the platform refused to accept the invite, nil if it did not.
	said *exchange.Failure
	// found is the accepted invite.
	found *wire.Invite
}

// tokenState is what the platform says of a token.
type tokenState int

const (
	unchecked tokenState = iota
	valid
	spent // neither valid nor expired: the invite was accepted or canceled, or does not exist
	expired
)

// acceptedAnyway is what the text of a failure ends with if this or another request has
// accepted the invite.
const acceptedAnyway = "the invite is accepted, perhaps by this call"

func (a *acceptance) run(ctx context.Context) (*wire.Invite, *exchange.Failure) {
	l := deliver(ctx, ctx, a.call, a, false)
	verdict := a.record.Verdict(l.complete)
	failed := a.reply.Failure
	if failed == nil {
		failed = a.call.Fail("the response shows no accepted invite", exchange.Unavailable)
	}
	switch {
	case verdict == evidence.Sent:
		return a.found, nil
	case verdict == evidence.Refused, a.said.Has(exchange.AlreadyAccepted):
		return nil, a.refusal()
	case verdict == evidence.Unknown:
		switch {
		case l.failed != nil:
			failed = failed.And("checking the token failed: "+l.failed.Message, l.failed.Kinds)
		case a.state == valid:
			failed = failed.And("the token was still valid when it was checked last", 0)
		}
		return nil, failed.Concluded(exchange.OutcomeUnknown, unknownOutcome)
	case failed.Refused:
		if unexplainedToken(failed) {
			failed = a.explain(ctx, failed)
		}
		return nil, failed.Concluded(0, nothingChanged)
	}
	return nil, failed.Concluded(exchange.NotSent, nothingChanged)
}

// refusal returns the platform's refusal, with what is known beside it.
func (a *acceptance) refusal() *exchange.Failure {
	known := nothingChanged
	if a.said.Has(exchange.AlreadyAccepted) && (a.record.Maybe || a.record.Throttled) {
		known = acceptedAnyway
	}
	whole := a.said.Concluded(0, known)
	whole.Attempts = a.call.Attempts // it may be the answer to a look-up
	return whole
}

// attempt implements [mutation].
func (a *acceptance) attempt(ctx context.Context, attempts int) *exchange.Reply {
	row, reply := a.ask(ctx, a.call, exchange.Request{Purpose: exchange.PurposeCall, Attempts: attempts})
	a.reply = reply
	if a.start.At.IsZero() {
		a.start = reply.Start
	}
	a.record.Maybe = a.record.Maybe || reply.Maybe
	a.record.Throttled = a.record.Throttled || reply.Throttled
	switch {
	case reply.Data:
		a.see(row, reply)
		a.record.Maybe = a.record.Maybe || a.found == nil
	case refused(reply) && !reply.Failure.Has(exchange.Unauthorized) && (a.record.Maybe || a.record.Throttled):
		a.said = reply.Failure
		// What may be the consequence of an earlier attempt is settled.
		a.record.Refused = !mayBeOurs(a.said)
	}
	return a.reply
}

// ask makes the request. The token is a secret of the call: see [exchange.Call].Private.
func (a *acceptance) ask(ctx context.Context, call *exchange.Call, r exchange.Request) (*wire.Invite, *exchange.Reply) {
	var row *wire.Invite
	r.Operation = wire.AcceptUserInvite
	r.Variables = wire.Accept{Data: wire.InviteToken{Token: a.token}}
	r.Sink, r.Restart = single(&row), func() { row = nil }
	r.MaxBytes = exchange.AnswerBytes(1)
	reply := call.Do(ctx, a.as, r)
	return row, reply
}

// see takes the invite in an answer to the request into account. With errors beside it,
// the invite shows what happened.
func (a *acceptance) see(row *wire.Invite, reply *exchange.Reply) {
	if row == nil || statusOf(row.Status) != evidence.Accepted {
		return
	}
	moment := a.call.Client.Clock.Moment(a.start, reply.When(), exchange.Changed(row))
	if reply.Failure == nil || moment.Accepted(acceptedRow(row)) == evidence.Done {
		a.record.Finding, a.found = evidence.Done, row
	}
}

// acceptedRow is what has to be known of an invite that may have been accepted.
func acceptedRow(row *wire.Invite) evidence.Row {
	r := evidence.Row{ID: row.ID, Stamp: row.StatusUpdatedAt, Status: statusOf(row.Status)}
	if r.Stamp.IsZero() {
		r.Stamp = exchange.Changed(row)
	}
	return r
}

// open implements [mutation]. A valid token, and what was only throttled, need few
// look-ups: the request is made again.
func (a *acceptance) open() (left int, quiet time.Duration) {
	switch {
	case a.record.Known():
		return 0, 0
	case a.state == valid || !a.record.Maybe:
		return 1, 0
	default:
		return 1, never
	}
}

// again implements [mutation]. A repeated request would meet a redirect again.
func (a *acceptance) again(complete bool, last *exchange.Reply) bool {
	return complete && a.state == valid && !a.record.Known() && !refused(last) && last.Outcome != transport.Redirected
}

// lookUp implements [mutation].
func (a *acceptance) lookUp(ctx context.Context, asking *exchange.Call) (complete bool, failed *exchange.Failure) {
	email, failed := a.check(ctx, asking)
	if failed != nil {
		return false, failed
	}
	if a.state == valid && a.said == nil {
		return true, nil
	}
	rows, failed := a.rows(ctx, asking, email)
	if failed != nil {
		return false, failed
	}
	if len(rows.since) == 1 {
		a.record.Finding, a.found = evidence.Done, rows.since[0]
		return true, nil
	}
	if a.said == nil {
		row, reply := a.ask(ctx, asking, exchange.Request{Purpose: exchange.PurposeLookUp, Attempts: 1, HasTurn: true})
		if reply.Data {
			a.see(row, reply)
		}
		switch {
		case a.found != nil:
			return true, nil
		case reply.Failure == nil:
			return false, asking.Fail("the response shows no accepted invite", exchange.Unavailable)
		case !refused(reply), reply.Failure.Has(exchange.Unauthorized):
			return false, reply.Failure
		}
		a.said = reply.Failure
	}
	a.conclude(rows)
	return true, nil
}

// mayBeOurs reports whether a refusal can be the consequence of an earlier attempt: the
// invite is accepted, the token is not known any more, or there is no reason.
func mayBeOurs(f *exchange.Failure) bool {
	return f.Has(exchange.AlreadyAccepted|exchange.NotFound) || f.Kinds == 0
}

// conclude judges a refusal. If it may be the consequence of an earlier attempt, the
// token's state decides, or the invites to its address.
func (a *acceptance) conclude(rows tokenRows) {
	switch {
	case a.said.Has(exchange.AlreadyAccepted), !mayBeOurs(a.said), a.state == valid:
	case rows.kind != 0:
		a.said = explained(a.said, rows.kind)
	case a.state == expired:
		a.said = explained(a.said, exchange.InviteExpired)
	case !rows.over:
		a.record.Finding = evidence.Doubtful
		return
	}
	a.record.Refused = true
}

// explained returns a refusal of a token with the reason for it.
func explained(f *exchange.Failure, kind exchange.Kind) *exchange.Failure {
	if kind == 0 {
		return f
	}
	why := *f.Because(kind)
	why.Kinds &^= exchange.NotFound | exchange.InvalidInput // the token is known
	return &why
}

// unexplainedToken reports whether the platform refused to accept an invite without
// saying why: with the codes of its user interface for that, or as a conflict without a
// code.
func unexplainedToken(f *exchange.Failure) bool {
	switch f.Code {
	case "INVALID_USER_TOKEN", "USER_INVITE_ACCEPTANCE_FAILED":
		return true
	case "":
		return f.Status == http.StatusConflict
	}
	return false
}

// explain reads why the platform has refused to accept the invite.
func (a *acceptance) explain(ctx context.Context, failed *exchange.Failure) *exchange.Failure {
	asking := lookingUp(a.call)
	email, bad := a.check(ctx, asking)
	switch {
	case bad != nil, a.state == valid:
		return failed
	case a.state == expired:
		return explained(failed, exchange.InviteExpired)
	}
	rows, _ := a.rows(ctx, asking, email)
	return explained(failed, rows.kind)
}

// check asks for the state of the token, and returns the address that it was mailed to;
// empty if the platform does not say.
func (a *acceptance) check(ctx context.Context, asking *exchange.Call) (email string, failed *exchange.Failure) {
	var check wire.TokenCheck
	reply := query(ctx, asking, a.as, exchange.Request{
		Operation: wire.CheckUserInviteToken,
		Variables: wire.InviteToken{Token: a.token},
		Sink:      wire.Sink{Into: &check},
		Restart:   func() { check = wire.TokenCheck{} },
		MaxBytes:  exchange.AnswerBytes(1),
	})
	switch {
	case reply.Data && *check.IsValid:
		a.state = valid
	case reply.Data && check.IsExpired, reply.Failure.Has(exchange.InviteExpired):
		a.state = expired
	case reply.Data, refused(reply) && reply.Failure.Has(exchange.NotFound):
		a.state = spent
	default:
		return "", reply.Failure
	}
	if strings.ContainsRune(check.Email, utf8.RuneError) {
		return "", nil // it was repaired, and is nobody's
	}
	return check.Email, nil
}

// tokenRows is what the invites to a token's address show.
type tokenRows struct {
	// since are those that were accepted since the request began.
	since []*wire.Invite
	// over is whether each of them was accepted before the request began, or is canceled
	// or expired: then this request has accepted none.
	over bool
	// kind is the state that all of them share; 0 if they differ.
	kind exchange.Kind
}

// rows reads the invites to an address. An identity that may not see them sees none.
func (a *acceptance) rows(ctx context.Context, asking *exchange.Call, email string) (rows tokenRows, failed *exchange.Failure) {
	if email == "" {
		return rows, nil
	}
	const most = 100
	var all []*wire.Invite
	var stamps evidence.Stamps
	var read int
	reply := query(ctx, asking, a.as, exchange.Request{
		Operation: wire.UserInvites,
		Variables: wire.List{
			Filter: &wire.Filter{Email: &wire.StringFilter{ValueIn: address.Spellings(email)}},
			Order:  &wire.Order{Sort: "createdAt", Order: "DESC"},
			Limit:  most,
		},
		Restart:  func() { all, stamps, read = nil, evidence.Stamps{}, 0 },
		MaxBytes: exchange.AnswerBytes(most),
		Sink: wire.Sink{Most: exchange.LeastRows, Invite: func(row *wire.Invite) error {
			read++
			stamps.Add(row.ID, exchange.Changed(row))
			if address.Fold(row.Email) == address.Fold(email) {
				one := *row
				all = append(all, &one)
			}
			return nil
		}},
	})
	switch {
	case reply.Data:
	case refused(reply) && !reply.Failure.Has(exchange.Unauthorized):
		return rows, nil
	default:
		return rows, reply.Failure
	}
	moment := asking.Client.Clock.Moment(a.start, reply.When(), stamps.Newest())
	for _, row := range all {
		if moment.Accepted(acceptedRow(row)) == evidence.Done {
			rows.since = append(rows.since, row)
		}
	}
	if read >= reply.Total {
		rows.kind, rows.over = fates(all, moment)
	}
	return rows, nil
}

// fates returns the state of the invites, for [tokenRows]. If one is pending there is
// none: it may be the token's own, in a list that is not up to date.
func fates(all []*wire.Invite, moment evidence.Moment) (kind exchange.Kind, over bool) {
	same, over := true, len(all) > 0
	for _, row := range all {
		own := map[evidence.Status]exchange.Kind{
			evidence.Accepted: exchange.AlreadyAccepted, evidence.Canceled: exchange.AlreadyCanceled, evidence.Expired: exchange.InviteExpired,
		}[statusOf(row.Status)]
		if own == 0 {
			return 0, false
		}
		same = same && (kind == 0 || kind == own)
		kind = own
		over = over && (own != exchange.AlreadyAccepted || moment.Accepted(acceptedRow(row)) == evidence.Older)
	}
	if !same {
		kind = 0
	}
	return kind, over
}
