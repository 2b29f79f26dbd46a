package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/token"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// Identity is who is asking.
type Identity struct {
	// Token returns the access token to ask with. It is a function rather than a
	// string, so that fmt cannot print it.
	Token func(ctx context.Context, requestID string) (string, error)
	// Renew drops a token that the platform refused, and reports whether another one
	// is available.
	Renew func(refused string) bool
}

// Bearer is the identity with that access token, which cannot be renewed.
func Bearer(accessToken string) *Identity {
	return &Identity{
		Token: func(context.Context, string) (string, error) { return accessToken, nil },
		Renew: func(string) bool { return false },
	}
}

// ServiceAccount is the environment's service account. The settings are those of
// requests for a token.
func (c *Client) ServiceAccount(s Settings) *Identity {
	return c.cached(token.Service(), s, 1, c.fetchServiceToken)
}

// User is the user with that id, whose tokens are issued on the service account's
// behalf.
func (c *Client) User(userID string, s Settings) *Identity {
	// A user's token takes up to two for the service account, and two attempts.
	return c.cached(token.User(userID), s, 4, func(ctx context.Context, call *Call) (string, error) {
		return c.fetchUserToken(ctx, call, userID)
	})
}

// cached is an identity whose token is fetched with its first call and cached.
// The request for it has that call's id. A fetch makes so many requests at most,
// each with all its attempts.
func (c *Client) cached(key token.Key, s Settings, requests int, fetch func(context.Context, *Call) (string, error)) *Identity {
	return &Identity{
		Token: func(ctx context.Context, requestID string) (string, error) {
			return c.Tokens.Get(ctx, key, max(leastFetch, time.Duration(requests)*s.LongestRequest()), func(ctx context.Context) (string, error) {
				s := s
				s.RequestID = requestID
				return fetch(ctx, &Call{Client: c, Settings: s})
			})
		},
		Renew: func(refused string) bool {
			c.Tokens.Drop(key, refused)
			return true
		},
	}
}

// leastFetch is the least time that a fetch has: its requests may wait for a limiter.
const leastFetch = 5 * time.Minute

// fetchServiceToken asks for the service account's token.
func (c *Client) fetchServiceToken(ctx context.Context, call *Call) (string, error) {
	call.Operation = "authorizeServiceAccount"
	accessToken, _, err := call.authorize(ctx, wire.ServiceAccountPath, "", wire.ServiceAccount{
		Email:         wire.ServiceAccountEmail,
		EnvironmentID: c.EnvironmentID,
		APIKey:        c.APIKey,
	})
	return accessToken, err
}

// fetchUserToken asks for a user's token. If the service account's cached token
// turns out to be revoked, a fresh one is tried.
func (c *Client) fetchUserToken(ctx context.Context, call *Call, userID string) (string, error) {
	call.Operation = "authorize"
	service := c.ServiceAccount(call.Settings)
	for fresh := false; ; fresh = true {
		serviceToken, err := service.Token(ctx, call.RequestID)
		if err != nil {
			return "", err
		}
		accessToken, unauthorized, err := call.authorize(ctx, wire.AuthorizePath, serviceToken, wire.Authorize{
			EnvironmentID: c.EnvironmentID,
			APIKey:        c.APIKey,
			UserID:        userID,
		})
		if !unauthorized || fresh {
			return accessToken, err
		}
		service.Renew(serviceToken)
	}
}

// authorize makes one token request. A token that cannot be part of a header is
// as bad as none.
func (c *Call) authorize(ctx context.Context, path, serviceToken string, body any) (accessToken string, unauthorized bool, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return "", false, c.Refuse("the request cannot be encoded as JSON", InvalidInput|NotSent)
	}
	header := c.header(serviceToken)
	header.Set("Content-Type", "application/json")
	result := c.Client.Sender.Do(ctx, transport.Request{
		Operation: c.Operation,
		Purpose:   PurposeToken,
		Hide:      c.hide,
		Method:    http.MethodPost,
		URL:       c.Client.PlatformURL + path,
		Origin:    c.Client.PlatformURL,
		Header:    header,
		Body:      encoded,
		Pace:      c.Pace,
		Timeout:   c.Timeout,
		MaxBytes:  AnswerBytes(1),
		Own:       wire.OwnREST,
		Judge: judged(func(body []byte) error {
			answer, err := wire.DecodeToken(body)
			if err != nil {
				return err
			}
			if err := check.Token(answer.AccessToken); err != nil {
				return errors.New("the response's accessToken " + err.Error())
			}
			accessToken = answer.AccessToken
			return nil
		}),
	})
	c.Attempts += result.Attempts
	if result.Outcome != transport.Answered {
		return "", result.Outcome == transport.Unauthorized, c.failure(&result, nil)
	}
	return accessToken, false, nil
}
