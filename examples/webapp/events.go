package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// watchEvery is how often the platform is asked whether something has changed.
const watchEvery = 2 * time.Second

// events tells the page when the list that it shows has changed, as server-sent
// events. The event holds nothing: the page asks for what it shows.
func (a *app) events(w http.ResponseWriter, r *http.Request, who visitor) {
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	say := func(event string) bool {
		_, err := fmt.Fprintf(w, "event: %s\ndata:\n\n", event)
		return err == nil && stream.Flush() == nil
	}
	query, last := readView(r.URL.Query()).query(), ""
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		now := last
		if page, err := who.platform.UserInvites(r.Context(), query); err == nil {
			now = fingerprint(page)
		}
		// That nothing has changed is said too, so that a connection that has gone is
		// noticed.
		event := "same"
		if now != last && !first {
			event = "changed"
		}
		last = now
		if !say(event) || time.Now().After(who.ExpiresAt) {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// fingerprint is the same for two pages that look the same.
func fingerprint(page *roq.UserInvitePage) string {
	var all strings.Builder
	fmt.Fprintln(&all, page.TotalCount)
	for _, i := range page.Data {
		fmt.Fprintln(&all, i.ID, i.Status, i.UpdatedAt)
	}
	return all.String()
}
