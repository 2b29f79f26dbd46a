package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// inFlight returns a journal whose last lines were all written before any of them
// was synced, as when several batches leave at once, and where those begin.
func inFlight(t *testing.T, acknowledged [][]roq.JournalRecord, last ...[]roq.JournalRecord) (content []byte, synced int) {
	t.Helper()
	content = written(t, acknowledged...)
	synced = len(content)
	for _, records := range last {
		one := written(t, records) // one line behind the header
		line := one[ends(one)[1]:]
		_, line, _ = bytes.Cut(line[len("00000000 "):], []byte(" "))
		content = fmt.Appendf(content, "00000000 %d %s", synced, line)
	}
	return sealed(content), synced
}

// check reads a journal that a crash has torn behind synced, and looks for the
// records in front of the tear.
func check(t *testing.T, what string, content []byte, synced int, batches [][]roq.JournalRecord) {
	t.Helper()
	var records []roq.JournalRecord
	end, size, err := journal.Read(bytes.NewReader(content), campaign, func(r roq.JournalRecord) error {
		records = append(records, r)
		return nil
	})
	intact, want := inFront(content, batches)
	if intact < synced {
		t.Fatalf("%s: only %d bytes are intact, and %d were acknowledged", what, intact, synced)
	}
	if err != nil || !slices.Equal(records, want) || end != int64(intact) || size != int64(len(content)) {
		t.Fatalf("%s: %d records, %v, %d of %d bytes; want %d and %d of %d", what, len(records), err, end, size, len(want), intact, len(content))
	}
}

// continued does what check does, and continues the journal.
func continued(t *testing.T, what string, content []byte, synced int, batches [][]roq.JournalRecord) {
	t.Helper()
	check(t, what, content, synced, batches)
	intact, want := inFront(content, batches)
	file := opened(t, content)
	if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, want) || file.Repaired() != int64(len(content)-intact) {
		t.Fatalf("%s: Begin = %d records, %v, repaired %d; want %d and %d", what, len(records), err, file.Repaired(), len(want), len(content)-intact)
	}
	add(t, file, batch(100, 2))
	end(t, file)
	if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, append(want, batch(100, 2)...)) || file.Repaired() != 0 {
		t.Fatalf("%s and continued: Begin = %d records, %v; want %d", what, len(records), err, len(want)+2)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// inFront returns how many bytes are intact at the beginning of a journal of these
// batches, and their records.
func inFront(content []byte, batches [][]roq.JournalRecord) (intact int, records []roq.JournalRecord) {
	lines := 0
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte("\n")) || !bytes.HasPrefix(line, append(sum(line), ' ')) {
			break
		}
		lines++
		intact += len(line)
	}
	return intact, slices.Concat(batches[:lines-1]...)
}

// A page of what had not been acknowledged is zero, wherever the pages begin: lines
// run together, or are missing in front of others that are intact.
func TestZeroedPage(t *testing.T) {
	t.Parallel()
	first := [][]roq.JournalRecord{batch(0, 1), batch(1, 2)}
	last := [][]roq.JournalRecord{batch(3, 2), batch(5, 1), {}, batch(6, 3)}
	whole, synced := inFlight(t, first, last...)
	for _, page := range []int{1, 16, 100, 250, 512} {
		for from := synced; from < len(whole); from++ {
			if page == 1 && whole[from] != '\n' {
				continue // one byte may have been a flipped bit
			}
			content := bytes.Clone(whole)
			clear(content[from:min(from+page, len(content))])
			how := check
			if from%50 == 0 {
				how = continued
			}
			how(t, fmt.Sprintf("%d zeros at %d", page, from), content, synced, slices.Concat(first, last))
		}
	}
}

// Pages that are zero, and the file cut anywhere.
func TestZeroedPageAndCut(t *testing.T) {
	t.Parallel()
	first := [][]roq.JournalRecord{batch(0, 1)}
	last := [][]roq.JournalRecord{batch(1, 2), batch(3, 1), batch(4, 1)}
	whole, synced := inFlight(t, first, last...)
	for cut := synced; cut <= len(whole); cut += 7 {
		for from := synced; from < cut; from += 11 {
			content := bytes.Clone(whole[:cut])
			clear(content[from:min(from+64, cut)])
			check(t, fmt.Sprintf("64 zeros at %d, cut at %d", from, cut), content, synced, slices.Concat(first, last))
		}
	}
}

// Some file systems make a file longer before they write to it.
func TestZerosAtTheEnd(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 3)}
	whole := written(t, batches...)
	for _, zeros := range []int{1, 4096, 40 << 20} {
		continued(t, fmt.Sprintf("%d zeros", zeros), append(bytes.Clone(whole), make([]byte, zeros)...), len(whole), batches)
	}
}

