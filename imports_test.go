package roq_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Whoever imports this package inherits what it imports, so that stays little.
func TestDependencies(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/hashicorp/go-retryablehttp", "github.com/google/go-querystring", "github.com/golang-jwt/jwt", "golang.org/x/",
		"github.com/hashicorp/go-cleanhttp",  // go-retryablehttp's own
		"github.com/go-json-experiment/json", // strict decoding: encoding/json takes "DATA" for "data" and the last of two members
		"github.com/go-roq/roq",
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("the package depends on %s", path)
		}
		if strings.HasPrefix(path, "github.com/go-roq/roq/roqtest") {
			t.Errorf("the package depends on its test platform")
		}
	}
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
