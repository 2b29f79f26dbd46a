package roq_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const users = `{"data":[{"id":"row-1","email":"t.justin@roq.tech","firstName":"T","lastName":null,"roq_user_id":"530c9a92-71c5-4dce-a6e3-c638c2d0b1bc",
"tenant_id":"ee764883-f2c3-4486-9de6-070345e350af","created_at":"2023-10-27T00:14:36.900Z","updated_at":null,"new":1}],"count":1}`

func TestFindUsers(t *testing.T) {
	t.Parallel()
	m := newMock(t, jsonAnswer(200, users))
	got, err := m.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "t.justin@roq.tech", RoqUserID: userID, TenantID: tenantID}, roq.WithRequestID("q"))
	if err != nil {
		t.Fatal(err)
	}
	want := []roq.User{{ID: "row-1", Email: "t.justin@roq.tech", FirstName: "T", RoqUserID: userID, TenantID: tenantID,
		CreatedAt: time.Date(2023, 10, 27, 0, 14, 36, 900_000_000, time.UTC)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FindUsers (-want +got):\n%s", diff)
	}
	sent := m.requests[0]
	values, err := url.ParseQuery(sent.Query)
	if err != nil || sent.Method != http.MethodGet || sent.Path != "/api/model/user/findMany" || len(values) != 1 {
		t.Fatalf("sent %s %s?%s", sent.Method, sent.Path, sent.Query)
	}
	var q any
	if err := json.Unmarshal([]byte(values.Get("q")), &q); err != nil {
		t.Fatal(err)
	}
	wantQuery := map[string]any{"where": map[string]any{
		"email": map[string]any{"equals": "t.justin@roq.tech"}, "roq_user_id": map[string]any{"equals": userID}, "tenant_id": map[string]any{"equals": tenantID},
	}}
	if diff := cmp.Diff(wantQuery, q); diff != "" {
		t.Errorf("q (-want +got):\n%s", diff)
	}
	if got := sent.Header.Get("Authorization"); got != "Basic ZTM0MDg3MzMtMGFjMi00NTk2LTgyNjQtMGE3ZGEyNDgxODAxOmV4YW1wbGUtYXBpLWtleQ==" {
		t.Errorf("Authorization = %q", got)
	}
	if sent.Header.Get("Content-Type") != "" || sent.Header.Get("X-Request-Id") != "q" || len(m.requests) != 1 {
		t.Errorf("headers = %v in %d requests", sent.Header, len(m.requests))
	}
}

func TestFindUsersAnswers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer  httpmock.Responder
		kind    error
		code    string
		message string
		sent    int
	}{
		"rejected by policy": {jsonAnswer(403, `{"error":{"message":"denied","reason":"ACCESS_POLICY_VIOLATION","code":"P2004","prisma":true,"rejectedByPolicy":true}}`), roq.ErrForbidden, "FORBIDDEN", "denied", 1},
		"a bad query":        {jsonAnswer(400, `{"error":{"message":"unknown field for t.justin@roq.tech","code":"BAD_REQUEST"}}`), roq.ErrInvalidInput, "BAD_REQUEST", "unknown field for [redacted]", 1},
		"only a reason":      {jsonAnswer(422, `{"error":{"reason":"DATA_VALIDATION_ERROR"}}`), roq.ErrInvalidInput, "", "DATA_VALIDATION_ERROR", 1},
		"error a string":     {jsonAnswer(404, `{"error":"Not Found","statusCode":404}`), roq.ErrNotFound, "", "not found", 1},
		"a page":             {httpmock.NewStringResponder(200, "<html>"), roq.ErrUnavailable, "", "the response is not JSON (byte 1)", 4},
		"no data":            {jsonAnswer(200, `{}`), roq.ErrUnavailable, "", "the response lacks the requested data", 4},
		"a field amiss":      {jsonAnswer(200, `{"data":[{"email":7}]}`), roq.ErrUnavailable, "", `the response has a number at "/data/0/email"`, 4},
		"a date amiss":       {jsonAnswer(200, `{"data":[{"created_at":"yesterday"}]}`), roq.ErrUnavailable, "", `the response has a string that cannot be read at "/data/0/created_at"`, 4},
		"down":               {httpmock.NewStringResponder(502, "<html>"), roq.ErrUnavailable, "", "bad gateway", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, row.answer)
				got, err := m.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "t.justin@roq.tech"})
				var e *roq.Error
				if got != nil || !errors.Is(err, row.kind) || !errors.As(err, &e) || e.Code != row.code || e.Message != row.message || e.Operation != "findUsers" {
					t.Errorf("FindUsers = %v, %v; want %v, %q, %q", got, err, row.kind, row.code, row.message)
				}
				if len(m.requests) != row.sent {
					t.Errorf("%d requests, want %d", len(m.requests), row.sent)
				}
			})
		})
	}
	m := newMock(t, jsonAnswer(200, `{"data":[]}`))
	if got, err := m.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "nobody@roq.tech"}); err != nil || len(got) != 0 {
		t.Errorf("FindUsers = %v, %v; want nobody and no error", got, err)
	}
}