// A first line that was not written whole is written again: nothing can have been
// appended behind it.
func TestTornHeader(t *testing.T) {
	t.Parallel()
	header := written(t)
	for from := range header {
		for _, to := range []int{from, len(header)} {
			content := bytes.Clone(header)
			clear(content[:from])
			content = content[:to]
			file := opened(t, content)
			if records, err := begin(t, file, campaign); err != nil || len(records) > 0 {
				t.Errorf("%q: Begin = %v, %v; want nothing", content, records, err)
			}
			add(t, file, batch(0, 1))
			end(t, file)
			if records, err := begin(t, file, campaign); err != nil || len(records) != 1 {
				t.Errorf("%q and continued: Begin = %v, %v; want 1", content, records, err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A later line says that what is zero now was on the disk, so it is no tear, and the
// error says where it is.
func TestDamageToAcknowledged(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 2), batch(2, 1), batch(3, 1)}
	whole := written(t, batches...)
	ends := ends(whole)
	last := ends[len(ends)-2]
	for _, page := range []int{2, 100, 300, last} {
		for from := range last {
			content := bytes.Clone(whole)
			clear(content[from:min(from+page, last)])
			refuses(t, fmt.Sprintf("%d zeros at %d", page, from), content, lineAt(ends, from))
		}
	}
	// Where the last line is torn as well, the one in front of it says so.
	content := bytes.Clone(whole[:len(whole)-5])
	clear(content[ends[1]+20 : ends[1]+40])
	refuses(t, "and a cut", content, ends[1])
}

// lineAt is where the line begins that has the byte at offset at.
func lineAt(ends []int, at int) int {
	i, found := slices.BinarySearch(ends, at)
	if !found {
		i--
	}
	return ends[i]
}

func refuses(t *testing.T, what string, content []byte, at int) {
	t.Helper()
	_, _, err := journal.Read(bytes.NewReader(content), campaign, func(roq.JournalRecord) error { return nil })
	if !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("at byte %d ", at)) {
		t.Errorf("%s: %v, want ErrDamaged at byte %d", what, err, at)
	}
}

// After End there is no doubt about the last records either.
func TestDamageAfterEnd(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatal(err)
	}
	add(t, file, batch(0, 2))
	end(t, file)
	whole := content(t, file)
	ends := ends(whole)
	for from := ends[1]; from < ends[2]; from++ {
		content := bytes.Clone(whole)
		clear(content[from:ends[2]])
		refuses(t, fmt.Sprintf("zeros from %d", from), content, ends[1])
	}
}

// A line that is complete, has no zeros and has another checksum was not torn, also
// if it is behind a tear.
func TestFlippedBitBehindTear(t *testing.T) {
	t.Parallel()
	whole, synced := inFlight(t, [][]roq.JournalRecord{batch(0, 1)}, batch(1, 1), batch(2, 1))
	clear(whole[synced+20 : synced+40])
	last := ends(whole)[3]
	whole[last+60] ^= 1
	refuses(t, "a flipped bit", whole, last)
}

// first returns a journal of version 1.
func first(t *testing.T, batches ...[]roq.JournalRecord) []byte {
	t.Helper()
	var content []byte
	for i, line := range slices.Collect(bytes.Lines(written(t, batches...))) {
		if i == 0 {
			content = append(content, bytes.Replace(line, []byte(`"version":2`), []byte(`"version":1`), 1)...)
			continue
		}
		_, records, _ := bytes.Cut(line[len("00000000 "):], []byte(" "))
		content = append(append(content, "00000000 "...), records...)
	}
	return sealed(content)
}

// A journal of version 1 is read and continued; all of it counts as acknowledged
// then.
func TestVersion1(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 1), batch(1, 3)}
	old := first(t, batches...)
	if want := []byte(`{"journal":"roq","version":1,`); !bytes.Contains(old, want) {
		t.Fatalf("%q is not of version 1", old)
	}
	ends := ends(old)
	// It ends anywhere, with zeros or without.
	for cut := ends[1]; cut <= len(old); cut++ {
		check(t, fmt.Sprintf("cut at %d", cut), old[:cut], ends[1], batches)
		if cut > ends[2] && cut < len(old) {
			check(t, fmt.Sprintf("zeros from %d", cut), append(bytes.Clone(old[:cut]), make([]byte, len(old)-cut)...), ends[2], batches)
		}
	}
	// A line of version 1 does not say what was synced, so nothing in front of it is
	// dropped.
	hole := bytes.Clone(old)
	clear(hole[ends[1]+20 : ends[2]])
	refuses(t, "a hole", hole, ends[1])

	file := opened(t, old)
	if records, err := begin(t, file, campaign); err != nil || !slices.Equal(records, slices.Concat(batches...)) || file.Repaired() != 0 {
		t.Fatalf("Begin = %+v, %v, repaired %d", records, err, file.Repaired())
	}
	add(t, file, batch(4, 2))
	longer := content(t, file)
	if !bytes.HasPrefix(longer, old) {
		t.Errorf("%q was continued as %q", old, longer)
	}
	for from := ends[1]; from < len(old)-1; from += 5 {
		damaged := bytes.Clone(longer)
		clear(damaged[from:len(old)])
		refuses(t, fmt.Sprintf("zeros from %d", from), damaged, lineAt(ends, from))
	}
}

// Nothing is changed in a file that is refused.
func TestDamageIsLeft(t *testing.T) {
	t.Parallel()
	whole := written(t, batch(0, 1), batch(1, 1))
	clear(whole[ends(whole)[1]+20 : ends(whole)[2]])
	file := opened(t, whole)
	if _, err := begin(t, file, campaign); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("Begin = %v, want ErrDamaged", err)
	}
	if after, err := os.ReadFile(file.Path()); err != nil || !bytes.Equal(after, whole) {
		t.Errorf("the file was changed to %q, %v", after, err)
	}
}
