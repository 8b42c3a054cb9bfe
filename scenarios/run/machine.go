package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"brokerlab/results"
)

// Release is the version of the program.
const Release = "0.1.0"

// notAvailable stands for a figure that the system lacks.
const notAvailable = "not available"

// unknownCommit stands for the commit of a program that does not know it.
const unknownCommit = "unknown"

// Version says which program this is, from what the Go tool put into it. `go run`
// puts no commit in: then, and only then, that of the checkout which it runs in is
// taken. A program of that kind lies in a directory go-build*.
func Version() results.Version {
	v := results.Version{Brokerlab: Release, Commit: unknownCommit, Go: runtime.Version()}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if program, err := os.Executable(); err == nil && v.Commit == unknownCommit && strings.Contains(program, "go-build") {
		v.Commit, v.Modified = checkout(".")
	}
	return v
}

// checkout is the commit of a checkout of this module, and whether files differ
// from it. Elsewhere, or without git, the commit is unknown.
func checkout(dir string) (commit string, modified bool) {
	module, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(module), "module brokerlab\n") {
		return unknownCommit, false
	}
	head, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return unknownCommit, false
	}
	changed, err := exec.Command("git", "-C", dir, "status", "--porcelain").Output()
	return strings.TrimSpace(string(head)), err != nil || len(changed) > 0
}

// Machine says where this is.
func Machine() results.Machine {
	m := results.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Kernel: kernelName(), CPU: notAvailable,
		Cores: runtime.NumCPU()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if name := fieldOf(string(text), "model name"); name != "" {
			m.CPU = name
		}
	}
	m.MemBytes = memoryBytes()
	return m
}

// fieldOf finds the first "name : value" line.
func fieldOf(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
