package roq_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// canaries are what no text may show.
var canaries = []string{"canary-invite", "canary%40acme", "canary-key", "canary-hook", "canary-token", "canary@acme.example", "canary-password", "canary-local", "Y2FuYXJ5"}

// texts is everything that fmt, JSON and slog make of a value.
func texts(v any) map[string]string {
	all := map[string]string{}
	// Not %p: fmt prints a struct for it without asking any method.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%e", "% x", "%#q", "%10.5v", "%U"} {
		all[verb] = fmt.Sprintf(verb, v)
		all[verb+" nested"] = fmt.Sprintf(verb, []any{struct{ V any }{v}, map[string]any{"k": v}})
	}
	all["Print"], all["Println"] = fmt.Sprint(v), fmt.Sprintln(v)
	encoded, _ := json.Marshal(map[string]any{"v": v})
	all["JSON"] = string(encoded)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).Info("m", "v", v, slog.Group("g", "v", v))
		all[name] = out.String()
	}
	return all
}

func noCanary(t *testing.T, name string, v any) {
	t.Helper()
	for how, text := range texts(v) {
		for _, canary := range canaries {
			// Hexadecimal verbs spell it out.
			for _, spelled := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary)} {
				if strings.Contains(text, spelled) {
					t.Errorf("%s as %s shows %q:\n%s", name, how, canary, text)
				}
			}
		}
	}
}

func TestTypesHideTheirSecrets(t *testing.T) {
	t.Parallel()
	cfg := roq.Config{PlatformURL: "https://platform.example", EnvironmentID: environmentID, APIKey: "canary-key", WebhookKey: "canary-hook", PreviousWebhookKey: "canary-old-hook"}
	client := newClient(t, cfg)
	session := roq.Session{ID: "s", RoqUserID: userID, RoqAccessToken: "canary-token", User: roq.SessionUser{FirstName: "Ann", Email: "canary@acme.example"}}
	refused := roq.UserInviteError{Email: "canary@acme.example", FirstName: "Ann", Code: "USER_ALREADY_INVITED", Message: "no"}
	result := roq.SendUserInvitesResult{Errors: []roq.UserInviteError{refused}}
	withPassword := roq.Config{PlatformURL: "https://u:canary-password@platform.example", APIURL: "https://canary-password@x", AppURL: "canary-password"}
	for name, v := range map[string]any{
		"Config": cfg, "*Config": &cfg, "Config with a password": withPassword,
		"Session": session, "*Session": &session, "SessionUser": session.User, "*SessionUser": &session.User,
		"UserInviteError": refused, "*UserInviteError": &refused, "Err()": result.Err(), "wrapped Err()": fmt.Errorf("x: %w", result.Err()),
		"Client": *client, "*Client": client, "RoqPlatform": *client.AsUser(userID), "*RoqPlatform": client.AsSession(&session),
		"unexported": struct {
			client   *roq.Client
			value    roq.Client
			platform roq.RoqPlatform
			err      error
		}{client, *client, *client.AsSession(&session), result.Err()},
		"exported values": struct {
			Config  roq.Config
			Session roq.Session
			User    roq.SessionUser
			Refused roq.UserInviteError
			Result  roq.SendUserInvitesResult
			Any     any
			All     []roq.UserInviteError
		}{cfg, session, session.User, refused, result, cfg, []roq.UserInviteError{refused}},
		"nested": struct {
			Client   *roq.Client
			Platform *roq.RoqPlatform
			Session  roq.Session
			Config   *roq.Config
		}{client, client.AsSession(&session), session, &cfg},
	} {
		noCanary(t, name, v)
	}
	if got := fmt.Sprintf("%+v", cfg); !strings.Contains(got, "https://platform.example") || !strings.Contains(got, "APIKey:[redacted]") || !strings.Contains(got, "SessionMaxAge:0s") {
		t.Errorf("Config prints as %s, want what is not secret", got)
	}
	if got, _ := json.Marshal(session); !strings.Contains(string(got), `"RoqAccessToken":"[redacted]"`) || !strings.Contains(string(got), `"FirstName":"Ann"`) {
		t.Errorf("Session marshals as %s, want what is not secret", got)
	}
	if got, _ := json.Marshal(roq.Session{}); strings.Contains(string(got), "redacted") {
		t.Errorf("an empty Session marshals as %s: what is not there is not redacted", got)
	}
	if got, _ := json.Marshal(refused); string(got) != `{"Code":"USER_ALREADY_INVITED","Message":"no"}` {
		t.Errorf("UserInviteError marshals as %s", got)
	}
}

