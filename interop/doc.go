// Package interop runs ROQ's own JavaScript clients beside this module's
// against roqtest, and compares what each of them saw: the published packages
// are the witnesses that this client, and the platform it is tested with, speak
// the protocol as the platform does.
//
// Run it with "make interop", which installs the packages, in the versions of
// package-lock.json, into a folder of their own.
package interop