// One bad name does not hide the others, and is noticed in the log.
func TestFindUsersWithABadName(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := newMock(t, jsonAnswer(200, "\ufeff"+`{"data":[{"id":1,"roq_user_id":"u","email":"canary@acme.example","firstName":"J`+"\xfc"+`rgen","new":1,"new":2},
		{"id":2,"roq_user_id":"v`+"\xff"+`","email":"b\ud800@acme.example"}]}`), roq.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	got, err := m.client.FindUsers(t.Context(), roq.FindUsersQuery{TenantID: tenantID})
	if err != nil || len(got) != 2 || got[0].ID != "1" || got[0].FirstName != "J\ufffdrgen" || got[1].Email != "b\ufffd@acme.example" || got[1].RoqUserID == "v\ufffd" {
		t.Errorf("FindUsers = %+v, %v; want both", got, err)
	}
	if strings.Count(log.String(), "response repaired") != 1 || strings.Contains(log.String(), "rgen") || len(m.requests) != 1 {
		t.Errorf("after %d requests the log is %q", len(m.requests), &log)
	}
	noCanary(t, "the log", log.String())
}

func TestFindUsersRefusesBadQueries(t *testing.T) {
	t.Parallel()
	m := newMock(t, jsonAnswer(200, users))
	for want, q := range map[string]roq.FindUsersQuery{
		"must set Email, RoqUserID or TenantID": {},
		"RoqUserID: must be printable":          {RoqUserID: "a b"},
		"TenantID: must be printable":           {TenantID: "a\nb"},
		"Email: must be valid UTF-8":            {Email: "\xff"},
	} {
		if _, err := m.client.FindUsers(t.Context(), q); !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("FindUsers(%+v) = %v, want %q", q, err, want)
		}
	}
	cfg := config()
	cfg.APIURL = ""
	if _, err := newClient(t, cfg).FindUsers(t.Context(), roq.FindUsersQuery{Email: "a@b.c"}); !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "Config.APIURL") {
		t.Errorf("FindUsers without APIURL = %v", err)
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestFindUsersOnThePlatform(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.AddUser(roqtest.User{TenantID: b.tenant, Email: "bob@acme.example"})
	b.AddUser(roqtest.User{TenantID: b.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	for want, q := range map[int]roq.FindUsersQuery{
		0: {Email: "nobody@acme.example"},
		1: {Email: "ann@acme.example", TenantID: b.tenant},
		2: {TenantID: b.tenant},
	} {
		got, err := b.client.FindUsers(t.Context(), q)
		if err != nil || len(got) != want {
			t.Fatalf("FindUsers(%+v) = %v, %v; want %d", q, got, err, want)
		}
		if want == 1 && (got[0].RoqUserID != b.user.ID || got[0].TenantID != b.tenant || got[0].FirstName != "Ann" || got[0].CreatedAt.IsZero()) {
			t.Errorf("FindUsers = %+v", got)
		}
	}
	if got, err := b.client.FindUsers(t.Context(), roq.FindUsersQuery{RoqUserID: b.user.ID}); err != nil || len(got) != 1 {
		t.Errorf("FindUsers by RoqUserID = %v, %v", got, err)
	}
}
