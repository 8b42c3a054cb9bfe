// Package scenarios holds the scenarios that are built into the program, as
// text. It checks and runs none of them: see scenarios/spec and scenarios/run.
package scenarios

import (
	"embed"
	"fmt"
	"strings"

	"brokerlab/scenarios/spec"
)

//go:embed *.yaml
var files embed.FS

const extension = ".yaml"

// Entry is one built-in scenario.
type Entry struct {
	Name     string // as `run` takes it
	Title    string
	Question string
	Cells    int // cells of its sweep, for one disk
}

// List returns the built-in scenarios in the order of their names.
func List() []Entry {
	names := Names()
	entries := make([]Entry, len(names))
	for i, name := range names {
		src, err := Source(name)
		if err != nil {
			panic(err.Error())
		}
		f, err := spec.Parse(name+extension, src)
		if err != nil {
			panic("scenarios: a built-in scenario is wrong: " + err.Error())
		}
		cells, err := f.Cells()
		if err != nil {
			panic("scenarios: a built-in scenario is wrong: " + err.Error())
		}
		entries[i] = Entry{Name: name, Title: f.Base.Title, Question: f.Base.Question, Cells: len(cells)}
	}
	return entries
}

// Names returns the names of the built-in scenarios in order.
func Names() []string {
	dir, err := files.ReadDir(".")
	if err != nil {
		panic("scenarios: the embedded directory cannot be read: " + err.Error())
	}
	names := make([]string, len(dir))
	for i, f := range dir {
		names[i] = strings.TrimSuffix(f.Name(), extension)
	}
	return names
}

// Source returns the text of a built-in scenario, comments included. The error
// of an unknown name says which one was probably meant.
func Source(name string) ([]byte, error) {
	names := Names()
	for _, n := range names {
		if n == name {
			return files.ReadFile(name + extension)
		}
	}
	if best := spec.DidYouMean(name, names); best != "" {
		return nil, fmt.Errorf("no scenario %q is built in (did you mean %s?)", name, best)
	}
	return nil, fmt.Errorf("no scenario %q is built in: there are %s; a file of your own needs its path, such as ./%s",
		name, strings.Join(names, ", "), strings.TrimSuffix(name, extension)+extension)
}
