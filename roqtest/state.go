package roqtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
)

// stateVersion is that of the form in which state is kept. It changes when what
// was kept before could not be read any more.
const stateVersion = 1

// state is everything that a platform knows, as it is kept.
type state struct {
	Version       int    `json:"version"`
	EnvironmentID string `json:"environmentId"`
	APIKey        string `json:"apiKey"`
	WebhookKey    string `json:"webhookKey"`
	// Secret signs the platform's own tokens: with it those that were given out stay
	// valid.
	Secret     string        `json:"secret"`
	Generation int64         `json:"generation"`
	Ahead      time.Duration `json:"clockAhead"`
	Tenants    []keptTenant  `json:"tenants"`
	// Roles are those of a platform that was saved since there are any; nil leaves the
	// defaults.
	Roles   []Role       `json:"roles,omitzero"`
	Users   []keptUser   `json:"users"`
	Invites []keptInvite `json:"invites"`
	Outbox  []Email      `json:"outbox"`
}

// keptTenant is a tenant as it is kept.
type keptTenant struct {
	Tenant
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// keptUser is a member as it is kept.
type keptUser struct {
	User
	RowID     string    `json:"rowId"`
	CreatedAt time.Time `json:"createdAt"`
}

// keptInvite is an invite as it is kept.
type keptInvite struct {
	roq.UserInvite
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Save writes the state of the platform, including its keys, as JSON for
// [Server.Restore]. It does not write faults, requests and webhooks.
func (s *Server) Save(w io.Writer) error {
	kept := s.world.keep()
	kept.Version = stateVersion
	kept.EnvironmentID, kept.APIKey, kept.WebhookKey = s.environmentID, s.apiKey, s.webhookKey
	kept.Secret, kept.Generation, kept.Ahead = string(s.secret), s.generation.Load(), s.world.clock.lead()
	return json.NewEncoder(w).Encode(kept)
}

// Restore replaces the state of the platform with one that was saved: clients
// configured for that one, sessions and accept links work again. Call it on a new
// Server, before its first request. If the state cannot be restored completely, Restore
// changes nothing and returns an error.
func (s *Server) Restore(r io.Reader) error {
	var kept state
	in := json.NewDecoder(r)
	in.DisallowUnknownFields()
	if err := in.Decode(&kept); err != nil {
		return fmt.Errorf("roqtest: the state cannot be read: %w", err)
	}
	if err := kept.validate(); err != nil {
		return fmt.Errorf("roqtest: the state cannot be restored: %w", err)
	}
	s.environmentID, s.apiKey, s.webhookKey, s.secret = kept.EnvironmentID, kept.APIKey, kept.WebhookKey, []byte(kept.Secret)
	s.generation.Store(kept.Generation)
	s.world.clock.turn(kept.Ahead - s.world.clock.lead())
	s.hooks.rename(kept.EnvironmentID, kept.WebhookKey)
	s.world.restore(&kept)
	return nil
}

// validate refuses what a platform could not have saved.
func (k *state) validate() error {
	switch {
	case k.Version != stateVersion:
		return fmt.Errorf("its version is %d, must be %d", k.Version, stateVersion)
	case k.EnvironmentID == "" || k.APIKey == "" || k.Secret == "":
		return errors.New("it has no environment or no keys")
	}
	tenants, ids := map[string]bool{}, map[string]bool{}
	for _, t := range k.Tenants {
		tenants[t.ID] = true
	}
	known := func(kind, id string) error {
		if uuid.Validate(id) != nil || ids[id] {
			return fmt.Errorf("%s %q is not a UUID, or occurs twice", kind, id)
		}
		ids[id] = true
		return nil
	}
	for _, u := range k.Users {
		if err := known("the user", u.ID); err != nil {
			return err
		}
		if u.TenantID != "" && !tenants[u.TenantID] {
			return fmt.Errorf("the user %q has a tenant that does not exist", u.ID)
		}
	}
	for _, i := range k.Invites {
		if err := known("the invite", i.ID); err != nil {
			return err
		}
		if !tenants[i.TenantID] || i.Token == "" {
			return fmt.Errorf("the invite %q has a tenant that does not exist, or no token", i.ID)
		}
	}
	return nil
}

// keep returns a copy of what is to be kept.
func (w *world) keep() *state {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	kept := &state{Roles: w.roleList(), Outbox: slices.Clone(w.outbox)}
	for _, t := range w.tenantList() {
		kept.Tenants = append(kept.Tenants, keptTenant{t, w.tenants[t.ID].createdAt})
	}
	for _, m := range w.ordered {
		kept.Users = append(kept.Users, keptUser{m.User, m.rowID, m.createdAt})
	}
	for _, i := range w.invites {
		kept.Invites = append(kept.Invites, keptInvite{detached(i.UserInvite), i.token, i.expiresAt})
	}
	return kept
}

// restore puts what was kept in the place of everything.
func (w *world) restore(kept *state) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clear()
	for _, t := range kept.Tenants {
		w.tenants[t.ID] = &tenant{t.Tenant, t.CreatedAt}
	}
	if kept.Roles != nil {
		w.roles = nil
	}
	for _, r := range kept.Roles {
		w.roles = append(w.roles, &r)
	}
	for n, u := range kept.Users {
		m := &member{User: u.User, number: n + 1, rowID: u.RowID, createdAt: u.CreatedAt}
		w.users[u.ID], w.usersAt[at(u.TenantID, u.Email)] = m, m
		w.ordered = append(w.ordered, m)
	}
	w.made = len(kept.Users)
	for _, k := range kept.Invites {
		if string(k.Data) == "null" {
			k.Data = nil
		}
		w.index(&invite{UserInvite: k.UserInvite, token: k.Token, expiresAt: k.ExpiresAt})
	}
	w.outbox = kept.Outbox
	for i := range w.outbox {
		w.outbox[i].Number = i + 1
	}
	w.changes.add(Changes{Emails: 1, Invites: 1, Users: 1, Settings: 1})
}
