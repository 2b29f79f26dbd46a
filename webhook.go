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

// The names of the events of invites, as a [WebhookEvent] has them. They are
// inferred from those that the platform's documentation gives for users.
const (
	// EventUserInviteInsert, "ROQ_USER_INVITE_INSERT", is an invite that was made.
	EventUserInviteInsert = wire.UserInviteInsert
	// EventUserInviteUpdate, "ROQ_USER_INVITE_UPDATE", is one that changed: it was
	// resent, canceled or accepted, or has expired.
	EventUserInviteUpdate = wire.UserInviteUpdate
	// EventUserInviteRemove, "ROQ_USER_INVITE_REMOVE", is one that was deleted.
	EventUserInviteRemove = wire.UserInviteRemove
)

// WebhookEvent is something that happened on the platform, to an invite, a user,
// a conversation, a message or a file.
type WebhookEvent struct {
	// ID is what the platform sends as the event's id.
	ID string
	// Name is one of the EventUserInvite constants, whatever case and separators
	// the platform writes it with. Other events have their name as it came.
	Name string
	// Object is what it happened to: "userInvite" for invites, and for others as it
	// came ("user", say).
	Object string
	// EnvironmentID is the environment in which it happened. That it is this
	// client's is not checked.
	EnvironmentID string
	// Fingerprint is the same for an event that is repeated, in every process, and
	// different for every other event: 64 hexadecimal digits, a hash of the body in
	// canonical form. Make it a unique key where several processes take webhooks, or where
	// a restart must not handle an event again.
	Fingerprint string
	// Current is the invite after the event, Previous the invite before. They are
	// nil for other objects, where the platform sends none, and where it sends
	// something that is not an invite, which is then in Raw all the same.
	Current, Previous *UserInvite
	// Raw is the whole body as it came, without a byte order mark. It may hold text
	// that is not Unicode, or a name twice in one object: encoding/json reads that, but
	// a database need not.
	Raw json.RawMessage
}

// WebhookHandler returns the handler to which the platform's webhooks are to be
// sent. It calls handle with each event, and answers when handle returns: 204,
// or 500 if there was an error, so that the platform sends the event again. It
// does so five times, longer and longer apart (documentation, webhooks), and
// wants its answer quickly: leave long work to another goroutine, and expect an
// event after later ones. The context has the values of the request and not its
// end: what was begun is finished although the platform hangs up. The error is
// not logged, since it may hold anything.
//
// An event that was handled without an error is answered 204 when it comes again,
// and handle is not called; one that comes again while it is being handled gets
// the same answer. Two requests are the same event if their bodies are the same
// JSON, whatever its white space and the order of its members. The handler
// remembers the last 10,000 events, by their [WebhookEvent].Fingerprint, in its own
// memory: another process, or this one after a restart, handles a repeat again. So
// handling an event twice should still do no harm.
//
// A request without Config.WebhookKey, or Config.PreviousWebhookKey if there is one, in
// the header roq-platform-webhook-key is answered 401 before its body is read; one that is no POST 405, one of more than
// 1 MiB 413, and one that is no event 400. With [WithLogger] refusals are logged
// at level Warn.
//
// An event is read strictly where this package reads it: its own members, and those
// of an invite. None of them may come twice, and the name and the object must be
// Unicode. Any other part only has to be JSON. In the names of an invite, text that
// is not Unicode has U+FFFD in its place.
//
// WebhookHandler itself fails if Config has no WebhookKey, or if handle is nil.
func (c *Client) WebhookHandler(handle func(context.Context, WebhookEvent) error) (http.Handler, error) {
	core, notReady := c.ready("webhooks")
	if notReady != nil {
		return nil, notReady
	}
	if core.cfg.WebhookKey == "" {
		return nil, errors.New("roq: WebhookHandler: Config.WebhookKey is empty, and anybody would know it")
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
		refuse(http.StatusBadRequest, "the event was cut")
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
