package roqtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/go-roq/roq/roqtest"
)

func TestTokenEndpoints(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	cfg := p.Config()
	for name, body := range map[string]map[string]string{
		"email":       {"email": "x@roq.tech", "environmentId": cfg.EnvironmentID, "apiKey": cfg.APIKey},
		"environment": {"email": "project-service-account@roq.tech", "environmentId": "x", "apiKey": cfg.APIKey},
		"key":         {"email": "project-service-account@roq.tech", "environmentId": cfg.EnvironmentID, "apiKey": "x"},
		"nothing":     {},
	} {
		if status, answer := p.post("/v01/authorize/serviceAccount", http.Header{}, body); status != 401 || answer["errorCode"] != "INVALID_CREDENTIALS" || answer["accessToken"] != nil {
			t.Errorf("wrong %s: %d %v", name, status, answer)
		}
	}
	status, answer := p.userTokens(p.ann.ID, map[string]any{"expiresIn": "30m"})
	if status != 200 || answer["idToken"] == nil || answer["refreshToken"] == nil {
		t.Fatalf("authorize = %d %v", status, answer)
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(answer["accessToken"].(string), claims); err != nil {
		t.Fatal(err)
	}
	if life := claims["exp"].(float64) - claims["iat"].(float64); life != 1800 || claims["roqUserId"] != p.ann.ID || claims["tenantId"] != p.tenant || claims["roqEnvironmentId"] != cfg.EnvironmentID {
		t.Errorf("claims = %v, want half an hour", claims)
	}
	for want, row := range map[string]struct {
		id    string
		extra map[string]any
	}{
		"400 BAD_USER_INPUT":         {"nope", nil},
		"404 USER_NOT_FOUND":         {uuid.NewString(), nil},
		"401 INVALID_CREDENTIALS":    {p.ann.ID, map[string]any{"apiKey": "x"}},
		"400 BAD_USER_INPUT for now": {p.ann.ID, map[string]any{"expiresIn": "soon"}},
	} {
		status, answer := p.userTokens(row.id, row.extra)
		if got := fmt.Sprintf("%d %v", status, answer["errorCode"]); !strings.HasPrefix(want, got) {
			t.Errorf("authorize = %s, want %s", got, want)
		}
	}
	// A user's token does not open other users' accounts.
	status, _ = p.post("/v01/authorize", http.Header{"Roq-Platform-Authorization": {"Bearer " + answer["accessToken"].(string)}},
		map[string]any{"environmentId": cfg.EnvironmentID, "apiKey": cfg.APIKey, "userId": p.ann.ID})
	if status != 401 {
		t.Errorf("authorize with a user's token = %d, want 401", status)
	}
	status, fresh := p.post("/v01/authorize/refreshToken", http.Header{}, map[string]any{"refreshToken": answer["refreshToken"]})
	if status != 200 || fresh["accessToken"] == nil {
		t.Errorf("refreshToken = %d %v", status, fresh)
	}
	if status, _ := p.post("/v01/authorize/refreshToken", http.Header{}, map[string]any{"refreshToken": answer["accessToken"]}); status != 401 {
		t.Errorf("refreshToken with an access token = %d, want 401", status)
	}
}

// Every GraphQL call needs to say who and, on the server's side, for which
// environment.
func TestGraphQLNeedsAuthorization(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, roqtest.WithTokenLifetime(time.Hour))
	token := p.tokenOf(p.ann.ID)
	_, tokens := p.userTokens(p.ann.ID, nil)
	good := http.Header{"Roq-Platform-Authorization": {"Bearer " + token}, "Roq-Platform-Server-Authorization": {p.basic()}}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Del(name)
		if value != "" {
			h.Set(name, value)
		}
		return h
	}
	query := map[string]any{"query": "{ userInvites { totalCount } }"}
	for name, row := range map[string]struct {
		path   string
		header http.Header
		want   string
	}{
		"server":                    {"/v01/server/graphql", good, "<nil> <nil>"},
		"browser":                   {"/v01/graphql", with("Roq-Platform-Server-Authorization", ""), "<nil> <nil>"},
		"server without credential": {"/v01/server/graphql", with("Roq-Platform-Server-Authorization", ""), "INVALID_CREDENTIALS 401"},
		"another environment":       {"/v01/server/graphql", with("Roq-Platform-Server-Authorization", "Basic eDp5"), "INVALID_CREDENTIALS 401"},
		"nobody":                    {"/v01/server/graphql", with("Roq-Platform-Authorization", ""), "MISSING_AUTH 401"},
		"no bearer":                 {"/v01/server/graphql", with("Roq-Platform-Authorization", token), "INVALID_AUTH_HEADER 401"},
		"no token":                  {"/v01/server/graphql", with("Roq-Platform-Authorization", "Bearer x"), "INVALID_TOKEN 401"},
		"an id token":               {"/v01/server/graphql", with("Roq-Platform-Authorization", "Bearer "+tokens["idToken"].(string)), "INVALID_TOKEN 401"},
		"a session token":           {"/v01/server/graphql", with("Roq-Platform-Authorization", "Bearer "+p.SessionToken(p.ann.ID)), "INVALID_TOKEN 401"},
	} {
		status, answer := p.post(row.path, row.header, query)
		if status != 200 || refusal(answer) != row.want {
			t.Errorf("%s: %d %v, want %s", name, status, answer, row.want)
		}
	}
	p.RevokeTokens()
	if _, answer := p.post("/v01/server/graphql", good, query); refusal(answer) != "INVALID_TOKEN 401" {
		t.Errorf("a revoked token: %v", answer)
	}
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, roqtest.WithTokenLifetime(-time.Second))
	if _, answer := p.graphQL(p.serviceToken(), "{ userInvites { totalCount } }", nil); refusal(answer) != "INVALID_TOKEN 401" {
		t.Errorf("an expired token: %v", answer)
	}
}
