package roq_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Whoever imports these packages inherits what they import, so that stays little.
func TestDependencies(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/hashicorp/go-retryablehttp", "github.com/google/go-querystring", "github.com/golang-jwt/jwt", "golang.org/x/",
		"github.com/hashicorp/go-cleanhttp",  // go-retryablehttp's own
		"github.com/go-json-experiment/json", // strict decoding: encoding/json takes "DATA" for "data" and the last of two members
		"github.com/go-roq/roq",
	}
	for _, path := range goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".", "./journal", "./inviteui") {
		if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("the package depends on %s", path)
		}
		if strings.HasPrefix(path, "github.com/go-roq/roq/roqtest") {
			t.Errorf("the package depends on its test platform")
		}
	}
}

// Whoever requires the module inherits what it requires, for tests and programs too.
func TestRequirements(t *testing.T) {
	t.Parallel()
	want := []string{
		"github.com/go-json-experiment/json",
		"github.com/golang-jwt/jwt/v5",
		"github.com/google/go-cmp", // tests
		"github.com/google/go-querystring",
		"github.com/google/uuid",              // roqtest
		"github.com/graph-gophers/graphql-go", // roqtest
		"github.com/hashicorp/go-retryablehttp",
		"github.com/jarcoal/httpmock", // tests
		"go.uber.org/goleak",          // tests
		"golang.org/x/net", "golang.org/x/sync",
		"golang.org/x/sys", // journal
		"golang.org/x/text", "golang.org/x/time",
	}
	if got := goList(t, "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all"); !slices.Equal(got, want) {
		t.Errorf("go.mod requires %q, want %q", got, want)
	}
}

// goList returns the words that go list prints.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}

// Only one package knows go-retryablehttp.
func TestOneWayOut(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		importer, imported, _ := strings.Cut(strings.TrimSpace(line), " ")
		if imported == "github.com/hashicorp/go-retryablehttp" && importer != "github.com/go-roq/roq/internal/transport" {
			t.Errorf("%s imports %s", importer, imported)
		}
	}
}
