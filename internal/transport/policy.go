package transport

import "net/http"

// Class says what a repeated request would do.
type Class int

const (
	// Query reads: repeating it changes nothing. Token requests are queries too.
	Query Class = iota
	// Withdrawal changes something that a second request would not change again: an
	// invite is canceled, or accepted, once.
	Withdrawal
	// Mailing mails somebody, and mails them again if it is repeated.
	Mailing
)

// Outcome is the outcome of one attempt.
type Outcome int

const (
	// Answered means that the platform did what was asked.
	Answered Outcome = iota
	// Refused means that the platform answered that it did not do it.
	Refused
	// Unauthorized is Refused because the access token was not accepted.
	Unauthorized
	// Unsent means that nothing left this machine.
	Unsent
	// Untrusted is Unsent for a reason that repeating does not change: the server's
	// certificate is not trusted.
	Untrusted
	// Held is Unsent because the request's own Leaving kept it here.
	Held
	// Cut means that the connection broke before the kernel had taken the whole
	// request: nobody can have processed it.
	Cut
	// Throttled means not processed, by convention; something in front of the
	// platform may have passed the request on all the same.
	Throttled
	// Intercepted is Throttled by something that does not answer as the server does: a
	// gateway that has no way there, or wants something else.
	Intercepted
	// Unclear means that the request may have been processed.
	Unclear
	// Redirected is Unclear with an answer that points elsewhere. Credentials do
	// not follow it, and repeating would meet it again.
	Redirected
)

// String names the outcome in the log.
func (o Outcome) String() string {
	return [...]string{"answered", "refused", "unauthorized", "not sent", "untrusted certificate", "held", "cut", "throttled", "intercepted", "unclear", "redirected"}[o]
}

// Maybe reports whether the request may have been processed.
func (o Outcome) Maybe() bool { return o >= Unclear }

// Throttled reports whether the request was not processed, by convention.
func (o Outcome) Throttled() bool { return o == Throttled || o == Intercepted }

// Whole reports whether the whole request may have left this machine.
func (o Outcome) Whole() bool { return o != Unsent && o != Untrusted && o != Held && o != Cut }

// Action is what follows an attempt.
type Action int

const (
	// Stop ends the call with the outcome of the attempt.
	Stop Action = iota
	// Retry repeats the request.
	Retry
	// Settle ends the attempts: whether the request was processed has to be found
	// out by reading.
	Settle
)

// Decide is the retry table: class of operation × outcome of an attempt.
func Decide(class Class, outcome Outcome) Action {
	switch outcome {
	case Unsent, Cut:
		return Retry
	case Throttled, Intercepted:
		return [...]Action{Query: Retry, Withdrawal: Retry, Mailing: Settle}[class]
	case Unclear:
		return [...]Action{Query: Retry, Withdrawal: Settle, Mailing: Settle}[class]
	case Redirected:
		return [...]Action{Query: Stop, Withdrawal: Settle, Mailing: Settle}[class]
	default:
		return Stop
	}
}

// StatusOutcome judges an HTTP status by itself. A 2xx is Answered as far as the
// status goes; the body has the last word. Own reports whether the body is in the server's
// own form: only then is a refusal the server's word. What is too large is so
// whoever says it.
func StatusOutcome(status int, own func() bool) Outcome {
	switch {
	case status >= 200 && status <= 299:
		return Answered
	case status >= 300 && status <= 399:
		return Redirected
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return Throttled
	case status >= 400 && status <= 499 && status != http.StatusRequestEntityTooLarge && !own():
		return Intercepted
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status >= 400 && status <= 499:
		return Refused
	default:
		return Unclear
	}
}
