package run

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"brokerlab/results"
)

// Release is the version of the program.
const Release = "0.1.0"

// notAvailable stands for a figure that the system lacks.
const notAvailable = "not available"

// Version says which program this is, from what the Go tool put into it.
func Version() results.Version {
	v := results.Version{Brokerlab: Release, Commit: "unknown", Go: runtime.Version()}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
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
