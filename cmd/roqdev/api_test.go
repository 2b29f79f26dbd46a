package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"net/http/httptest"

	"github.com/go-roq/roq"
)

// An end-to-end test in JavaScript waits for the e-mail to an address and follows its
// link.
func TestNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	d := newDesk(t)
	script := exec.CommandContext(t.Context(), node, "testdata/invite.mjs")
	script.Env = append(os.Environ(), "ROQ_BASE_URL="+d.url)
	script.Stderr = t.Output()
	out, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last = lines.Text(); last != "waiting" {
			continue
		}
		sent, err := d.invites.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com", FirstName: "Bob", Locale: "de-DE"}}})
		if err != nil || len(sent.Success) != 1 {
			t.Errorf("inviting: %v", err)
		}
	}
	if err := script.Wait(); err != nil || last != "done" {
		t.Errorf("the script ended with %v after %q", err, last)
	}
}

// get asks the API, which answers JSON whatever it is asked.
func (d *desk) get(path string, into any) (status int) {
	d.t.Helper()
	status, body, header := d.do("GET", "/dev/api"+path, nil)
	if err := json.Unmarshal([]byte(body), into); err != nil || header.Get("Content-Type") != "application/json; charset=utf-8" || header.Get("Cache-Control") != "no-store" {
		d.t.Fatalf("GET %s = %d %q %v: %v", path, status, body, header, err)
	}
	return status
}

// order asks the API to change something.
func (d *desk) order(path, body string, into any) (status int) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), "POST", d.url+"/dev/api"+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode
}

// Every list has its rows, its filters and its pages.
func TestAPILists(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	receiver := httptest.NewServer(http.NotFoundHandler())
	d.platform.SendWebhooks(receiver.URL + "/hooks?key=secret")
	made := d.invite("bob@example.com", "Bob")
	d.platform.Advance(0)
	receiver.Close()
	d.invite("eve@example.com", "")
	d.platform.Advance(0)
	for path, want := range map[string]int{
		"/mails": 2, "/mails?to=BOB@example.com": 1, "/mails?to=bob": 0, "/mails?search=bob": 1, "/mails?after=1": 1, "/mails?before=2": 2,
		"/mails?status=pending&tenant=" + d.ann.TenantID: 2, "/mails?status=expired": 0, "/invites?email=bob@example.com": 1, "/invites?tenant=x": 0,
		"/tenants": 2, "/users": 3, "/users?search=gus": 1, "/requests?search=send": 2, "/webhooks?search=invite": 2, "/webhooks?after=2": 0,
	} {
		var page struct {
			Rows  []map[string]any
			Total int
		}
		if status := d.get(path, &page); status != 200 || page.Total != want || page.Rows == nil {
			t.Errorf("%s = %d, %d of %d rows, want %d", path, status, len(page.Rows), page.Total, want)
		}
	}
	var first struct {
		Rows []struct{ ID int }
		Next int
	}
	d.get("/mails?limit=1", &first)
	var second struct{ Rows []struct{ ID int } }
	d.get(fmt.Sprintf("/mails?limit=1&before=%d", first.Next), &second)
	if len(first.Rows) != 1 || first.Rows[0].ID != 2 || len(second.Rows) != 1 || second.Rows[0].ID != 1 {
		t.Errorf("the pages are %+v and %+v", first, second)
	}
	var hooks struct {
		Rows []struct {
			Status       int
			Error, Event string
			Body         struct{ Name string }
		}
	}
	d.get("/webhooks", &hooks)
	if len(hooks.Rows) != 2 || hooks.Rows[1].Status != 404 || hooks.Rows[0].Status != 0 || hooks.Rows[0].Error == "" || strings.Contains(hooks.Rows[0].Error, "secret") || hooks.Rows[0].Body.Name != hooks.Rows[0].Event {
		t.Errorf("the webhooks are %+v", hooks)
	}
	var requests struct {
		Rows []struct {
			Operation, Caller string
			Status            int
			Ended             bool
			Milliseconds      float64
			Variables         map[string]any
		}
	}
	d.get("/requests?search=sendUserInvites&limit=1", &requests)
	if r := requests.Rows[0]; r.Caller != d.ann.ID || r.Status != 200 || !r.Ended || r.Milliseconds <= 0 || r.Variables == nil {
		t.Errorf("a request is %+v", r)
	}
	var expired struct{ Status string }
	if status := d.order("/invites/"+made.ID+"/expire", "", &expired); status != 200 || expired.Status != "expired" {
		t.Errorf("expire = %d %+v", status, expired)
	}
	var refused struct{ Error string }
	if status := d.order("/invites/"+made.ID+"/expire", "", &refused); status != 409 || refused.Error == "" {
		t.Errorf("expire again = %d %+v", status, refused)
	}
	var clock struct {
		NextExpiry, NextWebhook *time.Time
		WebhooksWaiting         int
	}
	if d.get("/clock", &clock); clock.NextExpiry == nil || clock.NextWebhook == nil || clock.WebhooksWaiting < 2 {
		t.Errorf("the clock is %+v", clock)
	}
	var troubles struct{ Known []map[string]any }
	if d.get("/trouble", &troubles); len(troubles.Known) != 5 {
		t.Errorf("the troubles are %+v", troubles)
	}
}

