package roq

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/repeats"
	"github.com/go-roq/roq/internal/wire"
)

// maxWebhookBytes bounds the body of one webhook.
const maxWebhookBytes = 1 << 20

// The names of the events of invites, as in [WebhookEvent]. They are inferred from those
// that the platform's documentation gives for users.
const (
	// EventUserInviteInsert, "ROQ_USER_INVITE_INSERT": an invite was created.
	EventUserInviteInsert = wire.UserInviteInsert
	// EventUserInviteUpdate, "ROQ_USER_INVITE_UPDATE": an invite changed. It was resent,
	// canceled or accepted, or has expired.
	EventUserInviteUpdate = wire.UserInviteUpdate
	// EventUserInviteRemove, "ROQ_USER_INVITE_REMOVE": an invite was deleted.
	EventUserInviteRemove = wire.UserInviteRemove
)

// WebhookEvent is an event on the platform, about an invite, a user, a conversation, a
// message or a file.
type WebhookEvent struct {
	// ID is the event's id, as the platform sends it.
	ID string
	// Name is one of the EventUserInvite constants, whatever case and separators the
	// platform uses. The names of other events are unchanged.
	Name string
	// Object is the kind of object that the event is about: "userInvite" for invites.
	// Other kinds are unchanged, "user" for example.
	Object string
	// EnvironmentID is the environment of the event. It is not compared with that of
	// the Client.
	EnvironmentID string
	// Fingerprint identifies the event: 64 hexadecimal digits, a hash of the body in
	// canonical form. It is the same when the event is repeated, in every process, and
	// different for every other event. Use it as a unique key if several processes receive
	// webhooks, or if an event must not be handled again after a restart.
	Fingerprint string
	// Current is the invite after the event, Previous the invite before it. They are nil
	// for other objects, and if the platform sends none. They are also nil if the
	// platform sends something that is not an invite; it is in Raw.
	Current, Previous *UserInvite
	// Raw is the whole body, without a byte order mark. It may contain text that is not
	// valid Unicode, or a name twice in one object. encoding/json accepts that, but a
	// database may not.
	Raw json.RawMessage
}

// WebhookHandler returns the handler for the platform's webhooks. It calls handle with
// each event, and responds when handle returns: with 204, or with 500 if there was an
// error, so that the platform sends the event again. The platform does so five times,
// with growing waits (documentation, webhooks), so an event may come after later ones.
// The platform wants a quick response: do long work in another goroutine. The context
// has the values of the request's context, but does not end when the platform closes the
// connection, so that handle can finish. The error is not logged, since it may contain
// anything.
//
// If an event that was handled without an error comes again, the response is 204, and
// handle is not called. If an event comes again while it is being handled, it gets the
// same response. Two requests are the same event if their bodies are the same JSON,
// ignoring white space and the order of members. The handler remembers the last 10,000
// events in memory, by their [WebhookEvent].Fingerprint. Another process, or this one
// after a restart, handles a repeated event again, so handle should be idempotent.
//
// A request must have Config.WebhookKey, or Config.PreviousWebhookKey if it is set, in
// the header roq-platform-webhook-key. If not, the response is 401, and the body is not
// read. The response is 405 if the method is not POST, 413 if the body is longer than
// 1 MiB, and 400 if it is not an event. With [WithLogger], refusals are logged at level
// Warn.
//
// The parts of an event that this package reads are read strictly: its own members, and
// those of an invite. None of them may occur twice, and the name and the object must be
// valid Unicode. All other parts only have to be JSON. In the names of an invite, text
// that is not valid Unicode is replaced by U+FFFD.
//
// WebhookHandler returns an error if Config.WebhookKey is empty or handle is nil.
func (c *Client) WebhookHandler(handle func(context.Context, WebhookEvent) error) (http.Handler, error) {
	core, notReady := c.ready("webhooks")
	if notReady != nil {
		return nil, notReady
	}
	if core.cfg.WebhookKey == "" {
		return nil, errors.New("roq: WebhookHandler: Config.WebhookKey must not be empty")
	}
	if handle == nil {
		return nil, errors.New("roq: WebhookHandler: the function must not be nil")
	}
	h := &webhooks{handle: handle, repeats: new(repeats.Repeats), log: core.opt.logger}
	h.key = sha256.Sum256([]byte(core.cfg.WebhookKey))
	// Without a previous key there are two equal ones, so that one comparison takes no
	// less time than two.
	h.previous = sha256.Sum256([]byte(cmp.Or(core.cfg.PreviousWebhookKey, core.cfg.WebhookKey)))
	return h, nil
}

