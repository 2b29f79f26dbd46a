// Package roq invites people to a B2B application through the ROQ platform: it
// finds out who is asking, sends invitations to many people in one request,
// resends one, cancels one, and follows their status. The names are those of
// the platform's own guide and clients.
//
// A backend makes one [Client] and keeps it. The session cookie of a visitor
// says which user and tenant is asking, and the platform is then used as that
// visitor:
//
//	package main
//
//	import (
//		"errors"
//		"fmt"
//		"log"
//		"net/http"
//
//		"github.com/go-roq/roq"
//	)
//
//	func main() {
//		cfg, err := roq.ConfigFromEnv() // ROQ_PLATFORM_URL, ROQ_ENVIRONMENT_ID, ROQ_API_KEY
//		if err != nil {
//			log.Fatal(err)
//		}
//		client, err := roq.New(cfg)
//		if err != nil {
//			log.Fatal(err)
//		}
//		invite := func(w http.ResponseWriter, r *http.Request) {
//			session, _ := roq.SessionFromContext(r.Context())
//			sent, err := client.AsSession(session).SendUserInvites(r.Context(), roq.SendUserInvitesInput{
//				UserInvites: []roq.UserInviteInput{{Email: r.FormValue("email"), Locale: "en-US"}},
//			})
//			if err := errors.Join(err, sent.Err()); err != nil {
//				http.Error(w, err.Error(), http.StatusBadGateway)
//				return
//			}
//			fmt.Fprintln(w, "sent", sent.Success[0].ID)
//		}
//		mux := http.NewServeMux()
//		mux.Handle("POST /invites", client.RequireSession(http.HandlerFunc(invite)))
//		log.Fatal(http.ListenAndServe("127.0.0.1:8080", http.NewCrossOriginProtection().Handler(mux)))
//	}
//
// # Identities
//
// [RoqPlatform] is the platform as one identity sees it, and holds the invite
// operations: [Client.AsSession] acts as the visitor with that session,
// [Client.AsUser] as any user of the environment, [Client.AsSuperAdmin] as its
// service account. Making one does no I/O. Who the visitor is, [Client.Session]
// reads from the cookie, [Client.FetchSession] asks the application for, and
// [Client.FindUsers] looks up by address; [Client.RequireSession] is middleware
// around the first.
//
// # Large lists
//
// [RoqPlatform.SendAllUserInvites] takes a stream of people and gives a stream of
// outcomes, for campaigns that are too large for one call or must survive the death
// of the process; [WithJournal] is what remembers. [RoqPlatform.AllUserInvites] reads
// lists of any length, pages ahead of the loop. [RoqPlatform.WatchUserInvites] reports
// changes of however many invites with one request a look, and
// [RoqPlatform.WaitUserInvite] waits for one. [WithParallel] and [WithRateLimit] say how
// hard the platform is asked.
//
// # Errors
//
// The error of a call is an [*Error]. What kind it is, [errors.Is] tells:
// [ErrAlreadyAccepted], [ErrForbidden], [ErrRateLimited] and so on; the context's
// errors are found too. A refused invitee does not make the call fail: who was
// refused and why is in [SendUserInvitesResult].Errors, and
// [SendUserInvitesResult.Err] makes one error of all that was not sent. No text of
// this package holds a key, a token or an e-mail address, so an error may be
// logged and shown.
//
// Two kinds answer the question that matters after a failure, whether to try
// again. [ErrNotSent]: nothing happened, so trying again is safe.
// [ErrOutcomeUnknown]: it may have happened, and a second try may mail somebody
// twice; ask the platform later, with [RoqPlatform.UserInvites], or let a person
// decide.
//
// # Retries
//
// Whether a request is repeated depends on what it does and on how far it got:
//
//	the outcome of an attempt                        query    cancel   send, resend
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
//	413 for a batch                                  fail     fail     split
//	any other 4xx, a refusal in GraphQL              fail     fail     fail
//	data and errors together                         both     the data decides, else settle
//
// To settle is to find out an outcome by reading. Of a send, the invites to its
// addresses are listed; of a resend or cancel, the invite is read. Only what cannot
// have been there before counts: not what this Client had received before the
// request began, nor what is older by the platform's own clock, nor a canceled
// invite. Reading goes on, with growing waits, until everything is found or
// [WithSettleTimeout] is over. Then a call whose request was processed succeeds like
// any other. What was only put off (408, 425, 429) and is not there is sent again,
// as far as [WithRetry] allows, and is [ErrNotSent] in the end. For anything else the
// error is [ErrOutcomeUnknown], and the invites are in the result's Unknown: they may
// have been mailed, and are not sent again. So no invite is lost in silence, and
// nobody is mailed twice because of a retry.
//
// Waits double from attempt to attempt, are partly random and bounded, obey the
// platform's Retry-After up to that bound, which then holds for the Client's
// other calls too, and end with the context at once: see [WithRetry],
// [WithTimeout] and [WithSettleTimeout]. A call whose context has no deadline gives
// up a request after five minutes.
//
// # Webhooks
//
// [Client.WebhookHandler] takes the events that the platform sends when an invite
// is made, changes or is removed. A callback that fails is called again, half an
// hour later or more, and the same event may come more than once: [RoqPlatform.UserInvite]
// tells how things stand now.
//
// # Testing
//
// Package [github.com/go-roq/roq/roqtest] is a ROQ platform on loopback, with an
// outbox, a clock that tests can turn, and faults to inject: the whole path is
// tested without an account. Unit tests can also answer requests themselves, with
// any [net/http.RoundTripper] in [WithHTTPClient], such as that of
// github.com/jarcoal/httpmock.
package roq
