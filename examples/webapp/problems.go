package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-roq/roq"
)

// problem is something that went wrong, in words for the visitor.
type problem struct {
	Title, Text string
	status      int
}

// nobody is a form without anybody in it.
var nobody = problem{"Nobody to invite", "Enter at least one e-mail address.", http.StatusUnprocessableEntity}

// problems has a text for each kind of error. The first that matches is used: that an
// outcome is unknown matters most.
var problems = []struct {
	kind error
	problem
}{
	{roq.ErrOutcomeUnknown, problem{"It is not known whether this was done", "The platform did not answer, and the list does not show it yet. Check the list in a few minutes, before you try again.", http.StatusBadGateway}},
	{roq.ErrNoTenant, problem{"You belong to no tenant", "Ask an administrator to add you to one.", http.StatusForbidden}},
	{roq.ErrUnauthorized, problem{"Your session has ended", "Sign in again. Nothing was done.", http.StatusUnauthorized}},
	{roq.ErrForbidden, problem{"You may not do this", "Ask an administrator.", http.StatusForbidden}},
	{roq.ErrNotFound, problem{"There is no such invitation", "It may have been removed.", http.StatusNotFound}},
	{roq.ErrAlreadyAccepted, problem{"The invitation has been accepted", "It cannot be resent or canceled.", http.StatusConflict}},
	{roq.ErrAlreadyInvited, problem{"This address has already been invited", "Resend that invitation instead.", http.StatusConflict}},
	{roq.ErrAlreadyExists, problem{"This address already belongs to a user", "There is nobody left to invite.", http.StatusConflict}},
	{roq.ErrRateLimited, problem{"Too many requests", "Wait a minute, and try again. Nothing was done.", http.StatusTooManyRequests}},
	{roq.ErrUnavailable, problem{"Invitations are not available right now", "The platform does not answer. Try again in a few minutes.", http.StatusServiceUnavailable}},
}

// explain tells an error in words for the visitor, and the whole of it to the
// log. No error of the SDK has an address or a secret in it.
func (a *app) explain(err error) *problem {
	a.log.Warn("the call failed", "error", err)
	for _, p := range problems {
		if errors.Is(err, p.kind) {
			return &p.problem
		}
	}
	p := problem{"This did not work", "The platform refused it.", http.StatusUnprocessableEntity}
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		p.Text = sentence(e.Message)
	}
	return &p
}

// why tells why one person cannot be invited.
func why(err error) string {
	switch {
	case errors.Is(err, roq.ErrAlreadyInvited):
		return "has already been invited"
	case errors.Is(err, roq.ErrAlreadyExists):
		return "belongs to a user of your tenant"
	}
	if e := (*roq.Error)(nil); errors.As(err, &e) && len(e.Findings) > 0 {
		f := e.Findings[0]
		if f.Field == "Email" {
			return f.Reason
		}
		return f.Field + " " + f.Reason
	}
	if e := (roq.UserInviteError{}); errors.As(err, &e) {
		return e.Message
	}
	return "cannot be invited"
}

// sentence makes a message of the platform's one that ends.
func sentence(message string) string {
	if message == "" {
		return "The platform did not say why."
	}
	return strings.ToUpper(message[:1]) + strings.TrimSuffix(message[1:], ".") + "."
}
