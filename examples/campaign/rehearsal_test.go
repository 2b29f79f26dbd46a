package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// inviter starts a platform that the environment names, and returns the flags for
// it.
func inviter(t *testing.T) (*roqtest.Server, []string) {
	t.Helper()
	srv := roqtest.NewServer()
	t.Cleanup(srv.Close)
	for name, value := range environment(srv, srv.URL) {
		t.Setenv(name, value)
	}
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
	return srv, []string{"-platform", "-as", ann.ID, "-tenant", ann.TenantID}
}

// A rehearsal says that it is one, and overwrites no report.
func TestRehearsal(t *testing.T) {
	srv, platform := inviter(t)
	path := people(t, many(3))
	name := strings.TrimSuffix(path, ".csv")
	if status, stdout, stderr := runs(t, append(platform, "-csv", path)...); status != statusSent || strings.Contains(stdout, "REHEARSAL") {
		t.Fatalf("the status is %d:\n%s%s", status, stdout, stderr)
	}
	sent, err := os.ReadFile(name + ".report.csv")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		status, stdout, stderr := runs(t, "-csv", path)
		if status != statusSent || !strings.Contains(stdout, "*** REHEARSAL") || !strings.Contains(stdout, "the platform inside created 3 e-mails; none left this program\n") ||
			!strings.Contains(stdout, "report:  "+name+".rehearsal.csv\n") {
			t.Errorf("the status is %d:\n%s%s", status, stdout, stderr)
		}
	}
	if _, counts := statuses(t, name+".rehearsal.csv"); counts["sent"] != 3 {
		t.Errorf("the report of the rehearsal has %v", counts)
	}
	status, _, stderr := runs(t, "-csv", path, "-report", name+".report.csv")
	if status != statusUsage || !strings.Contains(stderr, "a rehearsal does not overwrite it: choose another -report") {
		t.Errorf("a rehearsal with the report of a campaign = %d, %s", status, stderr)
	}
	if now, err := os.ReadFile(name + ".report.csv"); err != nil || string(now) != string(sent) || once(t, srv) != 3 {
		t.Errorf("after rehearsals %d people were mailed, and the report is\n%s\n%v", once(t, srv), now, err)
	}
	if status, stdout, _ := runs(t, "-csv", path, "-dry-run"); status != statusSent || strings.Contains(stdout, "REHEARSAL") {
		t.Errorf("-dry-run = %d:\n%s", status, stdout)
	}
}

// With a name a campaign is the same when its file has another one.
func TestCampaignName(t *testing.T) {
	srv, platform := inviter(t)
	path := people(t, many(3))
	moved := filepath.Join(filepath.Dir(path), "moved.csv")
	if status, _, stderr := runs(t, append(platform, "-csv", path, "-campaign", "spring")...); status != statusSent {
		t.Fatalf("the status is %d: %s", status, stderr)
	}
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runs(t, append(platform, "-csv", moved, "-campaign", "spring")...)
	if status != statusSent || !strings.Contains(stdout, "3  sent, 3 of them by an earlier run\n") || once(t, srv) != 3 {
		t.Errorf("the status is %d, %d were mailed:\n%s%s", status, once(t, srv), stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "spring.journal")); err != nil {
		t.Error(err)
	}
	// One that was begun without a name had that of its file.
	unnamed := people(t, strings.ReplaceAll(many(3), "@", ".u@"))
	if status, _, stderr := runs(t, append(platform, "-csv", unnamed)...); status != statusSent {
		t.Fatalf("the status is %d: %s", status, stderr)
	}
	if err := os.Rename(unnamed, unnamed+".txt"); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr = runs(t, append(platform, "-csv", unnamed+".txt", "-campaign", "people.csv", "-journal", strings.TrimSuffix(unnamed, ".csv")+".journal")...)
	if status != statusSent || !strings.Contains(stdout, "3  sent, 3 of them by an earlier run\n") || once(t, srv) != 6 {
		t.Errorf("the status is %d, %d were mailed:\n%s%s", status, once(t, srv), stdout, stderr)
	}
	status, _, stderr = runs(t, append(platform, "-csv", moved, "-campaign", "summer", "-journal", filepath.Join(filepath.Dir(path), "spring.journal"))...)
	if status != statusUsage || !strings.Contains(stderr, "-campaign") {
		t.Errorf("the journal of another campaign = %d, %s", status, stderr)
	}
}

