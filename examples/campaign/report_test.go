package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

// The report is in the order of the rows, in whatever order the outcomes come.
func TestReport(t *testing.T) {
	t.Parallel()
	s, err := format{}.open(strings.NewReader("email;name\nann@x.example;\nbob@x.example;Bob;1\n\n=1+1@x.example;\nANN@x.example;\nmia@x.example;\numa@x.example;\n"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := newOutcomes(t.TempDir(), 6)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, o := range []roq.SendOutcome{
		{Index: 3, Status: roq.OutcomeDuplicate, Err: &roq.Error{Message: "Email: must not be the address of input 0"}},
		{Index: 1, Status: roq.OutcomeRefused, Err: &roq.Error{Message: "Email: must not be empty"}},
		{Index: 2, Status: roq.OutcomeRefused, Err: roq.UserInviteError{Code: "USER_ALREADY_EXISTS", Message: "@SUM(1;=2)"}},
		{Index: 5, Status: roq.OutcomeUnknown},
		{Index: 0, Status: roq.OutcomeSent, InviteID: "i0"},
	} {
		if err := f.put(o.Index, newOutcome(o)); err != nil {
			t.Fatal(err)
		}
	}
	var out, unknown strings.Builder
	const want = `line;email;status;inviteId;code;message
2;ann@x.example;sent;i0;;
3;bob@x.example;refused;;;"3 cells where the header has 2: put a cell with a ';' in it in quotes"
5;'=1+1@x.example;refused;;USER_ALREADY_EXISTS;"'@SUM(1;'=2)"
6;ANN@x.example;duplicate;;;duplicate of line 2
7;mia@x.example;not sent;;;not attempted
8;uma@x.example;unknown;;;
`
	if n, err := writeReport(&out, &unknown, ';', s.rows(), f); err != nil || n != 1 || out.String() != want {
		t.Errorf("writeReport = %d, %v:\n%s\nwant\n%s", n, err, &out, want)
	}
	if got, want := unknown.String(), "line;email;status;inviteId;code;message\n8;uma@x.example;unknown;;;\n"; got != want {
		t.Errorf("the unknown rows are\n%s\nwant\n%s", got, want)
	}
}

// The report explains an outcome by what is known of it.
func TestNewOutcome(t *testing.T) {
	t.Parallel()
	invalid := roq.UserInviteInput{Email: "x"}.Validate()
	for _, test := range []struct {
		o    roq.SendOutcome
		want outcome
	}{
		{roq.SendOutcome{Status: roq.OutcomeSent, InviteID: "i"}, outcome{Status: roq.OutcomeSent, InviteID: "i"}},
		{roq.SendOutcome{Status: roq.OutcomeRefused, Err: invalid},
			outcome{Status: roq.OutcomeRefused, Message: "Email: must be one e-mail address without a name, quotes or spaces"}},
		{roq.SendOutcome{Status: roq.OutcomeUnknown, Err: &roq.Error{Operation: "sendUserInvites", Code: "C", Message: "lost", RequestID: "r"}},
			outcome{Status: roq.OutcomeUnknown, Code: "C", Message: "roq: sendUserInvites: lost (C, request r)"}},
	} {
		if got := newOutcome(test.o); got != test.want {
			t.Errorf("newOutcome(%v) = %+v, want %+v", test.o.Err, got, test.want)
		}
	}
}

// A report that cannot be written leaves the one before, and nothing beside it.
func TestReplaceFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.csv")
	write := func(text string, err error) error {
		return replaceFile(path, func(w io.Writer) error { _, _ = io.WriteString(w, text); return err })
	}
	if err := write("one", nil); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := write("two", full); !errors.Is(err, full) {
		t.Errorf("replaceFile = %v, want %v", err, full)
	}
	if got, _ := os.ReadFile(path); string(got) != "one" {
		t.Errorf("the file holds %q, want the one before", got)
	}
	if err := write("three", nil); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	info, err := os.Stat(path)
	if err != nil || len(left) != 1 || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("left are %v, %v", left, err)
	}
}

// The made-up people are the same each time, with everything in them that can be
// wrong.
func TestMakePeople(t *testing.T) {
	t.Parallel()
	var one, two bytes.Buffer
	if err := errors.Join(makePeople(&one, 3000), makePeople(&two, 3000)); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Fatalf("makePeople made others: %v", err)
	}
	s, err := format{}.open(&one)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n, err := dryRun(t.Context(), &out, s.columns, s.rows())
	if err != nil || n != (checked{rows: 3000, bad: 9}) {
		t.Errorf("dryRun = %+v, %v:\n%s", n, err, &out)
	}
	for _, email := range residents(3000) {
		if !bytes.Contains(two.Bytes(), []byte(fmt.Sprintf("\n%s,", email))) {
			t.Errorf("%s is not among the people", email)
		}
	}
}
