package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// house is a browser and the program roqdev, for several tests.
type house struct {
	ctx     context.Context //nolint:containedctx // it is the browser
	program string
}

// Everything that people do with roqdev, each with one of its own and in one browser.
func TestBrowserRoqdev(t *testing.T) {
	h := newHouse(t)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h *house)
	}{
		{"Mail", roqdevMail}, {"Accept", roqdevAccept}, {"Search", roqdevSearch}, {"Trouble", roqdevTrouble}, {"Clock", roqdevClock}, {"Webhooks", roqdevWebhooks},
		{"Users", roqdevUsers}, {"Requests", roqdevRequests},
		{"Idle", roqdevIdle}, {"ManyTabs", roqdevManyTabs}, {"Gap", roqdevGap}, {"Campaign", roqdevCampaign}, {"Large", roqdevLarge},
		{"WithoutJavaScript", roqdevWithoutJavaScript}, {"Keyboard", roqdevKeyboard}, {"Phone", roqdevPhone}, {"Zoom", roqdevZoom}, {"Hostile", roqdevHostile}, {"OtherOrigin", roqdevOtherOrigin},
		{"OldState", roqdevOldState}, {"Looks", roqdevLooks},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}

func newHouse(t *testing.T) *house {
	t.Helper()
	// A page that comes back whole from the browser's cache is not one that chromedp can
	// ask, and says nothing about roqdev.
	features := chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,BackForwardCache")
	h := &house{ctx: startBrowser(t, features), program: filepath.Join(t.TempDir(), "roqdev")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", h.program, "./cmd/roqdev")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return h
}

// desk is a roqdev of its own with a tab in front of it, and an application that invites.
type desk struct {
	*tab
	env    map[string]string
	client *roq.Client
	ann    roq.User
}

// desk starts roqdev with these flags and opens a tab without cookies.
func (h *house) desk(t *testing.T, flags ...string) *desk {
	t.Helper()
	d := &desk{env: h.dev(t, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)}
	d.tab = &tab{t: t, ctx: h.blank(t), dev: d.env["ROQ_PLATFORM_URL"]}
	d.invites()
	return d
}

// invites makes the application that invites.
func (d *desk) invites() {
	d.t.Helper()
	client, err := roq.New(roq.Config{
		PlatformURL: d.dev, APIURL: d.dev, AppURL: d.dev, EnvironmentID: d.env["ROQ_ENVIRONMENT_ID"], APIKey: d.env["ROQ_API_KEY"],
	}, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}), roq.WithSettleTimeout(0))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(client.CloseIdleConnections)
	users, err := client.FindUsers(d.t.Context(), roq.FindUsersQuery{Email: "ann@acme.example"})
	if err != nil || len(users) != 1 {
		d.t.Fatalf("FindUsers = %v, %v", users, err)
	}
	d.client, d.ann = client, users[0]
}

// dev starts roqdev and returns what it prints for a backend.
func (h *house) dev(t *testing.T, flags ...string) map[string]string {
	t.Helper()
	env, _ := h.stoppable(t, flags...)
	return env
}

// stoppable is dev, and returns what ends roqdev as Ctrl-C does.
func (h *house) stoppable(t *testing.T, flags ...string) (env map[string]string, stop func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), h.program, flags...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	lines := bufio.NewScanner(stdout)
	env = map[string]string{}
	for lines.Scan() && !strings.Contains(lines.Text(), "/api/auth/login") {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "), "="); ok {
			env[name] = value
		}
	}
	go func() { ended <- cmd.Wait() }()
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := <-ended; err != nil && t.Context().Err() == nil { // it is killed with the test's context
			t.Errorf("roqdev ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return env, stop
}

// blank opens a tab without cookies.
func (h *house) blank(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(h.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// send invites people as Ann does.
func (d *desk) send(people ...roq.UserInviteInput) []roq.UserInvite {
	d.t.Helper()
	var made []roq.UserInvite
	for len(people) > 0 {
		batch := people[:min(len(people), 100)]
		people = people[len(batch):]
		sent, err := d.client.AsUser(d.ann.RoqUserID).SendUserInvites(d.t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: batch})
		if err == nil {
			err = sent.Err()
		}
		if err != nil {
			d.t.Fatal(err)
		}
		made = append(made, sent.Success...)
	}
	return made
}

// people are n to invite, from the first number on.
func people(first, n int) []roq.UserInviteInput {
	all := make([]roq.UserInviteInput, n)
	for i := range all {
		all[i].Email = "person" + strconv.Itoa(first+i) + "@example.com"
	}
	return all
}

// api asks roqdev's API, or orders something of it if there is an order.
func (d *desk) api(path, order string, into any) (status int) {
	d.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if order != "" {
		method, body = http.MethodPost, strings.NewReader(order)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.dev+"/dev/api"+path, body)
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
		d.t.Fatalf("%s = %d: %v", path, resp.StatusCode, err)
	}
	return resp.StatusCode
}

// asked is how often an operation was requested.
func (d *desk) asked(operation string) int {
	d.t.Helper()
	var page struct{ Total int }
	d.api("/requests?search="+operation, "", &page)
	return page.Total
}

// push clicks a button that sends a form, and waits for the page that it leads to: what it
// has changed may be on the page in front before.
func (b *tab) push(text string) {
	b.t.Helper()
	eval[bool](b, `window.front = true`)
	b.click(text)
	b.until(`window.front === undefined && document.readyState === 'complete'`)
}

// screen is the size of the window, and how many dots of the screen one pixel has.
func (b *tab) screen(width, height int64, scale float64) {
	b.t.Helper()
	perform(b, "turn to "+strconv.FormatInt(width, 10), chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// front shows the tab in front of others.
func (b *tab) front() {
	b.t.Helper()
	perform(b, "come to the front", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.BringToFront, cdp.Empty{})
		return err
	}))
}

// media sets features of the visitor's machine: name, value, name, value and so on.
func (b *tab) media(features ...string) {
	b.t.Helper()
	var set []*emulation.MediaFeature
	for i := 0; i+1 < len(features); i += 2 {
		set = append(set, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	perform(b, "prefer "+strings.Join(features, " "), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: set})
		return err
	}))
}

// scripts switches JavaScript on or off.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	perform(b, "switch JavaScript", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}
