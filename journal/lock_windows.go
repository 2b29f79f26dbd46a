package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// locked is the byte that is locked. Locks are mandatory on Windows, so it is far
// beyond the end of any journal, which others can still read.
var locked = windows.Overlapped{OffsetHigh: 1 << 30}

// lock locks the file for this handle alone and reports whether it could.
func lock(file *os.File) (bool, error) {
	at := locked
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// unlock releases the lock. After a close alone, Windows releases it some time
// later.
func unlock(file *os.File) error {
	at := locked
	return windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, &at)
}
