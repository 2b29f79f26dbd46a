package roqtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
)

// invite is an invite with what only the invitee and the clock know.
type invite struct {
	roq.UserInvite
	token     string
	expiresAt time.Time
	number    int // in the order of creation
}

// newInvite is one input of a send, of either schema version.
type newInvite struct {
	createdByUserID, email, firstName, lastName, locale string
	tenantID                                            string
	roles                                               []string
	data                                                json.RawMessage
}

// refusedInvite is an input that was refused while others went through.
type refusedInvite struct {
	newInvite
	err *platformError
}

// send invites people to a tenant. What is wrong with the request as a whole
// refuses all of it; somebody who cannot be invited is refused alone. That a
// request without a tenant, which the first schema allows, is for that of its
// first invite or of the caller is our reading.
func (w *world) send(c caller, tenantID string, inputs []newInvite) (made []roq.UserInvite, refused []refusedInvite, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	if tenantID == "" && len(inputs) > 0 {
		tenantID = inputs[0].tenantID
	}
	if tenantID == "" && c.user != nil {
		tenantID = c.user.TenantID
	}
	_, known := w.tenants[canonical(tenantID)]
	switch tenantID = canonical(tenantID); {
	case tenantID == "":
		return nil, nil, badInput("tenantId must be a UUID")
	case !c.sees(tenantID):
		return nil, nil, forbidden("the tenant is not yours")
	case !known:
		return nil, nil, notFound("TENANT_NOT_FOUND", "there is no such tenant")
	case len(inputs) == 0:
		return nil, nil, badInput("userInvites must not be empty")
	case w.bulkLimit > 0 && len(inputs) > w.bulkLimit:
		e := badInput(fmt.Sprintf("at most %d users can be invited at once", w.bulkLimit))
		e.errorCode, e.variables = "BULK_USER_INVITE_LIMIT_EXCEEDED", map[string]any{"limit": w.bulkLimit}
		return nil, nil, e
	}
	for i := range inputs {
		in := &inputs[i]
		if in.createdByUserID = canonical(in.createdByUserID); in.createdByUserID == "" {
			return nil, nil, badInput("createdByUserId must be a UUID")
		}
		if in.tenantID != "" && canonical(in.tenantID) != tenantID {
			return nil, nil, badInput("all invites of a request must be for the same tenant")
		}
	}
	for _, in := range inputs {
		if err := w.refusal(tenantID, in); err != nil {
			refused = append(refused, refusedInvite{in, err})
			continue
		}
		made = append(made, w.invite(tenantID, in).UserInvite)
	}
	return made, refused, nil
}

// canonical returns a UUID as it is kept, whatever the case of its letters, and
// nothing for what is not one.
func canonical(id string) string {
	parsed, err := uuid.Parse(id)
	if err != nil || len(id) != len(uuid.Nil.String()) {
		return ""
	}
	return parsed.String()
}

// refusal says why one person cannot be invited, if so.
func (w *world) refusal(tenantID string, in newInvite) *platformError {
	parsed, err := mail.ParseAddress(in.email)
	if err != nil || parsed.Address != in.email {
		return badInput("email must be an email")
	}
	if inviter := w.users[in.createdByUserID]; inviter == nil || inviter.TenantID != tenantID {
		return notFound("USER_NOT_FOUND", "the tenant has no user with the id in createdByUserId")
	}
	return w.taken(at(tenantID, in.email))
}

// taken says why an address can have no pending invite, or no further one. The
// codes are known from ROQ's own user interface; that a second pending invite is
// refused is our reading, which WithRepeatedInvites turns round.
func (w *world) taken(where address) *platformError {
	if w.usersAt[where] != nil {
		return conflict("USER_ALREADY_EXISTS", "the tenant has a user with this email")
	}
	pending := func(i *invite) bool { return i.Status == roq.StatusPending }
	if !w.repeatAllowed && slices.ContainsFunc(w.invitesAt[where], pending) {
		return conflict("USER_ALREADY_INVITED", "the email has a pending invite")
	}
	return nil
}

