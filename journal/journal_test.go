package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

const campaign = "spring 0123456789abcdef"

// now is a moment as the file keeps it.
var now = time.Date(2026, 4, 23, 12, 30, 59, 123456789, time.UTC)

// key is a Key as the campaign makes them.
func key(n int) string { return fmt.Sprintf("%032x", n) }

// batch is one of a campaign: what every field can hold is in it.
func batch(first, size int) []roq.JournalRecord {
	records := make([]roq.JournalRecord, size)
	for i := range records {
		records[i] = roq.JournalRecord{Key: key(first + i), Status: roq.OutcomeUnderWay, At: now.Add(time.Duration(first + i))}
		switch i % 3 {
		case 1:
			records[i].Status, records[i].InviteID = roq.OutcomeSent, "db7a682d-6dca-4259-b15b-83aef12d1f5c"
		case 2:
			records[i].Status, records[i].Code, records[i].Message = roq.OutcomeRefused, "USER_ALREADY_EXISTS", "a \"user\"\\\n\u2028<&>\x00 with that email, 例子"
		}
	}
	return records
}

func path(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "spring.journal")
}

func open(t *testing.T, path string) *journal.File {
	t.Helper()
	file, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// begin reads all records; an error must come alone and last.
func begin(t *testing.T, file *journal.File, campaign string) ([]roq.JournalRecord, error) {
	t.Helper()
	var records []roq.JournalRecord
	var failed error
	for r, err := range file.Begin(t.Context(), campaign) {
		if failed != nil || err != nil && r != (roq.JournalRecord{}) {
			t.Errorf("Begin goes on after %v with %+v, %v", failed, r, err)
		}
		if failed = err; err == nil {
			records = append(records, r)
		}
	}
	return records, failed
}

func end(t *testing.T, file *journal.File) {
	t.Helper()
	if err := file.End(); err != nil {
		t.Fatalf("End = %v", err)
	}
}

func add(t *testing.T, file *journal.File, batches ...[]roq.JournalRecord) {
	t.Helper()
	for _, records := range batches {
		if err := file.Append(t.Context(), records); err != nil {
			t.Fatalf("Append = %v", err)
		}
	}
}

// written makes a journal and returns what is in its file.
func written(t *testing.T, batches ...[]roq.JournalRecord) []byte {
	t.Helper()
	file := open(t, path(t))
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatalf("Begin = %v", err)
	}
	add(t, file, batches...)
	return content(t, file)
}

