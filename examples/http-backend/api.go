package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-roq/roq"
)

// api is the backend's own API.
type api struct{ client *roq.Client }

// newHandler returns everything that the backend serves. It is traced if t is not nil.
func newHandler(client *roq.Client, logger *slog.Logger, webhooks bool, t *telemetry) (http.Handler, error) {
	a := &api{client}
	// A session cookie alone is sufficient to send invitations, so other sites must
	// not be able to send requests with it.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(refuseCrossOrigin))
	signedIn := func(h http.HandlerFunc) http.Handler { return sameOrigin.Handler(client.RequireSession(h)) }

	mux := http.NewServeMux()
	mux.Handle("POST /invites", signedIn(a.send))
	mux.Handle("GET /invites", signedIn(a.list))
	mux.Handle("POST /invites/{id}/resend", signedIn(a.resend))
	mux.Handle("DELETE /invites/{id}", signedIn(a.cancel))
	// The invitee has the token of the e-mail, and is not a user yet.
	mux.HandleFunc("GET /invitations/{token}", a.invitation)
	mux.Handle("POST /invitations/{token}", sameOrigin.Handler(http.HandlerFunc(a.accept)))
	if webhooks {
		handler, err := client.WebhookHandler(eventLog{logger}.handle)
		if err != nil {
			return nil, err
		}
		mux.Handle("POST /webhooks/roq", handler)
	}
	if t != nil {
		return logged(t.handler(mux), logger), nil
	}
	return logged(mux, logger), nil
}

// invite is an invite as this API shows it.
type invite struct {
	ID        string               `json:"id"`
	Email     string               `json:"email"`
	FirstName string               `json:"firstName,omitempty"`
	LastName  string               `json:"lastName,omitempty"`
	Locale    string               `json:"locale,omitempty"`
	Roles     []string             `json:"roles,omitempty"`
	Status    roq.UserInviteStatus `json:"status"`
	CreatedAt time.Time            `json:"createdAt"`
	UpdatedAt time.Time            `json:"updatedAt,omitzero"`
}

// shown leaves out what is the platform's own affair.
func shown(i *roq.UserInvite) invite {
	return invite{
		ID: i.ID, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName, Locale: i.Locale,
		Roles: i.RoleKeys, Status: i.Status, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
}

func allShown(invites []roq.UserInvite) []invite {
	all := make([]invite, len(invites))
	for i := range invites {
		all[i] = shown(&invites[i])
	}
	return all
}

// newInvite is somebody to invite.
type newInvite struct {
	Email     string   `json:"email"`
	FirstName string   `json:"firstName"`
	LastName  string   `json:"lastName"`
	Locale    string   `json:"locale"`
	Roles     []string `json:"roles"`
}

// sendReport has the outcome of everybody in a request: each is in one list.
type sendReport struct {
	Sent []invite `json:"sent"`
	// Refused are those that the platform does not invite.
	Refused []refusal `json:"refused,omitempty"`
	// Unknown may have been mailed: check the list later, before sending again.
	Unknown []string `json:"unknown,omitempty"`
	// NotSent were not mailed, and may be sent again.
	NotSent []string `json:"notSent,omitempty"`
}

type refusal struct {
	Email   string `json:"email"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// send invites people. The answer is 201 if all of them were sent their
// invitation, and otherwise 207 with the outcome of each. Where nothing can have
// happened it is an error.
func (a *api) send(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Invites []newInvite `json:"invites"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	input := roq.SendUserInvitesInput{}
	for _, n := range in.Invites {
		input.UserInvites = append(input.UserInvites, roq.UserInviteInput{
			Email: n.Email, FirstName: n.FirstName, LastName: n.LastName, Locale: n.Locale, Roles: n.Roles,
		})
	}
	ctx, cancel := finishing(r)
	defer cancel()
	sent, err := a.platform(r).SendUserInvites(ctx, input, requestID(r))
	switch {
	case sent == nil || len(sent.NotSent) == len(input.UserInvites):
		writeError(w, r, err)
	case err != nil || sent.Err() != nil:
		writeJSON(w, http.StatusMultiStatus, report(sent))
	default:
		writeJSON(w, http.StatusCreated, report(sent))
	}
}

// report turns the SDK's result into this API's.
func report(sent *roq.SendUserInvitesResult) sendReport {
	all := sendReport{Sent: []invite{}}
	for _, o := range sent.Outcomes() {
		switch o.Status {
		case roq.OutcomeSent:
			all.Sent = append(all.Sent, shown(o.Invite))
		case roq.OutcomeUnknown:
			all.Unknown = append(all.Unknown, o.Input.Email)
		case roq.OutcomeNotSent:
			all.NotSent = append(all.NotSent, o.Input.Email)
		default:
			var e roq.UserInviteError
			errors.As(o.Err, &e)
			all.Refused = append(all.Refused, refusal{Email: o.Input.Email, Code: e.Code, Message: e.Message})
		}
	}
	return all
}

// list shows one page of the tenant's invites, the newest first.
func (a *api) list(w http.ResponseWriter, r *http.Request) {
	query, err := listQuery(r.URL.Query())
	if err != nil {
		writeProblem(w, http.StatusBadRequest, "invalid_query", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	page, err := a.platform(r).UserInvites(ctx, query, requestID(r))
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Invites []invite `json:"invites"`
		Total   int      `json:"total"`
	}{allShown(page.Data), page.TotalCount})
}

// listQuery reads the parameters of a list.
func listQuery(values url.Values) (roq.UserInvitesQuery, error) {
	query := roq.UserInvitesQuery{
		Limit: 50,
		Order: &roq.UserInviteOrder{Sort: roq.SortCreatedAt, Order: roq.Descending},
	}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > 100 {
			return query, errLimit
		}
		query.Limit = limit
	}
	if text := values.Get("offset"); text != "" {
		offset, err := strconv.ParseInt(text, 10, 32)
		if err != nil || offset < 0 {
			return query, errOffset
		}
		query.Offset = int(offset)
	}
	if status := values.Get("status"); status != "" {
		known := []roq.UserInviteStatus{roq.StatusPending, roq.StatusAccepted, roq.StatusCanceled, roq.StatusExpired}
		if !slices.Contains(known, roq.UserInviteStatus(status)) {
			return query, errStatus
		}
		query.Filter.Status = &roq.StringFilter{EqualTo: status}
	}
	return query, nil
}

// resend mails an invitation again.
func (a *api) resend(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := finishing(r)
	defer cancel()
	i, err := a.platform(r).ResendUserInvite(ctx, r.PathValue("id"), requestID(r))
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, shown(i))
}

// cancel withdraws an invitation.
func (a *api) cancel(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := finishing(r)
	defer cancel()
	i, err := a.platform(r).CancelUserInvite(ctx, r.PathValue("id"), requestID(r))
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, shown(i))
}

// platform is the platform as the visitor sees it. What they may do there is the
// platform's to decide.
func (a *api) platform(r *http.Request) *roq.RoqPlatform {
	session, _ := roq.SessionFromContext(r.Context())
	return a.client.AsSession(session)
}

// finishing is a context for requests that mail somebody or cancel an invitation. It
// does not end when the visitor closes the connection, since a request that is cut off
// may have been processed.
func finishing(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
}
