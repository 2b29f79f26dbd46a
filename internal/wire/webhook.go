package wire

import (
	"bytes"
	"errors"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// WebhookKey is the header in which the platform says that it is the platform
// (documentation, webhooks).
const WebhookKey = "Roq-Platform-Webhook-Key"

// What the events of invites call their object, and their names. Both are
// inferred: the documentation gives those of users, and says that invites have
// such events too.
const (
	UserInviteObject = "userInvite"
	UserInviteInsert = "ROQ_USER_INVITE_INSERT"
	UserInviteUpdate = "ROQ_USER_INVITE_UPDATE"
	UserInviteRemove = "ROQ_USER_INVITE_REMOVE"
)

// Webhook is the body of a webhook. Its data is raw, and there only if the event is
// about an invite: what is in there depends on the object.
type Webhook struct {
	ID            string
	Name          string
	Object        string
	EnvironmentID string
	Data          HookedInvite
	// Repaired is how much of an invite's event had to be [repaired].
	Repaired int
}

// HookedInvite is the data of an invite's event.
type HookedInvite struct {
	Current  jsontext.Value `json:"current"`
	Previous jsontext.Value `json:"previous"`
}

// DecodeWebhook reads the body of a webhook. The names of an invite's event and
// object get the spelling of this package, whatever theirs is.
//
// It is strict about what it reads: the members of the event and, if the event is
// about an invite, of the invites in it. None of them may come twice, and the name
// and the object of the event must be Unicode as they came. All the rest only has to
// be JSON.
func DecodeWebhook(body []byte) (Webhook, error) {
	event, _, err := unmarshal[struct {
		ID            string         `json:"id"`
		Name          string         `json:"name"`
		Object        string         `json:"object"`
		EnvironmentID string         `json:"environmentId"`
		Data          jsontext.Value `json:"data"`
	}]("the event", body, eventReading)
	if err != nil {
		return Webhook{}, err
	}
	if event.Name == "" {
		return Webhook{}, errors.New("the event has no name")
	}
	hook := Webhook{ID: event.ID, Name: event.Name, Object: event.Object, EnvironmentID: event.EnvironmentID}
	if letters(hook.Object) == letters(UserInviteObject) {
		hook.Object = UserInviteObject
	}
	for _, name := range []string{UserInviteInsert, UserInviteUpdate, UserInviteRemove} {
		if letters(hook.Name) == letters(name) {
			hook.Name, hook.Object = name, UserInviteObject
		}
	}
	if hook.Object != UserInviteObject {
		return hook, nil
	}
	// From the body, and not from what may have been repaired without the knowledge that
	// this is read.
	invite, repaired, err := unmarshal[struct {
		Data HookedInvite `json:"data"`
	}]("the event", body, inviteEventReading)
	hook.Data, hook.Repaired = invite.Data, repaired
	return hook, err
}

// CanonicalWebhook returns the body of a webhook in a form that is the same for
// the same JSON: without white space, and with members in order. Numbers stay as
// they are written, since large ones that differ could become the same. What is
// no JSON stays as it is.
func CanonicalWebhook(body []byte) []byte {
	canonical := jsontext.Value(bytes.Clone(body))
	if canonical.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) != nil {
		return body
	}
	return canonical
}

// DecodeInvite reads an invite in a webhook, which is null where there is none.
// That it has the names of the schema is our reading.
func DecodeInvite(value jsontext.Value) (*Invite, error) {
	if len(value) == 0 {
		return nil, nil
	}
	r := newReader(value)
	defer r.free()
	row, err := r.ReadValue()
	if err == nil {
		err = r.readRow(row)
	}
	if err == nil {
		err = r.readEnd()
	}
	switch {
	case err != nil:
		return nil, wrong("the invite", value, err)
	case row.Kind() == 'n':
		return nil, nil
	case !r.row.complete():
		return nil, errors.New("the invite has no id")
	}
	invite := r.row
	return &invite, nil
}

// letters returns the letters of a name in lower case, without what separates
// its words.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}
