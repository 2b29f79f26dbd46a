package roqriver_test

import (
	"database/sql"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/pgxqueue"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
)

// What is under way is read as it was written, and damage is an error.
func TestUnderWay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                     "",
		"5 0-4,7;":             "5 0-4,7;",
		"5 0-4;9 3-4;":         "5 0-4;", // the first time counts
		"9 1;5 1;":             "5 1;",
		"1764117600000000 12;": "1764117600000000 12;",
	} {
		left, got, err := roqriver.UnderWay(text)
		if err != nil || got != want {
			t.Errorf("%q is read as %v and written as %q, %v", text, left, got, err)
		}
	}
	for _, text := range []string{"x;", "5;", "5 a;", "5 1-;", "5 1-99999999999;", "5 1,;"} {
		if _, _, err := roqriver.UnderWay(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// The size that fits is learned from what was taken, and from what was split before anything
// of it was known.
func TestLearnedSize(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		sent          []int
		taken         map[int]bool
		fits, tooMany int
	}{
		{[]int{100}, map[int]bool{100: true}, 100, 0},
		{[]int{100, 50, 25, 25, 25, 25}, map[int]bool{25: true}, 25, 50},
		{[]int{100, 50, 25, 25, 50}, map[int]bool{25: true}, 25, 50},
		{[]int{37, 37, 26}, map[int]bool{37: true, 26: true}, 37, 0},
		{[]int{100, 100}, nil, 0, 0},
	} {
		if fits, tooMany := roqriver.LearnedSize(row.sent, row.taken); fits != row.fits || tooMany != row.tooMany {
			t.Errorf("of %v with %v it learns %d and %d, want %d and %d", row.sent, row.taken, fits, tooMany, row.fits, row.tooMany)
		}
	}
}

// What the platform takes is found in a few steps, to an eighth.
func TestTheSizeIsSearched(t *testing.T) {
	t.Parallel()
	for limit := int64(1); limit < 100; limit++ {
		fits, tooMany, steps := int64(0), int64(100), 0
		for ; steps < 12; steps++ {
			size := roqriver.Between(fits, tooMany)
			if size == fits {
				break
			}
			if size <= limit {
				fits = size
			} else {
				tooMany = size
			}
		}
		if fits > limit || fits < limit*8/9 || fits == 0 || steps > 8 {
			t.Errorf("with a limit of %d the size is %d after %d steps", limit, fits, steps)
		}
	}
}

// What is wrong with an option or a database is said by Open.
func TestOpen(t *testing.T) {
	t.Parallel()
	db := openSQLite(t, "file::memory:")
	many, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = many.Close() }()
	for want, open := range map[string]func() error{
		"the database must not be nil": func() error { _, err := sqlitequeue.Open(nil); return err },
		"SetMaxOpenConns":              func() error { _, err := sqlitequeue.Open(many); return err },
		"option 0 is nil":              func() error { _, err := sqlitequeue.Open(db, nil); return err },
		"SQLite has no schemas":        func() error { _, err := sqlitequeue.Open(db, roqriver.WithSchema("roq")); return err },
		`WithSchema("a b")`:            func() error { _, err := sqlitequeue.Open(db, roqriver.WithSchema("a b")); return err },
		"WithScope":                    func() error { _, err := sqlitequeue.Open(db, roqriver.WithScope("x")); return err },
		"WithLogger":                   func() error { _, err := sqlitequeue.Open(db, roqriver.WithLogger((*slog.Logger)(nil))); return err },
		"WithTracer":                   func() error { _, err := sqlitequeue.Open(db, roqriver.WithTracer(struct{ roq.Tracer }{})); return err },
		"the pool must not be nil":     func() error { _, err := pgxqueue.Open(nil); return err },
		"Migrate":                      func() error { return sqlitequeue.Migrate(t.Context(), many) },
	} {
		if err := open(); want != "Migrate" && (err == nil || !strings.Contains(err.Error(), want)) || err == nil {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	zero := new(roqriver.Queue[*sql.Tx])
	if _, err := zero.Status(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "was not opened") {
		t.Errorf("of a zero Queue: %v", err)
	}
	if err := (*roqriver.Queue[*sql.Tx])(nil).Pause(t.Context(), "x"); err == nil {
		t.Error("a nil Queue is paused")
	}
}
