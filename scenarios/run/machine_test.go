package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Goal: the commit of a checkout is found, and nothing is made up elsewhere.
// Method: a repository of one file, changed or not; a folder that is none.
func TestCheckout(t *testing.T) {
	dir := t.TempDir()
	if commit, _ := checkout(dir); commit != unknownCommit {
		t.Errorf("an empty folder has commit %q", commit)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module brokerlab\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if commit, _ := checkout(dir); commit != unknownCommit {
		t.Errorf("a folder without a repository has commit %q", commit)
	}
	for _, args := range []string{"init -q", "add go.mod", "-c user.name=n -c user.email=e commit -q -m m"} {
		cmd := exec.Command("git", append([]string{"-C", dir}, strings.Fields(args)...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("git does not work here: %v: %s", err, out)
		}
	}
	if commit, modified := checkout(dir); len(commit) != 40 || modified {
		t.Errorf("commit %q, modified %v", commit, modified)
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, modified := checkout(dir); !modified {
		t.Error("a new file does not count as modified")
	}
}
