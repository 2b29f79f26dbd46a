package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// child is set in the environment of a process that is this program.
const child = "CAMPAIGN_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		main()
	}
	os.Exit(m.Run())
}

// people writes a CSV file.
func people(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// many is a CSV text with so many people.
func many(n int) string {
	var b strings.Builder
	b.WriteString("email,firstName\n")
	for i := range n {
		fmt.Fprintf(&b, "p%d@example.com,P\n", i)
	}
	return b.String()
}

// runs runs the program and returns what it printed.
func runs(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	status = run(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

// statuses reads a report: the lines in it, and how many rows have which status.
func statuses(t *testing.T, path string) (lines []string, counts map[string]int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("the report cannot be read: %v", err)
	}
	counts = make(map[string]int)
	for _, record := range records[1:] {
		lines = append(lines, record[0])
		counts[record[2]]++
		if (record[2] == "sent") != (record[3] != "") {
			t.Errorf("line %s is %s with the invite id %q", record[0], record[2], record[3])
		}
	}
	return lines, counts
}

// once reports an address that was mailed more than once, and returns how many
// were mailed.
func once(t *testing.T, srv *roqtest.Server) int {
	t.Helper()
	mailed := make(map[string]bool)
	for _, mail := range srv.Outbox() {
		if mailed[mail.To] {
			t.Fatalf("%s was mailed more than once", mail.To)
		}
		mailed[mail.To] = true
	}
	return len(mailed)
}

// Without a file made-up people are invited.
func TestEmbedded(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	status, stdout, stderr := runs(t, "-people", "3000")
	if status != statusRefused {
		t.Errorf("the status is %d, want %d:\n%s%s", status, statusRefused, stdout, stderr)
	}
	for _, want := range []string{
		"*** REHEARSAL: ", "NOBODY IS MAILED", "3000 made-up people are in ", "\n  2988  sent\n", "\n     9  refused\n", "\n     3  duplicate, and not sent\n",
		"\n     0  not sent\n", "the platform inside created 2988 e-mails; none left this program\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("printed lacks %q:\n%s", want, stdout)
		}
	}
	if !strings.HasSuffix(stderr, ": 2988 sent, 9 refused, 3 duplicate\n") {
		t.Errorf("the last line of progress is %q", stderr)
	}
	_, report, _ := strings.Cut(stdout, "report:  ")
	lines, counts := statuses(t, strings.TrimSpace(report))
	if len(lines) != 3000 || counts["sent"] != 2988 || counts["refused"] != 9 || counts["duplicate"] != 3 {
		t.Errorf("the report has %d lines, %v", len(lines), counts)
	}
	for i, line := range lines {
		if line != fmt.Sprint(i+2) {
			t.Fatalf("line %d of the report is of line %s", i, line)
		}
	}
}

// On a platform that the environment names everybody is mailed once, whoever
// runs it again, and the inviter may be named by address.
func TestPlatform(t *testing.T) {
	srv := roqtest.NewServer()
	t.Cleanup(srv.Close)
	for name, value := range environment(srv, srv.URL) {
		t.Setenv(name, value)
	}
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
	path := filepath.Join(t.TempDir(), "people.csv")
	if status, _, stderr := runs(t, "-dry-run", "-people", "10000", "-csv", path); status != statusRefused || stderr != "" {
		t.Fatalf("-dry-run = %d: %s", status, stderr)
	}
	kept := strings.TrimSuffix(path, ".csv") + ".journal"
	for i, who := range [][]string{{"-as", ann.ID, "-tenant", ann.TenantID}, {"-as", ann.Email}} {
		status, stdout, stderr := runs(t, append(who, "-platform", "-csv", path, "-batch", "500", "-concurrency", "4", "-rate", "1000")...)
		if status != statusRefused {
			t.Fatalf("the status is %d:\n%s%s", status, stdout, stderr)
		}
		for _, text := range []string{"9970 of them by an earlier run", "journal: an incomplete record of 11 bytes was removed"} {
			if strings.Contains(stdout, text) != (i == 1) {
				t.Errorf("run %d says %q: %v, want %v:\n%s", i, text, i != 1, i == 1, stdout)
			}
		}
		half(t, kept)
		if n := once(t, srv); n != 9970 {
			t.Errorf("%d people were mailed, want 9970", n)
		}
		if lines, counts := statuses(t, strings.TrimSuffix(path, ".csv")+".report.csv"); len(lines) != 10_000 || counts["sent"] != 9970 {
			t.Errorf("the report has %d lines, %v", len(lines), counts)
		}
	}
	if status, _, stderr := runs(t, "-platform", "-csv", path, "-as", "nobody@acme.example"); status != statusUsage || !strings.Contains(stderr, "0 users have the address of -as") {
		t.Errorf("an inviter who is not there = %d, %s", status, stderr)
	}
	if status, _, stderr := runs(t, "-platform", "-csv", path, "-as", ann.ID, "-tenant", "none at all", "-journal", kept+"2"); status != statusUsage || !strings.Contains(stderr, "-tenant") {
		t.Errorf("a tenant that is none = %d, %s", status, stderr)
	}
	other := people(t, many(1))
	if status, _, stderr := runs(t, "-platform", "-csv", other, "-journal", kept, "-as", ann.Email, "-tenant", srv.AddTenant("Other")); status != statusUsage ||
		!strings.Contains(stderr, "another campaign") || !strings.Contains(stderr, "-journal "+kept) {
		t.Errorf("another's journal = %d, %s", status, stderr)
	}
	if _, err := os.Stat(strings.TrimSuffix(other, ".csv") + ".report.csv"); err == nil {
		t.Error("a campaign that did not begin left a report")
	}
}

// A journal that another run has open is not waited for.
func TestJournalInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	file, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if status, _, stderr := runs(t, "-csv", people(t, many(1)), "-journal", path); status != statusUsage || !strings.Contains(stderr, "in use") {
		t.Errorf("a journal in use = %d, %s", status, stderr)
	}
}

