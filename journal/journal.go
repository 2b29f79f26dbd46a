// Package journal keeps the journal of a campaign in a file, so that a
// [roq.RoqPlatform.SendAllUserInvites] that was interrupted at any moment can resume:
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
// The file is text. Its first line identifies the format and the campaign. Every other
// line has a checksum and the records of one batch as JSON. The file contains hashes of
// e-mail addresses, but no e-mail address.
//
// Records survive a crash of the machine once [File.Append] has returned nil for
// them. Other records may be incomplete after a crash; [File.Begin] removes them, and
// [File.Repaired] reports it. Any other damage is [ErrDamaged].
package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-roq/roq"
)

// Why a journal cannot be used, for [errors.Is].
var (
	// ErrInUse means that another stream uses the journal, or that another process or
	// another File has it open.
	ErrInUse = errors.New("journal: in use")
	// ErrVersion means that a newer version of this package wrote the journal.
	ErrVersion = errors.New("journal: newer version")
	// ErrCampaign means that the journal belongs to another campaign.
	ErrCampaign = errors.New("journal: another campaign")
	// ErrDamaged means that the file is not a journal, or that records in it were
	// damaged after they were written. The text of the error has the byte offset.
	ErrDamaged = errors.New("journal: damaged")
	// ErrMoved means that the path of the journal no longer leads to the open file: it
	// was removed, renamed or replaced. Records written to it could not be found again.
	ErrMoved = errors.New("journal: moved")
)

// File is a [roq.Journal] in a file. It is safe for concurrent use, and serves one
// stream at a time, from Begin to End.
type File struct {
	path string
	// open is the file with its lock, and file is the same for reading and writing.
	open *os.File
	file disk
	// info identifies the open file.
	info os.FileInfo

	mu sync.Mutex
	// inUse is whether a stream has called Begin, and begun whether that has read the
	// file to its end, so that records can be appended.
	inUse, begun bool
	// start is the size after Begin, size the size now, in whole lines, and synced how
	// much of that is on the disk.
	start, size, synced int64
	repaired            int64
	// broken is the first write or fsync that failed. Nothing may follow half a line.
	broken error
	// unsynced is the fsync that failed. The content of the disk is unknown then, and
	// the next fsync may succeed all the same.
	unsynced error

	// syncing is held during an fsync.
	syncing sync.Mutex
}

// disk is the part of an *os.File that a File uses.
type disk interface {
	io.ReadWriteSeeker
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// Open opens the journal at path, or creates one that only its owner may read. The
// file is locked until Close: opening it again, in any process and by any path, a
// symbolic link or a hard link, is [ErrInUse].
func Open(path string) (*File, error) {
	// The path must lead to the same file when the working directory has changed.
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	// Without O_APPEND, because Windows does not truncate such a file.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	switch ok, err := lock(file); {
	case err != nil:
		_ = file.Close()
		return nil, fmt.Errorf("journal: %s cannot be locked: %w", path, err)
	case !ok:
		_ = file.Close()
		return nil, fmt.Errorf("%w: %s is already open", ErrInUse, path)
	}
	info, err := file.Stat()
	if err != nil {
		_ = unlock(file)
		_ = file.Close()
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &File{path: path, open: file, file: file, info: info}, nil
}

// Close releases the lock and closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = false // nothing is written without the lock
	return errors.Join(unlock(f.open), f.file.Close())
}

// Repaired returns how many bytes the last [File.Begin] removed from the end of the
// file: incomplete records of a crash. No record for which Append had returned nil is
// among them.
func (f *File) Repaired() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.repaired
}

// Begin implements [roq.Journal]. It removes incomplete records that a crash left
// before Append had returned for them. If another stream uses the File, the error is
// [ErrInUse], and that stream is not affected. Begin yields [ErrCampaign] for a journal
// of another campaign, [ErrVersion] for one of a newer version, [ErrMoved] if the path
// no longer leads to the file, and [ErrDamaged] if the file is otherwise damaged or is
// not a journal. It does not change the file then. After a failed write or fsync Begin
// yields that error, and the journal must be opened again.
//
// If Begin yields an error, or if the loop over it ends early, the stream does not use
// the journal, and End must not be called.
func (f *File) Begin(_ context.Context, campaign string) iter.Seq2[roq.JournalRecord, error] {
	return func(yield func(roq.JournalRecord, error) bool) {
		if err := f.begin(campaign, yield); err != nil {
			yield(roq.JournalRecord{}, err)
		}
	}
}

