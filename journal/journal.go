// Package journal keeps the journal of a campaign in a file, so that a
// [roq.RoqPlatform.SendAllUserInvites] that was cut off at any moment can go on
// where it was:
//
//	file, err := journal.Open("spring.journal")
//	if err != nil {
//		return err
//	}
//	defer file.Close()
//	for outcome, err := range platform.SendAllUserInvites(ctx, people, roq.WithJournal(file)) {
//		…
//	}
//
// The file is text. Its first line says what it is and which campaign it is of, and
// every other line holds the records of one batch as JSON, behind a checksum. It has
// no e-mail address in it, but hashes of them.
package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/go-roq/roq"
)

// Why a journal cannot be used, for [errors.Is].
var (
	// ErrInUse means that another process, or another File, has the journal open.
	ErrInUse = errors.New("journal: in use")
	// ErrVersion means that a newer version of this package wrote the journal.
	ErrVersion = errors.New("journal: newer version")
	// ErrCampaign means that the journal is of another campaign.
	ErrCampaign = errors.New("journal: another campaign")
	// ErrDamaged means that the file is no journal, or that something in the middle
	// of it cannot be read.
	ErrDamaged = errors.New("journal: damaged")
)

// File is a [roq.Journal] in a file. It is safe for concurrent use.
type File struct {
	path string
	file disk
	lock *flock.Flock

	mu sync.Mutex
	// inUse is whether a stream has begun and not ended.
	inUse bool
	// begun is whether the file is known to be in order, so that it can be added to.
	begun bool
	// broken is what went wrong with writing: nothing may follow half a line.
	broken   error
	written  int // lines
	repaired int64

	syncing sync.Mutex
	synced  int // lines
	// unsynced is an fsync that failed. Nobody knows what the disk has then, and the
	// next one need not tell.
	unsynced error
}

// disk is the part of an *os.File that a File has a use for.
type disk interface {
	io.ReadWriteSeeker
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// Open opens the journal at path, or makes one that only its owner may read. It is
// this File's alone until Close: a second one is [ErrInUse]. The lock is the file
// path.lock, which stays.
func Open(path string) (*File, error) {
	lock := flock.New(path + ".lock")
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("journal: %s cannot be locked: %w", path, err)
	case !locked:
		return nil, fmt.Errorf("%w: %s is open in another process", ErrInUse, path)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &File{path: path, file: file, lock: lock}, nil
}

// Close gives the journal free.
func (f *File) Close() error {
	return errors.Join(f.file.Close(), f.lock.Unlock())
}

// Repaired is how many bytes the last [File.Begin] took off the end of the file: a
// record that was being written when the machine or the process stopped. Nothing
// that Append has returned for is lost with it.
func (f *File) Repaired() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.repaired
}

// Begin implements [roq.Journal]. A record at the end that was cut is taken off; a
// journal of another campaign is [ErrCampaign], of a newer version [ErrVersion], and
// one that is damaged elsewhere, or no journal, [ErrDamaged]. Nothing is changed
// then.
func (f *File) Begin(_ context.Context, campaign string) iter.Seq2[roq.JournalRecord, error] {
	return func(yield func(roq.JournalRecord, error) bool) {
		if err := f.begin(campaign, yield); err != nil {
			yield(roq.JournalRecord{}, err)
		}
	}
}

// errLeft ends the reading when nobody wants more.
var errLeft = errors.New("left")

// End implements [roq.Journal]: another stream may use the journal.
func (f *File) End() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inUse, f.begun = false, false
	return nil
}

func (f *File) begin(campaign string, yield func(roq.JournalRecord, error) bool) error {
	f.mu.Lock()
	if f.inUse {
		f.mu.Unlock()
		return fmt.Errorf("%w: another stream uses it", ErrInUse)
	}
	f.inUse, f.begun = true, false // nothing is added while it is read
	f.mu.Unlock()
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	end, size, err := read(f.file, campaign, func(r roq.JournalRecord) error {
		if !yield(r, nil) {
			return errLeft
		}
		return nil
	})
	switch {
	case errors.Is(err, errLeft):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %s", err, f.path)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repaired = size - end
	if f.repaired > 0 {
		if err := f.file.Truncate(end); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	f.begun = true
	if end == 0 {
		if err := f.create(campaign); err != nil {
			f.begun = false // what is added would have nothing in front of it
			return err
		}
	}
	return nil
}

// create writes the first line, and sees to it that the file is found after a crash
// of the machine.
func (f *File) create(campaign string) error {
	if err := f.write(header{Journal: format, Version: version, Campaign: campaign}); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer func() { _ = dir.Close() }()
	_ = dir.Sync() // not every system has that for a directory
	return nil
}

// Append implements [roq.Journal]. It returns when the records are on the disk;
// callers that come at the same time share one fsync.
func (f *File) Append(_ context.Context, records []roq.JournalRecord) error {
	lines := make([]record, len(records))
	for i, r := range records {
		lines[i] = record(r)
	}
	f.mu.Lock()
	err := f.write(lines)
	line := f.written
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.sync(line)
}

// write adds one line. What stands behind a line that could not be written whole
// would be lost with it, so nothing is added any more then.
func (f *File) write(content any) error {
	switch {
	case !f.begun:
		return errors.New("journal: Append before Begin")
	case f.broken != nil:
		return f.broken
	}
	line, err := encode(content)
	if err != nil {
		return err
	}
	if _, err := f.file.Write(line); err != nil {
		f.broken = fmt.Errorf("journal: %w", err)
	}
	f.written++
	return f.broken
}

// sync returns when so many lines are on the disk.
func (f *File) sync(line int) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	switch {
	case f.synced >= line:
		return nil
	case f.unsynced != nil:
		return f.unsynced
	}
	f.mu.Lock()
	written := f.written
	f.mu.Unlock()
	if err := f.file.Sync(); err != nil {
		f.unsynced = fmt.Errorf("journal: %w", err)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.broken = f.unsynced
		return f.broken
	}
	f.synced = written
	return nil
}
