package journal_test

import (
	"bytes"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// Whatever is in the file, nothing comes out of it that does not stand in a line
// with the right checksum, and all that is kept of it can be read again.
func FuzzRead(f *testing.F) {
	whole := sealed([]byte(`00000000 {"journal":"roq","version":2,"campaign":"c"}
00000000 55 [{"key":"00000000000000000000000000000000","status":"under way","at":"2026-04-23T12:30:59.123456789Z"}]
00000000 55 [{"key":"00000000000000000000000000000000","status":"sent","invite":"db7a682d","at":"2026-04-23T12:31:00Z"},{"key":"00000000000000000000000000000001","status":"refused","code":"X","message":"y","at":"2026-04-23T12:31:00Z"}]
00000000 380 []
`))
	first := bytes.ReplaceAll(bytes.ReplaceAll(whole, []byte(" 55 "), []byte(" ")), []byte(`"version":2`), []byte(`"version":1`))
	hole := bytes.Clone(whole)
	clear(hole[100:250])
	for _, seed := range [][]byte{whole, first, hole, hole[:len(hole)-16], whole[:len(whole)-1], whole[:40], nil, []byte("\n"), []byte(`{"journal":"roq","version":3}`)} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, content []byte, seal bool) {
		if seal { // or hardly anything gets past the checksums
			content = sealed(content)
		}
		records := 0
		count := func(roq.JournalRecord) error {
			records++
			return nil
		}
		end, size, err := journal.Read(bytes.NewReader(content), "c", count)
		if end > size || size > int64(len(content)) || err == nil && size != int64(len(content)) {
			t.Fatalf("read up to %d of %d, and there are %d", end, size, len(content))
		}
		checked := content[:end]
		for line := range bytes.Lines(checked) {
			if !bytes.HasSuffix(line, []byte("\n")) || !bytes.HasPrefix(line, append(sum(line), ' ')) {
				t.Errorf("%q was taken for a whole line", line)
			}
		}
		if err != nil || end == 0 {
			if end == 0 && records > 0 {
				t.Errorf("%d records come out of nothing", records)
			}
			return
		}
		before := records
		records = 0
		if again, _, err := journal.Read(bytes.NewReader(checked), "c", count); again != end || err != nil || records != before {
			t.Errorf("what was kept reads as %d bytes, %d records, %v; want %d and %d", again, records, err, end, before)
		}
	})
}
