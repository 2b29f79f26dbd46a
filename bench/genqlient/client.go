package genqlient

import (
	"context"
	"net/http"

	"github.com/Khan/genqlient/graphql"
)

// Invite is the generated type of an invite.
type Invite = invite

// InviteInput is the generated type of an invite to send.
type InviteInput = UserInviteCreateV2Dto

// Client makes calls by the generated functions.
type Client struct{ graphql graphql.Client }

// New returns a Client that sends every request to endpoint with the header.
func New(endpoint string, client *http.Client, header http.Header) *Client {
	return &Client{graphql.NewClient(endpoint, &doer{client, header})}
}

// UserInvites lists one page.
func (c *Client) UserInvites(ctx context.Context, limit int) ([]Invite, error) {
	answer, err := userInvites(ctx, c.graphql, limit)
	if err != nil {
		return nil, err
	}
	return answer.UserInvites.Data, nil
}

// SendUserInvites sends the invites and returns those that were made.
func (c *Client) SendUserInvites(ctx context.Context, tenantID string, invites []InviteInput) ([]Invite, error) {
	answer, err := sendUserInvites(ctx, c.graphql, UserInvitesCreateV2Dto{TenantId: tenantID, UserInvites: invites})
	if err != nil {
		return nil, err
	}
	return answer.SendUserInvitesV2.Success, nil
}

// doer adds the header, which the generated code leaves to its HTTP client.
type doer struct {
	client *http.Client
	header http.Header
}

func (d *doer) Do(r *http.Request) (*http.Response, error) {
	for name, values := range d.header {
		r.Header[name] = values
	}
	return d.client.Do(r)
}