// A mistake in a request is an answer that says so, and never selects everything.
func TestAPIRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for path, want := range map[string]int{
		"/mails?too=bob@example.com": 400, "/mails?limit=0": 400, "/mails?limit=501": 400, "/mails?limit=x": 400, "/mails?before=x": 400, "/mails?after=-1": 400,
		"/mails?status=odd": 400, "/mails?%zz": 400, "/users?status=pending": 400, "/mails/1": 404, "/mails/x": 404, "/invites/x": 404, "/odd": 404, "/": 404,
		"/mails/wait": 400, "/mails/wait?to=x&timeout=2m": 400, "/mails/wait?to=x&timeout=soon": 400, "/mails/wait?to=x&timeout=-1s": 400, "/mails/wait?to=x&too=y": 400,
		"/mails/wait?to=x&timeout=1s&timeout=2s": 400, "/mails/wait?to=x&timeout=": 400, "/mails/wait?to=x&after=%zz": 400, "/mails/wait?to=x&limit=1": 400,
		"/mails/wait?to=x&before=3": 400, "/mails/wait?to=x&status=pending": 400, "/mails/1?to=x": 400, "/invites/x?to=x": 400, "/tenants?limit=2": 400, "/clock?x": 400, "/trouble?x=1": 400,
	} {
		var refused struct{ Error string }
		if status := d.get(path, &refused); status != want || refused.Error == "" {
			t.Errorf("%s = %d %q, want %d", path, status, refused.Error, want)
		}
	}
	for _, row := range []struct {
		path, body string
		want       int
	}{
		{"/trouble", `{"trouble":"odd"}`, 400}, {"/trouble", `{"trouble":"slow","for":1}`, 400}, {"/trouble", `{`, 400}, {"/trouble", `{"trouble":"slow","times":-1}`, 400},
		{"/clock", `{"turn":"soon"}`, 400}, {"/clock", `{"turn":"webhook"}`, 409}, {"/clock", `[]`, 400}, {"/clock", `{"turn":"1h"} more`, 400}, {"/clock", `{"turn":"1h"}{"turn":"1h"}`, 400}, {"/clock?turn=1h", `{"turn":"1h"}`, 400}, {"/invites/x/expire", ``, 404}, {"/mails", ``, 404},
	} {
		var refused struct{ Error string }
		if status := d.order(row.path, row.body, &refused); status != row.want || refused.Error == "" {
			t.Errorf("POST %s %s = %d %q, want %d", row.path, row.body, status, refused.Error, row.want)
		}
	}
	if status, _, _ := d.do("POST", "/dev/api/trouble", map[string][]string{"trouble": {"slow"}}); status != 415 {
		t.Errorf("a form = %d, want 415", status)
	}
	// What is not for this site is refused in JSON too.
	for _, header := range [][2]string{{"Origin", "http://evil.example"}, {"Host", "evil.example"}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/dev/api/clock", strings.NewReader(`{"turn":"1h"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(header[0], header[1])
		if header[0] == "Host" {
			r.Host = header[1]
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var refused struct{ Error string }
		err = json.NewDecoder(resp.Body).Decode(&refused)
		if _ = resp.Body.Close(); err != nil || refused.Error == "" || resp.StatusCode != 403 && resp.StatusCode != 421 {
			t.Errorf("%v: %d %+v, %v", header, resp.StatusCode, refused, err)
		}
	}
	if ahead := d.platform.Clock().Ahead; ahead != 0 {
		t.Errorf("the clock was turned by %v", ahead)
	}
}

