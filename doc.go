// Package roq invites people to a B2B application through the ROQ platform. It
// finds out who is asking, sends invitations to many people in one request,
// resends, cancels and accepts them, and tracks their status. Names are those of
// the platform's own guide and clients.
//
// A backend creates one [Client] and keeps it. The session cookie of a visitor
// identifies the user and the tenant, and the client then acts as that visitor:
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
// [RoqPlatform] is the platform as one identity sees it, and has the invite
// operations. [Client.AsSession] acts as the visitor with that session,
// [Client.AsUser] as any user of the environment, and [Client.AsSuperAdmin] as its
// service account. Creating one does no I/O. Three methods find out who the visitor
// is: [Client.Session] reads the cookie, [Client.FetchSession] asks the application,
// and [Client.FindUsers] looks a user up by address. [Client.RequireSession] is
// middleware around [Client.Session].
//
// # Large lists
//
// [RoqPlatform.SendAllUserInvites] takes a stream of people and returns a stream of
// outcomes, for campaigns that are too large for one call or must survive a crash
// of the process. It begins with one batch in flight and doubles the number with each
// round of answered batches, up to [WithParallel]. [WithJournal], a [StreamOption],
// makes it resumable. A [Journal] serves one stream at a time, from Begin to End.
//
// [RoqPlatform.AllUserInvites] reads lists of any length, and reads pages ahead of the
// loop. [RoqPlatform.WatchUserInvites] reports changes to any number of invites with
// one request per poll, and [RoqPlatform.WaitUserInvite] waits for one invite.
// [WithInterval], a [WatchOption], sets how often they poll. With
// [Client.FollowUserInvites] all open pages of a tenant share one watch.
//
// [RoqPlatform.ResendAllUserInvites] and [RoqPlatform.CancelAllUserInvites] change
// every invite that matches a query. [WithRateLimit] limits
// the requests of all of them together.
//
// # Accepting
//
// The link in an invite's e-mail contains a token, which is a secret.
// [RoqPlatform.CheckUserInviteToken] reports whether the token can accept the invite,
// and changes nothing. [RoqPlatform.AcceptUserInvite] accepts the invite, which makes
// the invitee a user of the tenant. For the page that sends invites,
// [RoqPlatform.InviteRoles] returns the roles to choose from, and [RoqPlatform.Tenant]
// the tenant's name.
//
// # Errors
//
// The error of a call is an [*Error]. [errors.Is] reports its kinds:
// [ErrAlreadyAccepted], [ErrAlreadyCanceled], [ErrInviteExpired], [ErrForbidden] and so
// on. It also finds the context's errors. A refused invitee does not make the call
// fail: [SendUserInvitesResult].Errors lists who was refused and why, and
// [SendUserInvitesResult.Err] returns one error for everything that was not sent. No
// error text contains a key, a token or an e-mail address, so errors can be logged and
// shown.
//
// If this package refuses an input before anything is sent, the error matches both
// [ErrInvalidInput] and [ErrNotSent], and [Error].Findings has a [Finding] for each
// invalid field, for a form. [WithSkipInvalid] sends the valid inputs of such a call.
// [SendUserInvitesResult.Outcomes] lists the outcome of each input, in input order.
// [ErrInvalidInput] without [ErrNotSent] means that the platform refused a request. That
// may be a later batch of the call: the result lists the invites that were sent before.
//
// Two kinds say whether trying again is safe. [ErrNotSent]: nothing was sent, so
// trying again is safe. [ErrOutcomeUnknown]: the platform may have processed the
// request, and a second try may mail somebody twice. Call
// [RoqPlatform.SettleUserInvites] later, or let a person decide. A request that the
// platform refused as a whole matches neither of them; it matches the kind of the
// refusal. The error text of a send, resend, cancel or accept ends with what is known
// of the outcome: "; nothing was sent", "; the outcome is unknown", "; invites: 100 sent,
// 50 not sent".
//
// # Retries
//
// Whether a request is repeated depends on its operation and on how far it got:
//
//	the outcome of an attempt                    query   cancel   accept           send, resend
//	-------------------------------------------------------------------------------------------
//	refused by validation, never sent            fail    fail     fail             fail
//	nothing sent: DNS, dial, TLS handshake       retry   retry    retry            retry
//	certificate not trusted                      fail    fail     fail             fail
//	cut while the request was being written      retry   retry    retry            retry, split
//	sent, but no complete response               retry   settle   settle, repeat   settle
//	2xx that is not a GraphQL response           retry   settle   settle, repeat   settle
//	5xx, a crash or an unknown error in GraphQL  retry   settle   settle, repeat   settle
//	INTERNAL_ERROR for one invite of several     –       –        –                settle
//	408, 425, 429                                retry   retry    retry            look up, repeat
//	3xx, never followed                          fail    settle   settle           settle
//	401                                          one fresh token, then fail
//	413, BULK_USER_INVITE_LIMIT_EXCEEDED         fail    fail     fail             split
//	any other 4xx, a refusal in GraphQL          fail    fail     fail             fail, split
//	4xx that is not in the platform's form       retry   retry    retry            look up, repeat
//	data and errors together                     both    the data decides
//
// To settle is to find out an outcome by reading. For a send, the invites to its
// addresses are listed; for a resend or cancel, the invite is read. A row counts only
// if it shows that this request was processed: the invite was created or changed since
// the request began, by the platform's own clock. The call then succeeds like any
// other.
//
// An accept is settled by checking its token. While the token is valid, nobody has
// accepted the invite, and the request is repeated, because a token can be used only
// once. If the token is not valid, the invites to its address are read. If that is not
// conclusive, the request is made once more. It changes nothing then: the refusal says
// whether the invite is accepted, canceled or expired.
//
// Look-ups are repeated, with growing waits, until every invite is found,
// [WithSettleTimeout] expires, or the context ends. They stop early if the platform
// keeps refusing them (401, 403). Invites that were not found are in the result's
// Unknown, and the error is [ErrOutcomeUnknown]. They may have been mailed, and are not
// sent again, unless [WithRepeatUnknown] is set.
//
// A send or resend that was answered with 408, 425 or 429 is looked up first. If two
// complete look-ups in a row do not show it, it is repeated while attempts are left;
// after that it is [ErrNotSent]. The second look-up is made no earlier than three
// seconds after the request was sent (a third of [WithSettleTimeout] if that is
// shorter). If the look-ups fail, the outcome is unknown. Somebody may be mailed twice
// if the platform processes a request that was throttled and its list lags behind by
// more than that.
//
// A refusal counts as the platform's only if it has the platform's own form: GraphQL
// errors, or a NestJS exception. An HTML page, plain text or other JSON with a status
// like 403 or 404 comes from something in front of the platform. Such a response says
// nothing about an invite or a caller. It is [ErrUnavailable], and is treated like a
// 429.
//
// If a query is answered with both data and errors, both are returned. For a mutation
// the data decides: an invite in it was created or changed, and what the data leaves
// out is settled.
//
// A batch that is too large is split in two. So is a batch that was refused for its
// content: by a validator, or because somebody is already invited. An invite that is
// refused in a batch of its own is in Errors, and the others are sent. The call itself
// fails with [ErrBatchTooLarge], or with the platform's refusal, only if that happens
// to each of its invites. If the request itself may be wrong, the call also fails once
// eight invites were refused that way and none was sent. Before a batch is split, its
// invites are looked up, because the platform may have created some of them.
//
// So no invite is lost silently, and nobody is mailed twice because of a retry.
//
// Waits double from attempt to attempt, with jitter and an upper bound, and end at once
// when the context ends. They obey the platform's Retry-After up to that bound, which
// then applies to the Client's other calls too. See [WithRetry], [WithTimeout] and
// [WithSettleTimeout]. If the context of a call has no deadline, each of its requests
// ends after five minutes.
//
// # Webhooks
//
// [Client.WebhookHandler] receives the events that the platform sends when an invite
// is created, changed or removed. If the callback fails, the platform sends the event
// again, half an hour later or more. The same event may come more than once;
// [RoqPlatform.UserInvite] returns the current state of the invite.
//
// # Testing
//
// Package [github.com/go-roq/roq/roqtest] is a ROQ platform on loopback, with an
// outbox, a clock that tests can advance, and faults to inject. With it you can test the
// whole path without an account. Unit tests can also answer requests themselves, with any
// [net/http.RoundTripper] in [WithHTTPClient], such as that of
// github.com/jarcoal/httpmock.
package roq
