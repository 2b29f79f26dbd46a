package inviteui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

const (
	// How often the platform is asked, at least and at most.
	shortest, longest = 2 * time.Second, 8 * time.Second
	// alive is how often a stream without news says so, so that a connection that has gone
	// is noticed.
	alive = 15 * time.Second
	// unread is how many changes a page may be behind. Then it reads the list again.
	unread = 64
)

// hub has one watch for each tenant whose page is open.
type hub struct {
	client  *roq.Client
	mu      sync.Mutex
	tenants map[string]*tenant
}

// tenant is a watch: the pages that follow it, each with its user.
type tenant struct {
	followers map[*follower]string
	cancel    context.CancelFunc
	// newest is when the latest change was that is known.
	newest time.Time
}

// follower is an open page.
type follower struct {
	changes chan roq.UserInviteChange
	// lost is sent to when the page has to read the list again.
	lost chan struct{}
	// since is when the latest change was that the page has.
	since time.Time
}

// join follows the session's tenant until leave is called, with a page that has every
// change until since. The watch ends with the last follower.
func (b *hub) join(session *roq.Session, since time.Time) (f *follower, leave func()) {
	f = &follower{make(chan roq.UserInviteChange, unread), make(chan struct{}, 1), since}
	id := session.User.TenantID
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[id]
	if t == nil {
		ctx, cancel := context.WithCancel(context.Background())
		t = &tenant{followers: map[*follower]string{}, cancel: cancel}
		b.tenants[id] = t
		go b.run(ctx, id, t)
	}
	if t.newest.After(since) {
		f.lost <- struct{}{}
	}
	t.followers[f] = session.RoqUserID
	return f, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(t.followers, f); len(t.followers) == 0 {
			delete(b.tenants, id)
			t.cancel()
		}
	}
}

// tell tells those who do not know yet of a change at that time, or, without one, that
// there is any.
func (b *hub) tell(t *tenant, at time.Time, change *roq.UserInviteChange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.After(t.newest) {
		t.newest = at
	}
	for f := range t.followers {
		fresh := at.After(f.since)
		if fresh {
			f.since = at
		}
		if change != nil {
			select {
			case f.changes <- *change:
				continue
			default:
				fresh = true
			}
		}
		if fresh {
			select {
			case f.lost <- struct{}{}:
			default:
			}
		}
	}
}

// run watches a tenant as one of those who follow it, whose session may end meanwhile.
func (b *hub) run(ctx context.Context, id string, t *tenant) {
	for ctx.Err() == nil {
		var userID string
		b.mu.Lock()
		for _, userID = range t.followers { // after a failure perhaps another
			break
		}
		b.mu.Unlock()
		if userID == "" {
			return
		}
		if err := b.follow(ctx, b.client.AsUser(userID), id, t); err != nil {
			sleep(ctx, longest)
		}
	}
}

// newest returns when an invite of the tenant changed last, and how many there are.
func newest(ctx context.Context, platform *roq.RoqPlatform, tenantID string) (at time.Time, total int, err error) {
	page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{
		Filter: view{}.filter(tenantID), Order: &roq.UserInviteOrder{Sort: roq.SortUpdatedAt, Order: roq.Descending}, Limit: 1,
	})
	if err != nil {
		return at, 0, err
	}
	for _, invite := range page.Data {
		at = invite.UpdatedAt
	}
	return at, page.TotalCount, nil
}

// follow tells what changes while an invite is pending, and then waits until something
// is new.
func (b *hub) follow(ctx context.Context, platform *roq.RoqPlatform, id string, t *tenant) error {
	at, total, err := newest(ctx, platform, id)
	if err != nil {
		return err
	}
	b.tell(t, at, nil)
	for change, failed := range platform.WatchUserInvites(ctx, roq.UserInvitesQuery{Filter: view{}.filter(id)}, roq.WithInterval(shortest, longest)) {
		switch {
		case failed == nil && change.Current != nil:
			b.tell(t, change.Current.UpdatedAt, &change)
		case failed == nil:
			b.tell(t, at, &change)
		case !errors.Is(failed, roq.ErrUnavailable) && !errors.Is(failed, roq.ErrRateLimited):
			return failed
		}
	}
	for sleep(ctx, longest) {
		now, count, err := newest(ctx, platform, id)
		if err != nil || count != total || !now.Equal(at) {
			return err
		}
	}
	return ctx.Err()
}

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// events tells an open page what changes: statuses, and the progress of a job.
func (h *handler) events(v *visitor) {
	if v.refused(ActionList) {
		return
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Time{}) // a server's time-outs are for pages
	say := func(event string, data any) bool {
		text, err := json.Marshal(data)
		if err != nil {
			return false
		}
		_ = control.SetWriteDeadline(time.Now().Add(2 * alive))
		_, err = fmt.Fprintf(v.w, "event: %s\ndata: %s\n\n", event, text)
		return err == nil && control.Flush() == nil
	}
	query := v.r.URL.Query()
	id, at := query.Get("report"), readView(query)
	since, _ := strconv.ParseInt(query.Get("since"), 10, 64)
	f, leave := h.hub.join(v.session, time.UnixMilli(since))
	defer leave()
	if !say("open", nil) {
		return
	}
	pace := alive
	handled := -1
	if id != "" {
		pace = time.Second
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	expired := time.NewTimer(time.Until(v.session.ExpiresAt))
	defer expired.Stop()
	for {
		ok := true
		select {
		case <-v.r.Context().Done():
			return
		case <-expired.C:
			say("expired", nil)
			return
		case <-f.lost:
			ok = say("list", nil)
		case change := <-f.changes:
			out := map[string]any{"id": change.ID, "was": change.PreviousStatus, "status": "", "html": ""}
			if change.Current != nil {
				out["status"], out["html"] = change.Current.Status, v.part("row", row{v, *change.Current, at})
			}
			ok = say("change", out)
		case <-tick.C:
			if id == "" {
				ok = say("alive", nil)
				break
			}
			r := v.shown(id)
			if r.Done {
				id = ""
				tick.Reset(alive)
				ok = say("done", nil)
			} else if r.Handled != handled {
				handled = r.Handled
				ok = say("progress", v.part("report", r))
			}
		}
		if !ok {
			return
		}
	}
}

// part renders a part of the page.
func (v *visitor) part(name string, data any) string {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		v.log.Error("a part of the page cannot be shown", "part", name, "error", err)
	}
	return out.String()
}