// content closes the file and reads it.
func content(t *testing.T, file *journal.File) []byte {
	t.Helper()
	if err := file.Close(); err != nil {
		t.Fatalf("Close = %v", err)
	}
	b, err := os.ReadFile(file.Path())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opened opens a file that has this in it.
func opened(t *testing.T, content []byte) *journal.File {
	t.Helper()
	path := path(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	batches := [][]roq.JournalRecord{batch(0, 3), batch(3, 1), {}, batch(4, 1000)}
	file := opened(t, written(t, batches...))
	records, err := begin(t, file, campaign)
	if want := slices.Concat(batches...); err != nil || !slices.Equal(records, want) {
		t.Errorf("Begin = %d records, %v; want the %d that were appended", len(records), err, len(want))
	}
	if n := file.Repaired(); n != 0 {
		t.Errorf("Repaired() = %d, want 0", n)
	}
	// What an earlier run left does not hinder the next.
	add(t, file, batch(2000, 2))
	end(t, file)
	if again, err := begin(t, file, campaign); err != nil || len(again) != len(records)+2 {
		t.Errorf("Begin again = %d records, %v; want %d", len(again), err, len(records)+2)
	}
}

// A journal that has no records yet is this campaign's, and nobody else's.
func TestEmpty(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	for range 2 {
		if records, err := begin(t, file, campaign); len(records) > 0 || err != nil {
			t.Errorf("Begin = %v, %v; want nothing", records, err)
		}
		end(t, file)
	}
	if _, err := begin(t, file, "autumn"); !errors.Is(err, journal.ErrCampaign) {
		t.Errorf("Begin = %v, want ErrCampaign", err)
	}
}

// What is not this campaign's journal is refused, and left as it is.
func TestRefused(t *testing.T) {
	t.Parallel()
	other := sealed(bytes.ReplaceAll(written(t, batch(0, 3)), []byte(campaign), []byte("autumn 0123456789abcdef")))
	newer := sealed([]byte(`00000000 {"journal":"roq","version":3,"campaign":"` + campaign + `","more":1}` + "\n" + "00000000 7\n"))
	tests := map[string]struct {
		content []byte
		want    error
	}{
		"another campaign's":                   {other, journal.ErrCampaign},
		"the name's beginning":                 {sealed([]byte(`00000000 {"journal":"roq","version":1,"campaign":"spring"}` + "\n")), journal.ErrCampaign},
		"a newer version's":                    {newer, journal.ErrVersion},
		"a newer version's, cut":               {newer[:len(newer)-2], journal.ErrVersion},
		"a newer version's, another checksum":  {append([]byte("sha256:0123456789abcdef "), newer[9:]...), journal.ErrVersion},
		"a newer version's, no checksum":       {newer[9:], journal.ErrVersion},
		"a text":                               {[]byte("a@b.example\nc@d.example\n"), journal.ErrDamaged},
		"a text without a line end":            {[]byte("a@b.example"), journal.ErrDamaged},
		"a line end":                           {[]byte("\n"), journal.ErrDamaged},
		"JSON":                                 {[]byte(`{"version":3}` + "\n"), journal.ErrDamaged},
		"other JSON with a checksum":           {sealed([]byte(`00000000 {"journal":"x","version":1,"campaign":"` + campaign + `"}` + "\n")), journal.ErrDamaged},
		"version 0":                            {sealed([]byte(`00000000 {"journal":"roq","version":0,"campaign":"` + campaign + `"}` + "\n")), journal.ErrDamaged},
		"zeros":                                {make([]byte, 100_000), journal.ErrDamaged},
		"the beginning of another's":           {other[:50], journal.ErrDamaged},
		"records that are none":                {sealed(append(written(t), "00000000 {}\n"...)), journal.ErrDamaged},
		"a record that is none":                {sealed(append(written(t), "00000000 [{\"key\":1}]\n"...)), journal.ErrDamaged},
		"damage in front of a line that isn't": {append(bytes.Replace(written(t, batch(0, 3)), []byte("sent"), []byte("went"), 1), written(t)...), journal.ErrDamaged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := opened(t, test.content)
			if _, err := begin(t, file, campaign); !errors.Is(err, test.want) || !strings.Contains(err.Error(), file.Path()) {
				t.Errorf("Begin = %v, want %v with the path", err, test.want)
			}
			if err := file.Append(t.Context(), batch(9, 1)); err == nil {
				t.Error("Append = nil after a Begin that failed")
			}
			if after := content(t, file); !bytes.Equal(after, test.content) {
				t.Errorf("the file was changed to %q", after)
			}
		})
	}
}

func TestAppendBeforeBegin(t *testing.T) {
	t.Parallel()
	file := opened(t, nil)
	if err := file.Append(t.Context(), batch(0, 1)); err == nil || !strings.Contains(err.Error(), "before Begin") {
		t.Errorf("Append = %v, want that it came before Begin", err)
	}
	if b := content(t, file); len(b) > 0 {
		t.Errorf("the file has %q in it, want nothing", b)
	}
}

// Who leaves the loop has not read it all, so nothing can be added.
func TestBeginLeft(t *testing.T) {
	t.Parallel()
	file := opened(t, written(t, batch(0, 3)))
	for _, err := range file.Begin(t.Context(), campaign) {
		if err != nil {
			t.Errorf("Begin = %v", err)
		}
		break
	}
	if err := file.Append(t.Context(), batch(3, 1)); err == nil {
		t.Error("Append = nil, want an error")
	}
	if records, err := begin(t, file, campaign); len(records) != 3 || err != nil {
		t.Errorf("Begin = %d records, %v; want 3", len(records), err)
	}
	add(t, file, batch(3, 1))
}

// Many append at once, and each record is there, each line whole, and each
// appender's in the order of its own.
func TestConcurrentAppend(t *testing.T) {
	t.Parallel()
	const appenders, each = 64, 5
	file := opened(t, nil)
	if _, err := begin(t, file, campaign); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range appenders {
		all.Go(func() {
			for i := range each {
				if err := file.Append(t.Context(), batch(n*1000+i*10, 3)); err != nil {
					t.Errorf("Append = %v", err)
				}
			}
		})
	}
	all.Wait()
	file = opened(t, content(t, file))
	records, err := begin(t, file, campaign)
	if err != nil || len(records) != appenders*each*3 {
		t.Fatalf("Begin = %d records, %v; want %d", len(records), err, appenders*each*3)
	}
	next := make([]int, appenders)
	for line := range slices.Chunk(records, 3) {
		var n int
		if _, err := fmt.Sscanf(line[0].Key, "%x", &n); err != nil {
			t.Fatal(err)
		}
		appender, i := n/1000, n%1000/10
		if next[appender] != i || !slices.Equal(line, batch(n, 3)) {
			t.Errorf("appender %d: %+v, want its batch %d", appender, line, next[appender])
		}
		next[appender]++
	}
}

// Only its owner may read it, nothing else is created, and a directory that is
// missing is named.
func TestOpen(t *testing.T) {
	t.Parallel()
	file := open(t, path(t))
	info, err := os.Stat(file.Path())
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(file.Path())); err != nil || len(files) != 1 {
		t.Errorf("the directory has %v, %v; want the journal alone", files, err)
	}
	if _, err := journal.Open(filepath.Join(t.TempDir(), "no", "spring.journal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, want fs.ErrNotExist", err)
	}
	if _, err := journal.Open(t.TempDir()); err == nil {
		t.Error("Open of a directory = nil")
	}
}
