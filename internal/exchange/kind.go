package exchange

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// Kind is what a failure means: one or several of the constants. The package that
// users import has an error value for each.
type Kind uint32

// The kinds.
const (
	InvalidInput Kind = 1 << iota
	Unauthorized
	Forbidden
	NotFound
	AlreadyInvited
	AlreadyAccepted
	AlreadyCanceled
	AlreadyExists
	InviteExpired
	RateLimited
	Unavailable
	BatchTooLarge
	// Malformed is an InvalidInput that is about the request, whatever is asked for.
	Malformed
	NotSent
	OutcomeUnknown
	NoSession
	InvalidSession
	SessionExpired
	NoTenant
)

// outcomes are the kinds that say what happened, and not why.
const outcomes = NotSent | OutcomeUnknown

// PayloadTooLarge is the code of an invite that HTTP 413 refused by itself, where
// the answer has none: the name that NestJS gives that status.
const PayloadTooLarge = "PAYLOAD_TOO_LARGE"

// BulkLimitExceeded is the platform's code of a batch of too many invites.
const BulkLimitExceeded = "BULK_USER_INVITE_LIMIT_EXCEEDED"

// KindOfCode maps the platform's codes (its own user interface's list, and its
// public server library) to what this module calls them; 0 if it does not know one.
func KindOfCode(code string) Kind {
	switch code {
	case "USER_ALREADY_INVITED", "USER_INVITE_ALREADY_SENT", "USER_INVITE_ALREADY_EXIST":
		return AlreadyInvited
	case "USER_INVITE_ALREADY_ACCEPTED":
		return AlreadyAccepted
	case "USER_ALREADY_EXISTS":
		return AlreadyExists
	case "EXPIRED_USER_TOKEN":
		return InviteExpired
	case "USER_INVITATION_NOT_FOUND", "USER_NOT_FOUND", "USER_TOKEN_NOT_FOUND", "INVALID_USER_TOKEN", "NOT_FOUND":
		return NotFound // no invite has such a token
	case BulkLimitExceeded, PayloadTooLarge:
		return BatchTooLarge
	case "FORBIDDEN":
		return Forbidden
	case "UNAUTHENTICATED", "UNAUTHORIZED_EXCEPTION", "INVALID_CREDENTIALS", "INVALID_TOKEN", "MISSING_AUTH", "INVALID_AUTH_HEADER":
		return Unauthorized
	case "BAD_USER_INPUT", "BAD_REQUEST":
		return InvalidInput
	case "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_RESOLUTION_FAILURE":
		return InvalidInput | Malformed
	case "INTERNAL_ERROR", "INTERNAL_SERVER_ERROR":
		return Unavailable
	}
	return 0
}

// kindOfStatus maps an HTTP status, of an answer or inside a GraphQL error.
func kindOfStatus(status int) Kind {
	switch {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return InvalidInput
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusRequestEntityTooLarge:
		return BatchTooLarge
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Unavailable
	}
	return 0
}

// KindOf says what the platform's error means: its own code first, then the
// status, then the code that the GraphQL server gives every error.
func KindOf(e wire.Error) Kind {
	kind := KindOfCode(e.Code)
	malformed := kind & Malformed
	if strings.Contains(e.Message, "got invalid value") {
		malformed = 0 // which is what graphql-js says of a variable
	}
	kind &^= Malformed
	if refuses(e) && !e.Own && kind == Unavailable {
		kind = 0 // servers give every exception that they have no name for the code of a crash
	}
	if byStatus := kindOfStatus(e.Status); byStatus != 0 && (kind == 0 || !e.Own) {
		kind = byStatus
	}
	return kind | malformed
}

// refuses reports whether an error has the status of a refusal, or its name.
func refuses(e wire.Error) bool {
	status := cmp.Or(e.Status, statusNamed(e.Code))
	return status >= 400 && status <= 499
}

// statusNamed returns the status of a refusal whose name a code is, as NestJS writes
// it: "CONFLICT". It is 0 if there is none.
func statusNamed(code string) int {
	for status := http.StatusPaymentRequired; status <= http.StatusRequestHeaderFieldsTooLarge; status++ {
		if name := http.StatusText(status); name != "" && strings.ToUpper(strings.ReplaceAll(name, " ", "_")) == code {
			return status
		}
	}
	return 0
}

// judge says what a GraphQL answer means. Only an error that is known to be a
// refusal is one: any other may have come after the work was done. Of several
// the least certain counts.
func judge(answer wire.Answer) (transport.Outcome, error) {
	if answer.Data {
		return transport.Answered, nil
	}
	outcome := transport.Refused
	if answer.Partial {
		outcome = transport.Unclear
	}
	for _, e := range answer.Errors {
		switch kind := KindOf(e); {
		case kind == Unauthorized:
			outcome = max(outcome, transport.Unauthorized)
		case kind == RateLimited:
			outcome = max(outcome, transport.Throttled)
		case kind == Unavailable, kind == 0 && !e.Own && !refuses(e):
			outcome = max(outcome, transport.Unclear)
		}
	}
	return outcome, errors.New("the platform answered with an error")
}

// kindsOf adds to the kinds that the platform's errors gave what the outcome of
// the request itself means.
func kindsOf(result *transport.Result, given Kind) Kind {
	var kinds Kind
	if given == 0 && result.Answer != nil && result.Outcome != transport.Intercepted {
		kinds = kindOfStatus(result.Answer.Status)
	}
	switch result.Outcome {
	case transport.Unsent, transport.Untrusted, transport.Cut, transport.Intercepted, transport.Unclear, transport.Redirected:
		// A caller that gave up says nothing about the platform.
		if !result.Interrupted {
			kinds |= Unavailable
		}
	}
	return kinds
}
