package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/go-roq/roq"
)

// statusNotRecorded is the status of a row whose outcome could not be saved: only
// the journal has it.
const statusNotRecorded roq.OutcomeStatus = "not recorded"

// outcome is what the report says of one row, beside what the row says itself.
type outcome struct {
	Status   roq.OutcomeStatus `json:"status"`
	InviteID string            `json:"invite,omitempty"`
	Code     string            `json:"code,omitempty"`
	Message  string            `json:"message,omitempty"`
}

func newOutcome(o roq.SendOutcome) outcome {
	out := outcome{Status: o.Status, InviteID: o.InviteID}
	var refused roq.UserInviteError
	var failed *roq.Error
	switch {
	case o.Status == roq.OutcomeDuplicate:
		out.Message = "duplicate of an earlier line"
	case errors.As(o.Err, &refused):
		out.Code, out.Message = refused.Code, refused.Message
	case errors.Is(o.Err, roq.ErrInvalidInput) && errors.As(o.Err, &failed):
		out.Message = failed.Message
	case errors.As(o.Err, &failed):
		out.Code, out.Message = failed.Code, failed.Error()
	}
	return out
}

// outcomes keeps the outcomes until the report is written, by the index of the row.
// They come in any order, and the first may come last: all of them may have to wait.
// So they are saved in a file as they come, and memory has only their places in it:
// eight bytes for each row, less than SendAllUserInvites keeps of it.
type outcomes struct {
	file *os.File
	to   io.WriterAt // the file
	size int64
	at   []int64 // by row, from 1; 0 is none, notSaved one that is lost
	lost int
}

const notSaved = -1

// newOutcomes makes its file in a directory, that of the report, so that one which
// cannot be written to is known before anything is sent.
func newOutcomes(dir string, rows int) (*outcomes, error) {
	file, err := os.CreateTemp(dir, ".campaign-*.tmp")
	if err != nil {
		return nil, err
	}
	// Where the system allows it the name goes at once, so that nothing is left
	// even of a process that is killed.
	_ = os.Remove(file.Name())
	return &outcomes{file: file, to: file, at: make([]int64, rows)}, nil
}

func (s *outcomes) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// put saves one. It is not buffered, so that each is saved or known to be lost.
func (s *outcomes) put(row int, one outcome) error {
	for len(s.at) <= row { // the file has grown since it was counted
		s.at = append(s.at, 0)
	}
	line, err := json.Marshal(one)
	if err == nil {
		_, err = s.to.WriteAt(line, s.size)
	}
	if err != nil {
		s.at[row] = notSaved
		s.lost++
		return err
	}
	s.at[row] = s.size + 1
	s.size += int64(len(line))
	return nil
}

// get returns the outcome of a row. One that has none was not taken from the file.
func (s *outcomes) get(row int) (outcome, error) {
	switch {
	case row >= len(s.at) || s.at[row] == 0:
		return outcome{Status: roq.OutcomeNotSent, Message: "not attempted"}, nil
	case s.at[row] == notSaved:
		return outcome{Status: statusNotRecorded, Message: "see the journal: run the same command again to report it"}, nil
	}
	begin := s.at[row] - 1
	var one outcome
	err := json.NewDecoder(io.NewSectionReader(s.file, begin, s.size-begin)).Decode(&one)
	return one, err
}

// firstLines has the line of each address that can be sent, by the first 16 bytes of
// its SHA-256: collisions are negligible.
type firstLines map[[sha256.Size / 2]byte]int

// line returns the first line with the address of a row, which is its own if none
// came before. A row that cannot be sent is nobody's first.
func (f firstLines) line(r row) int {
	sum := sha256.Sum256([]byte(roq.AddressKey(r.input.Email)))
	key := [sha256.Size / 2]byte(sum[:])
	if first, found := f[key]; found {
		return first
	}
	if r.err == nil && r.input.Validate() == nil {
		f[key] = r.line
	}
	return r.line
}
