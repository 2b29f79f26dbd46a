//go:build !windows && (!unix || aix)

package journal

import (
	"errors"
	"os"
)

// A journal that cannot be locked is refused: two streams could send the same
// invites.

func lock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func unlock(*os.File) error { return nil }
