package roqtest

import (
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
)

// WithAddr sets the address on which [NewServer] listens, "127.0.0.1:4000" for
// example: one that a program beside the test has in its configuration. [Server].URL
// names 127.0.0.1 if the address is a wildcard. The default is a free port of
// 127.0.0.1. [NewHandler] does not listen, and ignores the option.
func WithAddr(addr string) Option { return func(s *Server) { s.addr = addr } }

// NewServer starts a platform on loopback. Close it when done. It panics if it cannot
// listen, as [httptest.NewServer] does: if another program has the address of
// [WithAddr], for example.
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