// In an unexported field, where fmt cannot call methods, a pointer keeps the
// secrets from the verbs that the documentation names. A verb that no pointer has,
// such as %s, prints what it points to.
func TestPointersHideSecretsInUnexportedFields(t *testing.T) {
	t.Parallel()
	cfg := roq.Config{APIKey: "canary-key", WebhookKey: "canary-hook", PreviousWebhookKey: "canary-old-hook"}
	session := roq.Session{RoqAccessToken: "canary-token", User: roq.SessionUser{Email: "canary@acme.example"}}
	refused := roq.UserInviteError{Email: "canary@acme.example"}
	v := struct {
		cfg     *roq.Config
		session *roq.Session
		user    *roq.SessionUser
		refused *roq.UserInviteError
		all     []*roq.UserInviteError
		byName  map[string]*roq.Session
	}{&cfg, &session, &session.User, &refused, []*roq.UserInviteError{&refused}, map[string]*roq.Session{"s": &session}}
	for how, text := range texts(v) {
		verb, _, _ := strings.Cut(how, " ")
		if strings.HasPrefix(verb, "%") && !slices.Contains([]string{"%v", "%+v", "%#v"}, verb) {
			continue
		}
		if strings.Contains(text, "canary") {
			t.Errorf("%s shows a secret:\n%s", how, text)
		}
	}
}

