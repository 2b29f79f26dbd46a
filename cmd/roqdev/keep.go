package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-roq/roq/roqtest"
)

// keepEvery is how often what has changed is written.
const keepEvery = time.Second

// stateFile is the file that a platform's state is kept in; without a path it is
// not kept.
type stateFile struct {
	path     string
	platform *roqtest.Server
	kept     []byte // what is in the file
	// compared is what had happened when the state was last compared with the file.
	compared *roqtest.Changes
}

// load restores the platform from the file, and reports whether there was one.
func (f *stateFile) load() (found bool, err error) {
	if f.path == "" {
		return false, nil
	}
	if target, err := filepath.EvalSymlinks(f.path); err == nil {
		f.path = target // so that a link stays one
	}
	kept, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("-data: %w", err)
	}
	if err := f.platform.Restore(bytes.NewReader(kept)); err != nil {
		return false, fmt.Errorf("-data: %s: %w", f.path, err)
	}
	f.kept = kept
	return true, nil
}

// save writes the state if it has changed: into a file beside, which then takes
// the other's place, so that a crash leaves one of the two whole. It is for its
// owner's eyes, since keys are in it.
func (f *stateFile) save() error {
	if f.path == "" {
		return nil
	}
	seen, _ := f.platform.Changes()
	seen.Requests, seen.Deliveries = 0, 0 // which are not kept
	if f.compared != nil && *f.compared == seen {
		return nil // so that an idle platform costs nothing, however large it is
	}
	var now bytes.Buffer
	if err := f.platform.Save(&now); err != nil {
		return err
	}
	if bytes.Equal(now.Bytes(), f.kept) {
		f.compared = &seen
		return nil
	}
	beside, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*")
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	_, err = beside.Write(now.Bytes())
	err = errors.Join(err, beside.Sync(), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(beside.Name())
		return fmt.Errorf("-data: %w", err)
	}
	f.kept, f.compared = now.Bytes(), &seen
	return nil
}

// keep saves the state from time to time until ctx ends. What it returns saves it
// for the last time.
func (f *stateFile) keep(ctx context.Context, stderr io.Writer) (last func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		for failing := false; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				err := f.save()
				if err != nil && !failing {
					fmt.Fprintln(stderr, "roqdev: the state is not kept:", err)
				}
				failing = err != nil
			}
		}
	})
	return func() error {
		cancel()
		done.Wait()
		return f.save()
	}
}
