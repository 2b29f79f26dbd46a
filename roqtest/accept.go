package roqtest

import (
	"net/http"
	"strings"

	"github.com/go-roq/roq"
)

// accept turns the invitee into a user of the tenant, if there is none with the
// invite's address yet. A user can accept only what was sent to their address;
// that the service account can accept for anybody is our reading.
func (w *world) accept(acceptor *User, token string) (roq.UserInvite, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	i := w.byToken[token]
	if i == nil {
		return roq.UserInvite{}, notFound("USER_TOKEN_NOT_FOUND", "there is no such token")
	}
	switch i.Status {
	case roq.StatusAccepted:
		return roq.UserInvite{}, conflict("USER_INVITE_ALREADY_ACCEPTED", "the invite was accepted")
	case roq.StatusCanceled:
		return roq.UserInvite{}, badToken("INVALID_USER_TOKEN", "the invite was canceled")
	case roq.StatusExpired:
		return roq.UserInvite{}, badToken("EXPIRED_USER_TOKEN", "the invite has expired")
	}
	if acceptor != nil && !strings.EqualFold(acceptor.Email, i.Email) {
		return roq.UserInvite{}, &platformError{status: http.StatusForbidden, errorCode: "USER_INVITE_ACCEPTANCE_FAILED", message: "the invite is for another email"}
	}
	i.AcceptedByUserID = w.invitee(i).ID
	w.move(i, roq.StatusAccepted, w.now())
	return i.UserInvite, nil
}

// badToken is a refusal of an accept link.
func badToken(code, message string) *platformError {
	e := badInput(message)
	e.errorCode = code
	return e
}

// invitee is the user that the invitee is or becomes.
func (w *world) invitee(i *invite) *member {
	if m := w.usersAt[at(i.TenantID, i.Email)]; m != nil {
		return m
	}
	return w.addUserLocked(User{TenantID: i.TenantID, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName,
		Locale: i.Locale, Roles: i.RoleKeys})
}

// checkToken says whether a token of an accept link would be taken.
func (w *world) checkToken(token string) (email string, valid, expired bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	i := w.byToken[token]
	if i == nil {
		return "", false, false
	}
	return i.Email, i.Status == roq.StatusPending, i.Status == roq.StatusExpired
}
