package roqtest

import (
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
)

// WithAddr sets the address on which [NewServer] listens, "127.0.0.1:4000" for example,
// for a program beside the test that has the address in its configuration. If the
// address is a wildcard, [Server].URL has 127.0.0.1. [NewHandler] ignores the option. The
// default is a free port of 127.0.0.1.
func WithAddr(addr string) Option { return func(s *Server) { s.addr = addr } }

// NewServer starts a platform on loopback. Call Close when done. Like
// [httptest.NewServer], it panics if it cannot listen, for example because another
// program uses the address of [WithAddr].
func NewServer(opts ...Option) *Server {
	s := NewHandler(opts...)
	if s.addr == "" {
		s.listener = httptest.NewServer(s.handler)
		s.URL = s.listener.URL
		return s
	}
	listener, err := net.Listen("tcp", s.addr) //nolint:noctx // as httptest does
	if err != nil {
		panic(fmt.Sprintf("roqtest: WithAddr(%q): %v", s.addr, err))
	}
	s.listener = httptest.NewUnstartedServer(s.handler)
	_ = s.listener.Listener.Close()
	s.listener.Listener = listener
	s.listener.Start()
	s.URL = "http://" + reachable(listener.Addr().String())
	return s
}

// reachable returns the address by which this machine reaches a listener.
func reachable(addr string) string {
	if a, err := netip.ParseAddrPort(addr); err == nil && a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	return addr
}
