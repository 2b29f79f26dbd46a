package roqtest_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// freeAddr returns an address of this machine that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// A server listens where it is told to, again and again.
func TestWithAddr(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	for range 2 {
		srv := roqtest.NewServer(roqtest.WithAddr(addr))
		if srv.URL != "http://"+addr || srv.Config().PlatformURL != srv.URL {
			t.Errorf("URL = %s, want that of %s", srv.URL, addr)
		}
		ann, platform := acme(srv)
		if sent, err := send(platform, ann.TenantID, "bob@example.com"); err != nil || len(sent.Success) != 1 {
			t.Errorf("SendUserInvites = %v, %v", sent, err)
		}
		func() {
			defer func() {
				if why := fmt.Sprint(recover()); !strings.Contains(why, "roqtest: WithAddr(") || !strings.Contains(why, addr) {
					t.Errorf("a second server: %s, want a panic that names the address", why)
				}
			}()
			roqtest.NewServer(roqtest.WithAddr(addr)).Close()
		}()
		srv.Close()
	}
}

// A wildcard address is reached by 127.0.0.1.
func TestWithAddrWildcard(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0"} {
		srv := roqtest.NewServer(roqtest.WithAddr(addr))
		defer srv.Close()
		if !strings.HasPrefix(srv.URL, "http://127.0.0.1:") {
			t.Errorf("%s: URL = %s", addr, srv.URL)
		}
		if _, err := roq.New(srv.Config()); err != nil {
			t.Errorf("%s: New = %v", addr, err)
		}
	}
	if srv := roqtest.NewHandler(roqtest.WithAddr("127.0.0.1:1")); srv.URL != "" {
		t.Errorf("a handler has the URL %s", srv.URL)
	}
}
