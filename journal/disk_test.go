package journal_test

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/go-roq/roq/journal"
)

// trouble is a disk that fails for a while.
type trouble struct {
	journal.Disk
	mu sync.Mutex
	// room is how many bytes can still be written.
	room int
	// sync happens before an fsync, or instead if it returns an error.
	sync func() error
	// written gets a value for each line.
	written chan struct{}
}

func (d *trouble) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.Disk.Write(p[:min(len(p), d.room)])
	d.room -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	d.written <- struct{}{}
	return n, err
}

func (d *trouble) Sync() error {
	if err := d.sync(); err != nil {
		return err
	}
	return d.Disk.Sync()
}

// troubled is a journal, begun, whose disk can fail.
func troubled(t *testing.T) (*journal.File, *trouble) {
	t.Helper()
	file := opened(t, written(t, batch(0, 3)))
	disk := &trouble{room: 1 << 20, sync: func() error { return nil }, written: make(chan struct{}, 100)}
	file.Meddle(func(d journal.Disk) journal.Disk {
		disk.Disk = d
		return disk
	})
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatal(err)
	}
	return file, disk
}

// After half a line nothing is added, also when there is room again, and what was
// there before can be read.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, room := range []int{0, 1, 20, 100} {
		file, disk := troubled(t)
		add(t, file, batch(3, 2))
		disk.room = room
		for range 2 {
			if err := file.Append(t.Context(), batch(5, 3)); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("room for %d bytes: Append = %v, want ENOSPC", room, err)
			}
			disk.room = 1 << 20
		}
		file = opened(t, content(t, file))
		records, err := begin(t, file, campaign)
		if want := slices.Concat(batch(0, 3), batch(3, 2)); err != nil || !slices.Equal(records, want) || file.Repaired() != int64(room) {
			t.Errorf("room for %d bytes: Begin = %+v, %v, repaired %d; want %+v", room, records, err, file.Repaired(), want)
		}
		add(t, file, batch(5, 3))
	}
}

// A line that could not be written does not undo the one before it, which is on
// its way to the disk.
func TestDiskFullBehind(t *testing.T) {
	t.Parallel()
	file, disk := troubled(t)
	syncing, goOn := make(chan struct{}), make(chan struct{})
	disk.sync = func() error {
		close(syncing)
		<-goOn
		return nil
	}
	first := make(chan error)
	go func() { first <- file.Append(t.Context(), batch(3, 1)) }()
	<-syncing
	disk.mu.Lock()
	disk.room = 10
	disk.mu.Unlock()
	if err := file.Append(t.Context(), batch(4, 1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the second Append = %v, want ENOSPC", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("the first Append = %v, want nil: it is on the disk", err)
	}
}

// What the disk has after an fsync that failed nobody knows, also when the next
// one does not: a system tells of a page that it could not write only once.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	file, disk := troubled(t)
	syncing, goOn := make(chan struct{}), make(chan struct{})
	tries := 0 // one at a time
	disk.sync = func() error {
		if tries++; tries > 1 {
			return nil
		}
		close(syncing)
		<-goOn
		return syscall.EIO
	}
	results := make(chan error)
	for n := range 3 {
		go func() { results <- file.Append(t.Context(), batch(3+n, 1)) }()
		<-disk.written
	}
	<-syncing
	close(goOn)
	for range 3 {
		if err := <-results; !errors.Is(err, syscall.EIO) {
			t.Errorf("Append = %v, want EIO: it was written before the fsync that failed", err)
		}
	}
	if err := file.Append(t.Context(), batch(6, 1)); !errors.Is(err, syscall.EIO) {
		t.Errorf("a later Append = %v, want EIO", err)
	}
	if tries != 1 {
		t.Errorf("%d fsyncs, want 1", tries)
	}
}

// A journal that could not be made is not one.
func TestBeginCannotWrite(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*trouble){
		"full":  func(d *trouble) { d.room = 10 },
		"fsync": func(d *trouble) { d.sync = func() error { return syscall.EIO } },
	} {
		file := opened(t, nil)
		disk := &trouble{room: 1 << 20, sync: func() error { return nil }, written: make(chan struct{}, 100)}
		file.Meddle(func(d journal.Disk) journal.Disk {
			disk.Disk = d
			return disk
		})
		fail(disk)
		if _, err := begin(t, file, campaign); !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: Begin = %v, want the disk's error", name, err)
		}
		disk.room, disk.sync = 1<<20, func() error { return nil }
		if err := file.Append(t.Context(), batch(0, 1)); err == nil {
			t.Errorf("%s: Append = nil, want an error", name)
		}
		file = opened(t, content(t, file))
		if _, err := begin(t, file, campaign); err != nil {
			t.Errorf("%s: Begin with a disk in order = %v", name, err)
		}
		add(t, file, batch(0, 1))
	}
}
