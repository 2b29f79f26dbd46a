package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// A second stream gets an error, whether the first is still reading or already
// appending, and the first does not notice.
func TestOneStream(t *testing.T) {
	t.Parallel()
	file := opened(t, written(t, batch(0, 3)))
	second := func(when string) {
		t.Helper()
		if records, err := begin(t, file, campaign); len(records) > 0 || !errors.Is(err, journal.ErrInUse) || !strings.Contains(err.Error(), file.Path()) {
			t.Errorf("%s: Begin = %v, %v; want ErrInUse", when, records, err)
		}
	}
	for _, err := range file.Begin(t.Context(), campaign) {
		if err != nil {
			t.Fatal(err)
		}
		second("while the first reads")
	}
	add(t, file, batch(3, 1))
	second("while the first appends")
	add(t, file, batch(4, 1))
	end(t, file)
	if err := file.Append(t.Context(), batch(5, 1)); err == nil || !strings.Contains(err.Error(), "after End") {
		t.Errorf("Append = %v, want that it came after End", err)
	}
	if err := file.End(); err == nil {
		t.Error("End = nil without a Begin")
	}
	if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, slices.Concat(batch(0, 3), batch(3, 1), batch(4, 1))) {
		t.Errorf("Begin = %+v, %v; want what the first stream appended", records, err)
	}
}

// Of many that begin at once one may.
func TestOneStreamOfMany(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	var all sync.WaitGroup
	var begun atomic.Int32
	for range 16 {
		all.Go(func() {
			if _, err := begin(t, file, campaign); err == nil {
				begun.Add(1)
			} else if !errors.Is(err, journal.ErrInUse) {
				t.Errorf("Begin = %v, want ErrInUse", err)
			}
		})
	}
	all.Wait()
	if n := begun.Load(); n != 1 {
		t.Errorf("%d streams have begun, want 1", n)
	}
}

// A loop over the records that panics does not keep the journal.
func TestBeginPanics(t *testing.T) {
	t.Parallel()
	file := opened(t, written(t, batch(0, 3)))
	func() {
		defer func() { _ = recover() }()
		for _, err := range file.Begin(t.Context(), campaign) {
			panic(err)
		}
	}()
	if records, err := begin(t, file, campaign); len(records) != 3 || err != nil {
		t.Errorf("Begin = %d records, %v; want 3", len(records), err)
	}
}

// opener is set in the environment of the other process.
const opener = "ROQ_JOURNAL_OPENER"

// TestOpener is that process.
func TestOpener(t *testing.T) {
	path := os.Getenv(opener)
	if path == "" {
		t.Skip("runs in a process of its own: see TestInUse")
	}
	if _, err := journal.Open(path); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("Open = %v, want ErrInUse", err)
	}
}

// A journal is one File's until that is closed, by whatever path it is opened.
func TestInUse(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	symbolic, hard := path(t), path(t)
	if err := errors.Join(os.Symlink(file.Path(), symbolic), os.Link(file.Path(), hard)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file.Path(), symbolic, hard} {
		if _, err := journal.Open(name); !errors.Is(err, journal.ErrInUse) {
			t.Errorf("Open(%q) = %v, want ErrInUse", name, err)
		}
		other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpener$", "-test.v")
		other.Env = append(os.Environ(), opener+"="+name)
		if out, err := other.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestOpener")) {
			t.Errorf("the other process: %v: %s", err, out)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file.Path(), symbolic, hard} {
		if err := open(t, name).Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
}

// What nobody would find again is not written.
func TestMoved(t *testing.T) {
	t.Parallel()
	rename := func(path string) error { return os.Rename(path, path+".1") }
	for name, move := range map[string]func(path string) error{
		"removed":  os.Remove,
		"renamed":  rename,
		"replaced": func(path string) error { return errors.Join(rename(path), os.WriteFile(path, nil, 0o600)) },
		"the link leads elsewhere": func(path string) error {
			other := path + ".2"
			return errors.Join(rename(path), os.WriteFile(other, nil, 0o600), os.Symlink(other, path))
		},
	} {
		file := opened(t, nil)
		if _, err := begin(t, file, campaign); err != nil {
			t.Fatal(err)
		}
		add(t, file, batch(0, 1))
		if err := move(file.Path()); err != nil {
			t.Fatal(err)
		}
		if err := file.Append(t.Context(), batch(1, 1)); !errors.Is(err, journal.ErrMoved) || !strings.Contains(err.Error(), file.Path()) {
			t.Errorf("%s: Append = %v, want ErrMoved", name, err)
		}
		end(t, file)
		if _, err := begin(t, file, campaign); !errors.Is(err, journal.ErrMoved) {
			t.Errorf("%s: Begin = %v, want ErrMoved", name, err)
		}
	}
}

// A journal that was renamed has its records, and none that were refused.
func TestRenamed(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatal(err)
	}
	add(t, file, batch(0, 3))
	name := path(t)
	if err := os.Rename(file.Path(), name); err != nil {
		t.Fatal(err)
	}
	if err := file.Append(t.Context(), batch(3, 3)); err == nil {
		t.Error("Append = nil, want an error")
	}
	end(t, file)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	file = open(t, name)
	if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, batch(0, 3)) || file.Repaired() != 0 {
		t.Errorf("Begin = %+v, %v, repaired %d; want the first batch", records, err, file.Repaired())
	}
}

// What Begin would refuse is not appended, and nothing of its batch is.
func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*roq.JournalRecord){
		"Key must":          func(r *roq.JournalRecord) { r.Key = r.Key[1:] },
		"record 1: the Key": func(r *roq.JournalRecord) { r.Key += "00" },
		"hexadecimal":       func(r *roq.JournalRecord) { r.Key = strings.Repeat("x", 32) },
		"Status":            func(r *roq.JournalRecord) { r.Status = "delivered" },
		`Status ""`:         func(r *roq.JournalRecord) { r.Status = "" },
		"duplicate":         func(r *roq.JournalRecord) { r.Status = roq.OutcomeDuplicate },
		"At must":           func(r *roq.JournalRecord) { r.At = time.Time{} },
		"year outside":      func(r *roq.JournalRecord) { r.At = r.At.AddDate(10_000, 0, 0) },
		"must not be lon":   func(r *roq.JournalRecord) { r.Message = strings.Repeat("m", 32<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := opened(t, nil)
			if _, err := begin(t, file, campaign); err != nil {
				t.Fatal(err)
			}
			records := batch(0, 3)
			spoil(&records[1])
			if err := file.Append(t.Context(), records); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("Append = %v, want that %q", err, name)
			}
			add(t, file, batch(3, 3))
			end(t, file)
			if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, batch(3, 3)) {
				t.Errorf("Begin = %+v, %v; want the other batch", records, err)
			}
		})
	}
}

// The longest line that is appended can be read.
func TestLongestLine(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatal(err)
	}
	records := batch(2, 1)
	records[0].Message = strings.Repeat("m", 32<<20)
	err := file.Append(t.Context(), records)
	var size, most int
	if err == nil {
		t.Fatal("Append = nil, want an error")
	} else if _, err := fmt.Sscanf(err.Error(), "journal: a line of %d bytes: must not be longer than %d", &size, &most); err != nil {
		t.Fatal(err)
	}
	records[0].Message = records[0].Message[size-most:]
	add(t, file, records, batch(3, 1))
	end(t, file)
	if again, err := begin(t, file, campaign); err != nil || !slices.Equal(again, slices.Concat(records, batch(3, 1))) {
		t.Errorf("Begin = %d records, %v; want 2", len(again), err)
	}
}