// A wait ends with the e-mail, at its time, or with whoever waits, and holds nothing up.
func TestAPIWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newViewer(t)
		wait := func(ctx context.Context, query string) chan *httptest.ResponseRecorder {
			ended := make(chan *httptest.ResponseRecorder, 1)
			go func() {
				w := httptest.NewRecorder()
				v.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/dev/api/mails/wait?"+query, nil))
				ended <- w
			}()
			synctest.Wait()
			return ended
		}
		began := time.Now()
		if w := <-wait(t.Context(), "to=bob@example.com"); w.Code != 404 || time.Since(began) != defaultWait {
			t.Errorf("without an e-mail: %d after %v", w.Code, time.Since(began))
		}
		bob, eve := wait(t.Context(), "to=bob@example.com&timeout=60s"), wait(t.Context(), "to=eve@example.com&timeout=60s")
		v.invite("bob@example.com")
		if w := <-bob; w.Code != 200 || !strings.Contains(w.Body.String(), `"token":"`+v.platform.Outbox()[0].Token) {
			t.Errorf("with an e-mail: %d %s", w.Code, w.Body)
		}
		select {
		case w := <-eve:
			t.Errorf("the wait for another address ended: %d %s", w.Code, w.Body)
		default:
		}
		v.invite("eve@example.com")
		if w := <-eve; w.Code != 200 {
			t.Errorf("the other wait = %d", w.Code)
		}
		// An e-mail that is there is not waited for; a later one is.
		began = time.Now()
		if w := <-wait(t.Context(), "to=BOB@example.com&timeout=0s"); w.Code != 200 || time.Since(began) != 0 {
			t.Errorf("for an e-mail that is there: %d after %v", w.Code, time.Since(began))
		}
		if w := <-wait(t.Context(), "to=bob@example.com&after=1&timeout=5s"); w.Code != 404 {
			t.Errorf("for a later e-mail: %d", w.Code)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := wait(ctx, "search=joe&timeout=60s")
		cancel()
		if w := <-gone; w.Code != 503 {
			t.Errorf("whoever went away is answered %d", w.Code)
		}
	})
}

// The names of what the API takes are those of its documentation.
func TestDocumentedAPI(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, _, _ := strings.Cut(string(source), "\npackage main")
	code, err := os.ReadFile("api.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(code)) {
		_, pattern, found := strings.Cut(line, `handle("`)
		pattern, _, _ = strings.Cut(pattern, `"`)
		method, path, _ := strings.Cut(strings.Replace(pattern, "{number}", "{id}", 1), " ")
		if found && path != "" && !strings.Contains(doc, fmt.Sprintf("\n//\t%-4s %s ", method, path)) {
			t.Errorf("the documentation lacks %s", pattern)
		}
	}
	for _, known := range troubles {
		if !strings.Contains(doc, known.Name) {
			t.Errorf("the documentation lacks the trouble %s", known.Name)
		}
	}
}