// webhooks is the handler of a Client's webhooks.
type webhooks struct {
	handle  func(context.Context, WebhookEvent) error
	repeats *repeats.Repeats
	// key and previous are the hashes of the keys: hashes have one length, so that
	// comparing them takes the same time whatever was sent.
	key, previous [sha256.Size]byte
	log           *slog.Logger
}

// ServeHTTP implements [http.Handler].
func (h *webhooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, why string) {
		h.log.WarnContext(r.Context(), "roq: webhook refused", "status", status, "reason", why)
		http.Error(w, why, status)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, "a webhook is a POST")
		return
	}
	if !h.knows(r.Header) {
		refuse(http.StatusUnauthorized, "the webhook key is missing or wrong")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		refuse(http.StatusRequestEntityTooLarge, "the event is too large")
		return
	}
	if err != nil {
		refuse(http.StatusBadRequest, "the event is incomplete")
		return
	}
	body = bytes.TrimPrefix(body, []byte(wire.ByteOrderMark))
	event, err := h.event(r.Context(), body)
	if err != nil {
		refuse(http.StatusBadRequest, err.Error())
		return
	}
	fingerprint := repeats.Of(body)
	event.Fingerprint = fingerprint.String()
	handle := func(ctx context.Context) error { return h.handle(ctx, event) }
	if err := h.repeats.Once(r.Context(), fingerprint, handle); err != nil {
		h.log.ErrorContext(r.Context(), "roq: webhook failed", "name", redact.Identifier(event.Name), "id", redact.Identifier(event.ID))
		http.Error(w, "the event could not be handled", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// knows reports whether the sender knows a key.
func (h *webhooks) knows(header http.Header) bool {
	keys := header.Values(wire.WebhookKey)
	if len(keys) != 1 {
		return false
	}
	sent := sha256.Sum256([]byte(keys[0]))
	return subtle.ConstantTimeCompare(sent[:], h.key[:])|subtle.ConstantTimeCompare(sent[:], h.previous[:]) == 1
}

// event reads the body of a webhook.
func (h *webhooks) event(ctx context.Context, body []byte) (WebhookEvent, error) {
	hook, err := wire.DecodeWebhook(body)
	if err != nil {
		return WebhookEvent{}, err
	}
	event := WebhookEvent{ID: hook.ID, Name: hook.Name, Object: hook.Object, EnvironmentID: hook.EnvironmentID, Raw: body}
	if hook.Object != wire.UserInviteObject {
		return event, nil
	}
	current, err := wire.DecodeInvite(hook.Data.Current)
	previous, errPrevious := wire.DecodeInvite(hook.Data.Previous)
	if hook.Repaired > 0 {
		h.log.WarnContext(ctx, "roq: webhook repaired", "name", redact.Identifier(event.Name), "id", redact.Identifier(event.ID), "repaired", hook.Repaired)
	}
	if err := errors.Join(err, errPrevious); err != nil {
		h.log.WarnContext(ctx, "roq: webhook with an invite that cannot be read", "name", redact.Identifier(event.Name), "id", redact.Identifier(event.ID), "reason", err.Error())
	}
	event.Current, event.Previous = userInvite(current), userInvite(previous)
	return event, nil
}
