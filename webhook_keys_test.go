package roq_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

// While a key is replaced both are accepted, and nothing else is.
func TestWebhookPreviousKey(t *testing.T) {
	t.Parallel()
	insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	for name, row := range map[string]struct {
		current, previous string
		accepted, refused []string
	}{
		"none":     {"new", "", []string{"new"}, []string{"", "old", "ne", "newnew"}},
		"two":      {"new", "old", []string{"new", "old"}, []string{"", "newold", "new,old", "NEW", "ol"}},
		"the same": {"new", "new", []string{"new"}, []string{"", "old"}},
	} {
		cfg := config()
		cfg.WebhookKey, cfg.PreviousWebhookKey = row.current, row.previous
		handler, err := newClient(t, cfg).WebhookHandler(func(context.Context, roq.WebhookEvent) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		h := &hooked{Handler: handler}
		for _, key := range row.accepted {
			if w := h.post(t, strings.NewReader(insert), key); w.Code != 204 {
				t.Errorf("%s: %q is answered %d, want 204", name, key, w.Code)
			}
		}
		for _, key := range row.refused {
			if w := h.post(t, strings.NewReader(insert), key); w.Code != 401 {
				t.Errorf("%s: %q is answered %d, want 401", name, key, w.Code)
			}
		}
		if w := h.post(t, strings.NewReader(insert), row.current, row.previous); w.Code != 401 {
			t.Errorf("%s: two keys in one request are answered %d, want 401", name, w.Code)
		}
	}
	// The previous key does not stand in for one.
	cfg := config()
	cfg.PreviousWebhookKey = "old"
	if _, err := newClient(t, cfg).WebhookHandler(func(context.Context, roq.WebhookEvent) error { return nil }); err == nil {
		t.Error("WebhookHandler without a WebhookKey = nil, want an error")
	}
	cfg.WebhookKey, cfg.PreviousWebhookKey = "new", "old\n"
	if _, err := roq.New(cfg); err == nil || !strings.Contains(err.Error(), "Config.PreviousWebhookKey: must be printable") || strings.Contains(err.Error(), "old") {
		t.Errorf("New = %v, want the field named", err)
	}
}
