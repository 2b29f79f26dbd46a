package main

import (
	"context"
	"net/http"
)

// invitation reports whether an invitation can be accepted, for the page behind the link
// in the e-mail. It changes nothing: programs that read e-mail follow links too.
func (a *api) invitation(w http.ResponseWriter, r *http.Request) {
	secret(w)
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	token, err := a.client.AsSuperAdmin().CheckUserInviteToken(ctx, r.PathValue("token"), requestID(r))
	switch {
	case err != nil:
		writeError(w, r, err)
	case token.Valid:
		writeJSON(w, http.StatusOK, struct {
			Email string `json:"email"`
		}{token.Email})
	case token.Expired:
		writeProblem(w, http.StatusGone, "expired", "The invitation has expired. Ask for another one.")
	default:
		writeProblem(w, http.StatusNotFound, "not_found", "No open invitation has this link.")
	}
}

// accept accepts an invitation. Whoever has the token may: the platform has mailed it to
// the invitee, and to nobody else.
func (a *api) accept(w http.ResponseWriter, r *http.Request) {
	secret(w)
	ctx, cancel := finishing(r)
	defer cancel()
	i, err := a.client.AsSuperAdmin().AcceptUserInvite(ctx, r.PathValue("token"), requestID(r))
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, shown(i))
}

// secret keeps the address of a page with a token from the pages that it links to.
func secret(w http.ResponseWriter) { w.Header().Set("Referrer-Policy", "no-referrer") }
