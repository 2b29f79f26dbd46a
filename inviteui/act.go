package inviteui

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-roq/roq"
)

// question asks before invites are resent or canceled.
type question struct {
	*visitor
	Action Action
	Key    string
	View   view
	// All is whether everything that matches the view is meant. IDs are who is otherwise.
	All bool
	IDs []string
	// Found are the invites whose status allows it, the latest change first; of all that
	// match, only that one. Count is how many there are, and Skipped how many others.
	Found          []roq.UserInvite
	Count, Skipped int
	Problem        *problem
}

// Seen is when one of the invites changed last, as far as the question knows.
func (q question) Seen() string { return q.Found[0].UpdatedAt.Format(time.RFC3339Nano) }

// changedSince reports whether one of them has changed after that.
func (q question) changedSince(seen string) bool {
	at, _ := time.Parse(time.RFC3339Nano, seen)
	return len(q.Found) > 0 && q.Found[0].UpdatedAt.After(at)
}

// errChanged is the error of a resend of invites that have changed since it was asked for.
var errChanged = errors.New("they have changed since")

// asked reads what is to be done with which invites.
func (v *visitor) asked(values url.Values) (q question, ok bool) {
	q = question{visitor: v, Action: Action(values.Get("do")), View: readView(values), All: values.Get("all") != "", IDs: slices.Compact(slices.Sorted(slices.Values(values["id"])))}
	switch {
	case q.Action != ActionResend && q.Action != ActionCancel:
		v.trouble(&problem{Key: "address", Status: http.StatusNotFound})
	case v.refused(q.Action):
	case !q.All && len(q.IDs) == 0 || len(q.IDs) > 200:
		v.trouble(&problem{Key: "none", Status: http.StatusUnprocessableEntity})
	default:
		return q, true
	}
	return q, false
}

// filter is what is acted on: the ids, or of all that match only what the status allows.
func (q *question) filter() roq.UserInviteFilter {
	tenantID := q.session.User.TenantID
	if !q.All {
		f := view{}.filter(tenantID)
		f.ID = &roq.IDFilter{ValueIn: q.IDs}
		return f
	}
	f := q.View.filter(tenantID)
	if f.Status == nil {
		f.Status = &roq.StringFilter{}
	}
	if q.Action == ActionResend {
		f.Status.NotEqualTo = string(roq.StatusAccepted)
	} else {
		f.Status.ValueIn = []string{string(roq.StatusPending)}
	}
	return f
}

// confirm asks.
func confirm(v *visitor) {
	if q, ok := v.asked(v.r.URL.Query()); ok {
		q.show(http.StatusOK)
	}
}

// look asks the platform who is meant. It does not end with the request: the same form,
// sent once more by a browser that gives the first request up, waits for its result.
func (q *question) look() error {
	found, err := q.platform.UserInvites(context.WithoutCancel(q.r.Context()), roq.UserInvitesQuery{
		Filter: q.filter(), Limit: max(1, len(q.IDs)), Order: &roq.UserInviteOrder{Sort: roq.SortUpdatedAt, Order: roq.Descending},
	})
	if err != nil {
		return err
	}
	n := len(found.Data)
	q.Found = slices.DeleteFunc(found.Data, func(i roq.UserInvite) bool { return !allows(i.Status, q.Action) })
	if q.Count, q.Skipped = len(q.Found), n-len(q.Found); q.All { // the filter has left out the others
		q.Count = found.TotalCount
	}
	return nil
}

// show shows the question.
func (q question) show(status int) {
	err := q.look()
	switch {
	case err != nil:
		q.trouble(q.explain(err))
	case len(q.Found) > 0:
		q.Key = rand.Text()
		q.visitor.show(status, "confirm", q)
	case q.All || q.Skipped > 0:
		q.trouble(&problem{Key: "late", Status: http.StatusConflict})
	default:
		q.trouble(troubleOf(roq.ErrNotFound))
	}
}

// readSmall reads a form without files, and reports whether that is possible.
func (v *visitor) readSmall() bool {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 1<<20)
	err := v.r.ParseForm()
	if err != nil {
		v.trouble(&problem{Key: "form", Status: http.StatusBadRequest})
	}
	return err == nil
}

// act does what was confirmed.
func act(v *visitor) {
	if !v.readSmall() {
		return
	}
	q, ok := v.asked(v.r.PostForm)
	if !ok {
		return
	}
	if v.r.PostForm.Get("tenant") != v.Tenant() {
		v.trouble(&problem{Key: "moved", Status: http.StatusConflict})
		return
	}
	id, err := v.once(v.r.PostForm.Get("key"), []string{v.r.PostForm.Encode()}, func(string) (string, error) {
		// The same answer may have been given at another instance, or another visitor's.
		if q.Action == ActionResend {
			if err := q.look(); err != nil {
				return "", err
			} else if q.changedSince(v.r.PostForm.Get("seen")) {
				return "", errChanged
			}
		}
		platform := v.platform
		if q.All {
			platform = v.client.AsUser(v.session.RoqUserID) // a session may expire before the end
		}
		return v.start(q.Action, nil, len(q.IDs), func(ctx context.Context, j *job) error { return perform(ctx, platform, q.Action, q.filter(), j) })
	})
	switch {
	case errors.Is(err, errChanged):
		q.Problem = &problem{Key: "changed"}
		q.show(http.StatusConflict)
		return
	case err != nil:
		v.trouble(v.explain(err))
		return
	}
	v.follow(id, q.View)
}

// perform resends or cancels what matches the filter now.
func perform(ctx context.Context, platform *roq.RoqPlatform, action Action, filter roq.UserInviteFilter, j *job) (err error) {
	all := platform.ResendAllUserInvites
	if action == ActionCancel {
		all = platform.CancelAllUserInvites
	}
	found := 0
	for o, failed := range all(ctx, roq.UserInvitesQuery{Filter: filter, Limit: 500}) {
		if failed != nil {
			err = failed
			continue
		}
		if found++; found == 1 {
			expect(j, o.Total)
		}
		note(j, roq.SendOutcome{Input: roq.UserInviteInput{Email: o.Invite.Email}, Status: o.Status, Err: o.Err})
	}
	for ; err == nil && filter.ID != nil && found < len(filter.ID.ValueIn); found++ { // they were removed
		expect(j, 1)
		note(j, roq.SendOutcome{Status: roq.OutcomeRefused, Err: roq.ErrNotFound})
	}
	return err
}
