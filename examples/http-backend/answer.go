package main

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"github.com/go-roq/roq"
)

// maxBody bounds the body of a request: some thousand people.
const maxBody = 1 << 20

var (
	errLimit  = errors.New("limit must be a number from 1 to 100")
	errOffset = errors.New("offset must be a number, 0 or more")
	errStatus = errors.New("status must be pending, accepted, canceled or expired")
)

// answers says how each kind of error is answered. The first that fits counts:
// an outcome that is unknown, because the platform is unavailable, is above all
// unknown.
var answers = []struct {
	kind   error
	status int
	code   string
	// message is for the visitor; where it is empty, the platform's is.
	message string
}{
	{roq.ErrOutcomeUnknown, http.StatusBadGateway, "outcome_unknown", "It is not known whether this was done. Check the list before trying again."},
	{roq.ErrNoTenant, http.StatusForbidden, "no_tenant", "You do not belong to a tenant."},
	{roq.ErrNoSession, http.StatusUnauthorized, "no_session", "Sign in first."},
	{roq.ErrInvalidSession, http.StatusUnauthorized, "no_session", "Sign in again."},
	{roq.ErrSessionExpired, http.StatusUnauthorized, "no_session", "Sign in again."},
	{roq.ErrInvalidInput, http.StatusBadRequest, "invalid_input", ""},
	{roq.ErrUnauthorized, http.StatusUnauthorized, "unauthorized", "Sign in again."},
	{roq.ErrForbidden, http.StatusForbidden, "forbidden", "You may not do this."},
	{roq.ErrNotFound, http.StatusNotFound, "not_found", "There is no such invitation."},
	{roq.ErrAlreadyAccepted, http.StatusConflict, "already_accepted", "The invitation has been accepted."},
	{roq.ErrAlreadyCanceled, http.StatusConflict, "already_canceled", "The invitation has been canceled."},
	{roq.ErrInviteExpired, http.StatusGone, "expired", "The invitation has expired. Ask for another one."},
	{roq.ErrAlreadyInvited, http.StatusConflict, "already_invited", "This address has already been invited."},
	{roq.ErrAlreadyExists, http.StatusConflict, "already_exists", "This address already belongs to a user."},
	{roq.ErrBatchTooLarge, http.StatusRequestEntityTooLarge, "too_large", "The invitation is too large."},
	{roq.ErrRateLimited, http.StatusTooManyRequests, "rate_limited", "Too many requests. Try again later."},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", "This took too long. Try again later."},
	{roq.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "Invitations are not available right now. Try again later."},
}

// writeError answers a request that failed on the platform. What it says to the
// visitor has no address and no secret in it: no error of the SDK has.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	noteError(r, err) // in full, for whoever runs this
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // nobody is there to read it
	}
	for _, a := range answers {
		if !errors.Is(err, a.kind) {
			continue
		}
		message := a.message
		if e := (*roq.Error)(nil); message == "" && errors.As(err, &e) {
			message = e.Message
		}
		writeProblem(w, a.status, a.code, message)
		return
	}
	if e := (*roq.Error)(nil); errors.As(err, &e) && e.StatusCode >= 400 && e.StatusCode < 500 {
		// A refusal that has no kind of its own.
		writeProblem(w, http.StatusUnprocessableEntity, "refused", e.Message)
		return
	}
	writeProblem(w, http.StatusInternalServerError, "internal", "Something went wrong.")
}

// refuseCrossOrigin answers a request that another site made.
func refuseCrossOrigin(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, http.StatusForbidden, "cross_origin", "This request came from another site.")
}

// writeProblem answers with an error, in the form in which RequireSession does.
func writeProblem(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"code": code, "message": message})
}

// writeJSON answers with a body.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// What is answered is about one visitor.
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever has gone cannot be told
}

// readJSON reads the body of a request, or answers what is wrong with it.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		writeProblem(w, http.StatusUnsupportedMediaType, "unsupported_media_type", "The Content-Type must be application/json.")
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil && decoder.More() {
		err = errors.New("more than one value")
	}
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case err == nil:
		return true
	case errors.As(err, &tooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, "too_large", "The body is too large.")
	default:
		writeProblem(w, http.StatusBadRequest, "invalid_json", "The body is not valid JSON for this request.")
	}
	return false
}
