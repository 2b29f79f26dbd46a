package chaos_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const loopback = "127.0.0.1"

// dialer makes a connection, or fails to.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func noDNS(context.Context, string, string) (net.Conn, error) {
	return nil, &net.DNSError{Err: "no such host", Name: "platform.example", IsNotFound: true}
}

// refused dials a port that nobody listens on.
func refused(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(loopback, "1"))
}

// blackhole is a SYN that nobody answers.
func blackhole(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// newTransport returns what a client reaches the backend through, as net/http's
// own default has it but for the fault.
func (b *backend) newTransport(proxy *url.URL) *http.Transport {
	t := &http.Transport{
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       time.Minute,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{RootCAs: trusted().pool(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if b.fault.dial != nil && b.gate.hitsConn() {
				return b.fault.dial(ctx, network, address)
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil && b.fault.write != nil {
				conn = &faultyConn{conn, b.gate, b.fault.write}
			}
			return conn, err
		},
	}
	if b.fault.occupied {
		t.MaxConnsPerHost = 1
	}
	if b.fault.proxy {
		t.Proxy = func(*http.Request) (*url.URL, error) {
			if b.gate.hitsConn() {
				return proxy, nil
			}
			return nil, nil
		}
	}
	return t
}

// refuseConnect is a proxy that lets nothing through. It ends with its listener.
func refuseConnect(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		}
		_ = conn.Close()
	}
}

// tlsConfig is what the backend shows of itself. The fault's certificate is
// shown to the connections that are hit.
func (b *backend) tlsConfig() *tls.Config {
	good, bad := trusted().issue(loopback, time.Hour), (*tls.Certificate)(nil)
	if b.fault.certificate != nil {
		bad = b.fault.certificate()
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if bad != nil && b.gate.hitsConn() {
				return bad, nil
			}
			return good, nil
		},
	}
	if b.fault.http2 != nil {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}
