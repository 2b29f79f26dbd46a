package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// floor is net/http alone: each request is encoded once, and the answer read
// and thrown away. No client that is built on net/http costs less.
type floor struct {
	client   *http.Client
	endpoint string
	header   http.Header

	mu       sync.RWMutex
	prepared map[floorJob]*exchange
}

type floorJob struct {
	operation string
	size      int
}

// exchange is a request that is repeated, and what its first answer was.
type exchange struct {
	request *http.Request
	body    []byte
	length  int64
	invites int
}

func newFloor(endpoint string, header http.Header) *floor {
	return &floor{client: pooled(), endpoint: endpoint, header: header, prepared: make(map[floorJob]*exchange)}
}

func (f *floor) list(ctx context.Context, n int) (int, error) {
	return f.repeat(ctx, floorJob{opList, n}, func() rawRequest { return listRequest(n) })
}

func (f *floor) send(ctx context.Context, n int) (int, error) {
	return f.repeat(ctx, floorJob{opSend, n}, func() rawRequest { return sendRequest(people(n)) })
}

func (f *floor) repeat(ctx context.Context, j floorJob, request func() rawRequest) (int, error) {
	f.mu.RLock()
	x := f.prepared[j]
	f.mu.RUnlock()
	if x == nil {
		var err error
		if x, err = f.prepare(ctx, request()); err != nil {
			return 0, err
		}
		f.mu.Lock()
		f.prepared[j] = x
		f.mu.Unlock()
	}
	length, err := f.exchange(x, io.Discard)
	if err != nil {
		return 0, err
	}
	if length != x.length {
		return 0, fmt.Errorf("an answer of %d bytes, the first had %d", length, x.length)
	}
	return x.invites, nil
}

// prepare makes the request once and counts the invites in the answer.
func (f *floor) prepare(ctx context.Context, request rawRequest) (*exchange, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.endpoint, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header = f.header
	req.ContentLength = int64(len(body))
	x := &exchange{request: req, body: body}
	var first bytes.Buffer
	if x.length, err = f.exchange(x, &first); err != nil {
		return nil, err
	}
	x.invites = bytes.Count(first.Bytes(), []byte(`"userTokenId"`))
	return x, nil
}

func (f *floor) exchange(x *exchange, into io.Writer) (int64, error) {
	req := *x.request
	req.Body = io.NopCloser(bytes.NewReader(x.body))
	resp, err := f.client.Do(&req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return io.Copy(into, resp.Body)
}