// invite makes an invite and mails it. Without roles the invitee gets the
// inviter's (documentation).
func (w *world) invite(tenantID string, in newInvite) *invite {
	roles := slices.Clone(in.roles)
	if len(roles) == 0 {
		roles = slices.Clone(w.users[in.createdByUserID].Roles)
	}
	created := w.now()
	i := &invite{
		UserInvite: roq.UserInvite{
			ID: uuid.NewString(), UserTokenID: uuid.NewString(), TenantID: tenantID, CreatedByUserID: in.createdByUserID,
			Email: in.email, FirstName: in.firstName, LastName: in.lastName, Locale: in.locale, RoleKeys: roles,
			Status: roq.StatusPending, Data: in.data, CreatedAt: created, UpdatedAt: created, StatusUpdatedAt: created,
		},
		token:     rand.Text(),
		expiresAt: created.Add(w.inviteLifetime),
	}
	w.index(i)
	w.mail(i, KindInvite, created)
	w.hooks.inviteEvent(inserted, i.UserInvite, nil)
	return i
}

// index makes an invite findable in every way.
func (w *world) index(i *invite) {
	w.numbered++
	i.number = w.numbered
	w.invites = append(w.invites, i)
	w.byID[i.ID], w.byToken[i.token] = i, i
	where := at(i.TenantID, i.Email)
	w.invitesAt[where] = append(w.invitesAt[where], i)
	w.expires(i, i.expiresAt)
}

// expires sets when a pending invite expires.
func (w *world) expires(i *invite, when time.Time) {
	i.expiresAt = when
	if i.Status == roq.StatusPending && (w.soonest.IsZero() || when.Before(w.soonest)) {
		w.soonest = when
	}
}

// mail puts an e-mail into the outbox.
func (w *world) mail(i *invite, kind EmailKind, when time.Time) {
	w.outbox = append(w.outbox, Email{To: i.Email, InviteID: i.ID, Kind: kind, Token: i.token, At: when, Number: len(w.outbox) + 1})
	w.changes.add(Changes{Emails: 1, Invites: 1})
}

// find returns an invite that the caller may see.
func (w *world) find(c caller, id string) (*invite, error) {
	if id = canonical(id); id == "" {
		return nil, badInput("id must be a UUID")
	}
	w.expire()
	i := w.byID[id]
	if i == nil || !c.sees(i.TenantID) {
		return nil, notFound("USER_INVITATION_NOT_FOUND", "there is no such invite")
	}
	return i, nil
}

// get returns one invite.
func (w *world) get(c caller, id string) (roq.UserInvite, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(c, id)
	if err != nil {
		return roq.UserInvite{}, err
	}
	return i.UserInvite, nil
}

// resend mails an invite that is not accepted again, and gives it its whole lifetime.
// ROQ's own page offers that for expired and canceled ones too (npm @roq/ui-react 1.0.13);
// that they are pending then is our reading.
func (w *world) resend(c caller, id string) (roq.UserInvite, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.findOpen(c, id)
	if err != nil {
		return roq.UserInvite{}, err
	}
	if i.Status != roq.StatusPending {
		if err := w.taken(at(i.TenantID, i.Email)); err != nil {
			return roq.UserInvite{}, err
		}
	}
	before, resent := i.UserInvite, w.now()
	i.UpdatedAt = resent
	if i.Status != roq.StatusPending {
		i.Status, i.StatusUpdatedAt = roq.StatusPending, resent
	}
	w.expires(i, resent.Add(w.inviteLifetime))
	w.hooks.inviteEvent(updated, i.UserInvite, &before)
	w.mail(i, KindResend, resent)
	return i.UserInvite, nil
}

// cancel withdraws an invite until it is accepted (documentation); an expired one too,
// and not one that is canceled, which are our readings.
func (w *world) cancel(c caller, id string) (roq.UserInvite, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.findOpen(c, id)
	if err != nil {
		return roq.UserInvite{}, err
	}
	if i.Status == roq.StatusCanceled {
		return roq.UserInvite{}, conflict("USER_INVITE_CANCELLATION_FAILED", "the invite was canceled")
	}
	w.move(i, roq.StatusCanceled, w.now())
	return i.UserInvite, nil
}

