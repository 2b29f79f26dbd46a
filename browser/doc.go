// Package browser tests the pages of this repository in a real browser: the invitation
// page of package inviteui, and roqdev.
//
// Run it with "make browser", which installs chromium and axe-core if they are missing.
// Pictures of every page stay in browser/_artifacts.
package browser
