package browser

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// Two instances behind a proxy that takes them in turn: a report may be on the other
// one, which the page says; nothing is sent twice.
func TestBrowserInstances(t *testing.T) {
	w := newPlatform(t)
	var targets []*url.URL
	for range 2 {
		target, err := url.Parse(w.instance(w.platform.Config()).URL)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target)
	}
	// Pages in turn, and assets too, which both have.
	var turn atomic.Int64
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(targets[int(turn.Add(1))%2])
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }})
	t.Cleanup(front.CloseClientConnections)
	w.app = front.URL
	w.visit(w.ann)

	// reports reloads until a page from each instance was seen.
	reports := func(what, words string) {
		t.Helper()
		var here, elsewhere bool
		for range 20 {
			w.until(`document.querySelector('#rq-report .box')`)
			switch said := w.text("#rq-report"); {
			case strings.Contains(said, words):
				here = true
			case said == "The report of this send is not available here. The list shows what was sent.":
				elsewhere = true
			default:
				t.Fatalf("%s: the page says %q", what, said)
			}
			if here && elsewhere {
				return
			}
			w.again()
		}
		t.Errorf("%s: the report was seen: %v, and that it is elsewhere: %v", what, here, elsewhere)
	}
	w.invite("bob@example.com, eve@example.com, kim@example.com")
	reports("send", "3 invitations were sent.")
	w.sees("Pending 3")
	w.mails(3)
	w.invite("lee@example.com\nfoo@@bar\nbob@example.com")
	w.sees("1 person can be invited")
	w.again()
	w.sees("1 person can be invited")
	w.click("Send 1 invitation")
	reports("send with a preview", "1 invitation was sent.")
	w.mails(4)
	w.click("Resend bob@example.com")
	w.click("Resend")
	reports("resend", "1 invitation was sent again.")
	w.mails(5)
	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: 2 * time.Second})
	before := eval[string](w.tab, "location.href")
	w.invite(many(2000))
	w.until("location.href !== '" + before + "'")
	reports("progress", "of 2,000")
	// The page that is open finds out the end, whichever instance it asks.
	for !strings.Contains(w.text("#rq-report"), "of 2,000") {
		w.again()
	}
	w.trouble()
	w.sees("2,000 invitations were sent.", "Pending 2,004")
	w.mails(2005)
	seen := map[string]int{}
	for _, m := range w.platform.Outbox() {
		if seen[m.To]++; seen[m.To] > 1 && m.To != "bob@example.com" || seen[m.To] > 2 {
			t.Errorf("%s was mailed %d times", m.To, seen[m.To])
		}
	}
}

// Under a nested prefix, in a layout, with roles of the platform, for people who may do
// only a part.
func TestBrowserMounted(t *testing.T) {
	w := newPlatform(t)
	w.prefix = "/a/b/team/"
	may := map[string][]inviteui.Action{
		"list@acme.example":   {inviteui.ActionList},
		"send@acme.example":   {inviteui.ActionSend},
		"cancel@acme.example": {inviteui.ActionList, inviteui.ActionCancel},
		"ann@acme.example":    {inviteui.ActionList, inviteui.ActionSend, inviteui.ActionResend, inviteui.ActionCancel},
	}
	w.serve(w.platform.Config(), inviteui.WithAuthorize(func(_ context.Context, s *roq.Session, action inviteui.Action) error {
		if !slices.Contains(may[s.User.Email], action) {
			return errors.New("no")
		}
		return nil
	}))
	w.seed(30, "guest")
	w.visit(w.ann)
	w.sees("Pending 30")
	if at := eval[string](w.tab, "location.pathname"); at != "/a/b/team/" {
		t.Errorf("the sign-in leads to %s", at)
	}
	perform(w.tab, "choose a role", chromedp.SetValue(chromedp.CSS("#rq-role"), "admin"))
	w.invite("bob@example.com")
	w.sees("1 invitation was sent.")
	if roles := w.platform.FindInvites(roqtest.Query{Email: "bob@example.com"}).Rows[0].RoleKeys; !slices.Equal(roles, []string{"admin"}) {
		t.Errorf("the roles are %v", roles)
	}
	w.click("Cancel bob@example.com")
	w.click("Cancel the invitation")
	w.sees("1 invitation was canceled.")
	// Statuses change by themselves here, too.
	mail := w.platform.Outbox()[0]
	perform(w.tab, "search", chromedp.SetValue(chromedp.CSS("#rq-search"), mail.To))
	w.click("Search")
	w.sees("All 1")
	if _, err := w.platform.Accept(mail.Token); err != nil {
		t.Fatal(err)
	}
	w.until(`document.querySelector('tr[data-status=accepted]')`)

	w.visit(w.user("list@acme.example", "Lis", "Ter", "en-US"))
	w.sees("guest000", "All 31")
	if n := eval[int](w.tab, `document.querySelectorAll('.rq textarea, .rq td.actions a, .rq input[type=checkbox]').length`); n != 0 {
		t.Errorf("who may only list sees %d things to do", n)
	}
	w.looks("only-list")
	w.open(w.at("act?do=cancel&all=1"))
	w.sees("You may not do this.")
	if links := eval[int](w.tab, `[...document.querySelectorAll('.rq a')].filter((a) => a.pathname !== '/a/b/team/').length`); links != 0 {
		t.Error("a link leads out of the prefix")
	}
	w.looks("forbidden")

	w.visit(w.user("send@acme.example", "Sen", "Der", "en-US"))
	w.sees("Invite people")
	w.misses("People who were invited")
	w.misses("guest000")
	w.looks("only-send")
	w.invite("kim@example.com\nfoo@@bar")
	w.sees("1 person can be invited")
	w.click("Send 1 invitation")
	w.sees("1 invitation was sent.", "1 invitation was not sent and is still in the form:")
	w.misses("People who were invited")
	w.again()
	w.open(w.at("invitations.csv"))
	w.sees("You may not do this.")
	// Progress, which comes as events, is for the sender.
	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: 2500 * time.Millisecond})
	w.open(w.at(""))
	w.invite(many(600))
	w.sees("of 600")
	w.trouble()
	w.sees("600 invitations were sent.")

	w.visit(w.user("cancel@acme.example", "Can", "Celer", "en-US"))
	w.sees("Cancel selected")
	w.misses("Resend")
	w.misses("Invite people")
}

