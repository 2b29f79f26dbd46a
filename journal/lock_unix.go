//go:build unix && !aix

package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock locks the file for this open file alone and reports whether it could. The
// lock belongs to the inode, whatever the name by which the file was opened.
func lock(file *os.File) (bool, error) {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		}
		return err == nil, err
	}
}

// unlock releases the lock. Closing the file does not suffice: a process that is
// just being started shares the open file until it calls exec.
func unlock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_UN)
}
