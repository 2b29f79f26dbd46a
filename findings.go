package roq

import (
	"fmt"
	"strings"
)

// maxFindings bounds what one error lists: a million bad invites must not make a
// text of a hundred megabytes.
const maxFindings = 100

// findings collects everything that is wrong with an input, each finding with
// the path of the Go field: "UserInvites[3].Email: must not be empty".
type findings struct {
	list  []string
	more  int
	kinds []error
	// invite is the number, from 1, of the invite that is looked at: what is found is
	// in it. Zero if it is none of several.
	invite int
}

func (f *findings) add(path, rule string) {
	if len(f.list) == maxFindings {
		f.more++
		return
	}
	if f.invite > 0 {
		path = fmt.Sprintf("UserInvites[%d].%s", f.invite-1, path)
	}
	f.list = append(f.list, path+": "+rule)
}

// check adds err, if it is not nil, as what is wrong at path.
func (f *findings) check(path string, err error) {
	if err != nil {
		f.add(path, err.Error())
	}
}

// err returns the findings as one error, or nil if there are none.
func (f *findings) err(operation string) error {
	if len(f.list) == 0 {
		return nil
	}
	text := strings.Join(f.list, "; ")
	if f.more > 0 {
		text += fmt.Sprintf("; and %d more", f.more)
	}
	return invalid(operation, text, f.kinds...)
}
