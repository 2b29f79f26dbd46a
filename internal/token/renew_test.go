package token_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq/internal/token"
)

var errDown = errors.New("HTTP status 503")

// renewals is a fetch that issues a first token, and counts the requests after it.
type renewals struct {
	issuer
	failed atomic.Int32
	// then, if it is not nil, answers the requests after the first.
	then func(context.Context) (string, error)
}

func (r *renewals) fetch(ctx context.Context) (string, error) {
	if r.count.Load() == 0 || r.then == nil {
		return r.issuer.fetch(ctx)
	}
	r.failed.Add(1)
	return r.then(ctx)
}

func sleep(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the bubble's clock

// A token that cannot be renewed is used until its end. Only the caller who begins a
// renewal waits for it, and not for long.
func TestATokenIsUsedToItsEnd(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(context.Context) (string, error){
		"refused": func(context.Context) (string, error) { return "", errDown },
		"timed out": func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		},
		"slow": func(context.Context) (string, error) {
			sleep(7 * time.Second)
			return "", errDown
		},
		"panics": func(context.Context) (string, error) { panic("in the transport") },
		"exits": func(context.Context) (string, error) {
			runtime.Goexit()
			return "", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const life = 10 * time.Minute
				c, r := token.NewCache(10), &renewals{issuer: issuer{life: life}, then: renew}
				issued := time.Now()
				first, err := c.Get(t.Context(), token.User("u"), 3*time.Second, r.fetch)
				if err != nil {
					t.Fatal(err)
				}
				sleep(life - 35*time.Second)
				for time.Since(issued) < life {
					asked := time.Now()
					got, err := c.Get(t.Context(), token.User("u"), 3*time.Second, r.fetch)
					if got != first || err != nil {
						t.Fatalf("%v before its end Get = %q, %v; want the token", life-time.Since(issued), got, err)
					}
					if waited := time.Since(asked); waited > 2*time.Second {
						t.Fatalf("a caller waited %v for a renewal", waited)
					}
					sleep(100 * time.Millisecond)
				}
				if n := r.failed.Load(); n < 2 || n > 15 {
					t.Errorf("%d renewals were tried in 30 s, want several and no storm", n)
				}
				synctest.Wait()
				// From here on callers wait for it, and it fails them.
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() { _ = recover() }()
					if got, err := c.Get(t.Context(), token.User("u"), 3*time.Second, r.fetch); err == nil {
						t.Errorf("at its end Get = %q, want the renewal's error", got)
					}
				}()
				<-done
			})
		})
	}
}

// A renewal that succeeds after some that failed ends the trouble.
func TestARenewalIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		c, r := token.NewCache(10), &renewals{issuer: issuer{life: life}}
		r.then = func(ctx context.Context) (string, error) {
			if r.failed.Load() < 3 {
				return "", errDown
			}
			return r.issuer.fetch(ctx)
		}
		first, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if err != nil {
			t.Fatal(err)
		}
		sleep(life - 30*time.Second)
		for range 29 {
			if _, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); err != nil {
				t.Fatal(err)
			}
			sleep(time.Second)
		}
		got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if got == first || err != nil || r.failed.Load() != 3 {
			t.Errorf("Get = %q, %v after %d renewals; want a new token after three", got, err, r.failed.Load())
		}
	})
}

// A hundred callers in one renewal share it, and only the one who began it waits.
func TestConcurrentCallersShareOneRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		c, r := token.NewCache(10), &renewals{issuer: issuer{life: life}}
		r.then = func(ctx context.Context) (string, error) {
			sleep(time.Second)
			return r.issuer.fetch(ctx)
		}
		first, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if err != nil {
			t.Fatal(err)
		}
		sleep(life - 20*time.Second)
		asked := time.Now()
		waited := new(atomic.Int32)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
				if time.Since(asked) > 0 {
					waited.Add(1)
				}
				if err != nil || (got == first) != (time.Since(asked) == 0) {
					t.Errorf("Get = %q, %v after %v; want the token that is still good, or the new one", got, err, time.Since(asked))
				}
			})
		}
		all.Wait()
		if waited.Load() != 1 || time.Since(asked) != time.Second || r.failed.Load() != 1 {
			t.Errorf("%d callers waited up to %v for %d renewals, want one of each", waited.Load(), time.Since(asked), r.failed.Load())
		}
		sleep(time.Second)
		synctest.Wait()
		if got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); got == first || err != nil || r.failed.Load() != 1 {
			t.Errorf("Get = %q, %v after %d renewals; want the new token after one", got, err, r.failed.Load())
		}
	})
}

