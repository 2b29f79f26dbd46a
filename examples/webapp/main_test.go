package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// What is printed can be opened, also if every address is listened on.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for listens, want := range map[string]string{
		"[::]:8080": "http://127.0.0.1:8080", "0.0.0.0:8080": "http://127.0.0.1:8080", "[::ffff:0.0.0.0]:8080": "http://127.0.0.1:8080",
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "192.0.2.1:80": "http://192.0.2.1:80",
	} {
		if got := baseURL(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(listens))); got != want {
			t.Errorf("baseURL(%s) = %s, want %s", listens, got, want)
		}
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Logf("this machine does not listen on %s: %v", addr, err)
			continue
		}
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(baseURL(listener.Addr()), "http://"))
		if err != nil {
			t.Errorf("%s cannot be reached at %s: %v", addr, baseURL(listener.Addr()), err)
		} else {
			_ = conn.Close()
		}
		_ = listener.Close()
	}
}
