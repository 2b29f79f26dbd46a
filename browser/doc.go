// Package browser tests the pages of this repository in a real browser: the invitation
// page of package inviteui, and roqdev. ROQ's own React components are tested against
// roqdev, and what they send is compared with testdata/captures.
//
// Run it with "make browser", which installs chromium, axe-core and ROQ's components if
// they are missing.
// Pictures of every page stay in browser/_artifacts.
package browser
