package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-roq/roq/internal/jobs"
)

func newRunner() *jobs.Runner[int] {
	return &jobs.Runner[int]{Running: 2, Kept: 3, Onces: 2, Weigh: func(n int) int { return n }, Heaviest: 100}
}

// run runs a job to its end, with that as its result.
func run(t *testing.T, r *jobs.Runner[int], result int) string {
	t.Helper()
	id, err := r.Start(t.Context(), result, func(context.Context, *jobs.Job[int]) error { return nil }, func(*int, error, bool) {})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Find(id).Done()
	return id
}

// A job outlives the context that began it, and ends as it is told.
func TestStart(t *testing.T) {
	t.Parallel()
	r := newRunner()
	ctx, cancel := context.WithCancel(t.Context())
	work := func(ctx context.Context, j *jobs.Job[int]) error {
		<-ctx.Done()
		j.Update(func(n *int) { *n++ })
		return ctx.Err()
	}
	var last error
	id, err := r.Start(ctx, 1, work, func(n *int, err error, panicked bool) {
		*n *= 10
		last = err
		if panicked {
			t.Error("it panicked")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	j := r.Find(id)
	if got := j.Result(); got != 1 {
		t.Errorf("the result is %d while it runs", got)
	}
	if _, err := r.Start(ctx, 0, work, func(*int, error, bool) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(ctx, 0, work, func(*int, error, bool) {}); !errors.Is(err, jobs.ErrBusy) {
		t.Errorf("a third job = %v, want ErrBusy", err)
	}
	j.Cancel()
	<-j.Done()
	if got := j.Result(); got != 20 || !errors.Is(last, context.Canceled) {
		t.Errorf("the result is %d, %v; want 20", got, last)
	}
	if r.Find("other") != nil {
		t.Error("another job was found")
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	r := newRunner()
	for range 3 { // it is counted as running no longer
		id, err := r.Start(t.Context(), 0, func(context.Context, *jobs.Job[int]) error { panic("own") }, func(n *int, err error, panicked bool) {
			if err == nil || !panicked {
				t.Errorf("it ended with %v, panicked %v", err, panicked)
			}
			*n = 7
		})
		if err != nil {
			t.Fatal(err)
		}
		<-r.Find(id).Done()
		if got := r.Find(id).Result(); got != 7 {
			t.Errorf("the result is %d", got)
		}
	}
}

// The oldest are forgotten: by their number, and by their weight.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := newRunner()
	var ids []string
	for range 5 {
		ids = append(ids, run(t, r, 1))
	}
	for i, id := range ids {
		if kept := r.Find(id) != nil; kept != (i >= 2) {
			t.Errorf("job %d is kept: %v", i, kept)
		}
	}
	heavy := run(t, r, 1000)
	if r.Find(heavy) == nil || r.Find(ids[4]) != nil {
		t.Error("the heavy one is forgotten, or what is older is kept")
	}
	light := run(t, r, 1)
	if r.Find(heavy) != nil || r.Find(light) == nil {
		t.Error("the heavy one is kept, or the light one is not")
	}
}

// What succeeded is not done again, and what failed is.
func TestOnce(t *testing.T) {
	t.Parallel()
	r := newRunner()
	n := 0
	handle := func() (string, error) {
		n++
		switch n {
		case 1:
			return "", errors.New("away")
		case 2:
			panic("own")
		}
		return fmt.Sprint(n), nil
	}
	once := func(key string) (id string, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return r.Once(key, handle)
	}
	for i, want := range []string{"", "", "3", "3"} {
		if id, err := once("a"); id != want || (err == nil) != (want != "") {
			t.Errorf("call %d = %q, %v; want %q", i, id, err, want)
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if id, err := r.Once("b", handle); id != "4" || err != nil {
				t.Errorf("at once: %q, %v", id, err)
			}
		})
	}
	all.Wait()
	if id, _ := once("c"); id != "5" { // the third key: the first is forgotten
		t.Errorf("another key = %q", id)
	}
	if id, _ := once("a"); id != "6" {
		t.Errorf("a forgotten key = %q", id)
	}
}

// Texts that differ have keys that differ, wherever one ends and the next begins.
func TestKey(t *testing.T) {
	t.Parallel()
	all := [][]any{
		{}, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"a b"}, {`a" "b`}, {"a\n"}, {`a\n`}, {"\xff"}, {"\xfe"}, {"\ufffd"},
		{[]string{"a", "b"}}, {[]string{"a"}, "b"}, {"a", []string{"b"}}, {[]string{}}, {[]string{""}}, {`["a"]`},
	}
	keys := map[string]int{}
	for i, texts := range all {
		key := jobs.Key(texts...)
		if other, twice := keys[key]; twice || jobs.Key(texts...) != key {
			t.Errorf("%q has the key of %q, or two", texts, all[other])
		}
		keys[key] = i
	}
}