// A caller whose context ends does not end the renewal that it began.
func TestARenewalOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, r := token.NewCache(10), &renewals{issuer: issuer{life: time.Minute}}
		r.then = func(ctx context.Context) (string, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(time.Second):
				return r.issuer.fetch(ctx)
			}
		}
		first, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if err != nil {
			t.Fatal(err)
		}
		sleep(40 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got, err := c.Get(ctx, token.Service(), time.Minute, r.fetch); got != first || err != nil {
			t.Errorf("Get = %q, %v; want the token", got, err)
		}
		sleep(2 * time.Second)
		if got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); got == first || err != nil {
			t.Errorf("Get = %q, %v; want the new token", got, err)
		}
	})
}

// A token that the platform refused is not used, however long it would last.
func TestARefusedTokenIsNotUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, r := token.NewCache(10), &renewals{issuer: issuer{life: time.Minute}}
		r.then = func(context.Context) (string, error) {
			sleep(5 * time.Second)
			return "", errDown
		}
		first, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if err != nil {
			t.Fatal(err)
		}
		sleep(40 * time.Second)
		for range 2 { // the second while the renewal is under way
			if got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); got != first || err != nil {
				t.Errorf("Get = %q, %v; want the token", got, err)
			}
		}
		c.Drop(token.Service(), first)
		if got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); got != "" || !errors.Is(err, errDown) {
			t.Errorf("Get = %q, %v; want the failure of the renewal", got, err)
		}
	})
}

// A platform that gives the same token until it ends is not asked again and again.
func TestTheSameTokenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, r := token.NewCache(10), &renewals{issuer: issuer{life: 10 * time.Minute}}
		first, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch)
		if err != nil {
			t.Fatal(err)
		}
		r.then = func(context.Context) (string, error) { return first, nil }
		sleep(10*time.Minute - 30*time.Second)
		for range 299 {
			if got, err := c.Get(t.Context(), token.Service(), time.Minute, r.fetch); got != first || err != nil {
				t.Fatalf("Get = %q, %v; want the token", got, err)
			}
			sleep(100 * time.Millisecond)
		}
		if n := r.failed.Load(); n < 2 || n > 15 {
			t.Errorf("%d renewals in 30 s, want several and no storm", n)
		}
	})
}

// Where this machine's clock differs from the platform's, a token is used no longer
// than it lives.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Minute
	for _, row := range []struct {
		name string
		// ahead is how far the platform's clock is ahead, iat whether the token has one.
		ahead time.Duration
		iat   bool
		// end is the age at which the token is used no longer.
		end time.Duration
	}{
		{"the same", 0, true, life},
		{"ours a minute behind", time.Minute, true, life},
		{"ours an hour behind", time.Hour, true, life},
		{"ours a minute ahead", -time.Minute, true, life - time.Minute},
		{"no iat", 0, false, life},
		// Ours says that it has ended, which cannot be: nobody knows when it does.
		{"ours an hour ahead", -time.Hour, true, time.Hour},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, fetches := token.NewCache(10), 0
				fetch := func(context.Context) (string, error) {
					if fetches++; fetches > 1 {
						return "", errDown
					}
					issued := time.Now().Add(row.ahead)
					claims := jwt.MapClaims{"exp": issued.Add(life).Unix()}
					if row.iat {
						claims["iat"] = issued.Unix()
					}
					return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
				}
				get := func() error {
					_, err := c.Get(t.Context(), token.Service(), time.Minute, fetch)
					synctest.Wait() // for a renewal
					return err
				}
				if err := get(); err != nil {
					t.Fatal(err)
				}
				sleep(row.end - time.Second)
				if err := get(); err != nil {
					t.Errorf("a second before its end: %v", err)
				}
				sleep(time.Second)
				if err := get(); !errors.Is(err, errDown) {
					t.Errorf("at its end: %v, want the failure of the renewal", err)
				}
			})
		})
	}
}