// Whatever a platform, a proxy or a transport puts into an answer or an error,
// no error, in no form, shows a key, a token or an address.
func TestErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	const said = "canary@acme.example, <canary@acme.example>: canary-key Basic Y2FuYXJ5 Bearer eyJhbGciOiJub25lIn0.canary-token.x"
	quoted := strings.ReplaceAll(said, `"`, `\"`)
	for name, responder := range map[string]httpmock.Responder{
		"network":          httpmock.NewErrorResponder(fmt.Errorf("%s", said)),
		"dial":             httpmock.NewErrorResponder(&net.OpError{Op: "dial", Err: errors.New(said)}),
		"page":             httpmock.NewStringResponder(403, said),
		"GraphQL":          jsonAnswer(200, `{"data":null,"errors":[{"message":"`+quoted+`","extensions":{"code":"`+quoted+`","response":{"message":["`+quoted+`"],"errorCode":"`+quoted+`"}}}]}`),
		"REST":             jsonAnswer(422, `{"statusCode":422,"error":"Refused","message":"`+quoted+`","errorCode":"canary@acme.example","code":"canary@acme.example"}`),
		"refused":          answer("sendUserInvitesV2", `{"success":[],"errors":[{"email":"canary@acme.example","error":"`+quoted+`"}]}`),
		"not asked for":    answer("sendUserInvitesV2", `{"success":[{"id":"x","email":"canary@acme.example"}],"errors":[]}`),
		"field amiss":      jsonAnswer(200, `{"data":{"canary@acme.example":1},"errors":[{"message":7}]}`),
		"type amiss":       jsonAnswer(200, `{"data":{"sendUserInvitesV2":"canary@acme.example","userInvite":"canary@acme.example"}}`),
		"long":             jsonAnswer(403, `{"statusCode":403,"error":"Refused","message":"`+strings.Repeat("x", 990)+` canary-local@acme.example"}`),
		"request id":       refusal(403).HeaderSet(http.Header{"X-Request-Id": {"canary@acme.example"}}),
		"redirect":         httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"https://x/?canary@acme.example"}}),
		"two lines and up": jsonAnswer(403, `{"statusCode":403,"error":"Refused","message":"a\r\nlevel=ERROR msg=canary@acme.example\u0000"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				mock := httpmock.NewMockTransport()
				token := `{"accessToken":"canary-token"}`
				mock.RegisterResponder("POST", platformURL+"/v01/authorize/serviceAccount", jsonAnswer(200, token))
				mock.RegisterResponder("POST", platformURL+"/v01/authorize", jsonAnswer(200, token))
				mock.RegisterNoResponder(responder)
				cfg := config()
				cfg.APIKey = "canary-key"
				client := newClient(t, cfg, roq.WithHTTPClient(&http.Client{Transport: mock}),
					roq.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))))
				p := client.AsUser(userID)
				result, err := p.SendUserInvites(t.Context(), invitation("canary@acme.example"))
				noCanary(t, "SendUserInvites", err)
				noCanary(t, "its cause", errors.Unwrap(err))
				noCanary(t, "its result's Err", result.Err())
				for _, refused := range result.Errors {
					noCanary(t, "refused", refused)
					if refused.Email != "canary@acme.example" {
						t.Error("the caller lost the address of the refused")
					}
				}
				_, err = p.UserInvite(t.Context(), inviteID)
				noCanary(t, "UserInvite", err)
				_, err = p.UserInvites(t.Context(), roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Email: &roq.StringFilter{EqualTo: "canary@acme.example"}}})
				noCanary(t, "UserInvites", err)
				_, err = client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "canary@acme.example"})
				noCanary(t, "FindUsers", err)
				noCanary(t, "the cause", errors.Unwrap(err))
				_, err = client.FetchSession(t.Context(), visit("roq-session-token", "canary-token"))
				noCanary(t, "FetchSession", err)
				noCanary(t, "the log", log.String())
				if strings.ContainsAny(strings.Join(strings.Split(fmt.Sprint(err), "\n"), ""), "\r\x00") {
					t.Errorf("%q has control characters", err)
				}
			})
		})
	}
}

// A token that does not look like one is blanked because the call sent it.
func TestAnEchoedTokenIsBlanked(t *testing.T) {
	t.Parallel()
	const said = "token canary-token is not valid for /q?x=canary%40acme.example or 'the canary'@acme.example"
	for _, responder := range []httpmock.Responder{
		httpmock.NewErrorResponder(errors.New(said)),
		jsonAnswer(403, `{"statusCode":403,"error":"Refused","message":"`+said+`"}`),
		answer("sendUserInvitesV2", `{"success":[],"errors":[{"email":"wick.john@roq.tech","error":"`+said+`"}]}`),
	} {
		m := newMock(t, responder, roq.WithSettleTimeout(0))
		session := &roq.Session{RoqAccessToken: "canary-token", RoqUserID: userID}
		result, err := m.client.AsSession(session).SendUserInvites(t.Context(), invitation("wick.john@roq.tech"))
		noCanary(t, "SendUserInvites", err)
		noCanary(t, "its cause", errors.Unwrap(err))
		noCanary(t, "Err()", result.Err())
	}
	m := newMock(t, jsonAnswer(403, `{"statusCode":403,"error":"Refused","message":"`+said+`"}`))
	_, err := m.client.FetchSession(t.Context(), visit("roq-session-token", "canary-token"))
	noCanary(t, "FetchSession", err)
	if err == nil || !strings.Contains(err.Error(), "token [redacted] is not valid for [redacted] or 'the [redacted]") {
		t.Errorf("FetchSession = %v", err)
	}
}

// An application may repeat any of the cookies that it was sent, and a platform
// the key and the token, in any spelling.
func TestEchoedSecretsAreBlankedInEverySpelling(t *testing.T) {
	t.Parallel()
	const (
		key   = "canary-key+/&<1>=="
		plain = "canary-token/+plain=="
		safe  = "canary-token/+secure=="
	)
	for name, spell := range map[string]func(string) string{
		"plain": func(s string) string { return s },
		"query": url.QueryEscape,
		"path":  url.PathEscape,
		"lower case": func(s string) string {
			return strings.NewReplacer("%2B", "%2b", "%2F", "%2f").Replace(url.QueryEscape(s))
		},
		"JSON":       func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"quoted":     func(s string) string { return fmt.Sprintf("%q", s) },
		"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 URL": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"upper case": strings.ToUpper,
		"twice":      func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		"HTML":       html.EscapeString,
		"HTML codes": func(s string) string {
			return strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "&", "&#038;", "=", "&#x3d;").Replace(s)
		},
		"hexadecimal": func(s string) string { return hex.EncodeToString([]byte(s)) },
	} {
		var said []string
		for _, secret := range []string{key, plain, safe} {
			said = append(said, "k="+spell(secret)+"&x=1")
		}
		body, err := json.Marshal(map[string]string{"message": strings.Join(said, " and ")})
		if err != nil {
			t.Fatal(err)
		}
		cfg := config()
		cfg.APIKey = key
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(jsonAnswer(403, string(body)))
		client := newClient(t, cfg, roq.WithHTTPClient(&http.Client{Transport: mock}))
		_, err = client.FetchSession(t.Context(), visit("roq-session-token", plain, "__Secure-roq-session-token", safe))
		noCanary(t, name+": FetchSession", err)
		if strings.Contains(strings.ToLower(err.Error()), "canary") || strings.Contains(strings.ToLower(err.Error()), hex.EncodeToString([]byte("canary"))) {
			t.Errorf("%s: FetchSession = %v", name, err)
		}
		if want := "k=[redacted]&x=1"; err == nil || strings.Count(strings.ReplaceAll(err.Error(), `"`, ""), want) != 3 {
			t.Errorf("%s: FetchSession = %v, want three times %s", name, err, want)
		}
	}
}

