package inviteui

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-roq/roq"
)

// question asks before invites are resent or canceled.
type question struct {
	*visitor
	Action Action
	Key    string
	View   view
	// All is whether everything that matches the view is meant. IDs are who is otherwise.
	All   bool
	IDs   []string
	Count int
	// Lines are their addresses; of all that match none.
	Lines []line
	// Skipped is how many have a status that does not allow it.
	Skipped int
}

// asked reads what is to be done with which invites.
func (v *visitor) asked(values url.Values) (question, bool) {
	q := question{visitor: v, Action: Action(values.Get("do")), View: readView(values), All: values.Get("all") != "", IDs: values["id"]}
	if q.Action != ActionResend && q.Action != ActionCancel {
		v.trouble(problem{Key: "address", Status: http.StatusNotFound})
		return q, false
	}
	if v.refused(q.Action) {
		return q, false
	}
	if !q.All && len(q.IDs) == 0 || len(q.IDs) > 200 {
		v.trouble(problem{Key: "none", Status: http.StatusUnprocessableEntity})
		return q, false
	}
	return q, true
}

// filter is what is acted on: only what the status allows.
func (q *question) filter() roq.UserInviteFilter {
	v := q.View
	if !q.All {
		v = view{}
	}
	f := v.filter(q.session.User.TenantID)
	if !q.All {
		f.ID = &roq.IDFilter{ValueIn: q.IDs}
		return f
	}
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
func (h *handler) confirm(v *visitor) {
	q, ok := v.asked(v.r.URL.Query())
	if !ok {
		return
	}
	limit := max(1, len(q.IDs))
	page, err := v.platform.UserInvites(v.r.Context(), roq.UserInvitesQuery{Filter: q.filter(), Limit: limit})
	if err != nil {
		v.trouble(*h.explain(v.r.Context(), err))
		return
	}
	q.Count, q.Key = page.TotalCount, rand.Text()
	if !q.All {
		q.IDs, q.Count = nil, 0
		for _, invite := range page.Data {
			if allows(invite.Status, q.Action) {
				q.IDs = append(q.IDs, invite.ID)
				q.Lines = append(q.Lines, line{invite.Email, strings.TrimSpace(invite.FirstName + " " + invite.LastName)})
			} else {
				q.Skipped++
			}
		}
		q.Count = len(q.IDs)
		if len(page.Data) == 0 {
			v.trouble(problem{Key: "missing", Status: http.StatusNotFound})
			return
		}
	}
	if q.Count == 0 {
		v.trouble(problem{Key: "late", Status: http.StatusConflict})
		return
	}
	v.show(http.StatusOK, "confirm", q)
}

// act does what was confirmed.
func (h *handler) act(v *visitor) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 1<<20)
	if err := v.r.ParseForm(); err != nil {
		v.trouble(problem{Key: "form", Status: http.StatusBadRequest})
		return
	}
	q, ok := v.asked(v.r.PostForm)
	if !ok {
		return
	}
	id, err := h.store.once(v.session.RoqUserID+"\x00"+v.r.PostForm.Encode(), func() (string, error) {
		// A session may expire before the end.
		platform, filter := h.client.AsUser(v.session.RoqUserID), q.filter()
		if !q.All {
			platform = v.platform
		}
		return v.start(q.Action, nil, len(q.IDs), func(ctx context.Context, j *job) error {
			return perform(ctx, platform, q.Action, filter, j)
		})
	})
	if err != nil {
		v.trouble(problem{Key: "full", Status: http.StatusServiceUnavailable})
		return
	}
	v.wait(id)
	back := q.View.values()
	back.Set("report", id)
	v.redirect("./?" + back.Encode())
}

// perform resends or cancels what matches the filter now.
func perform(ctx context.Context, platform *roq.RoqPlatform, action Action, filter roq.UserInviteFilter, j *job) error {
	var targets []roq.UserInvite
	for invite, err := range platform.AllUserInvites(ctx, roq.UserInvitesQuery{Filter: filter, Limit: 500}) {
		if err != nil {
			return err
		}
		targets = append(targets, *invite)
	}
	j.expect(len(targets))
	if filter.ID != nil && len(targets) < len(filter.ID.ValueIn) {
		j.expect(len(targets) + 1)
		j.note(roq.SendOutcome{Status: roq.OutcomeRefused, Err: roq.ErrNotFound})
	}
	do := platform.ResendUserInvite
	if action == ActionCancel {
		do = platform.CancelUserInvite
	}
	// The first refusal of the caller ends it.
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(targets); i = int(next.Add(1)) - 1 {
				o := roq.SendOutcome{Index: i, Input: roq.UserInviteInput{Email: targets[i].Email}, Status: roq.OutcomeNotSent, Err: roq.ErrNotSent}
				if ctx.Err() == nil {
					// What has begun is finished.
					_, err := do(context.WithoutCancel(ctx), targets[i].ID)
					o.Status, o.Err = outcomeOf(err), err
					if errors.Is(err, roq.ErrUnauthorized) || errors.Is(err, roq.ErrForbidden) {
						stop(err)
					}
				}
				j.note(o)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// outcomeOf returns the outcome of an action that ended with err.
func outcomeOf(err error) roq.OutcomeStatus {
	switch {
	case err == nil:
		return roq.OutcomeSent
	case errors.Is(err, roq.ErrOutcomeUnknown):
		return roq.OutcomeUnknown
	case settled(err) || slices.ContainsFunc([]error{roq.ErrNotFound, roq.ErrInvalidInput}, func(kind error) bool { return errors.Is(err, kind) }):
		return roq.OutcomeRefused
	default:
		return roq.OutcomeNotSent
	}
}
