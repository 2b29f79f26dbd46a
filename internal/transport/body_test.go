package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// The body that a judge reads is its own until it is done, whoever else reads one
// at the same time; and one that tells of a failure is nobody else's ever.
func TestBodiesHaveOneOwner(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if r.URL.Query().Get("fail") != "" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat(r.URL.Query().Get("text"), 1000))
	}))
	defer srv.Close()
	s := newSender(t, Config{})
	do := func(text, fail string) Result {
		r := request(Query, srv.URL+"?text="+text+"&fail="+fail)
		want := strings.Repeat(text, 1000)
		r.Judge = func(body []byte) (Outcome, error) {
			if string(body) != want {
				t.Errorf("the judge was shown %.20q, want it to repeat %q", body, text)
			}
			// Under the race detector two owners of this would be found out.
			clear(body)
			return Answered, nil
		}
		return s.Do(t.Context(), r)
	}
	failed := do("failed", "yes")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				if result := do(fmt.Sprintf("%d-%d.", i, j), ""); result.Outcome != Answered || result.Answer.Body != nil {
					t.Errorf("%v with a body of %d bytes, want it answered and none", result.Outcome, len(result.Answer.Body))
				}
			}
		})
	}
	wg.Wait()
	if want := strings.Repeat("failed", 1000); string(failed.Answer.Body) != want {
		t.Errorf("the body of the failure became %.20q", failed.Answer.Body)
	}
}

// A buffer that is larger than usual is not kept.
func TestLargeBodiesAreNotKept(t *testing.T) {
	t.Parallel()
	var b bodies
	for _, size := range []int{1 << 10, 2 * usual} {
		// What is announced may be less than what comes.
		buf, err := b.read(&http.Response{Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size))), ContentLength: -1}, 4*usual)
		if err != nil || buf.Len() != size {
			t.Fatalf("read %d bytes, %v; want %d", buf.Len(), err, size)
		}
		b.recycle(buf)
	}
	if next, err := b.read(&http.Response{Body: http.NoBody}, 1); err != nil || next.Cap() > usual+1<<10 {
		t.Errorf("the next buffer has %d bytes, %v; want none larger than usual", next.Cap(), err)
	}
}

// A long body is read whole, an endless one costs its limit once, and one that was cut
// is an error.
func TestLongBodies(t *testing.T) {
	t.Parallel()
	var b bodies
	for _, size := range []int{usual - bytes.MinRead - 1, usual - bytes.MinRead, usual, usual + 1, 2*usual - bytes.MinRead, 3*usual + 7} {
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for _, limit := range []int64{int64(size), int64(size) + 1, 8 * usual, int64(size) - 1} {
			got, err := b.read(&http.Response{Body: io.NopCloser(iotest.HalfReader(bytes.NewReader(want))), ContentLength: -1}, limit)
			if fits := limit >= int64(size); fits && (err != nil || !bytes.Equal(got.Bytes(), want)) || !fits && err == nil {
				t.Errorf("%d bytes with a limit of %d: %v", size, limit, err)
			}
		}
		cut := io.MultiReader(bytes.NewReader(want), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := b.read(&http.Response{Body: io.NopCloser(cut), ContentLength: -1}, 8*usual); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes and a cut: %v", size, err)
		}
	}
}

func TestEndlessBodiesCostTheirLimitOnce(t *testing.T) {
	var b bodies
	const limit = 32 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		if _, err := b.read(&http.Response{Body: io.NopCloser(endless{}), ContentLength: -1}, limit); !errors.Is(err, errTooLarge) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	// The garbage collector may empty the pools now and then.
	if n := after.TotalAlloc - before.TotalAlloc; n > 4*limit && !raceDetector {
		t.Errorf("%d MiB allocated for twenty bodies, want little more than %d", n>>20, limit>>20)
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A server may announce anything.
func TestAnAnnouncementAllocatesLittle(t *testing.T) {
	t.Parallel()
	var b bodies
	buf, err := b.read(&http.Response{Body: http.NoBody, ContentLength: 1 << 40}, 1<<50)
	if err != nil || buf.Cap() > 2*usual {
		t.Errorf("%d bytes for an empty body, %v; want %d", buf.Cap(), err, usual)
	}
}
