package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"time"

	"github.com/go-roq/roq"
)

const (
	format  = "roq"
	version = 1
)

// header is the first line.
type header struct {
	Journal  string `json:"journal"`
	Version  int    `json:"version"`
	Campaign string `json:"campaign"`
}

// record is a [roq.JournalRecord] in the file.
type record struct {
	Key      string            `json:"key"`
	Status   roq.OutcomeStatus `json:"status"`
	InviteID string            `json:"invite,omitempty"`
	Code     string            `json:"code,omitempty"`
	Message  string            `json:"message,omitempty"`
	At       time.Time         `json:"at"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maxLine bounds a line: what is no journal may have no line end at all. The longest
// batch, all of it refused at length, is half as long.
const maxLine = 32 << 20

// sumSize is the length of a checksum and the space behind it.
const sumSize = 2*crc32.Size + 1

// encode makes a line: checksum, space, JSON, line end. There is no other line end
// in it.
func encode(content any) ([]byte, error) {
	var line bytes.Buffer
	line.WriteString("00000000 ")
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	b := line.Bytes()
	hex.Encode(b, checksum(b[sumSize:len(b)-1]))
	return b, nil
}

func checksum(content []byte) []byte {
	h := crc32.New(castagnoli)
	_, _ = h.Write(content)
	return h.Sum(nil)
}

// whole returns what stands behind the checksum, if the line is as it was written.
func whole(line []byte) ([]byte, bool) {
	content, ended := bytes.CutSuffix(line, []byte("\n"))
	if !ended || len(content) < sumSize || content[sumSize-1] != ' ' {
		return nil, false
	}
	sum := hex.EncodeToString(checksum(content[sumSize:]))
	return content[sumSize:], sum == string(content[:sumSize-1])
}

// read reads a journal of that campaign and hands on its records. It returns where
// what can be read ends and how long the file is: what is in between is a line that
// has no end, because the writing of it was cut off.
func read(r io.Reader, campaign string, each func(roq.JournalRecord) error) (end, size int64, err error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	for number := 0; ; number++ {
		line, err := readLine(buffered)
		size += int64(len(line))
		if err != nil && !errors.Is(err, io.EOF) {
			return end, size, fmt.Errorf("journal: %w", err)
		}
		cut := err != nil
		content, ok := whole(line)
		switch {
		case ok && number == 0:
			err = readHeader(content, campaign)
		case ok:
			err = readRecords(content, each)
		case number == 0 && newer(line):
			err = fmt.Errorf("%w: how it is written is not known to this version", ErrVersion)
		case cut && !endless(line) && (number > 0 || startsHeader(line, campaign)):
			return end, size, nil
		default:
			err = fmt.Errorf("%w: what stands at byte %d is not as it was written", ErrDamaged, end)
		}
		if err != nil {
			return end, size, err
		}
		end = size
	}
}

// readLine reads up to a line end, or as much as a line may hold.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for len(line) < maxLine {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
	return line, nil
}

func readHeader(content []byte, campaign string) error {
	var h header
	if err := json.Unmarshal(content, &h); err != nil || h.Journal != format || h.Version < 1 {
		return fmt.Errorf("%w: it is no journal", ErrDamaged)
	}
	if h.Version > version {
		return fmt.Errorf("%w: it is of version %d, and this package knows up to %d", ErrVersion, h.Version, version)
	}
	if h.Campaign != campaign {
		return fmt.Errorf("%w: it is of campaign %s, not %s", ErrCampaign, strconv.Quote(h.Campaign), strconv.Quote(campaign))
	}
	return nil
}

// newer reports whether a first line that cannot be checked is that of a journal of
// another version, which may have other checksums.
func newer(line []byte) bool {
	var h header
	start := bytes.IndexByte(line, '{')
	return start >= 0 && json.Unmarshal(line[start:], &h) == nil && h.Journal == format && h.Version > version
}

// startsHeader reports whether a file that is only this can be a journal of which
// not even the first line was written to its end. An empty file can.
func startsHeader(line []byte, campaign string) bool {
	whole, err := encode(header{Journal: format, Version: version, Campaign: campaign})
	return err == nil && bytes.HasPrefix(whole, line)
}

// endless reports whether a line without an end is whole but for that: its last
// byte was a line end, and is another now. Nothing that is cut looks like it.
func endless(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	_, ok := whole(append(line[:len(line)-1:len(line)-1], '\n'))
	return ok
}

func readRecords(content []byte, each func(roq.JournalRecord) error) error {
	var records []record
	if err := json.Unmarshal(content, &records); err != nil {
		return fmt.Errorf("%w: a line holds no records", ErrDamaged)
	}
	for _, r := range records {
		if err := each(roq.JournalRecord(r)); err != nil {
			return err
		}
	}
	return nil
}
