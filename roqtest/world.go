package roqtest

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
)

// Tenant is a tenant of the platform.
type Tenant struct {
	// ID is the tenantId, a UUID.
	ID string
	// Name is the display name.
	Name string
}

// User is a user of the platform.
type User struct {
	// ID is the roqUserId, a UUID. If empty, it is generated.
	ID string
	// TenantID is the tenant that the user belongs to.
	TenantID string
	// Email is the user's address. Only one user of a tenant can have it.
	Email string
	// FirstName, LastName, Locale and Timezone are for the session.
	FirstName, LastName, Locale, Timezone string
	// Roles are the keys of the user's roles. If an invite names none, the invitee gets
	// those of the inviter.
	Roles []string
}

// Email is an e-mail that the platform sent.
type Email struct {
	// To is the address. InviteID is the id of the invite.
	To, InviteID string
	// Kind says whether it is the first e-mail of the invite or a repeated one.
	Kind EmailKind
	// Token is the token in the accept link: see [Server.Accept]. It does not change
	// when an invite is resent, which is our reading.
	Token string
	// At is when it was sent, by the platform's clock.
	At time.Time
	// Number counts the e-mails of the platform, from 1.
	Number int `json:"-"`
}

// EmailKind says why the platform sent an e-mail.
type EmailKind string

// The kinds of e-mail.
const (
	KindInvite EmailKind = "invite"
	KindResend EmailKind = "resend"
)

// tenant is a tenant with what the platform knows besides.
type tenant struct {
	Tenant
	createdAt time.Time
}

// world is what the platform knows, and its rules. The files invites.go, accept.go,
// list.go, roles.go and tenants.go have its operations; each takes the lock once and is one moment's.
type world struct {
	bulkLimit      int
	repeatAllowed  bool
	inviteLifetime time.Duration
	clock          clock
	hooks          *hooks
	changes        *changes

	mu        sync.Mutex
	tenants   map[string]*tenant
	roles     []*Role // in the order in which they were added
	users     map[string]*member
	ordered   []*member // the users in the order of their creation
	made      int       // how many users were made
	invites   []*invite // in the order of their creation
	numbered  int       // the number of the last invite
	byID      map[string]*invite
	byToken   map[string]*invite
	usersAt   map[address]*member
	invitesAt map[address][]*invite // of any status
	outbox    []Email
	// soonest is when the first pending invite expires, or some moment before; zero
	// if there is none.
	soonest time.Time
}

// address is somebody's address in a tenant, in lower case.
type address struct{ tenantID, email string }

func at(tenantID, email string) address { return address{tenantID, strings.ToLower(email)} }

// member is a user with what the platform knows besides.
type member struct {
	User
	number    int    // in the order of creation
	rowID     string // the REST API's id, which is another one
	createdAt time.Time
}

func newWorld(c *changes) *world {
	w := &world{inviteLifetime: 7 * 24 * time.Hour, changes: c}
	w.clear()
	for _, r := range defaultRoles {
		w.addRole(r)
	}
	return w
}

// clear forgets everything but the rules.
func (w *world) clear() {
	w.tenants, w.users, w.made = make(map[string]*tenant), make(map[string]*member), 0
	w.ordered, w.numbered = nil, 0
	w.invites, w.outbox, w.soonest = nil, nil, time.Time{}
	w.byID, w.byToken = make(map[string]*invite), make(map[string]*invite)
	w.usersAt, w.invitesAt = make(map[address]*member), make(map[address][]*invite)
}

// now is what the platform writes: milliseconds.
func (w *world) now() time.Time { return w.clock.now().Truncate(time.Millisecond) }

func (w *world) addUser(u User) User {
	w.mu.Lock()
	defer w.mu.Unlock()
	u = w.addUserLocked(u).User
	u.Roles = slices.Clone(u.Roles)
	return u
}

// addUserLocked is addUser for who holds the lock.
func (w *world) addUserLocked(u User) *member {
	u.ID = cmp.Or(u.ID, uuid.NewString())
	if before := w.users[u.ID]; before != nil {
		if w.usersAt[at(before.TenantID, before.Email)] == before {
			delete(w.usersAt, at(before.TenantID, before.Email))
		}
		w.ordered = slices.DeleteFunc(w.ordered, func(m *member) bool { return m == before })
	}
	u.Roles = slices.Clone(u.Roles)
	if _, known := w.tenants[u.TenantID]; !known && u.TenantID != "" {
		w.tenants[u.TenantID] = &tenant{Tenant{u.TenantID, u.TenantID}, w.now()}
	}
	w.made++
	m := &member{User: u, number: w.made, rowID: uuid.NewString(), createdAt: w.now()}
	w.users[u.ID], w.ordered = m, append(w.ordered, m)
	w.usersAt[at(u.TenantID, u.Email)] = m
	w.changes.add(Changes{Users: 1})
	w.hooks.userEvent(m.User)
	return m
}

func (w *world) user(id string) (User, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.users[id]
	if !ok {
		return User{}, false
	}
	return m.User, true
}

// members returns the users that match, in the order of their creation.
func (w *world) members(match func(*member) bool) []member {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []member
	for _, m := range w.ordered {
		if match(m) {
			found = append(found, *m)
		}
	}
	return found
}

// caller is who makes a request: a user, or the service account if it is nil.
type caller struct{ user *User }

// sees reports whether the caller may see and change what belongs to a tenant.
func (c caller) sees(tenantID string) bool {
	return c.user == nil || c.user.TenantID == tenantID && tenantID != ""
}

// snapshot returns the invites that match, in the order of their creation.
func (w *world) snapshot(match func(*roq.UserInvite) bool) []roq.UserInvite {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	found := []roq.UserInvite{}
	for _, i := range w.invites {
		if match(&i.UserInvite) {
			found = append(found, i.UserInvite)
		}
	}
	return found
}

func (w *world) mails() []Email {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.outbox)
}