// word matches a word of a text.
var word = regexp.MustCompile(`\pL+`)

// foreign are the words that are in English texts and in no German one.
func foreign(allowed ...string) map[string]bool {
	foreign := map[string]bool{}
	for key, text := range inviteui.English().Words {
		for _, w := range word.FindAllString(text, -1) {
			if !strings.Contains(key, ".layout") {
				foreign[strings.ToLower(w)] = true
			}
		}
	}
	for _, text := range append(slices.Collect(maps.Values(inviteui.German().Words)), allowed...) {
		for _, w := range word.FindAllString(text, -1) {
			delete(foreign, strings.ToLower(w))
		}
	}
	return foreign
}

// A German visitor reads German only.
func TestBrowserGerman(t *testing.T) {
	w := newPlatform(t)
	w.serve(w.platform.Config(), inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Mitglied"}, inviteui.Role{Key: "admin", Name: "Verwaltung"}))
	english := foreign("person refused platform email must be an")
	german := func(name string, texts ...string) {
		t.Helper()
		w.sees(texts...)
		// What is read and what is read out.
		all := eval[string](w.tab, `document.title + ' ' + [...document.querySelectorAll('.rq, .rq *')].flatMap((e) => [
			...[...e.childNodes].filter((n) => n.nodeType === 3 && !e.matches('textarea, script')).map((n) => n.data),
			e.getAttribute('aria-label'), e.getAttribute('title'), e.getAttribute('placeholder'), e.dataset.busy,
		]).filter((t) => t && !t.includes('@')).join(' ')`)
		for _, one := range word.FindAllString(all, -1) {
			if english[strings.ToLower(one)] {
				t.Errorf("%s: %q is not German: %s", name, one, all)
			}
		}
		if lang := eval[string](w.tab, "document.documentElement.lang"); lang != "de" {
			t.Errorf("%s: the language is %q", name, lang)
		}
		w.fit("de-" + name)
	}
	w.visit(w.user("gabi@acme.example", "Gabi", "Gast", "de-DE"))
	german("empty", "Es wurde noch niemand eingeladen.")
	w.seed(2000, "guest")
	w.open(w.at(""))
	german("home", "Alle 2.000", "Offen 2.000", "Alle 2.000 passenden")
	send := func(text string) {
		t.Helper()
		w.fill(text)
		w.click("Einladungen senden")
	}
	send("foo@@bar\nBob@example.com\nbob@example.com\nguest00001@example.com")
	german("preview", "1 Person kann eingeladen werden", "1 Eintrag ist ungültig:", "1 Person ist bereits eingeladen:", "1 Adresse kommt mehrmals vor:")
	w.click("1 Einladung senden")
	german("report", "1 Einladung wurde gesendet.", "1 Einladung wurde nicht gesendet und steht noch im Formular:", "Alle 2.001")
	w.click("Zurückziehen Bob@example.com")
	german("confirm", "1 Einladung zurückziehen?")
	w.click("Einladung zurückziehen")
	german("canceled", "1 Einladung wurde zurückgezogen.", "Zurückgezogen 1")
	perform(w.tab, "select all that match", chromedp.Click(chromedp.CSS(`input[name="all"]`)))
	w.click("Ausgewählte erneut senden")
	german("confirm-all", "2.001 Einladungen erneut senden?")
	w.open(w.at(""))
	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: 2 * time.Second})
	send(many(2000))
	german("progress", "Einladungen werden gesendet:", "von 2.000", "noch etwa", "Anhalten")
	w.click("Anhalten")
	german("stopped", "Der Vorgang wurde angehalten.", "wurden nicht gesendet und stehen noch im Formular.")
	w.trouble(down)
	w.open(w.at(""))
	german("down", "Einladungen sind zurzeit nicht verfügbar.")
	send("kim@example.com")
	german("unknown", "Bei 1 Person ist das Ergebnis unbekannt.")
	w.trouble(on("sendUserInvites", limited))
	w.open(w.at(""))
	send("kim@example.com")
	german("limited", "Zu viele Anfragen.", "1 Einladung wurde nicht gesendet und steht noch im Formular.")
	w.trouble()
	w.open(w.at("?report=NOWHERE"))
	german("missing", "Der Bericht über diesen Versand ist hier nicht vorhanden.")
	for address, text := range map[string]string{
		"act?do=cancel&id=db7a682d-6dca-4259-b15b-83aef12d1f5c": "Diese Einladung gibt es nicht.",
		"act?do=cancel": "Niemand ist ausgewählt.",
		"act?do=dance":  "Diese Seite gibt es nicht.",
		"?search=zzz":   "Keine passenden Einladungen.",
	} {
		w.open(w.at(address))
		german("problem", text)
	}
	w.open(w.at(""))
	send(" ")
	german("nobody", "Es ist niemand einzuladen.")
}
