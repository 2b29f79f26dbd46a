package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxRecord bounds one row, in bytes: without it a quote that nobody closed would
// bring the rest of the file into memory.
const maxRecord = 1 << 20

// saveAs is what to do with a file that is not CSV in UTF-8.
const saveAs = `open it in a spreadsheet program and save it as "CSV UTF-8"`

// decode returns the text of a file in UTF-8 or UTF-16. It recognizes UTF-16 without
// a byte order mark by the first character of the header, which is one of ASCII.
func decode(r io.Reader) (io.Reader, error) {
	file := bufio.NewReader(r)
	start, err := file.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for magic, kind := range map[string]string{
		"PK\x03\x04": "a workbook (.xlsx, .ods, .numbers) or another archive", "\xd0\xcf\x11\xe0": "a workbook (.xls)", "%PDF": "a PDF file",
		"\x1f\x8b": "a compressed file", "{\\rt": "an RTF document",
	} {
		if bytes.HasPrefix(start, []byte(magic)) {
			return nil, fmt.Errorf("it is %s, not CSV: %s", kind, saveAs)
		}
	}
	fallback := encoding.Nop.NewDecoder() // lines judges it
	if len(start) >= 2 && (start[0] == 0) != (start[1] == 0) {
		order := unicode.LittleEndian
		if start[0] == 0 {
			order = unicode.BigEndian
		}
		fallback = unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()
	}
	return transform.NewReader(file, unicode.BOMOverride(fallback)), nil
}

// lines hands a text out line by line, and keeps those of the current record: an
// encoding/csv.Reader reads no further than the record goes. Lines end with LF, CRLF
// or CR.
type lines struct {
	from   *bufio.Scanner
	number int      // of the line that was read last, from 1
	record []string // the lines that were read since begin
	size   int      // of those, in bytes
	rest   []byte   // of the last line, yet to be handed out
}

func newLines(text io.Reader) *lines {
	l := &lines{from: bufio.NewScanner(text)}
	l.from.Buffer(nil, maxRecord)
	l.from.Split(splitLine)
	return l
}

func splitLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch last := i == len(data)-1; {
	case i < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case i < 0, data[i] == '\r' && last && !atEOF:
		return 0, nil, nil
	case data[i] == '\r' && !last && data[i+1] == '\n':
		return i + 2, data[:i], nil
	}
	return i + 1, data[:i], nil
}

// begin forgets the lines of the record before.
func (l *lines) begin() { l.record, l.size = l.record[:0], 0 }

// first returns the number of the line that the record begins with. Empty lines
// before it are not of the record.
func (l *lines) first() int {
	for len(l.record) > 1 && l.record[0] == "" {
		l.record = l.record[1:]
	}
	return l.number - len(l.record) + 1
}

// again hands out once more the lines of the record.
func (l *lines) again() {
	l.rest = nil
	for _, line := range l.record {
		l.rest = append(append(l.rest, line...), '\n')
	}
}

// next reads a line.
func (l *lines) next() (string, error) {
	if !l.from.Scan() {
		err := l.from.Err()
		switch {
		case err == nil:
			err = io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			err = fmt.Errorf("line %d is longer than %d bytes: is the file CSV? If not, %s", l.number+1, maxRecord, saveAs)
		default:
			err = fmt.Errorf("after line %d: %w", l.number, err)
		}
		return "", err
	}
	line := l.from.Text()
	l.number++
	l.record = append(l.record, line)
	l.size += len(line)
	switch {
	case strings.IndexByte(line, 0) >= 0:
		return "", fmt.Errorf("line %d contains zero bytes, and is not text: %s", l.number, saveAs)
	case !utf8.ValidString(line):
		return "", fmt.Errorf("line %d is not valid UTF-8: %s", l.number, saveAs)
	case l.size > maxRecord:
		return "", fmt.Errorf("the row that begins on line %d has no end within %d bytes: close the quote (\") that is open there", l.first(), maxRecord)
	}
	return line, nil
}

// Read implements [io.Reader].
func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		line, err := l.next()
		if err != nil {
			return 0, err
		}
		l.rest = append([]byte(line), '\n')
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
