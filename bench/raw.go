package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The documents are word for word those of this module.
const (
	inviteFields = `
fragment invite on UserInviteModel {
  id tenantId email firstName lastName locale roleKeys data
  status statusUpdatedAt createdAt updatedAt
  createdByUserId acceptedByUserId userTokenId
}`

	listDocument = `query userInvites($filter: UserInviteFilterArgType, $limit: Int, $offset: Int, $order: UserInviteOrderArgType, $search: UserInviteSearchArgType) {
  userInvites(filter: $filter, limit: $limit, offset: $offset, order: $order, search: $search) {
    totalCount data { ...invite }
  }
}` + inviteFields

	sendDocument = `mutation sendUserInvites($data: UserInvitesCreateV2Dto!) {
  sendUserInvitesV2(data: $data) { success { ...invite } errors { email error } }
}` + inviteFields
)

// raw is what a program writes that has no client: net/http, encoding/json and
// plain structs.
type raw struct {
	client   *http.Client
	endpoint string
	header   http.Header
	people   []person
}

func newRaw(endpoint string, header http.Header, client *http.Client) *raw {
	return &raw{client: client, endpoint: endpoint, header: header, people: people(maxPage)}
}

type (
	rawRequest struct {
		Query         string `json:"query"`
		Variables     any    `json:"variables"`
		OperationName string `json:"operationName"`
	}
	listVariables struct {
		Limit int `json:"limit"`
	}
	sendVariables struct {
		Data sendData `json:"data"`
	}
	sendData struct {
		TenantID    string   `json:"tenantId"`
		UserInvites []person `json:"userInvites"`
	}
	rawAnswer struct {
		Data struct {
			UserInvites struct {
				TotalCount int         `json:"totalCount"`
				Data       []rawInvite `json:"data"`
			} `json:"userInvites"`
			SendUserInvitesV2 struct {
				Success []rawInvite `json:"success"`
				Errors  []struct {
					Email string `json:"email"`
					Error string `json:"error"`
				} `json:"errors"`
			} `json:"sendUserInvitesV2"`
		} `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	rawInvite struct {
		ID               string          `json:"id"`
		TenantID         string          `json:"tenantId"`
		Email            string          `json:"email"`
		FirstName        string          `json:"firstName"`
		LastName         string          `json:"lastName"`
		Locale           string          `json:"locale"`
		RoleKeys         []string        `json:"roleKeys"`
		Data             json.RawMessage `json:"data"`
		Status           string          `json:"status"`
		StatusUpdatedAt  time.Time       `json:"statusUpdatedAt"`
		CreatedAt        time.Time       `json:"createdAt"`
		UpdatedAt        time.Time       `json:"updatedAt"`
		CreatedByUserID  string          `json:"createdByUserId"`
		AcceptedByUserID string          `json:"acceptedByUserId"`
		UserTokenID      string          `json:"userTokenId"`
	}
)

func (r *raw) list(ctx context.Context, n int) (int, error) {
	answer, err := r.call(ctx, listRequest(n))
	if err != nil {
		return 0, err
	}
	return len(answer.Data.UserInvites.Data), nil
}

func (r *raw) send(ctx context.Context, n int) (int, error) {
	answer, err := r.call(ctx, sendRequest(r.people[:n]))
	if err != nil {
		return 0, err
	}
	return len(answer.Data.SendUserInvitesV2.Success), nil
}

func listRequest(n int) rawRequest {
	return rawRequest{listDocument, listVariables{n}, opList}
}

func sendRequest(people []person) rawRequest {
	return rawRequest{sendDocument, sendVariables{sendData{tenantID, people}}, opSend}
}

func (r *raw) call(ctx context.Context, request rawRequest) (*rawAnswer, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	encoded, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	answer := new(rawAnswer)
	if err := json.Unmarshal(encoded, answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		return nil, errors.New(answer.Errors[0].Message)
	}
	return answer, nil
}
