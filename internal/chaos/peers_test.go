package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/internal/wire"
)

// peer makes the same requests as the SDK with another HTTP client, as one would
// who writes them by hand.
type peer struct {
	scene     *scene
	transport *http.Transport
	do        func(*http.Request) (*http.Response, error)
}

// newRetryable is go-retryablehttp's default client. Its waits are as short as
// the SDK's here, and an attempt is bounded, or nothing would ever end.
func newRetryable(s *scene) caller {
	transport := s.backend.newTransport(s.proxyURL())
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient = &http.Client{Transport: transport, Timeout: attemptTimeout}
	client.RetryWaitMin, client.RetryWaitMax = 2*time.Millisecond, 10*time.Millisecond
	return &peer{s, transport, func(r *http.Request) (*http.Response, error) {
		request, err := retryablehttp.FromRequest(r)
		if err != nil {
			return nil, err
		}
		return client.Do(request)
	}}
}

// newPlain is net/http's client.
func newPlain(s *scene) caller {
	transport := s.backend.newTransport(s.proxyURL())
	client := &http.Client{Transport: transport, Timeout: attemptTimeout}
	return &peer{s, transport, client.Do}
}

func (p *peer) closeIdle() { p.transport.CloseIdleConnections() }

func (p *peer) warm(ctx context.Context) error {
	list := task{operation: opList, requestID: "warm", total: p.scene.tasks[0].total}
	if p.scene.backend.target == opToken && !p.scene.cell.fault.idle {
		return nil
	}
	if told := p.call(ctx, list); told[0] != claimDone {
		return fmt.Errorf("the list came to %d", told[0])
	}
	return nil
}

func (p *peer) occupy(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.scene.config.PlatformURL+busyPath, nil)
	if err != nil {
		return
	}
	if response, err := p.transport.RoundTrip(request); err == nil {
		_ = response.Body.Close()
	}
}

// call takes every error for a failure: nothing tells it more.
func (p *peer) call(ctx context.Context, t task) []claim {
	switch t.operation {
	case opSend:
		data := wire.Send{TenantID: t.tenantID, Len: len(t.addresses), At: func(i int, c *wire.Create) {
			c.CreatedByUserID, c.Email = p.scene.user.ID, t.addresses[i]
		}}
		made, _, err := ask(ctx, p, t, wire.SendUserInvitesV2, wire.SendV2{Data: data})
		claims := make([]claim, len(t.addresses))
		for i, address := range t.addresses {
			claims[i] = claimFailed
			if err == nil && slices.ContainsFunc(made, func(row wire.Invite) bool { return strings.EqualFold(row.Email, address) }) {
				claims[i] = claimDone
			}
		}
		return claims
	case opResend:
		rows, _, err := ask(ctx, p, t, wire.ResendUserInvite, wire.ID{UserInviteID: t.inviteID})
		return []claim{claimOf(err, err == nil && rows[0].ID == t.inviteID)}
	case opCancel:
		rows, _, err := ask(ctx, p, t, wire.CancelUserInvite, wire.ID{UserInviteID: t.inviteID})
		return []claim{claimOf(err, err == nil && rows[0].ID == t.inviteID && rows[0].Status == string(roq.StatusCanceled))}
	case opAccept:
		rows, _, err := ask(ctx, p, t, wire.AcceptUserInvite, wire.Accept{Data: wire.InviteToken{Token: t.token}})
		return []claim{claimOf(err, err == nil && rows[0].ID == t.inviteID && rows[0].Status == string(roq.StatusAccepted))}
	case opList:
		_, total, err := ask(ctx, p, t, wire.UserInvites, wire.List{Limit: 1})
		return []claim{claimOf(err, err == nil && total == t.total)}
	default:
		body, err := json.Marshal(wire.ServiceAccount{
			Email: wire.ServiceAccountEmail, EnvironmentID: p.scene.config.EnvironmentID, APIKey: p.scene.config.APIKey,
		})
		if err == nil {
			body, err = p.post(ctx, t, wire.ServiceAccountPath, body)
		}
		token := wire.Token{}
		if err == nil {
			token, err = wire.DecodeToken(body)
		}
		if err == nil && token.AccessToken == "" {
			err = errors.New("no token")
		}
		return []claim{claimOf(err, true)}
	}
}

// ask makes a GraphQL request.
func ask(ctx context.Context, p *peer, t task, op *wire.Operation, variables any) (rows []wire.Invite, total int, err error) {
	body, err := op.Request(variables)
	if err != nil {
		return nil, 0, err
	}
	if p.scene.cell.fault.tokens {
		// Its token is fetched with every call.
		if told := p.call(ctx, task{operation: opToken, requestID: t.requestID}); told[0] != claimDone {
			return nil, 0, errors.New("no token")
		}
	}
	if body, err = p.post(ctx, t, wire.GraphQLPath, body); err != nil {
		return nil, 0, err
	}
	answer, err := op.Decode(body, wire.Sink{Invite: func(row *wire.Invite) error {
		rows = append(rows, *row)
		return nil
	}})
	switch {
	case err != nil:
		return nil, 0, err
	case len(answer.Errors) > 0 || !answer.Data:
		return nil, 0, errors.New("errors in the answer")
	}
	return rows, answer.Total, nil
}

func (p *peer) post(ctx context.Context, t task, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.scene.config.PlatformURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = p.scene.backend.credentials.Clone()
	request.Header.Set("X-Request-Id", t.requestID)
	response, err := p.do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode > 299 {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, bombSize/4))
}
