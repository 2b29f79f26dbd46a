package roq

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// fetchServiceToken asks for the service account's token.
func (c *core) fetchServiceToken(ctx context.Context, requestID string) (string, error) {
	call, err := c.begin(ctx, "authorizeServiceAccount", []CallOption{WithRequestID(requestID)})
	if err != nil {
		return "", err
	}
	return call.authorize(ctx, wire.ServiceAccountPath, "", wire.ServiceAccount{
		Email:         wire.ServiceAccountEmail,
		EnvironmentID: c.cfg.EnvironmentID,
		APIKey:        c.cfg.APIKey,
	})
}

// fetchUserToken asks for a user's token on the service account's behalf. If the
// service account's cached token turns out to be revoked, a fresh one is tried.
func (c *core) fetchUserToken(ctx context.Context, userID, requestID string) (string, error) {
	call, err := c.begin(ctx, "authorize", []CallOption{WithRequestID(requestID)})
	if err != nil {
		return "", err
	}
	service := c.service()
	for fresh := false; ; fresh = true {
		serviceToken, err := service.token(ctx, requestID)
		if err != nil {
			return "", err
		}
		accessToken, err := call.authorize(ctx, wire.AuthorizePath, serviceToken, wire.Authorize{
			EnvironmentID: c.cfg.EnvironmentID,
			APIKey:        c.cfg.APIKey,
			UserID:        userID,
		})
		if call.last.Outcome != transport.Unauthorized || fresh {
			return accessToken, err
		}
		service.renew(serviceToken)
	}
}

// authorize makes one token request. A token that could not stand in a header is
// as bad as none.
func (c *call) authorize(ctx context.Context, path, serviceToken string, body any) (string, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return "", invalid(c.operation, "the request cannot be encoded as JSON")
	}
	var answer wire.Token
	c.send(ctx, transport.Request{
		Method: http.MethodPost,
		URL:    c.core.cfg.PlatformURL + path,
		Origin: c.core.cfg.PlatformURL,
		Header: c.header(serviceToken),
		Body:   encoded,
		Judge: func(body []byte) (transport.Outcome, error) {
			if answer, err = wire.DecodeToken(body); err != nil {
				return transport.Unclear, err
			}
			if err := check.Token(answer.AccessToken); err != nil {
				return transport.Unclear, errors.New("the answer's accessToken " + err.Error())
			}
			return transport.Answered, nil
		},
	})
	if c.last.Outcome != transport.Answered {
		return "", c.failure()
	}
	return answer.AccessToken, nil
}
