package journal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// sum is the checksum of a line, computed here once more.
func sum(line []byte) []byte {
	const size = len("00000000 ")
	if len(line) < size {
		return nil
	}
	crc := crc32.Checksum(bytes.TrimSuffix(line[size:], []byte("\n")), crc32.MakeTable(crc32.Castagnoli))
	return hex.AppendEncode(nil, []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
}

// sealed gives every line the checksum that it should have.
func sealed(content []byte) []byte {
	content = bytes.Clone(content)
	for line := range bytes.Lines(content) {
		copy(line, sum(line))
	}
	return content
}

// ends are where the lines end, the first of them at 0.
func ends(content []byte) []int {
	ends := []int{0}
	for line := range bytes.Lines(content) {
		ends = append(ends, ends[len(ends)-1]+len(line))
	}
	return ends
}

// A journal that was cut anywhere is the whole lines before the cut, and goes on
// behind them.
func TestCut(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 1), batch(1, 3), batch(4, 2)}
	whole := written(t, batches...)
	ends := ends(whole)
	file := path(t)
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for lines+1 < len(ends) && ends[lines+1] <= cut {
			lines++
		}
		want := slices.Concat(batches[:max(0, lines-1)]...)
		f := open(t, file)
		records, err := begin(t, f, campaign)
		if err != nil || !slices.Equal(records, want) {
			t.Fatalf("cut at %d: Begin = %+v, %v; want %+v", cut, records, err, want)
		}
		if n := f.Repaired(); n != int64(cut-ends[lines]) {
			t.Errorf("cut at %d: Repaired() = %d, want %d", cut, n, cut-ends[lines])
		}
		add(t, f, batch(100, 2))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f = open(t, file)
		records, err = begin(t, f, campaign)
		if want = append(want, batch(100, 2)...); err != nil || !slices.Equal(records, want) || f.Repaired() != 0 {
			t.Fatalf("cut at %d and added to: Begin = %+v, %v, repaired %d; want %+v", cut, records, err, f.Repaired(), want)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// One bit that is not as it was written is found, wherever it is: nothing behind
// it is handed on, and nothing of it taken off.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 1), batch(1, 3), batch(4, 1)}
	whole := written(t, batches...)
	ends := ends(whole)
	version := bytes.Index(whole, []byte(`"version":2`)) + len(`"version":`)
	for at := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[at] ^= 1 << bit
			line := 0
			for ends[line+1] <= at {
				line++
			}
			intact := slices.Concat(batches[:max(0, line-1)]...)
			var records []roq.JournalRecord
			_, _, err := journal.Read(bytes.NewReader(flipped), campaign, func(r roq.JournalRecord) error {
				records = append(records, r)
				return nil
			})
			// A first line that tells of a newer version may be one's.
			newer := at == version && flipped[at] > '2' && flipped[at] <= '9'
			if newer != errors.Is(err, journal.ErrVersion) || !newer && !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("bit %d of byte %d (%q): %v, want ErrDamaged", bit, at, whole[at], err)
			}
			if !slices.Equal(records, intact) {
				t.Errorf("bit %d of byte %d (%q): %d records, want the %d in front of it", bit, at, whole[at], len(records), len(intact))
			}
		}
	}
}
