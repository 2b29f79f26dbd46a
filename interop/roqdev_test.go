package interop_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The clients work against the platform for local development, as they are told
// to by what it prints.
func TestRoqdev(t *testing.T) {
	t.Parallel()
	js := start(t, "nodejs.mjs")
	binary := filepath.Join(t.TempDir(), "roqdev")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/roqdev").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dev := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0")
	stdout, err := dev.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Wait() }) // killed with the test's context
	env := map[string]string{}
	for lines := bufio.NewScanner(stdout); lines.Scan() && !strings.Contains(lines.Text(), "/api/auth/login"); {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "), "="); ok {
			env[name] = value
		}
	}
	js.must(t, nil, "connect", map[string]string{
		"host": env["ROQ_PLATFORM_URL"], "environmentId": env["ROQ_ENVIRONMENT_ID"], "apiKey": env["ROQ_API_KEY"],
	})
	var listed struct {
		UserInvites struct{ TotalCount *int }
	}
	js.must(t, &listed, "call", "userInvites", variables{"limit": 10})
	if n := listed.UserInvites.TotalCount; n == nil || *n != 0 {
		t.Errorf("userInvites = %+v, want none", listed)
	}
}
