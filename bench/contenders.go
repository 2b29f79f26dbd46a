package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/bench/genqlient"
)

// The names of the contenders, as they are printed.
const (
	nameFloor     = "floor"
	nameRaw       = "raw"
	nameRawPool   = "raw, pool of 64"
	nameGenqlient = "genqlient"
	nameRoq       = "roq"
	nameNodejs    = "@roq/nodejs"
)

// manyCallers is how many call at once in the case with many, and the idle
// connections that a pool for them keeps.
const manyCallers = 64

// entry is a contender under its name.
type entry struct {
	name string
	contender
}

// locals are the contenders in this process. Each has connections of its own.
func locals(ctx context.Context, url string) ([]entry, error) {
	token, err := fetchToken(ctx, url)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set(userAuthorization, "Bearer "+token)
	header.Set(serverAuthorization, basic())
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "*/*")
	sdk, err := newSDK(url)
	if err != nil {
		return nil, err
	}
	// Those whose ratio has a bar are neighbours: roq with raw, and with @roq/nodejs,
	// which comes last.
	return []entry{
		{nameFloor, local{newFloor(url+graphQLPath, header)}},
		{nameGenqlient, local{newGenerated(url+graphQLPath, header)}},
		{nameRawPool, local{newRaw(url+graphQLPath, header, pooled())}},
		{nameRaw, local{newRaw(url+graphQLPath, header, asItComes())}},
		{nameRoq, local{sdk}},
	}, nil
}

// asItComes is net/http's own transport, in a client with a time-out: it keeps
// two idle connections to a host.
func asItComes() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: http.DefaultTransport.(*http.Transport).Clone()}
}

// pooled is the same with a pool that fits many callers.
func pooled() *http.Client {
	client := asItComes()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = manyCallers
	return client
}

// fetchToken gets the access token that the others than roq and @roq/nodejs,
// which fetch theirs, keep for good.
func fetchToken(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v01/authorize", http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var token struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		return "", err
	}
	if token.AccessToken == "" {
		return "", errors.New("the platform gave no token")
	}
	return token.AccessToken, nil
}

// sdk is this module.
type sdk struct {
	platform *roq.RoqPlatform
	people   []roq.UserInviteInput
}

func newSDK(url string) (*sdk, error) {
	client, err := newRoq(url)
	if err != nil {
		return nil, err
	}
	s := &sdk{platform: client.AsUser(userID)}
	for _, p := range people(maxPage) {
		s.people = append(s.people, roqInput(p))
	}
	return s, nil
}

// newRoq is a client as a program makes it, but for the size of its batches.
func newRoq(url string) (*roq.Client, error) {
	return roq.New(roq.Config{PlatformURL: url, EnvironmentID: environmentID, APIKey: apiKey}, roq.WithBatchSize(maxPage))
}

func roqInput(p person) roq.UserInviteInput {
	return roq.UserInviteInput{
		CreatedByUserID: p.CreatedByUserID, Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, Roles: p.Roles,
	}
}

func (s *sdk) list(ctx context.Context, n int) (int, error) {
	page, err := s.platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: n})
	if err != nil {
		return 0, err
	}
	return len(page.Data), nil
}

func (s *sdk) send(ctx context.Context, n int) (int, error) {
	sent, err := s.platform.SendUserInvites(ctx, roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: s.people[:n]})
	if err != nil {
		return 0, err
	}
	return len(sent.Success), sent.Err()
}

// generated is the client that Khan/genqlient generates.
type generated struct {
	client *genqlient.Client
	people []genqlient.InviteInput
}

func newGenerated(endpoint string, header http.Header) *generated {
	g := &generated{client: genqlient.New(endpoint, asItComes(), header)}
	for _, p := range people(maxPage) {
		g.people = append(g.people, genqlient.InviteInput{
			CreatedByUserId: p.CreatedByUserID, Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, Roles: p.Roles,
		})
	}
	return g
}

func (g *generated) list(ctx context.Context, n int) (int, error) {
	invites, err := g.client.UserInvites(ctx, n)
	return len(invites), err
}

func (g *generated) send(ctx context.Context, n int) (int, error) {
	invites, err := g.client.SendUserInvites(ctx, tenantID, g.people[:n])
	return len(invites), err
}
