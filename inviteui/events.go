package inviteui

import (
	"fmt"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/internal/sse"
)

// alive is how often a stream without news says so, so that a connection that has gone is
// noticed.
const alive = 15 * time.Second

// events tells an open page what changes: statuses, and the progress of a job.
func events(v *visitor) {
	if !v.Can(ActionSend) && v.refused(ActionList) {
		return
	}
	stream := sse.Open(v.w, v.r, 2*alive)
	if stream == nil {
		return
	}
	query := v.r.URL.Query()
	var changes <-chan roq.UserInviteChange
	if v.Can(ActionList) {
		since, _ := time.Parse(time.RFC3339Nano, query.Get("since"))
		changes = v.client.FollowUserInvites(v.r.Context(), v.session, since)
	}
	id, last, pace := query.Get("report"), "", alive
	if id != "" {
		pace = time.Second
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	expired := time.NewTimer(time.Until(v.session.ExpiresAt))
	defer expired.Stop()
	for ok := stream.Send("open", "", nil); ok; {
		select {
		case <-v.r.Context().Done():
			return
		case <-expired.C:
			stream.Send("expired", "", nil)
			return
		case change, open := <-changes:
			clear(v.may) // what the visitor may do may have changed
			if ok = open && v.Can(ActionList); ok && change.ID == "" {
				ok = stream.Send("list", "", nil)
			} else if ok {
				ok = stream.Send("change", "", v.changed(change, readView(query)))
			}
		case <-tick.C:
			if clear(v.may); !v.Can(ActionSend) && !v.Can(ActionList) {
				return
			}
			if id == "" {
				ok = stream.Send("alive", "", nil)
			} else if r := v.shown(id); r.Done {
				id = ""
				tick.Reset(alive)
				ok = stream.Send("done", "", nil)
			} else if now := fmt.Sprint(r.Handled, r.Err != nil); now != last {
				last = now
				html, err := render("report", r)
				ok = err == nil && stream.Send("progress", "", html)
			}
		}
	}
}

// changed is a change as the page reads it: without a status if the invite is gone.
func (v *visitor) changed(change roq.UserInviteChange, at view) any {
	out := map[string]any{"id": change.ID, "was": change.PreviousStatus, "status": "", "html": ""}
	if change.Current != nil {
		out["status"], out["at"] = change.Current.Status, change.Current.UpdatedAt
		out["html"], _ = render("row", row{v, *change.Current, at})
	}
	return out
}
