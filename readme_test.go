package roq_test

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

// fragment is what the README's blocks that are no whole files stand in.
const fragment = `package main

import (
	"context"
	"errors"
	"log"
	"net/http"

	"github.com/go-roq/roq"
)

var (
	_ = errors.Is
	_ = log.Print
	_ roq.Config
)

func _(ctx context.Context, r *http.Request, client *roq.Client, platform *roq.RoqPlatform, session *roq.Session) (err error) {
	var sent *roq.SendUserInvitesResult
	_, _, _, _, _, _ = ctx, r, client, platform, session, sent
	{
%s
	}
	return nil
}
`

// Every Go block of the README compiles, as the file it is or inside a function
// that has what the text has introduced.
func TestReadmeCompiles(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("the README has %d Go blocks, want the guide", len(blocks))
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	// The blocks are laid over the module's folders without being written there.
	overlay := map[string]map[string]string{"Replace": {}}
	dir := t.TempDir()
	var packages []string
	for i, block := range blocks {
		source := block[1]
		if !strings.HasPrefix(source, "package ") {
			source = fmt.Sprintf(fragment, source)
		}
		// Linking is not what is tested.
		source = strings.Replace(source, "package main", "package block", 1)
		file := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		pkg := fmt.Sprintf("readme_block_%d", i)
		overlay["Replace"][filepath.Join(root, pkg, "block.go")] = file
		packages = append(packages, "./"+pkg)
	}
	encoded, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", file}, packages...)...).CombinedOutput()
	if err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}
