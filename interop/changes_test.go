package interop_test

import (
	"testing"

	"github.com/go-roq/roq"
)

// scenarios are the lives that invites can have. Each is acted by every witness
// on a platform of its own; what they saw, the invites and the e-mails have to be
// the same.
var scenarios = map[string]func(s *scene, w witness){
	"send one": func(s *scene, w witness) {
		s.note(w.send(to(acme, invite("bob@example.com"))))
	},
	"send with everything": func(s *scene, w witness) {
		s.note(w.send(to(acme,
			roq.UserInviteInput{
				CreatedByUserID: ben, Email: "Wick.John+a@Roq.tech", FirstName: "John", LastName: "Wick", Locale: "en-US",
				Roles: []string{"content-creator", "member"}, Variables: map[string]any{"greeting": "Hello ☺", "n": 1.5, "deep": []any{map[string]any{"a": nil}}},
			},
			roq.UserInviteInput{CreatedByUserID: ann, Email: "jürgen@example.com", FirstName: "Jürgen \"J\" O'Hara", Locale: "de-DE", Roles: []string{"member"}},
			invite("eve@example.com"))))
	},
	"send, some refused": func(s *scene, w witness) {
		s.note(w.send(to(acme, invite("bob@example.com"))))
		s.note(w.send(to(acme, invite("new@example.com"), invite("ann@acme.example"), invite("bob@example.com"), invite("newer@example.com"))))
		s.note(w.send(to(acme, invite("BOB@example.com"))))
		s.note(w.send(to(acme, roq.UserInviteInput{CreatedByUserID: nobody, Email: "x@example.com", FirstName: "X", LastName: "Y"})))
	},
	"send to another tenant": func(s *scene, w witness) {
		s.note(w.send(to(other, invite("bob@example.com"))))
		s.note(w.send(to(nobody, invite("bob@example.com"))))
		s.note(w.send(to("no-uuid", invite("bob@example.com"))))
		s.note(w.send(to(acme, roq.UserInviteInput{CreatedByUserID: "no-uuid", Email: "x@example.com"})))
		s.note(w.send(to(acme, roq.UserInviteInput{CreatedByUserID: otto, Email: "x@example.com"})))
	},
	"resend": func(s *scene, w witness) {
		id := s.invited(s.note(w.send(to(acme, invite("bob@example.com")))), 0)
		s.note(w.resend(id))
		s.note(w.resend(id))
		s.note(w.get(id))
	},
	"resend what has expired": func(s *scene, w witness) {
		id := s.invited(s.note(w.send(to(acme, invite("bob@example.com")))), 0)
		if err := s.Expire(id); err != nil {
			s.t.Fatal(err)
		}
		s.note(w.get(id))
		s.note(w.resend(id))
		s.note(w.accept(s.token("bob@example.com")))
	},
	"resend what was canceled": func(s *scene, w witness) {
		id := s.invited(s.note(w.send(to(acme, invite("bob@example.com")))), 0)
		s.note(w.cancel(id))
		s.note(w.accept(s.token("bob@example.com")))
		s.note(w.resend(id))
		s.note(w.get(id))
		s.note(w.accept(s.token("bob@example.com")))
	},
	"resend what cannot be": func(s *scene, w witness) {
		sent := s.note(w.send(to(acme, invite("bob@example.com"), invite("eve@example.com"))))
		s.note(w.cancel(s.invited(sent, 0)))
		s.note(w.send(to(acme, invite("bob@example.com"))))
		s.note(w.resend(s.invited(sent, 0)))
		s.note(w.accept(s.token("eve@example.com")))
		s.note(w.resend(s.invited(sent, 1)))
		s.note(w.resend(nobody))
		s.note(w.resend("no-uuid"))
	},
	"cancel": func(s *scene, w witness) {
		sent := s.note(w.send(to(acme, invite("bob@example.com"), invite("eve@example.com"))))
		s.note(w.cancel(s.invited(sent, 0)))
		s.note(w.cancel(s.invited(sent, 0)))
		s.note(w.get(s.invited(sent, 0)))
		s.note(w.get(s.invited(sent, 1)))
		s.note(w.send(to(acme, invite("bob@example.com"))))
	},
	"cancel what cannot be": func(s *scene, w witness) {
		sent := s.note(w.send(to(acme, invite("bob@example.com"), invite("eve@example.com"))))
		s.note(w.accept(s.token("bob@example.com")))
		s.note(w.cancel(s.invited(sent, 0)))
		if err := s.Expire(s.invited(sent, 1)); err != nil {
			s.t.Fatal(err)
		}
		s.note(w.cancel(s.invited(sent, 1)))
		s.note(w.cancel(nobody))
		s.note(w.cancel("no-uuid"))
	},
	"get": func(s *scene, w witness) {
		id := s.invited(s.note(w.send(to(acme, invite("bob@example.com")))), 0)
		s.note(w.get(id))
		s.note(w.get(nobody))
		s.note(w.get("no-uuid"))
		if err := s.Remove(id); err != nil {
			s.t.Fatal(err)
		}
		s.note(w.get(id))
	},
	"accept": func(s *scene, w witness) {
		sent := s.note(w.send(to(acme, roq.UserInviteInput{CreatedByUserID: ann, Email: "bob@example.com", FirstName: "Bob", Roles: []string{"member"}},
			invite("eve@example.com"), invite("joe@example.com"))))
		first := s.token("bob@example.com")
		s.note(w.resend(s.invited(sent, 0)))
		s.note(w.accept(s.token("bob@example.com")))
		s.note(w.accept(s.token("bob@example.com")))
		s.note(w.accept(first))
		s.note(w.get(s.invited(sent, 0)))
		s.note(w.cancel(s.invited(sent, 1)))
		s.note(w.accept(s.token("eve@example.com")))
		if err := s.Expire(s.invited(sent, 2)); err != nil {
			s.t.Fatal(err)
		}
		s.note(w.accept(s.token("joe@example.com")))
		s.note(w.accept("no-token"))
		s.note(w.send(to(acme, invite("bob@example.com"))))
	},
	"somebody else's": func(s *scene, w witness) {
		// Of another tenant, made by its own user.
		theirs := newGopher(s.t, s.Server, otto)
		id := s.invited(theirs.send(roq.SendUserInvitesInput{TenantID: other, UserInvites: []roq.UserInviteInput{{Email: "zoe@example.com"}}}), 0)
		s.note(w.get(id))
		s.note(w.resend(id))
		s.note(w.cancel(id))
		s.note(w.list(roq.UserInvitesQuery{}))
	},
}

