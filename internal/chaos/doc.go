// Package chaos runs every operation against a platform behind a connection that
// fails in all the ways a connection can, and counts the e-mails. It holds tests
// only; docs/reliability.md is what the full run measured.
package chaos
