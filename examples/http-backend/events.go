package main

import (
	"context"
	"log/slog"

	"github.com/go-roq/roq"
)

// eventLog takes the platform's events. A backend would update its own tables
// here, in a way that does no harm when an event comes twice: the SDK's handler
// recognizes a repeat, but not one that another process has handled. This one
// logs.
type eventLog struct{ log *slog.Logger }

// handle takes one event. An error would make the platform send it again.
func (l eventLog) handle(ctx context.Context, event roq.WebhookEvent) error {
	if event.Current != nil {
		l.log.InfoContext(ctx, "invite changed", "event", event.Name, "invite", event.Current.ID, "status", event.Current.Status)
	}
	return nil
}