// findOpen returns an invite that the caller may change: one that was not accepted.
func (w *world) findOpen(c caller, id string) (*invite, error) {
	i, err := w.find(c, id)
	switch {
	case err != nil:
		return nil, err
	case i.Status == roq.StatusAccepted:
		return nil, conflict("USER_INVITE_ALREADY_ACCEPTED", "the invite was accepted")
	}
	return i, nil
}

// change is UserInviteUpdateDto: what is nil stays as it is.
type change struct {
	acceptedByUserID, firstName, lastName, locale *string
	data                                          json.RawMessage
}

// update changes a pending invite (npm @roq/ui-react 1.0.13). That another one is
// refused, and by which code, is our reading.
func (w *world) update(c caller, id string, to change) (roq.UserInvite, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(c, id)
	switch {
	case err != nil:
		return roq.UserInvite{}, err
	case i.Status == roq.StatusAccepted:
		return roq.UserInvite{}, conflict("USER_INVITE_ALREADY_ACCEPTED", "the invite was accepted")
	case i.Status != roq.StatusPending:
		return roq.UserInvite{}, conflict("USER_INVITE_NOT_PENDING", "the invite is "+string(i.Status))
	}
	if by := to.acceptedByUserID; by != nil && *by != "" && w.users[canonical(*by)] == nil {
		return roq.UserInvite{}, notFound("USER_NOT_FOUND", "there is no user with the id in acceptedByUserId")
	}
	before := i.UserInvite
	for into, text := range map[*string]*string{&i.FirstName: to.firstName, &i.LastName: to.lastName, &i.Locale: to.locale} {
		if text != nil {
			*into = *text
		}
	}
	if to.acceptedByUserID != nil {
		i.AcceptedByUserID = canonical(*to.acceptedByUserID)
	}
	if to.data != nil {
		i.Data = to.data
	}
	i.UpdatedAt = w.now()
	w.changes.add(Changes{Invites: 1})
	w.hooks.inviteEvent(updated, i.UserInvite, &before)
	return i.UserInvite, nil
}

// expireNow lets a pending invite expire before its time.
func (w *world) expireNow(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(caller{}, id)
	if err != nil {
		return err
	}
	if i.Status != roq.StatusPending {
		return conflict("USER_INVITE_NOT_PENDING", "the invite is "+string(i.Status))
	}
	w.expires(i, w.now())
	w.expire()
	return nil
}

// expire gives every pending invite whose time has come its status. It comes before
// everything else, so it looks at all of them only if there may be one.
func (w *world) expire() {
	moment := w.now()
	if w.soonest.IsZero() || moment.Before(w.soonest) {
		return
	}
	w.soonest = time.Time{}
	for _, i := range w.invites {
		if i.Status == roq.StatusPending && !moment.Before(i.expiresAt) {
			w.move(i, roq.StatusExpired, i.expiresAt)
		}
		w.expires(i, i.expiresAt)
	}
}

// move gives an invite another status.
func (w *world) move(i *invite, to roq.UserInviteStatus, when time.Time) {
	before := i.UserInvite
	i.Status, i.StatusUpdatedAt, i.UpdatedAt = to, when, when
	w.changes.add(Changes{Invites: 1})
	w.hooks.inviteEvent(updated, i.UserInvite, &before)
}

// remove deletes an invite: nobody finds it any more, and its link is dead.
func (w *world) remove(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(caller{}, id)
	if err != nil {
		return err
	}
	is := func(other *invite) bool { return other == i }
	w.invites = slices.DeleteFunc(w.invites, is)
	where := at(i.TenantID, i.Email)
	w.invitesAt[where] = slices.DeleteFunc(w.invitesAt[where], is)
	delete(w.byID, i.ID)
	delete(w.byToken, i.token)
	w.changes.add(Changes{Invites: 1})
	w.hooks.inviteEvent(removed, i.UserInvite, nil)
	return nil
}

// catchUp does what the clock asks for.
func (w *world) catchUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
}
