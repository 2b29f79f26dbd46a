package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"

	"github.com/go-roq/roq"
)

// writeReport writes one line for each row, in their order, to out, and those that
// are unknown to unknown as well. It returns how many are unknown.
func writeReport(out, unknown io.Writer, separator rune, rows iter.Seq2[row, error], kept *outcomes) (int, error) {
	all, some := csv.NewWriter(out), csv.NewWriter(unknown)
	all.Comma, some.Comma = separator, separator
	header := []string{"line", "email", "status", "inviteId", "code", "message"}
	if err := errors.Join(all.Write(header), some.Write(header)); err != nil {
		return 0, err
	}
	n, i, firsts := 0, 0, make(firstLines)
	for r, err := range rows {
		if err != nil {
			return n, err
		}
		one, err := kept.get(i)
		if err != nil {
			return n, err
		}
		i++
		if r.err != nil {
			one.Message = r.err.Error()
		} else if first := firsts.line(r); one.Status == roq.OutcomeDuplicate && first != r.line {
			one.Message = fmt.Sprintf("duplicate of line %d", first)
		}
		record := []string{strconv.Itoa(r.line), r.input.Email, string(one.Status), one.InviteID, one.Code, one.Message}
		for n, cell := range record {
			record[n] = roq.SpreadsheetCell(cell)
		}
		if err := all.Write(record); err != nil {
			return n, err
		}
		if one.Status == roq.OutcomeUnknown {
			n++
			if err := some.Write(record); err != nil {
				return n, err
			}
		}
	}
	all.Flush()
	some.Flush()
	return n, errors.Join(all.Error(), some.Error())
}

// saveReport replaces the report, and the file with the rows that are unknown or
// removes it if there are none.
func saveReport(s settings, source *source, kept *outcomes) error {
	unknown := 0
	err := replaceFile(s.unknown, func(some io.Writer) error {
		return replaceFile(s.report, func(all io.Writer) (err error) {
			unknown, err = writeReport(all, some, source.separator, source.rows(), kept)
			return err
		})
	})
	if err == nil && unknown == 0 {
		err = os.Remove(s.unknown)
	}
	return err
}

// checkReport refuses a path that saveReport could not replace, before anything is
// sent. A rehearsal replaces nothing but what has its default name.
func checkReport(s settings, given bool) error {
	for _, path := range []string{s.report, s.unknown} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("the report cannot be written: %w", err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("the report cannot be written: %s is not a regular file: choose another -report", path)
		case given && !s.platform:
			return fmt.Errorf("%s exists, and a rehearsal does not overwrite it: choose another -report, or remove it", path)
		}
		// Whoever has it open may keep it from being replaced.
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("the report cannot be written: %w", err)
		}
		_ = file.Close()
	}
	return nil
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