// half adds half a record to a journal, eleven bytes.
func half(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString("deadbeef [{")
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
}

// environment names a platform to the program.
func environment(srv *roqtest.Server, url string) map[string]string {
	cfg := srv.Config()
	return map[string]string{
		"ROQ_PLATFORM_URL": url, "ROQ_ENVIRONMENT_ID": cfg.EnvironmentID, "ROQ_API_KEY": cfg.APIKey, "ROQ_API_URL": url,
		"ROQ_BASE_URL": "", "ROQ_WEBHOOK_KEY": "", "ROQ_SESSION_MAX_AGE": "",
	}
}

func TestDryRunStatus(t *testing.T) {
	t.Parallel()
	if status, stdout, stderr := runs(t, "-dry-run", "-csv", people(t, many(3))); status != statusSent || stderr != "" || !strings.HasSuffix(stdout, "3 rows: 3 can be sent, 0 cannot\n") {
		t.Errorf("the status is %d:\n%s%s", status, stdout, stderr)
	}
	status, stdout, _ := runs(t, "-dry-run", "-csv", people(t, "email,phone\nsecret at example.com,\n"))
	if status != statusRefused || strings.Contains(stdout, "secret") || !strings.Contains(stdout, "ignored: \"phone\"\n") {
		t.Errorf("the status is %d:\n%s", status, stdout)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	some := people(t, many(1))
	for _, test := range []struct {
		args string
		want string
	}{
		{"-unknown", "not defined: -unknown"},
		{"-people x", "invalid value"},
		{"-people 0", "-people 0: must be from 1"},
		{"-map email", "is not field=column"},
		{"-separator ab", "is not a separator"},
		{"people.csv", "unexpected argument"},
		{"-platform", "-platform needs -csv"},
		{"-platform -csv x", "-as and -tenant"},
		{"-platform -csv x -as u", "-as and -tenant"},
		{"-platform -people 3 -csv x -as u -tenant t", "cannot be used with -platform"},
		{"-as u", "can only be used with -platform"},
		{"-csv " + filepath.Join(t.TempDir(), "none.csv"), "no such file"},
		{"-csv " + t.TempDir(), "must be a regular file"},
		{"-csv " + people(t, "name\n"), "no column with the e-mail addresses"},
		{"-csv " + people(t, ""), "it is empty"},
		{"-csv " + people(t, "email\n\""+strings.Repeat("x\n", maxRecord)), "close the quote"},
		{"-csv " + some + " -report " + some, "cannot be used for two of"},
		{"-csv " + some + " -report " + filepath.Join(t.TempDir(), "no", "r.csv"), "the report cannot be written"},
		{"-csv " + some + " -concurrency 100", "-concurrency 100: must be from 1 to 64"},
		{"-csv " + some + " -batch 0", "-batch 0: must be from 1 to 10000"},
		{"-csv " + some + " -rate NaN", "-rate NaN: must be"},
		{"-csv " + some + " -campaign a/b", `-campaign "a/b": must be a name`},
		{"-csv " + some + " -report " + filepath.Dir(some), "is not a regular file: choose another -report"},
		{"-csv " + some + " -rate -1", "-rate -1: must be from 0 to 100000"},
	} {
		status, _, stderr := runs(t, strings.Fields(test.args)...)
		if status != statusUsage || !strings.Contains(stderr, test.want) {
			t.Errorf("campaign %s = %d, %q, want %q", test.args, status, stderr, test.want)
		}
	}
	if status, stdout, stderr := runs(t, "-help"); status != 0 || stderr != "" || !strings.Contains(stdout, "Exit status") {
		t.Errorf("campaign -help = %d, %q, %q", status, stdout, stderr)
	}
}
