package interop_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The witnesses stay the same: every version is exact, and the lock file says
// what a package is, by its hash, and not where somebody got it from.
func TestPackagesArePinned(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{".", filepath.Join("..", "browser"), filepath.Join("..", "bench")} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			pinned(t, folder)
		})
	}
}

func pinned(t *testing.T, folder string) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("it is in the repository, and not in the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	versions := regexp.MustCompile(`"(@?[\w/-]+)": "([~^<>=*x\d][^"]*)"`).FindAllStringSubmatch(string(manifest), -1)
	if len(versions) < 1 {
		t.Fatalf("package.json names %d packages: %s", len(versions), manifest)
	}
	for _, v := range versions {
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v[2]) {
			t.Errorf("the version of %s is %s, want an exact one", v[1], v[2])
		}
	}
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`"resolved"`).Match(lock) {
		t.Error("package-lock.json says where packages are from: .npmrc is to keep it from that")
	}
	packages := len(regexp.MustCompile(`"node_modules/`).FindAll(lock, -1))
	if hashes := len(regexp.MustCompile(`"integrity": "sha512-`).FindAll(lock, -1)); hashes != packages {
		t.Errorf("package-lock.json has %d packages and %d hashes", packages, hashes)
	}
}
