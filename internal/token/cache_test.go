package token_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq/internal/token"
)

// issuer makes numbered tokens that live so long; zero leaves exp out.
type issuer struct {
	life  time.Duration
	count atomic.Int32
}

func (i *issuer) fetch(context.Context) (string, error) {
	claims := jwt.MapClaims{"jti": i.count.Add(1)}
	if i.life != 0 {
		claims["exp"] = time.Now().Add(i.life).Unix()
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
}

func get(t *testing.T, c *token.Cache, key token.Key, i *issuer) string {
	t.Helper()
	got, err := c.Get(t.Context(), key, time.Minute, i.fetch)
	if err != nil || got == "" {
		t.Fatalf("Get = %q, %v", got, err)
	}
	return got
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		life time.Duration
		// kept and gone are ages at which the token is still used and no longer.
		kept, gone time.Duration
	}{
		{"renewed a little early", 10 * time.Minute, 10*time.Minute - 31*time.Second, 10*time.Minute - 30*time.Second},
		{"short", 20 * time.Second, 9 * time.Second, 10 * time.Second},
		{"no exp", 0, 59 * time.Second, time.Minute},
		// The platform has just issued it: this machine's clock is ahead.
		{"exp in the past", -time.Hour, 59 * time.Second, time.Minute},
		{"never for more than an hour", 240 * time.Hour, time.Hour - time.Second, time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, i := token.NewCache(10), &issuer{life: row.life}
				first := get(t, c, token.User("u"), i)
				<-time.After(row.kept)
				if got := get(t, c, token.User("u"), i); got != first {
					t.Errorf("after %v the token was not used any more", row.kept)
				}
				<-time.After(row.gone - row.kept)
				if got := get(t, c, token.User("u"), i); got == first {
					t.Errorf("after %v the token was still used", row.gone)
				}
			})
		})
	}
}

func TestATokenThatIsNoJWT(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, fetches := token.NewCache(10), 0
		fetch := func(context.Context) (string, error) { fetches++; return "opaque", nil }
		for range 3 {
			if _, err := c.Get(t.Context(), token.Service(), time.Minute, fetch); err != nil {
				t.Fatal(err)
			}
			<-time.After(30 * time.Second)
		}
		if fetches != 2 {
			t.Errorf("%d fetches in 60 s, want 2", fetches)
		}
	})
}

func TestConcurrentCallersShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, i := token.NewCache(10), &issuer{life: time.Hour}
		slow := func(ctx context.Context) (string, error) {
			<-time.After(time.Second)
			return i.fetch(ctx)
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := c.Get(t.Context(), token.User("u"), 2*time.Minute, slow); err != nil {
					t.Errorf("Get: %v", err)
				}
			})
		}
		all.Wait()
		if got := i.count.Load(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

func TestACallerWhoGivesUpFailsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, i := token.NewCache(10), &issuer{life: time.Hour}
		slow := func(ctx context.Context) (string, error) {
			select {
			case <-time.After(time.Second):
				return i.fetch(ctx)
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		first, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := c.Get(first, token.User("u"), 2*time.Minute, slow); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller who gave up got %v, want Canceled", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if _, err := c.Get(t.Context(), token.User("u"), 2*time.Minute, slow); err != nil {
				t.Errorf("the other caller got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

// Whoever started it may be gone, so a fetch has an end of its own.
func TestAFetchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := token.NewCache(10)
		begin := time.Now()
		_, err := c.Get(t.Context(), token.User("u"), 2*time.Minute, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Minute {
			t.Errorf("Get = %v after %v, want the deadline after two minutes", err, time.Since(begin))
		}
	})
}

func TestErrorsAreNotCached(t *testing.T) {
	t.Parallel()
	c, i, failed := token.NewCache(10), &issuer{life: time.Hour}, errors.New("failed")
	if _, err := c.Get(t.Context(), token.Service(), time.Minute, func(context.Context) (string, error) { return "", failed }); !errors.Is(err, failed) {
		t.Errorf("Get = %v, want the fetch's error", err)
	}
	get(t, c, token.Service(), i)
}

func TestDrop(t *testing.T) {
	t.Parallel()
	c, i := token.NewCache(10), &issuer{life: time.Hour}
	first := get(t, c, token.User("u"), i)
	c.Drop(token.User("u"), first)
	second := get(t, c, token.User("u"), i)
	if second == first {
		t.Error("a dropped token was used again")
	}
	// Somebody late reports the first token, which is long replaced.
	c.Drop(token.User("u"), first)
	if got := get(t, c, token.User("u"), i); got != second {
		t.Error("the report of an old token dropped the new one")
	}
	c.Drop(token.User("nobody"), first)
}

func TestIdentitiesAreKeptApart(t *testing.T) {
	t.Parallel()
	c, i := token.NewCache(10), &issuer{life: time.Hour}
	seen := map[string]string{get(t, c, token.Service(), i): "the service account"}
	for _, id := range []string{"", "service", "user", "project-service-account@roq.tech", "\x00"} {
		got := get(t, c, token.User(id), i)
		if other, ok := seen[got]; ok {
			t.Errorf("user %q has the token of %s", id, other)
		}
		seen[got] = fmt.Sprintf("user %q", id)
	}
}

func TestTheLeastRecentlyUsedGoesFirst(t *testing.T) {
	t.Parallel()
	c, i := token.NewCache(2), &issuer{life: time.Hour}
	a, b := get(t, c, token.User("a"), i), get(t, c, token.User("b"), i)
	get(t, c, token.User("a"), i)
	get(t, c, token.User("c"), i) // b has to go
	if get(t, c, token.User("a"), i) != a {
		t.Error("the token used last was dropped")
	}
	if get(t, c, token.User("b"), i) == b {
		t.Error("three tokens were kept in a cache of two")
	}
}

// A fetch that panics, or ends its goroutine, does so to everybody who waits for
// it, and the next one fetches anew.
func TestAFetchThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){
		"panics": func() { panic("in the transport") },
		"exits":  runtime.Goexit,
	} {
		cache := token.NewCache(10)
		var all sync.WaitGroup
		release := make(chan struct{})
		panics, returns := new(atomic.Int64), new(atomic.Int64)
		for range 8 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				_, _ = cache.Get(t.Context(), token.Service(), time.Minute, func(context.Context) (string, error) {
					<-release
					end()
					return "never", nil
				})
				returns.Add(1)
			})
		}
		time.AfterFunc(50*time.Millisecond, func() { close(release) })
		all.Wait()
		want := int64(0)
		if name == "panics" {
			want = 8
		}
		if panics.Load() != want || returns.Load() != 0 {
			t.Errorf("%s: %d panics and %d returns, want %d and none", name, panics.Load(), returns.Load(), want)
		}
		got, err := cache.Get(t.Context(), token.Service(), time.Minute, func(context.Context) (string, error) { return "fresh", nil })
		if got != "fresh" || err != nil {
			t.Errorf("%s: %q, %v afterwards; want a fresh token", name, got, err)
		}
	}
}