// The token of an invite is in no error and no log line, in whatever spelling the
// platform repeats it, and wherever.
func TestInviteTokensAreBlanked(t *testing.T) {
	t.Parallel()
	const token = "canary-invite/+token=="
	for name, spell := range map[string]func(string) string{
		"plain":        func(s string) string { return s },
		"query":        url.QueryEscape,
		"path":         url.PathEscape,
		"twice":        func(s string) string { return url.QueryEscape(url.PathEscape(s)) },
		"JSON":         func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"quoted":       func(s string) string { return fmt.Sprintf("%q", fmt.Sprintf("%q", s)) },
		"HTML":         func(s string) string { return strings.ReplaceAll(s, "+", "&#43;") },
		"upper case":   strings.ToUpper,
		"base64":       func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"in base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"token":"` + s + `"}`)) },
		"in base64 1":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + s + "yz")) },
		"in base64 2":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("xy" + s + "z")) },
		"hexadecimal":  func(s string) string { return fmt.Sprintf("%X", s) },
		"a link":       func(s string) string { return "https://app.example/invitations/" + url.PathEscape(s) + "?x=1" },
		"in a word":    func(s string) string { return "invite" + s + "invite" },
		"a JSON error": func(s string) string { return `Variable "$data" got invalid value {"token":"` + s + `"}` },
	} {
		said := spell(token)
		quoted, err := json.Marshal(said)
		if err != nil {
			t.Fatal(err)
		}
		graphQL := `{"data":null,"errors":[{"message":` + string(quoted) + `,"extensions":{"code":` + string(quoted) + `,"response":{"statusCode":%d,"message":[` + string(quoted) + `],"errorCode":` + string(quoted) + `}}}]}`
		for kind, responder := range map[string]httpmock.Responder{
			"refused": jsonAnswer(200, fmt.Sprintf(graphQL, 409)),
			"a crash": jsonAnswer(200, fmt.Sprintf(graphQL, 500)),
			"network": httpmock.NewErrorResponder(errors.New(said)),
			"a page":  httpmock.NewStringResponder(404, said),
			"REST":    jsonAnswer(422, `{"statusCode":422,"message":`+string(quoted)+`}`),
			"its id":  refusal(403).HeaderSet(http.Header{"X-Request-Id": {said}}),
			"members": jsonAnswer(200, `{"data":{`+string(quoted)+`:1,"acceptUserInviteV2":`+string(quoted)+`,"checkUserInviteToken":`+string(quoted)+`}}`),
		} {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				m := newMock(t, responder, roq.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))))
				_, accepted := m.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
				_, checked := m.client.AsSuperAdmin().CheckUserInviteToken(t.Context(), token)
				for what, v := range map[string]any{
					"AcceptUserInvite": accepted, "its cause": errors.Unwrap(accepted), "CheckUserInviteToken": checked, "its cause too": errors.Unwrap(checked), "the log": log.String(),
				} {
					noCanary(t, name+", "+kind+": "+what, v)
					text := strings.ToLower(fmt.Sprint(v))
					for _, part := range []string{"canary", hex.EncodeToString([]byte("canary")), "y2fuyxj5lwludml0z", "bmfyes1pbnzpdgu", "hbmfyes1pbnzpdgu"} {
						if strings.Contains(text, part) {
							t.Errorf("%s, %s: %s shows %q: %s", name, kind, what, part, text)
						}
					}
				}
				if accepted == nil || checked == nil {
					t.Errorf("%s, %s: no error", name, kind)
				}
			})
		}
	}
}

