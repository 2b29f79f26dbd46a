package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq/roqtest"
)

// trouble is a way in which the platform treats requests.
type trouble struct {
	Name        string `json:"trouble"`
	Label       string `json:"label"`
	Explanation string `json:"explanation"`
	fault       roqtest.Fault
}

// troubles are all of them. The first is that there is none.
var troubles = []trouble{
	{"normal", "Normal", "Requests are answered at once.", roqtest.Fault{}},
	{"slow", "Slow", "Requests take three seconds.", roqtest.Fault{Delay: 3 * time.Second}},
	{"errors", "Errors 503", "Requests are answered with 503 and not processed.", roqtest.Fault{Status: http.StatusServiceUnavailable}},
	{"silent", "No answer", "Requests are processed, but the connection is closed without a response.", roqtest.Fault{Drop: roqtest.DropAfter}},
	{"limited", "Rate limited", "Requests are answered with 429 and not processed. Retry-After is 2 seconds.", roqtest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}}},
}

// operations are those that can be in trouble. Signing in and tokens are not among them,
// so that the effect is the one on invites.
var operations = []string{
	"sendUserInvites", "resendUserInvite", "cancelUserInvite", "userInvites", "userInvite", "acceptUserInvite", "checkUserInviteToken",
}

// maxTimes bounds for how many requests a trouble can be ordered.
const maxTimes = 1_000_000

// active is a trouble of one or all operations that still happens.
type active struct {
	trouble
	// Operation is empty if it is every one.
	Operation string `json:"operation"`
	// Times is how many requests of each operation it still happens to; 0 is all.
	Times int `json:"times"`
}

// String says it in plain words.
func (a active) String() string {
	text := a.Label
	if a.Operation != "" {
		text += " on " + a.Operation
	}
	switch a.Times {
	case 0:
		return text
	case 1:
		return text + ", once more"
	default:
		return fmt.Sprintf("%s, %d more times", text, a.Times)
	}
}

// troubleOf names a fault.
func troubleOf(f roqtest.Fault) trouble {
	i := slices.IndexFunc(troubles, func(t trouble) bool {
		return t.fault.Delay == f.Delay && t.fault.Status == f.Status && t.fault.Drop == f.Drop
	})
	return troubles[max(0, i)]
}

// activeTroubles returns the troubles that still happen. One that is the same for every
// operation is one.
func (s *site) activeTroubles() []active {
	var all []active
	for _, f := range s.platform.Faults() {
		all = append(all, active{troubleOf(f), f.Operation, f.Times})
	}
	same := func(a active) bool { return a.Name == all[0].Name && a.Times == all[0].Times }
	if len(all) == len(operations) && !slices.ContainsFunc(all, func(a active) bool { return !same(a) }) {
		all = []active{{all[0].trouble, "", all[0].Times}}
	}
	return all
}

// setTrouble changes how the platform treats the requests of an operation, or of every
// one if it is empty. What was set for others stays.
func (s *site) setTrouble(name, operation string, times int) error {
	i := slices.IndexFunc(troubles, func(t trouble) bool { return t.Name == name })
	switch {
	case i < 0:
		return errors.New("trouble must be one of " + troubleNames())
	case operation != "" && !slices.Contains(operations, operation):
		return errors.New("operation must be empty or one of " + strings.Join(operations, ", "))
	case times < 0 || times > maxTimes:
		return fmt.Errorf("times must be from 0 to %d", maxTimes)
	}
	affected := operations
	if operation != "" {
		affected = []string{operation}
	}
	s.platform.ChangeFaults(func(faults []roqtest.Fault) []roqtest.Fault {
		faults = slices.DeleteFunc(faults, func(f roqtest.Fault) bool { return slices.Contains(affected, f.Operation) })
		if i == 0 {
			return faults
		}
		for _, one := range affected {
			f := troubles[i].fault
			f.Operation, f.Times = one, times
			faults = append(faults, f)
		}
		return faults
	})
	return nil
}

func troubleNames() string {
	var names []string
	for _, t := range troubles {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// postTrouble is the form.
func (s *site) postTrouble(w http.ResponseWriter, r *http.Request) {
	times := 0
	if text := r.FormValue("times"); text != "" {
		var err error
		if times, err = strconv.Atoi(text); err != nil {
			s.refuse(w, r, http.StatusBadRequest, "The number of times must be a number.")
			return
		}
	}
	if err := s.setTrouble(r.FormValue("trouble"), r.FormValue("operation"), times); err != nil {
		s.refuse(w, r, http.StatusBadRequest, "This cannot be set: "+err.Error()+".")
		return
	}
	back(w, r)
}
