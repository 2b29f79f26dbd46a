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
	"html/template"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
)

var (
	_ inviteui.Page
	_ template.HTML
	_ io.Writer
	_ time.Time
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

// Every Go block of the documents compiles, as the file it is or inside a
// function that has what the text has introduced; tests among them pass. So does
// the program in the package comment.
func TestDocumentsCompile(t *testing.T) {
	t.Parallel()
	var blocks []string
	for _, name := range documents(t) {
		text := readFile(t, name)
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(block[1], "otelroq") && !strings.Contains(block[1], "roqriver") { // those modules' tests compile it
				blocks = append(blocks, block[1])
			}
		}
	}
	program := regexp.MustCompile(`(?s)\n//\tpackage main\n(//(\t[^\n]*)?\n)*`).FindString(readFile(t, "doc.go"))
	blocks = append(blocks, regexp.MustCompile(`(?m)^//\t?`).ReplaceAllString(strings.TrimSpace(program), ""))
	if len(blocks) < 10 || !strings.HasPrefix(blocks[len(blocks)-1], "package main\n") {
		t.Fatalf("the documents have %d Go blocks, want the guide and the package's program", len(blocks))
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	// The blocks are laid over the module's folders without being written there.
	overlay := map[string]map[string]string{"Replace": {}}
	dir := t.TempDir()
	var programs, tests []string
	for i, block := range blocks {
		if !strings.HasPrefix(block, "package ") {
			block = fmt.Sprintf(fragment, block)
		}
		// Linking is not what is tested.
		block = strings.Replace(block, "package main", "package block", 1)
		source := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(source, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		pkg, name := fmt.Sprintf("document_block_%d", i), "block.go"
		if strings.Contains(block, "*testing.T") {
			name = "block_test.go"
			tests = append(tests, "./"+pkg)
		} else {
			programs = append(programs, "./"+pkg)
		}
		overlay["Replace"][filepath.Join(root, pkg, name)] = source
	}
	encoded, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(dir, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
		}
	}
	run(root, "go", append([]string{"build", "-overlay", file}, programs...)...)
	for _, pkg := range tests {
		binary := filepath.Join(dir, filepath.Base(pkg)+".test")
		run(root, "go", "test", "-c", "-vet=off", "-overlay", file, "-o", binary, pkg)
		run(dir, binary)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The README's tables name every option and every kind of error.
func TestDocumentsNameEverything(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "README.md")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			code.WriteString(readFile(t, file))
		}
	}
	for _, table := range []struct{ declared, row string }{
		{`(?m)^func (With\w+)\(`, "\n| `%s("},
		{`(?m)^\t(Err\w+) += errors\.New`, "`%s`"},
	} {
		names := regexp.MustCompile(table.declared).FindAllStringSubmatch(code.String(), -1)
		if len(names) < 10 {
			t.Fatalf("%d names are declared as %s", len(names), table.declared)
		}
		for _, name := range names {
			if !strings.Contains(readme, fmt.Sprintf(table.row, name[1])) {
				t.Errorf("the README's table lacks %s", name[1])
			}
		}
	}
}

// documents are the files for readers.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names...)
	}
	return all
}

// The documents' links inside the repository, and inside a document, lead somewhere.
func TestDocumentsLink(t *testing.T) {
	t.Parallel()
	for _, name := range documents(t) {
		text := readFile(t, name)
		for _, link := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), link[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// An anchor is a heading's text in lower case, without marks, as GitHub makes it.
		anchors := map[string]bool{}
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
			plain := regexp.MustCompile(`[^\pL\pN -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
			anchors[strings.ReplaceAll(plain, " ", "-")] = true
		}
		for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			if !anchors[link[1]] {
				t.Errorf("%s has no heading #%s", name, link[1])
			}
		}
	}
}
