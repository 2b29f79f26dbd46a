package roqriver_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The documents' Go blocks about this module compile. The others are compiled by the
// tests of the root module.
func TestDocumentsCompile(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace, packages := map[string]string{}, []string{"build"}
	for _, name := range []string{"../README.md", "../docs/fleet.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(block[1], "roqriver") {
				continue
			}
			pkg := fmt.Sprintf("document_block_%d", len(replace))
			source := filepath.Join(dir, pkg+".go")
			if err := os.WriteFile(source, []byte(block[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(here, pkg, "block.go")] = source
			packages = append(packages, "./"+pkg)
		}
	}
	if len(replace) != 4 {
		t.Fatalf("the documents have %d blocks about this module, want 4", len(replace))
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(packages[:1:1], append([]string{"-overlay", overlay}, packages[1:]...)...)...) //nolint:gosec // our own
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", cmd.Args, err, out)
	}
}
