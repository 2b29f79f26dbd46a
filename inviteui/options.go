package inviteui

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// Option configures the page.
type Option func(*options) error

// options are the settings of a page.
type options struct {
	roles     []Role
	locales   []Locale
	authorize func(context.Context, *roq.Session, Action) error
	layout    func(io.Writer, Page) error
	css       string // of the theme
	languages []*language
	title     string
	queue     Queue
	log       *slog.Logger
	pageSize  int
}

// Role is a role that can be chosen for the people who are invited: the Key is for the
// platform, and the Name, or if it is empty the Key, for the visitor.
type Role = roq.Role

// Locale is a language that the e-mail can be written in.
type Locale struct {
	// Tag is the platform's locale, as in "en-US".
	Tag string
	// Name is what the visitor reads. If empty, it is the Tag.
	Name string
}

// Action is something that a visitor may be allowed to do.
type Action string

// The actions of the page. ActionList includes the export.
const (
	ActionList   Action = "list"
	ActionSend   Action = "send"
	ActionResend Action = "resend"
	ActionCancel Action = "cancel"
)

// Page is the page without the application's frame around it.
type Page struct {
	// Title is the title of the document. Lang is its language, as in "en".
	Title, Lang string
	// Head belongs into the head element, and Body into the body.
	Head, Body template.HTML
}

// Theme sets the look of the page. Every field is a CSS value. What is empty keeps its
// default.
type Theme struct {
	// Light and Dark are the colors for visitors who prefer a light or a dark page.
	Light, Dark Colors
	// Radius is that of corners, as in "6px". Font is a font-family.
	Radius, Font string
}

// Colors are the colors of a theme. Text on its background needs a contrast of 4.5.
type Colors struct {
	// Accent is the color of links and of the main button. OnAccent is the text on it.
	Accent, OnAccent string
	// Background is behind the page, Surface behind tables and fields.
	Background, Surface string
	// Text and Muted are the colors of text, and Border that of lines.
	Text, Muted, Border string
}

// Queue does the sends of more than 100 people, so that they survive the process and
// every instance reaches their reports. It must be safe for concurrent use.
//
// If a Queue also has a method Cancel(ctx context.Context, id string) error, a visitor can
// cancel a send that is not done.
type Queue interface {
	// Enqueue accepts a send and returns an id for it that cannot be guessed.
	Enqueue(ctx context.Context, send Send) (id string, err error)
	// Report returns the state of a send.
	Report(ctx context.Context, id string) (Report, error)
}

// Send is a send for a Queue.
type Send struct {
	// Key is that of the form. It cannot be guessed. Two sends with the same Key are one,
	// and have one id: the form was sent twice, perhaps to two instances.
	Key string
	// TenantID is the tenant that the people join. UserID is the inviter, for
	// [roq.Client.AsUser].
	TenantID, UserID string
	// UserInvites are the people. All are valid, and none is repeated.
	UserInvites []roq.UserInviteInput
	// Refused are people who are not invited because they are not valid. The report has
	// them among the Others, with the error of [roq.UserInviteInput.Validate].
	Refused []roq.UserInviteInput
}

// Report is the state of a send.
type Report struct {
	// TenantID and UserID are those of the Send. Nobody else gets to see the report.
	TenantID, UserID string
	// Started is when the send began.
	Started time.Time
	// Total is the number of people. Handled is the number of those whose outcome is
	// known, and Sent the number of those who were mailed.
	Total, Handled, Sent int
	// Others has the outcomes of those who were not mailed. It may be limited.
	Others []roq.SendOutcome
	// Err is why the send stopped early.
	Err error
	// Done is whether the send has ended.
	Done bool
}

// WithRoles sets the roles that can be chosen. The first one is selected. With one role,
// the field is not shown. By default the platform is asked ([roq.RoqPlatform.InviteRoles])
// and the visitor has to choose.
func WithRoles(roles ...Role) Option {
	return func(o *options) error {
		if slices.ContainsFunc(roles, func(r Role) bool { return r.Key == "" }) {
			return errors.New("inviteui: WithRoles: Key must not be empty")
		}
		o.roles = append([]Role{}, roles...)
		return nil
	}
}

