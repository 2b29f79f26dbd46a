package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-roq/roq"
)

// fate is what the report says of one row, beside what the row says itself.
type fate struct {
	Status   roq.OutcomeStatus `json:"status"`
	InviteID string            `json:"invite,omitempty"`
	Code     string            `json:"code,omitempty"`
	Message  string            `json:"message,omitempty"`
}

func newFate(o roq.SendOutcome) fate {
	f := fate{Status: o.Status, InviteID: o.InviteID}
	var refused roq.UserInviteError
	var failed *roq.Error
	switch {
	case o.Status == roq.OutcomeDuplicate:
		f.Message = "the address of an earlier row"
	case errors.As(o.Err, &refused):
		f.Code, f.Message = refused.Code, refused.Message
	case errors.Is(o.Err, roq.ErrInvalidInput) && errors.As(o.Err, &failed):
		f.Message = failed.Message
	case errors.As(o.Err, &failed):
		f.Code, f.Message = failed.Code, failed.Error()
	}
	return f
}

// fates keeps what became of the rows until the report is written, by the place
// of the row. Outcomes come in any order, and the first may come last: what is
// held until its turn has come could become all there is. So they go into a file
// as they come, and only where they are in it is kept: eight bytes for each row,
// less than SendAllUserInvites keeps of it.
type fates struct {
	file *os.File
	to   *bufio.Writer
	size int64
	at   []int64 // by row, from 1; 0 is none
}

// newFates makes its file in a directory, that of the report, so that one which
// cannot be written to is known before anything is sent.
func newFates(dir string, rows int) (*fates, error) {
	file, err := os.CreateTemp(dir, ".campaign-*.tmp")
	if err != nil {
		return nil, err
	}
	// Where the system allows it the name goes at once, so that nothing is left
	// even of a process that is killed.
	_ = os.Remove(file.Name())
	return &fates{file: file, to: bufio.NewWriter(file), at: make([]int64, rows)}, nil
}

func (f *fates) close() {
	_ = f.file.Close()
	_ = os.Remove(f.file.Name())
}

func (f *fates) put(row int, one fate) error {
	line, err := json.Marshal(one)
	if err != nil {
		return err
	}
	for len(f.at) <= row { // the file has grown since it was counted
		f.at = append(f.at, 0)
	}
	f.at[row] = f.size + 1
	f.size += int64(len(line))
	_, err = f.to.Write(line)
	return err
}

// get returns what became of a row: of one of which nothing is known, that it was
// not sent.
func (f *fates) get(row int) (fate, error) {
	if row >= len(f.at) || f.at[row] == 0 {
		return fate{Status: roq.OutcomeNotSent, Message: "not attempted"}, nil
	}
	if err := f.to.Flush(); err != nil {
		return fate{}, err
	}
	begin := f.at[row] - 1
	var one fate
	err := json.NewDecoder(io.NewSectionReader(f.file, begin, f.size-begin)).Decode(&one)
	return one, err
}

// writeReport writes one line for each row, in their order.
func writeReport(out io.Writer, separator rune, rows iter.Seq2[row, error], f *fates) error {
	w := csv.NewWriter(out)
	w.Comma = separator
	if err := w.Write([]string{"line", "email", "status", "inviteId", "code", "message"}); err != nil {
		return err
	}
	i := 0
	for r, err := range rows {
		if err != nil {
			return err
		}
		one, err := f.get(i)
		if err != nil {
			return err
		}
		if r.err != nil {
			one.Message = r.err.Error()
		}
		record := []string{strconv.Itoa(r.line), r.input.Email, string(one.Status), one.InviteID, one.Code, one.Message}
		for n, cell := range record {
			record[n] = harmless(cell)
		}
		if err := w.Write(record); err != nil {
			return err
		}
		i++
	}
	w.Flush()
	return w.Error()
}

// harmless keeps a spreadsheet from taking a cell for a formula: an apostrophe
// goes in front of what begins like one, unless it is only a number. So it does
// inside the cell, after what a spreadsheet that was told of another separator
// would take for the end of it.
func harmless(cell string) string {
	cell = strings.ToValidUTF8(cell, "\uFFFD")
	if number(cell) {
		return cell
	}
	var b strings.Builder
	begins := true
	for _, r := range cell {
		if begins && strings.ContainsRune("=+-@\t\r＝＋－＠", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = strings.ContainsRune(",;\t\r\n\"", r)
	}
	return b.String()
}

// number reports whether a cell is a sign and digits and nothing else.
func number(cell string) bool {
	digits := strings.TrimLeft(cell, "+-")
	return digits != "" && len(cell)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

// replaceFile writes a file whole or not at all: into one beside it, which then
// takes its place. Only its owner may read it.
func replaceFile(path string, write func(io.Writer) error) error {
	beside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	to := bufio.NewWriter(beside)
	err = errors.Join(write(to), to.Flush(), beside.Sync(), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), path)
	}
	if err != nil {
		_ = os.Remove(beside.Name())
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	_ = dir.Sync() // not every system has that for a directory
	return nil
}
