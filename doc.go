// Package roq invites people to a B2B application through the ROQ platform: it
// finds out who is asking, sends invitations to many people in one request,
// resends one, cancels one, accepts one, and follows their status. The names are those of
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
// [RoqPlatform.SendAllUserInvites] takes a stream of people and returns a stream of
// outcomes, for campaigns that are too large for one call or must survive the death
// of the process. It begins with one batch in flight and doubles that with every
// round of batches that are answered, up to [WithParallel]. [WithJournal], a
// [StreamOption], makes it resumable: a [Journal] serves one stream at a time, from
// Begin to End. [RoqPlatform.AllUserInvites] reads lists of any length, and reads
// pages ahead of the loop. [RoqPlatform.WatchUserInvites] reports changes of any
// number of invites with one request a poll, and [RoqPlatform.WaitUserInvite] waits
// for one invite; [WithInterval], a [WatchOption], sets how often they poll.
// [WithRateLimit] bounds the requests of all of them together.
//
// # Accepting
//
// The link in an invite's e-mail holds a token, which is a secret.
// [RoqPlatform.CheckUserInviteToken] reports whether the invite can be accepted with it,
// and changes nothing. [RoqPlatform.AcceptUserInvite] accepts the invite: the invitee is
// a user of the tenant then. For the page that sends invites,
// [RoqPlatform.InviteRoles] has the roles to choose from, and [RoqPlatform.Tenant] the
// tenant's name.
//
// # Errors
//
// The error of a call is an [*Error]. [errors.Is] reports its kinds:
// [ErrAlreadyAccepted], [ErrAlreadyCanceled], [ErrInviteExpired], [ErrForbidden] and so
// on; the context's errors are found too. A refused invitee does not make the call
// fail: who was refused, and why, is in [SendUserInvitesResult].Errors, and
// [SendUserInvitesResult.Err] makes one error of all that was not sent. No text of
// this package holds a key, a token or an e-mail address, so an error may be
// logged and shown.
//
// An input that this package refuses before anything is sent gives
// [ErrInvalidInput] together with [ErrNotSent], and [Error].Findings has a
// [Finding] for each field that is wrong, for a form. [WithSkipInvalid] sends the valid
// inputs of such a call. [SendUserInvitesResult.Outcomes] lists the outcome of each
// input, in their order. [ErrInvalidInput] alone is
// the platform's refusal of a request, which may be a later batch of a call: the
// result says which invites were sent before.
//
// Two kinds say whether trying again is safe. [ErrNotSent]: nothing was sent, so
// trying again is safe. [ErrOutcomeUnknown]: the platform may have done it, and a
// second try may mail somebody twice; let [RoqPlatform.SettleUserInvites] read the
// invites later, or let a person decide. A request that the platform refused as a
// whole matches neither, but the kind of the refusal. The text of an error of a
// send, resend, cancel or accept ends with what is known of the outcome: "; nothing was
// sent", "; the outcome is unknown", "; of the invites 100 sent, 50 not sent".
//
// # Retries
//
// Whether a request is repeated depends on what it does and on how far it got:
//
//	the outcome of an attempt                    query   cancel   accept           send, resend
//	-------------------------------------------------------------------------------------------
//	refused by validation, never sent            fail    fail     fail             fail
//	nothing sent: DNS, dial, TLS handshake       retry   retry    retry            retry
//	certificate not trusted                      fail    fail     fail             fail
//	cut while the request was being written      retry   retry    retry            retry, split
//	sent, and no whole answer                    retry   settle   settle, repeat   settle
//	2xx that is no GraphQL answer                retry   settle   settle, repeat   settle
//	5xx, a crash or an unknown error in GraphQL  retry   settle   settle, repeat   settle
//	INTERNAL_ERROR for one invite of several     –       –        –                settle
//	408, 425, 429                                retry   retry    retry            look up, repeat
//	3xx, which is not followed                   fail    settle   settle           settle
//	401                                          one fresh token, then fail
//	413, BULK_USER_INVITE_LIMIT_EXCEEDED         fail    fail     fail             split
//	any other 4xx, a refusal in GraphQL          fail    fail     fail             fail, split
//	4xx in another form than the platform's      retry   retry    retry            look up, repeat
//	data and errors together                     both    the data decides
//
// To settle is to find out an outcome by reading. Of a send, the invites to its
// addresses are listed; of a resend or cancel, the invite is read. Only a row that
// shows that this request was processed counts: an invite made, or changed, since
// the request began, by the platform's own clock. Then the call succeeds like any
// other.
//
// An accept is settled by checking its token. While the token is valid nobody has
// accepted the invite, and the request is repeated, because a token can be used only
// once. If it is not valid, the invites to its address are read. If that is not
// conclusive, the request is made once more, which changes nothing then: the refusal says
// whether the invite is accepted, canceled or expired.
//
// Look-ups are repeated, with growing waits, until every invite is found,
// [WithSettleTimeout] is over, or the context ends; they stop early if the platform
// refuses them again and again (401, 403). What was not found is
// [ErrOutcomeUnknown], and the invites are in the result's Unknown: they may have
// been mailed, and are not sent again, unless [WithRepeatUnknown] says so.
//
// A send or resend that was answered with 408, 425 or 429 is looked up first. If two
// complete look-ups in a row do not show it, the last one three seconds after it left
// at the earliest (a third of [WithSettleTimeout] if that is shorter), it is repeated
// while attempts are left, and then it is [ErrNotSent]. If the look-ups fail, the
// outcome is unknown. A platform that processes what something throttles, and whose
// list is further behind than that, may mail somebody twice.
//
// A refusal is the platform's only in the form in which the platform writes it: as
// GraphQL errors, or as an exception of NestJS. A page, a text or other JSON with a
// status like 403 or 404 comes from something in front of the platform. Such an answer
// says nothing about an invite or a caller: it is [ErrUnavailable], and counts as one
// of those that ask to wait.
//
// Where a query is answered with data and errors together, both are returned. For a
// mutation the data decides: an invite in it was made, or changed, and what the data
// leaves out is settled.
//
// A batch that is too large is split in two, and so is one that was refused for what
// is in it: by a validator, or because somebody is invited already. An invite that is
// too large, or not valid, alone is refused alone, and the others are sent. The call
// itself fails with [ErrBatchTooLarge], or as the platform refused it, only if that
// happens to each of its invites, or, where it may be the request that is wrong, to
// eight of them and no other was taken. Before a batch is split its invites are looked
// up: the platform may have made some of them.
//
// So no invite is lost in silence, and nobody is mailed twice because of a retry.
//
// Waits double from attempt to attempt, are partly random and bounded, obey the
// platform's Retry-After up to that bound, which then holds for the Client's
// other calls too, and end with the context at once: see [WithRetry],
// [WithTimeout] and [WithSettleTimeout]. A request of a call whose context has no
// deadline ends after five minutes.
//
// # Webhooks
//
// [Client.WebhookHandler] takes the events that the platform sends when an invite
// is made, changes or is removed. A callback that fails is called again, half an
// hour later or more, and the same event may come more than once:
// [RoqPlatform.UserInvite] returns the invite as it is now.
//
// # Testing
//
// Package [github.com/go-roq/roq/roqtest] is a ROQ platform on loopback, with an
// outbox, a clock that tests can turn, and faults to inject: the whole path is
// tested without an account. Unit tests can also answer requests themselves, with
// any [net/http.RoundTripper] in [WithHTTPClient], such as that of
// github.com/jarcoal/httpmock.
package roq
