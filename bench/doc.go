// Command bench measures what a call costs the process that makes it, with this
// module and with other ways to make the same call, and writes
// docs/performance.md. `make bench` runs it.
package main
