// Package roq invites people to a B2B application through the ROQ platform: it
// finds out who is asking, sends invitations to many people in one request,
// resends one, cancels one, and follows their status. The names are those of
// the platform's own guide and clients.
//
// A backend makes one [Client] and keeps it:
//
//	cfg, err := roq.ConfigFromEnv()
//	client, err := roq.New(cfg)
//
// The session cookie of a visitor says which user and tenant is asking, and the
// platform is then used as that visitor:
//
//	session, err := client.Session(r)
//	platform := client.AsSession(session)
//	sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
//		UserInvites: []roq.UserInviteInput{{Email: "wick.john@roq.tech", Locale: "en-US"}},
//	})
//
// # Errors
//
// The error of a call is an [*Error]. What kind it is, [errors.Is] tells:
// [ErrAlreadyAccepted], [ErrForbidden], [ErrRateLimited] and so on; the context's
// errors are found too. Somebody refused among others is no error of the call:
// see [SendUserInvitesResult]. No text of this package holds a key, a token or an
// e-mail address.
//
// # Retries
//
// Whether a request is repeated depends on what it does and on how far it got:
//
//	what an attempt came to                          query    cancel   send, resend
//	-------------------------------------------------------------------------------
//	refused by validation, never sent                fail     fail     fail
//	nothing sent: DNS, dial, TLS handshake           retry    retry    retry
//	certificate not trusted                          fail     fail     fail
//	cut while the request was being written          retry    retry    settle
//	sent, and no whole answer                        retry    settle   settle
//	2xx that is no GraphQL answer                    retry    settle   settle
//	5xx, a crash or an unknown error in GraphQL      retry    settle   settle
//	408, 425, 429                                    retry    retry    settle, repeat
//	3xx, which is not followed                       fail     settle   settle
//	401                                              one fresh token, then fail
//	any other 4xx, a refusal in GraphQL              fail     fail     fail
//	data and errors together                         both are returned
//
// To settle is to find out by reading. Of a send, the invites to its addresses
// are listed; of a resend or cancel, the invite is read. Only what shows that the
// request was processed counts: an invite made, or changed, since the request
// began, by the platform's own clock. Then the call succeeds like any other. If
// nothing of the kind is found after a few tries, the error is
// [ErrOutcomeUnknown], and the invites are in the result's Unknown: they may have
// been mailed, and are not sent again. Where surely nothing happened, the error
// is [ErrNotSent]. So no invite is lost in silence, and nobody is mailed twice
// because of a retry.
//
// Waits double from attempt to attempt, are partly random and bounded, obey the
// platform's Retry-After up to that bound, which then holds for the Client's
// other calls too, and end with the context at once: see [WithRetry],
// [WithTimeout] and [WithSettleTimeout]. A call whose context has no deadline gives
// up a request after five minutes.
//
// # Testing
//
// Package [github.com/go-roq/roq/roqtest] is a ROQ platform on loopback. Unit
// tests can also answer requests themselves, with any [net/http.RoundTripper] in
// [WithHTTPClient].
package roq