// What stops a campaign is said.
func TestStopped(t *testing.T) {
	srv, platform := inviter(t)
	srv.Close()
	path := people(t, many(3))
	status, stdout, stderr := runs(t, append(platform, "-csv", path)...)
	if status != statusUnfinished || !strings.Contains(stderr, "campaign: stopped: roq: sendUserInvites: ") || !strings.Contains(stdout, "     3  not sent\n") ||
		!strings.Contains(stdout, "to resume: run the same command again") || strings.Contains(stdout, "\nunknown: ") {
		t.Errorf("the status is %d:\n%s%s", status, stdout, stderr)
	}
}

// A report that cannot be written is found before anything is sent.
func TestReportRefused(t *testing.T) {
	srv, platform := inviter(t)
	path := people(t, many(3))
	for _, name := range []string{".report.csv", ".report.unknown.csv"} {
		blocked := strings.TrimSuffix(path, ".csv") + name
		if err := os.Mkdir(blocked, 0o700); err != nil {
			t.Fatal(err)
		}
		status, _, stderr := runs(t, append(platform, "-csv", path)...)
		if status != statusUsage || !strings.Contains(stderr, "the report cannot be written: "+blocked) || once(t, srv) != 0 {
			t.Errorf("with a directory %s = %d, %s", name, status, stderr)
		}
		if err := os.Remove(blocked); err != nil {
			t.Fatal(err)
		}
	}
}

// full is a disk that is full after some writes.
type full struct {
	io.WriterAt
	left int
}

func (f *full) WriteAt(p []byte, at int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no space left on device")
	}
	return f.WriterAt.WriteAt(p, at)
}

// An outcome that cannot be saved is not recorded: nobody who was mailed is said not
// to have been sent an invite.
func TestNotRecorded(t *testing.T) {
	t.Parallel()
	const rows, saved = 100, 25
	s, err := parse([]string{"-csv", people(t, many(rows)), "-batch", "10", "-concurrency", "2"}, io.Discard)
	if err == nil {
		err = s.locate()
	}
	if err != nil {
		t.Fatal(err)
	}
	source, err := openSource(s.csv, s.format)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.file.Close() }()
	source.separator = ','
	file, err := journal.Open(s.journal)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	kept, err := newOutcomes(filepath.Dir(s.report), rows)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.close()
	kept.to = &full{kept.file, saved}
	stage, err := embedded(s)
	if err != nil {
		t.Fatal(err)
	}
	defer stage.close()
	c := &campaign{settings: s, stage: stage, source: source, journal: file, outcomes: kept, progress: newProgress(io.Discard, rows, false)}
	stopped := c.send(t.Context())
	tally := c.progress.close()
	tally[roq.OutcomeNotSent] += rows - c.progress.done
	mailed := once(t, stage.embedded)
	if stopped == nil || !strings.Contains(stopped.Error(), "no space left on device") || tally[roq.OutcomeSent] != mailed || mailed == rows {
		t.Fatalf("send = %v, %v, with %d mailed", stopped, tally, mailed)
	}
	var out strings.Builder
	c.summarize(&out, tally)
	status, err := c.finish(tally, stopped, &out)
	if want := fmt.Sprintf("%s of these not recorded in the report: see the journal\n", counted(kept.lost, "row")); status != statusUnfinished || err == nil || !strings.Contains(out.String(), want) {
		t.Errorf("the status is %d, %v, and printed lacks %q:\n%s", status, err, want, &out)
	}
	_, counts := statuses(t, s.report)
	if counts["sent"] != saved || counts["sent"]+counts["not recorded"] < mailed || counts["not sent"] > rows-mailed {
		t.Errorf("the report has %v, with %d mailed", counts, mailed)
	}
	// A report that cannot be written at all is not a campaign that was not sent.
	s.report = filepath.Join(filepath.Dir(s.report), "no", "r.csv")
	c.settings = s
	out.Reset()
	if status, err := c.finish(tally, nil, &out); status != statusUnfinished || err == nil || !strings.Contains(out.String(), "report:  not recorded, see the journal "+s.journal) {
		t.Errorf("the status is %d, %v, and printed is\n%s", status, err, &out)
	}
}