// TestChanges lets each of the JavaScript clients and this module act every
// scenario, as a user and, where a client can, as the service account.
func TestChanges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ driver, user string }{
		{"nodejs.mjs", ann}, {"nodejs.mjs", ben}, {"nodejs.mjs", ""}, {"client.mjs", ann}, {"client.mjs", ben},
	} {
		t.Run(test.driver+" as "+map[string]string{ann: "ann", ben: "ben", "": "super admin"}[test.user], func(t *testing.T) {
			t.Parallel()
			js := start(t, test.driver)
			for name, act := range scenarios {
				t.Run(name, func(t *testing.T) {
					ours := newScene(t)
					act(ours, newGopher(t, ours.Server, test.user))

					theirs := newScene(t)
					reader := newGopher(t, theirs.Server, "")
					theirs.check = func(got seen) { confirm(t, reader, got) }
					act(theirs, newScript(t, js, theirs.Server, test.user))

					same(t, "the account of "+test.driver, theirs.account(), ours.account())
				})
			}
		})
	}
}

// confirm reads, with this module, every invite that a JavaScript client was just
// shown. All fields have to be the same, to the letter.
func confirm(t *testing.T, reader gopher, got seen) {
	t.Helper()
	data, _ := got.Data.(map[string]any)
	shown := []any{data}
	for _, list := range []string{"success", "data"} {
		if invites, ok := data[list].([]any); ok {
			shown = invites
		}
	}
	for _, invite := range shown {
		id, _ := invite.(map[string]any)["id"].(string)
		same(t, "the invite", invite, reader.get(id).Data)
	}
}
