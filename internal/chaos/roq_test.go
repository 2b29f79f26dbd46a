package chaos_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// caller is a client under test.
type caller interface {
	// warm makes a request that succeeds: credentials and connections are there.
	warm(ctx context.Context) error
	// call does what the task asks for and says what it was told of each item.
	call(ctx context.Context, t task) []claim
	// occupy uses a connection for as long as ctx lasts.
	occupy(ctx context.Context)
	closeIdle()
}

// sdk is this module's client.
type sdk struct {
	client *roq.Client
	scene  *scene
}

func newSDK(s *scene, opts ...roq.Option) caller {
	opts = append([]roq.Option{
		roq.WithHTTPClient(&http.Client{Transport: s.backend.newTransport(s.proxyURL())}),
		roq.WithTimeout(attemptTimeout),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3, MinWait: 2 * time.Millisecond, MaxWait: 10 * time.Millisecond}),
		roq.WithSettleTimeout(400 * time.Millisecond),
		roq.WithMaxResponseBytes(bombSize / 4),
	}, opts...)
	return &sdk{must(roq.New(s.config, opts...)), s}
}

func (c *sdk) closeIdle() { c.client.CloseIdleConnections() }

func (c *sdk) warm(ctx context.Context) error {
	platform := c.scene.as(c.client)
	if c.scene.backend.target == opToken {
		if !c.scene.cell.fault.idle {
			return nil // its token is what the call has to get
		}
		platform = c.client.AsSuperAdmin()
	}
	_, err := platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: 1}, roq.WithTimeout(0))
	return err
}

func (c *sdk) occupy(ctx context.Context) {
	_, _ = c.client.FindUsers(ctx, roq.FindUsersQuery{Email: "nobody@chaos.example"}, roq.WithTimeout(0))
}

func (c *sdk) call(ctx context.Context, t task) []claim {
	platform, id := c.scene.as(c.client), roq.WithRequestID(t.requestID)
	switch t.operation {
	case opSend:
		in := roq.SendUserInvitesInput{TenantID: t.tenantID}
		for _, address := range t.addresses {
			in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: address})
		}
		result, err := platform.SendUserInvites(ctx, in, id)
		return sendClaims(t, result, err)
	case opResend:
		invite, err := platform.ResendUserInvite(ctx, t.inviteID, id)
		return []claim{inviteClaim(err, invite, invite != nil && invite.ID == t.inviteID)}
	case opCancel:
		invite, err := platform.CancelUserInvite(ctx, t.inviteID, id)
		return []claim{inviteClaim(err, invite, invite != nil && invite.ID == t.inviteID && invite.Status == roq.StatusCanceled)}
	case opAccept:
		invite, err := platform.AcceptUserInvite(ctx, t.token, id)
		if errors.Is(err, roq.ErrAlreadyAccepted) {
			return []claim{claimDone} // it says that the invite is accepted, perhaps by this call
		}
		return []claim{inviteClaim(err, invite, invite != nil && invite.ID == t.inviteID && invite.Status == roq.StatusAccepted)}
	default:
		page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: 1}, id)
		return []claim{claimOf(err, page != nil && page.TotalCount == t.total)}
	}
}

// inviteClaim is claimOf where an invite may stand beside an error: the platform
// answered with both, and the invite says that it was done.
func inviteClaim(err error, invite *roq.UserInvite, right bool) claim {
	if invite != nil {
		err = nil
	}
	return claimOf(err, right)
}

// claimOf reads an error; right is whether what came without one is so.
func claimOf(err error, right bool) claim {
	switch {
	case errors.Is(err, roq.ErrOutcomeUnknown):
		return claimUnknown
	case err != nil:
		return claimFailed
	case !right:
		return claimWrong
	default:
		return claimDone
	}
}

// sendClaims finds every input in the result. No result beside an error says that
// nothing happened.
func sendClaims(t task, result *roq.SendUserInvitesResult, err error) []claim {
	claims := make([]claim, len(t.addresses))
	if result == nil {
		for i := range claims {
			claims[i] = claimFailed
			if err == nil || errors.Is(err, roq.ErrOutcomeUnknown) {
				claims[i] = claimNothing
			}
		}
		return claims
	}
	for i, address := range t.addresses {
		var told []claim
		tell := func(c claim, email string) {
			if strings.EqualFold(email, address) {
				told = append(told, c)
			}
		}
		for _, invite := range result.Success {
			tell(claimDone, invite.Email)
		}
		for _, refused := range result.Errors {
			tell(claimFailed, refused.Email)
		}
		for _, input := range result.NotSent {
			tell(claimFailed, input.Email)
		}
		for _, input := range result.Unknown {
			tell(claimUnknown, input.Email)
		}
		claims[i] = claimNothing
		if len(told) == 1 {
			claims[i] = told[0]
		}
	}
	// An error of the call must say that something is unknown if anything is, and
	// be there if anything was left out.
	if slices.Contains(claims, claimUnknown) && !errors.Is(err, roq.ErrOutcomeUnknown) || len(result.NotSent) > 0 && err == nil {
		claims[0] = claimNothing
	}
	return claims
}
