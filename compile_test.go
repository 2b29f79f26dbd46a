package roq_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// misuse is a program that gives an option to a call.
const misuse = `package misuse

import (
	"context"
	"time"

	"github.com/go-roq/roq"
)

var _ time.Duration

func _(ctx context.Context, client *roq.Client, platform *roq.RoqPlatform, journal roq.Journal) {
	%s
}
`

// An option that a call does not take does not compile.
func TestOptionsThatDoNotCompile(t *testing.T) {
	t.Parallel()
	const interval, journal = "roq.WithInterval(time.Second, time.Minute)", "roq.WithJournal(journal)"
	rows := []struct{ code, want string }{
		{"platform.SendUserInvites(ctx, roq.SendUserInvitesInput{}, " + interval + ")", "missing method applyToCall"},
		{"platform.SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{}, " + interval + ")", "missing method applyToStream"},
		{"platform.UserInvites(ctx, roq.UserInvitesQuery{}, " + interval + ")", "missing method applyToCall"},
		{"platform.AllUserInvites(ctx, roq.UserInvitesQuery{}, " + interval + ")", "missing method applyToCall"},
		{`platform.UserInvite(ctx, "id", ` + interval + ")", "missing method applyToCall"},
		{"client.FindUsers(ctx, roq.FindUsersQuery{}, " + interval + ")", "missing method applyToCall"},
		{"roq.New(roq.Config{}, " + interval + ")", "missing method applyToClient"},
		{"roq.New(roq.Config{}, roq.WithSkipInvalid())", "missing method applyToClient"},
		{"platform.SendUserInvites(ctx, roq.SendUserInvitesInput{}, " + journal + ")", "missing method applyToCall"},
		{"platform.WatchUserInvites(ctx, roq.UserInvitesQuery{}, " + journal + ")", "missing method applyToWatch"},
	}
	// What does compile, so that nothing else is wrong with the program.
	valid := []string{
		"platform.WatchUserInvites(ctx, roq.UserInvitesQuery{}, " + interval + ", roq.WithTimeout(0), roq.WithSkipInvalid())",
		`platform.WaitUserInvite(ctx, "id", ` + interval + `, roq.WithRequestID("id"))`,
		"platform.SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{}, " + journal + ", roq.WithSkipInvalid())",
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir, overlay := t.TempDir(), map[string]map[string]string{"Replace": {}}
	// The programs are laid over the module's folders without being written there.
	program := func(name, code string) string {
		source := filepath.Join(dir, name+".go")
		if err := os.WriteFile(source, fmt.Appendf(nil, misuse, code), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, name, name+".go")] = source
		return "./" + name
	}
	build := func(programs ...string) string {
		encoded, err := json.Marshal(overlay)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "overlay.json")
		if err := os.WriteFile(file, encoded, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", file}, programs...)...).CombinedOutput()
		return string(out)
	}
	if out := build(program("valid", strings.Join(valid, "\n\t"))); out != "" {
		t.Fatalf("what is valid does not compile:\n%s", out)
	}
	var programs []string
	for i, row := range rows {
		programs = append(programs, program(fmt.Sprintf("misuse_%d", i), row.code))
	}
	out := build(programs...)
	for i, row := range rows {
		name := fmt.Sprintf("misuse_%d.go", i)
		found := false
		for line := range strings.Lines(out) {
			found = found || strings.Contains(line, name) && strings.Contains(line, row.want)
		}
		if !found {
			t.Errorf("%s: the compiler does not say %q:\n%s", row.code, row.want, out)
		}
	}
}
