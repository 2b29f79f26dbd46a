package main

import (
	"fmt"
	"io"
	"iter"
	"os"
)

// source is a CSV file that can be read from its beginning any number of times,
// and by several at once.
type source struct {
	format
	path string
	file *os.File
	info os.FileInfo
}

func openSource(path string, f format) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s must be a regular file, because it is read more than once", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &source{format: f, path: path, file: file, info: info}, nil
}

// read reads the header. What is added to the file later is not read.
func (s *source) read() (*sheet, error) {
	sheet, err := s.open(io.NewSectionReader(s.file, 0, s.info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return sheet, nil
}

// rows reads the rows.
func (s *source) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		sheet, err := s.read()
		if err != nil {
			yield(row{}, err)
			return
		}
		for r, err := range sheet.rows() {
			if err != nil {
				err = fmt.Errorf("%s: %w", s.path, err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// changed reports whether the file is another than when it was opened.
func (s *source) changed() bool {
	now, err := s.file.Stat()
	return err != nil || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime())
}
