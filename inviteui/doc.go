// Package inviteui is a page that invites people to a tenant and shows the status of
// their invitations. A Go web application mounts it in one line:
//
//	page, err := inviteui.New(client,
//		inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"}),
//		inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"}))
//	if err != nil {
//		return err
//	}
//	mux.Handle("/team/invitations/", http.StripPrefix("/team/invitations", page))
//
// The page belongs to the visitor whose session cookie the request has. It invites people
// to that visitor's tenant, and lists, resends, cancels and exports the tenant's
// invitations. It works without JavaScript. With JavaScript, statuses and progress change
// by themselves.
//
// # What it protects
//
// The handler requires a session ([roq.Client.RequireSession]) and refuses forms from
// other sites ([http.CrossOriginProtection]). It sets a content security policy without
// inline scripts and styles, unless the application has set a policy of its own before.
// All its links are relative, so that any prefix works. No e-mail address, key or token
// is written to a log. A form works only in the tenant in which it was opened, and nobody
// is invited while the platform does not say which roles there are.
//
// A form that is sent twice works once. If an invitation has changed since the visitor was
// asked whether to resend it, the page asks again: a colleague may have resent it, or
// another instance of the application.
//
// # What it keeps
//
// A send or an action runs until it is finished, whether the visitor stays or leaves.
// Its report is kept in this process: the last 256 reports, or fewer if they name more
// than 100,000 people together. Behind a load balancer another instance does not have it.
// The page then says so, and the list shows what was sent. When the process ends, its
// sends end too. [WithQueue] puts large sends and their reports where all instances reach
// them, with module github.com/go-roq/roq/roqriver for example.
//
// Twenty open pages of one tenant cost the platform one request a poll, because all pages
// of a tenant share one watch ([roq.Client.FollowUserInvites]).
package inviteui
