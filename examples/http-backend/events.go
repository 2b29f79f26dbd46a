package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/go-roq/roq"
)

// remembered is how many events are recognised when they come again. The
// platform repeats one for some hours at most.
const remembered = 10_000

// eventLog takes the platform's events. A backend would update its own tables
// here; this one logs.
type eventLog struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[string]bool
	ids  [remembered]string // the oldest is overwritten
	next int
}

func newEventLog(logger *slog.Logger) *eventLog {
	return &eventLog{log: logger, seen: make(map[string]bool)}
}

// handle takes one event. An error would make the platform send it again.
func (l *eventLog) handle(ctx context.Context, event roq.WebhookEvent) error {
	if l.repeated(event.ID) || event.Current == nil {
		return nil
	}
	l.log.InfoContext(ctx, "invite changed", "event", event.Name, "invite", event.Current.ID, "status", event.Current.Status)
	return nil
}

// repeated reports whether an event with that id came before, and remembers it.
func (l *eventLog) repeated(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id == "" || l.seen[id] {
		return id != ""
	}
	delete(l.seen, l.ids[l.next])
	l.seen[id], l.ids[l.next] = true, id
	l.next = (l.next + 1) % remembered
	return false
}