// What looks like a token or an address is blanked wherever it is in a word, for
// it may be anybody's.
func TestTokensAndAddressesInsideWords(t *testing.T) {
	t.Parallel()
	const jwt = "eyJhbGciOiJub25lIn0.canary-token.x"
	for _, said := range []string{
		"token=" + jwt, "'" + jwt + "'", "jwt:" + jwt, `{"t":"` + jwt + `"}`, "https://a.example/?t=" + jwt + "&x=1", "t%3D" + jwt,
		`t\u003d` + jwt, "Authorization:Bearer canary-token", "mailto:canary@acme.example", "to=canary%40acme.example", "x%2540canary%40acme.example",
		`"canary-local part"@acme.example`, `"canary-local \"x\""@acme.example`, `canary-local\u0040acme.example`, "'canary@acme.example'", "“canary@acme.example”",
	} {
		body, err := json.Marshal(map[string]any{"statusCode": 403, "message": "no " + said + " here", "errorCode": said})
		if err != nil {
			t.Fatal(err)
		}
		for name, responder := range map[string]httpmock.Responder{
			"answer":  jsonAnswer(403, string(body)),
			"network": httpmock.NewErrorResponder(errors.New("no " + said + " here")),
			"id":      refusal(403).HeaderSet(http.Header{"X-Request-Id": {said}}),
		} {
			m := newMock(t, responder, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
			_, err = m.client.AsUser(userID).UserInvite(t.Context(), inviteID)
			noCanary(t, name, err)
			noCanary(t, name+"'s cause", errors.Unwrap(err))
			if err == nil || name != "id" && !strings.Contains(err.Error(), "no ") {
				t.Errorf("%s that says %s: %v", name, said, err)
			}
		}
	}
}

// Bad input is named by its field and never repeated.
func TestRefusedInputIsNotRepeated(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	in := invitation("Canary <canary@acme.example>", "canary@acme.example", "CANARY@acme.example")
	_, err := client.AsUser(userID).SendUserInvites(t.Context(), in)
	noCanary(t, "SendUserInvites", err)
	_, err = client.ParseSession("canary-token")
	noCanary(t, "ParseSession", err)
	_, err = client.AsUser("canary@acme.example\n").UserInvite(t.Context(), inviteID)
	noCanary(t, "AsUser", err)
	_, err = roq.New(roq.Config{PlatformURL: "https://u:canary-password@x", EnvironmentID: "canary@acme.example:", APIKey: "canary-key\n", WebhookKey: "canary-hook\n"})
	noCanary(t, "New", err)
}

func TestErrorFormat(t *testing.T) {
	t.Parallel()
	e := &roq.Error{Operation: "sendUserInvites", Code: "CODE", Message: "message", StatusCode: 409, RequestID: "7f3a"}
	const want = "roq: sendUserInvites: message (CODE, HTTP 409, request 7f3a)"
	for verb, want := range map[string]string{"%v": want, "%s": want, "%+v": want, "%q": `"` + want + `"`, "%#v": `"` + want + `"`, "%80v": fmt.Sprintf("%80s", want)} {
		if got := fmt.Sprintf(verb, e); got != want {
			t.Errorf("%s prints %s, want %s", verb, got, want)
		}
		if got := fmt.Sprintf(verb, *e); got != want {
			t.Errorf("%s of the value prints %s, want %s", verb, got, want)
		}
	}
	if got := (&roq.Error{Operation: "userInvites", Message: "m"}).Error(); got != "roq: userInvites: m" {
		t.Errorf("Error() = %q", got)
	}
}

// Causes are found through the wrapping, without being shown.
func TestErrorsKeepTheirCauses(t *testing.T) {
	t.Parallel()
	cause := &net.OpError{Op: "read", Err: errors.New("canary-token")}
	m := newMock(t, httpmock.NewErrorResponder(cause), roq.WithSettleTimeout(0))
	_, err := m.client.AsUser(userID).ResendUserInvite(t.Context(), inviteID)
	var found *net.OpError
	if !errors.As(err, &found) || !errors.Is(err, cause) || !errors.Is(err, roq.ErrOutcomeUnknown) || !errors.Is(err, roq.ErrUnavailable) {
		t.Errorf("%v does not lead to its cause", err)
	}
	noCanary(t, "the error of a transport that says canary-token", fmt.Sprintf("%T", errors.Unwrap(err)))

	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errors.New("unused"))
	cancel()
	_, err = m.client.AsUser(userID).ResendUserInvite(ctx, inviteID)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, roq.ErrNotSent) {
		t.Errorf("with an ended context: %v, want Canceled and ErrNotSent", err)
	}
}