// WithLocales sets the languages of the e-mail that can be chosen. The session's is
// selected if it is among them. By default the e-mail has the session's language, and
// no field is shown.
func WithLocales(locales ...Locale) Option {
	return func(o *options) error {
		if slices.ContainsFunc(locales, func(l Locale) bool { return l.Tag == "" }) {
			return errors.New("inviteui: WithLocales: Tag must not be empty")
		}
		o.locales = append([]Locale{}, locales...)
		return nil
	}
}

// WithAuthorize decides what a visitor may do. An error refuses the action: it is
// neither shown nor done. The error itself is not shown. By default everybody with a
// session may do everything that the platform allows.
func WithAuthorize(may func(ctx context.Context, session *roq.Session, action Action) error) Option {
	return func(o *options) error { o.authorize = may; return nil }
}

// WithLayout writes the page into the application's own frame. By default the page is a
// document of its own. Inside a frame it is light, unless the frame sets the CSS property
// color-scheme: "light dark" follows what the visitor prefers.
func WithLayout(layout func(w io.Writer, p Page) error) Option {
	return func(o *options) error { o.layout = layout; return nil }
}

// cssValue matches a value that cannot end its declaration or load anything.
var cssValue = regexp.MustCompile(`^[\w#%.,()/'" +-]*$`)

// WithTheme sets colors, corners and font, as CSS values.
func WithTheme(theme Theme) Option {
	l, d := theme.Light, theme.Dark
	return func(o *options) error {
		var css strings.Builder
		for _, set := range [][2]string{
			{"radius", theme.Radius}, {"font", theme.Font},
			{"accent-light", l.Accent}, {"on-accent-light", l.OnAccent}, {"back-light", l.Background}, {"surface-light", l.Surface},
			{"text-light", l.Text}, {"muted-light", l.Muted}, {"line-light", l.Border},
			{"accent-dark", d.Accent}, {"on-accent-dark", d.OnAccent}, {"back-dark", d.Background}, {"surface-dark", d.Surface},
			{"text-dark", d.Text}, {"muted-dark", d.Muted}, {"line-dark", d.Border},
		} {
			if !cssValue.MatchString(set[1]) || strings.Contains(strings.ToLower(set[1]), "url(") {
				return fmt.Errorf("inviteui: WithTheme: %q is not a plain CSS value", set[1])
			} else if set[1] != "" {
				fmt.Fprintf(&css, "--rq-%s: %s; ", set[0], set[1])
			}
		}
		o.css = ".rq, .rq-body { " + css.String() + "}"
		return nil
	}
}

// WithTexts adds a language, or changes words of one that is there. English and German
// are. What is missing in Words is English. The language of a page is that of the
// session, or else the first of Accept-Language that there is.
func WithTexts(texts Texts) Option {
	return func(o *options) error { return o.addTexts(texts) }
}

// WithTitle sets the words over the page. By default it is the tenant's name on the
// platform.
func WithTitle(title string) Option {
	return func(o *options) error { o.title = title; return nil }
}

// WithQueue sets who does the sends of more than 100 people. The method InviteUI of a
// queue of module github.com/go-roq/roq/roqriver returns one that keeps them in PostgreSQL
// or SQLite. By default it is this process.
func WithQueue(queue Queue) Option {
	return func(o *options) error { o.queue = queue; return nil }
}

// WithLogger sets the logger for what fails. No record has an e-mail address. The
// default is none.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) error {
		if logger == nil {
			return errors.New("inviteui: WithLogger: must not be nil")
		}
		o.log = logger
		return nil
	}
}

// WithPageSize sets how many invitations a page of the list has, from 1 to 200. The
// default is 25.
func WithPageSize(n int) Option {
	return func(o *options) error {
		if n < 1 || n > 200 {
			return fmt.Errorf("inviteui: WithPageSize(%d): must be from 1 to 200", n)
		}
		o.pageSize = n
		return nil
	}
}
