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

// The lines of a journal are
//
//	checksum header
//	checksum synced records
//	…
//
// where header and records are JSON, and synced is the offset up to which the file
// was known to be on the disk when the line was written. Damage in front of it is
// damage to acknowledged records; damage behind it may be a torn write.
//
// Version 1 had no synced: everything in front of one of its lines counts as synced.
// A journal of version 1 is continued with lines of version 2, and keeps its header;
// a package that knows only version 1 then refuses it as damaged.
const (
	format  = "roq"
	version = 2
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

// maxLine bounds a line: a file that is not a journal may have no line end at all.
// The longest batch, all of it refused at length, is half as long.
const maxLine = 32 << 20

// keySize is how many bytes the digits of a Key stand for.
const keySize = 16

// sumSize is the length of a checksum and the space behind it.
const sumSize = 2*crc32.Size + 1

// position is what stands between the checksum and the records of a line.
func position(synced int64) string { return strconv.FormatInt(synced, 10) + " " }

// encode returns a line: checksum, space, prefix, JSON, line end. The only line end
// in it is the last byte, and it has no NUL.
func encode(prefix string, content any) ([]byte, error) {
	var line bytes.Buffer
	line.WriteString("00000000 " + prefix)
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	b := line.Bytes()
	if len(b) > maxLine {
		return nil, fmt.Errorf("journal: a line of %d bytes: must not be longer than %d", len(b), maxLine)
	}
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

// split returns the two parts of a line of records that begins at offset at.
func split(content []byte, at int64) (synced int64, records []byte, ok bool) {
	if bytes.HasPrefix(content, []byte("[")) {
		return at, content, true
	}
	number, records, ok := bytes.Cut(content, []byte(" "))
	synced, err := strconv.ParseInt(string(number), 10, 64)
	return synced, records, ok && err == nil && 0 <= synced && synced <= at
}

// read reads a journal of that campaign and passes on its records. It returns where
// the intact lines end and how long the file is. Between the two is what a crash has
// torn before it was acknowledged.
func read(r io.Reader, campaign string, each func(roq.JournalRecord) error) (end, size int64, err error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	for number := 0; ; number++ {
		line, err := readLine(buffered)
		if err != nil && !errors.Is(err, io.EOF) {
			return end, size, fmt.Errorf("journal: %w", err)
		}
		last, at := err != nil, size
		size += int64(len(line))
		content, ok := whole(line)
		switch {
		case last && len(line) == 0:
			return end, size, nil
		case number == 0 && ok:
			err = readHeader(content, campaign)
		case number == 0 && newer(line):
			err = fmt.Errorf("%w: this package does not know its format", ErrVersion)
		case number == 0 && tornHeader(line, campaign):
			continue
		case ok && end == at:
			err = readRecords(content, at, each)
		default:
			if err = judge(line, end, at, last); err == nil {
				continue
			}
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
		return fmt.Errorf("%w: it is not a journal", ErrDamaged)
	}
	if h.Version > version {
		return fmt.Errorf("%w: its version is %d, and this package knows up to %d", ErrVersion, h.Version, version)
	}
	if h.Campaign != campaign {
		return fmt.Errorf("%w: it belongs to campaign %s, not %s", ErrCampaign, strconv.Quote(h.Campaign), strconv.Quote(campaign))
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

// tornHeader reports whether a line may be what a crash left of a first line: a part
// of it, in which any bytes may be zero.
func tornHeader(line []byte, campaign string) bool {
	for v := range version {
		header, err := encode("", header{Journal: format, Version: v + 1, Campaign: campaign})
		if err != nil || len(line) > len(header) {
			continue
		}
		torn := true
		for i, b := range line {
			torn = torn && (b == 0 || b == header[i])
		}
		if torn {
			return true
		}
	}
	return false
}

// judge looks at a line that begins at offset at, after the intact lines have ended
// at end. It returns nil if a crash may have left it like this before it was
// acknowledged.
func judge(line []byte, end, at int64, last bool) error {
	if end == 0 { // nothing is written behind a first line that is torn
		return damaged(0, "is not as it was written")
	}
	// Where zeros cover a line end, the next line may be intact behind them.
	zeros := bytes.LastIndexByte(line, 0) + 1
	if content, ok := whole(line[zeros:]); ok {
		if synced, _, ok := split(content, at+int64(zeros)); !ok || synced > end {
			return damaged(end, "is not as it was written, and had been synced")
		}
		return nil
	}
	if !torn(line, last) {
		return damaged(at, "is not as it was written")
	}
	return nil
}

// torn reports whether a line that is not whole looks like the rest of a write: its
// end is missing, or a part of it is zero. A flipped bit looks like neither.
func torn(line []byte, last bool) bool {
	switch first := bytes.IndexByte(line, 0); {
	case first < 0:
		return last && !wholeWith(line, len(line)-1, '\n')
	case bytes.IndexByte(line[first+1:], 0) < 0:
		for bit := range 8 {
			if wholeWith(line, first, 1<<bit) {
				return false
			}
		}
	}
	return true
}

// wholeWith reports whether a line would be whole with another byte at i.
func wholeWith(line []byte, i int, b byte) bool {
	line = bytes.Clone(line)
	line[i] = b
	_, ok := whole(line)
	return ok
}

func damaged(at int64, how string) error {
	return fmt.Errorf("%w: the line at byte %d %s", ErrDamaged, at, how)
}

func readRecords(content []byte, at int64, each func(roq.JournalRecord) error) error {
	var records []record
	_, content, ok := split(content, at)
	if !ok || json.Unmarshal(content, &records) != nil {
		return damaged(at, "does not hold records")
	}
	for i, r := range records {
		if err := r.check(); err != nil {
			return damaged(at, fmt.Sprintf("has an invalid record %d: %v", i, err))
		}
	}
	for _, r := range records {
		if err := each(roq.JournalRecord(r)); err != nil {
			return err
		}
	}
	return nil
}

// check returns what is wrong with a record.
func (r record) check() error {
	if key, err := hex.DecodeString(r.Key); err != nil || len(key) != keySize {
		return fmt.Errorf("the Key must be %d hexadecimal digits", 2*keySize)
	}
	switch r.Status {
	case roq.OutcomeUnderWay, roq.OutcomeSent, roq.OutcomeRefused, roq.OutcomeUnknown, roq.OutcomeNotSent:
	default:
		return fmt.Errorf("the Status %q is not allowed in a record", string(r.Status))
	}
	if r.At.IsZero() {
		return errors.New("the At must not be zero")
	}
	return nil
}
