package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/bench/genqlient"
)

// served starts a platform in this process.
func served(t *testing.T, a answers) (*platform, string) {
	t.Helper()
	p := newPlatform(a, 0)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server.URL
}

// Every client gets and sends what a case says, as the platform sees it too.
func TestContenders(t *testing.T) {
	t.Parallel()
	_, url := served(t, newCanned())
	contenders, err := locals(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(contenders) != 5 {
		t.Fatalf("%d clients in this process, want 5", len(contenders))
	}
	for _, x := range contenders {
		t.Run(x.name, func(t *testing.T) { testContender(t, url, x.contender) })
	}
}

func TestNodejs(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(".scratch/installed"); err != nil {
		t.Skip("@roq/nodejs is not installed: make bench installs and measures it")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node.js is not installed")
	}
	p, url := served(t, newCanned())
	node, version, err := startNodejs(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := node.stop(); err != nil {
			t.Error(err)
		}
	}()
	if !strings.HasPrefix(version, "v") {
		t.Errorf("the version of Node.js is %q", version)
	}
	testContender(t, url, node)
	before := p.tokens.Load()
	if _, err := node.measure(t.Context(), job{opFirst, 10, 3}, 3); err != nil {
		t.Fatal(err)
	}
	if p.tokens.Load() == before {
		t.Error("first calls asked for no token")
	}
	if _, err := node.measure(t.Context(), job{"unknown", 10, 1}, 1); err == nil {
		t.Error("an unknown operation is no error")
	}
}

// testContender makes two calls of each case. Nobody else may use the platform
// meanwhile.
func testContender(t *testing.T, url string, x contender) {
	t.Helper()
	for _, c := range callCases() {
		calls := 2 * c.Callers
		// The first call may bring a token, and that of floor counts the answer.
		if _, err := x.measure(t.Context(), c.job, 1); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		before, err := countsOf(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		cost, err := x.measure(t.Context(), c.job, calls)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		after, err := countsOf(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		want := counts{Calls: int64(calls)}
		if c.Operation == opSend {
			want.Invites = int64(calls * c.Size)
		}
		if got := (counts{after.Tokens - before.Tokens, after.Calls - before.Calls, after.Invites - before.Invites}); got != want {
			t.Errorf("%s: the platform counted %+v, want %+v", c.name, got, want)
		}
		if cost.calls != calls || cost.cpu <= 0 || cost.wall <= 0 {
			t.Errorf("%s: the cost is %+v", c.name, cost)
		}
	}
}

// A call that brings another number of invites than its case says is an error.
func TestContenderMiscounts(t *testing.T) {
	t.Parallel()
	_, url := served(t, newStock())
	contenders, err := locals(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range contenders {
		if _, err := x.measure(t.Context(), job{opList, population + 1, 1}, 1); err == nil {
			t.Errorf("%s: a page that is too short is no error", x.name)
		}
	}
}

// The clients that decode see the same invites.
func TestContendersDecode(t *testing.T) {
	t.Parallel()
	_, url := served(t, newCanned())
	contenders, err := locals(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2023, 10, 27, 0, 14, 37, 909e6, time.UTC)
	p := personAt(1)
	want := rawInvite{
		ID: idAt(1, 1), TenantID: tenantID, Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, RoleKeys: p.Roles,
		Status: "pending", StatusUpdatedAt: at, CreatedAt: at, UpdatedAt: at, CreatedByUserID: userID, UserTokenID: idAt(1, 2),
	}
	for _, x := range contenders {
		var got rawInvite
		switch c := x.contender.(local).client.(type) {
		case *floor:
			continue // does not decode
		case *raw:
			answer, err := c.call(t.Context(), listRequest(2))
			if err != nil {
				t.Fatal(err)
			}
			got = answer.Data.UserInvites.Data[1]
		case *generated:
			invites, err := c.client.UserInvites(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			got = ofGenerated(invites[1])
		case *sdk:
			page, err := c.platform.UserInvites(t.Context(), roq.UserInvitesQuery{Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			got = ofSDK(page.Data[1])
		}
		if string(got.Data) == "null" {
			got.Data = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the second invite is %+v, want %+v", x.name, got, want)
		}
	}
}

func ofGenerated(i genqlient.Invite) rawInvite {
	return rawInvite{
		ID: i.Id, TenantID: i.TenantId, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName, Locale: i.Locale, RoleKeys: i.RoleKeys,
		Data: i.Data, Status: string(i.Status), StatusUpdatedAt: i.StatusUpdatedAt, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		CreatedByUserID: i.CreatedByUserId, AcceptedByUserID: i.AcceptedByUserId, UserTokenID: i.UserTokenId,
	}
}

func ofSDK(i roq.UserInvite) rawInvite {
	return rawInvite{
		ID: i.ID, TenantID: i.TenantID, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName, Locale: i.Locale, RoleKeys: i.RoleKeys,
		Data: i.Data, Status: string(i.Status), StatusUpdatedAt: i.StatusUpdatedAt, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		CreatedByUserID: i.CreatedByUserID, AcceptedByUserID: i.AcceptedByUserID, UserTokenID: i.UserTokenID,
	}
}

// What the clients send for the same people is the same, whoever encodes it.
func TestContendersEncode(t *testing.T) {
	t.Parallel()
	seen := &recorder{answers: newCanned()}
	_, url := served(t, seen)
	contenders, err := locals(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{opList, opSend} {
		var want any
		for _, x := range contenders {
			if _, err := x.measure(t.Context(), job{op, 3, 1}, 1); err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			var request struct {
				Query, OperationName string
				Variables            any
			}
			if err := json.Unmarshal(seen.last, &request); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = request.Variables
			}
			if request.OperationName != op || !reflect.DeepEqual(request.Variables, want) {
				t.Errorf("%s sent %s with %v, want %s with %v", x.name, request.OperationName, request.Variables, op, want)
			}
		}
	}
}

// recorder keeps the last request.
type recorder struct {
	answers
	last []byte
}

func (r *recorder) list(body []byte) ([]byte, error) {
	r.last = body
	return r.answers.list(body)
}

func (r *recorder) send(body []byte) ([]byte, error) {
	r.last = body
	return r.answers.send(body)
}