// errLeft ends the reading when the loop over the records was left.
var errLeft = errors.New("left")

func (f *File) begin(campaign string, yield func(roq.JournalRecord, error) bool) error {
	if err := f.take(); err != nil {
		return err
	}
	defer func() { // also if yield panics
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inUse = f.begun
	}()
	if err := f.inPlace(); err != nil {
		return err
	}
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
	return f.prepare(campaign, end, size)
}

// take reserves the File for one stream.
func (f *File) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.inUse:
		return fmt.Errorf("%w: another stream uses %s", ErrInUse, f.path)
	case f.broken != nil:
		return f.broken
	}
	f.inUse = true
	return nil
}

// inPlace returns an error if the path no longer leads to the open file.
func (f *File) inPlace() error {
	switch info, err := os.Stat(f.path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s no longer exists", ErrMoved, f.path)
	case err != nil:
		return fmt.Errorf("journal: %w", err)
	case !os.SameFile(info, f.info):
		return fmt.Errorf("%w: %s is now another file", ErrMoved, f.path)
	}
	return nil
}

// prepare makes the file ready for records: it ends at end and has a first line. What
// was read may have been in the system's memory only, so it is synced.
func (f *File) prepare(campaign string, end, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end < size {
		if err := f.file.Truncate(end); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	f.repaired = size - end
	if _, err := f.file.Seek(end, io.SeekStart); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	f.size = end
	if end == 0 {
		if err := f.write("", header{Journal: format, Version: version, Campaign: campaign}); err != nil {
			return err
		}
	}
	if err := f.file.Sync(); err != nil {
		f.unsynced = fmt.Errorf("journal: %w", err)
		f.broken = f.unsynced
		return f.broken
	}
	// The name must survive a crash as well.
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer func() { _ = dir.Close() }()
	_ = dir.Sync() // not every system can do that with a directory
	f.start, f.synced, f.begun = f.size, f.size, true
	return nil
}

// Append implements [roq.Journal]. It returns when the records are on disk. Concurrent
// calls share an fsync. Append refuses records that Begin would not accept: each needs a
// Key of 32 hexadecimal digits, a Status that the documentation of [roq.JournalRecord]
// allows, and a time.
func (f *File) Append(_ context.Context, records []roq.JournalRecord) error {
	lines := make([]record, len(records))
	for i, r := range records {
		lines[i] = record(r)
		if err := lines[i].check(); err != nil {
			return fmt.Errorf("journal: record %d: %w", i, err)
		}
	}
	end, err := f.add(lines)
	if err != nil {
		return err
	}
	return f.sync(end)
}

// add writes one line of records and returns where it ends.
func (f *File) add(records []record) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		return 0, errors.New("journal: Append before Begin or after End")
	}
	if err := f.inPlace(); err != nil {
		return 0, err
	}
	err := f.write(position(f.synced), records)
	return f.size, err
}

// write adds one line. Its caller holds mu.
func (f *File) write(prefix string, content any) error {
	if f.broken != nil {
		return f.broken
	}
	line, err := encode(prefix, content)
	if err != nil {
		return err
	}
	if _, err := f.file.Write(line); err != nil {
		f.broken = fmt.Errorf("journal: %w", err)
		return f.broken
	}
	f.size += int64(len(line))
	return nil
}

// sync returns when the file is on the disk up to end.
func (f *File) sync(end int64) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	f.mu.Lock()
	size, synced, unsynced := f.size, f.synced, f.unsynced
	f.mu.Unlock()
	switch {
	case synced >= end:
		return nil
	case unsynced != nil:
		return unsynced
	}
	err := f.file.Sync()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.unsynced = fmt.Errorf("journal: %w", err)
		f.broken = f.unsynced
		return f.broken
	}
	f.synced = size
	return nil
}

// End implements [roq.Journal]. Append is refused until the next Begin.
func (f *File) End() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		return errors.New("journal: End before Begin")
	}
	if f.size > f.start && f.synced == f.size && f.inPlace() == nil {
		// A line without records says that those before it are on the disk: later damage
		// to them is not taken for a torn write. They are safe without it, so it is not
		// synced, and a failure to write it is not an error of the stream.
		_ = f.write(position(f.synced), []record{})
	}
	f.inUse, f.begun = false, false
	return nil
}
