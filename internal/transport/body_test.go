package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
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

// A server may announce anything.
func TestAnAnnouncementAllocatesLittle(t *testing.T) {
	t.Parallel()
	var b bodies
	buf, err := b.read(&http.Response{Body: http.NoBody, ContentLength: 1 << 40}, 1<<50)
	if err != nil || buf.Cap() > 2*usual {
		t.Errorf("%d bytes for an empty body, %v; want %d", buf.Cap(), err, usual)
	}
}
