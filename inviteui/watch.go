package inviteui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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

// tenant is a watch and those who follow it.
type tenant struct {
	id        string
	followers map[*follower]bool
	cancel    context.CancelFunc
}

// follower is an open page.
type follower struct {
	session *roq.Session
	changes chan roq.UserInviteChange
	// lost is sent to when the page has to read the list again, and gone is closed when
	// the platform refuses the session.
	lost, gone chan struct{}
}

// join follows the session's tenant until leave is called.
func (b *hub) join(session *roq.Session) (f *follower, leave func()) {
	f = &follower{session, make(chan roq.UserInviteChange, unread), make(chan struct{}, 1), make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	id := session.User.TenantID
	t := b.tenants[id]
	if t == nil {
		ctx, cancel := context.WithCancel(context.Background())
		t = &tenant{id, map[*follower]bool{}, cancel}
		b.tenants[id] = t
		go b.run(ctx, t)
	}
	t.followers[f] = true
	return f, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(t, f)
	}
}

// drop removes a follower. The watch ends with the last one.
func (b *hub) drop(t *tenant, f *follower) {
	delete(t.followers, f)
	if len(t.followers) == 0 && b.tenants[t.id] == t {
		delete(b.tenants, t.id)
		t.cancel()
	}
}

// tell tells all followers of a change, or, without one, that there may be any.
func (b *hub) tell(t *tenant, change *roq.UserInviteChange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range t.followers {
		if change != nil {
			select {
			case f.changes <- *change:
				continue
			default:
			}
		}
		select {
		case f.lost <- struct{}{}:
		default:
		}
	}
}

// run watches a tenant with the session of whoever stays longest.
func (b *hub) run(ctx context.Context, t *tenant) {
	var newest string
	for ctx.Err() == nil {
		f := b.longest(t)
		if f == nil {
			return
		}
		platform := b.client.AsSession(f.session)
		err := b.follow(ctx, platform, t, &newest)
		if errors.Is(err, roq.ErrUnauthorized) || errors.Is(err, roq.ErrForbidden) {
			b.mu.Lock()
			if t.followers[f] {
				close(f.gone)
				b.drop(t, f)
			}
			b.mu.Unlock()
			continue
		}
		if err != nil {
			sleep(ctx, longest)
		}
	}
}

// longest returns the follower whose session ends last.
func (b *hub) longest(t *tenant) (last *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := range t.followers {
		if last == nil || f.session.ExpiresAt.After(last.session.ExpiresAt) {
			last = f
		}
	}
	return last
}

// follow tells what changes while an invite is pending, and then waits until something
// is new.
func (b *hub) follow(ctx context.Context, platform *roq.RoqPlatform, t *tenant, newest *string) error {
	filter := view{}.filter(t.id)
	peek := func() (string, error) {
		page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{
			Filter: filter, Order: &roq.UserInviteOrder{Sort: roq.SortUpdatedAt, Order: roq.Descending}, Limit: 1,
		})
		if err != nil {
			return "", err
		}
		mark := fmt.Sprint(page.TotalCount)
		for _, invite := range page.Data {
			mark += " " + invite.ID + invite.UpdatedAt.String()
		}
		return mark, nil
	}
	if *newest == "" {
		mark, err := peek()
		if err != nil {
			return err
		}
		*newest = mark
	}
	told := false
	for change, err := range platform.WatchUserInvites(ctx, roq.UserInvitesQuery{Filter: filter}, roq.WithInterval(shortest, longest)) {
		switch {
		case err == nil:
			told = true
			b.tell(t, &change)
		case !errors.Is(err, roq.ErrUnavailable) && !errors.Is(err, roq.ErrRateLimited):
			return err
		}
	}
	for pause := shortest; ; pause = min(pause*3/2, longest) {
		mark, err := peek()
		if err != nil {
			return err
		}
		if mark != *newest && !told {
			b.tell(t, nil)
		}
		if mark != *newest || told {
			*newest = mark
			if !told {
				return nil
			}
			told = false
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
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

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// say sends an event, and reports whether the page is still there.
func (s stream) say(event string, data any) bool {
	text, err := json.Marshal(data)
	if err != nil {
		return false
	}
	// A server's time-out is for pages, not for streams.
	_ = s.control.SetWriteDeadline(time.Now().Add(2 * alive))
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text)
	return err == nil && s.control.Flush() == nil
}

// changed is an invite that has changed, for the page's script.
type changed struct {
	ID     string `json:"id"`
	Was    string `json:"was"`
	Status string `json:"status"`
	HTML   string `json:"html"`
}

// events tells an open page what changes: statuses, and the progress of a job.
func (h *handler) events(v *visitor) {
	if v.refused(ActionList) {
		return
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	s := stream{v.w, http.NewResponseController(v.w)}
	_ = s.control.SetReadDeadline(time.Time{})
	f, leave := h.hub.join(v.session)
	defer leave()
	if !s.say("open", nil) {
		return
	}
	id, at := v.r.URL.Query().Get("report"), readView(v.r.URL.Query())
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
		case <-f.gone:
			return
		case <-expired.C:
			s.say("expired", nil)
			return
		case <-f.lost:
			ok = s.say("list", nil)
		case change := <-f.changes:
			out := changed{ID: change.ID, Was: string(change.PreviousStatus)}
			if change.Current != nil {
				out.Status, out.HTML = string(change.Current.Status), v.part("row", row{v, *change.Current, at})
			}
			ok = s.say("change", out)
		case <-tick.C:
			if id == "" {
				ok = s.say("alive", nil)
				break
			}
			r := v.shown(id)
			if r.Done {
				id = ""
				tick.Reset(alive)
				ok = s.say("done", nil)
			} else if r.Handled != handled {
				handled = r.Handled
				ok = s.say("progress", v.part("report", r))
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
