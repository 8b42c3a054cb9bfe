package figures

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Extension is how files of figures end.
const Extension = ".yaml"

// NameOf is the name of what a file describes.
func NameOf(file string) string { return strings.TrimSuffix(path.Base(file), Extension) }

// Library is a directory of files that are built in, each named as what it describes.
type Library struct {
	Files embed.FS // at its root, and nothing else
	What  string   // "disk profile"; for errors
}

// Names returns the names in order.
func (l Library) Names() []string {
	dir, err := l.Files.ReadDir(".")
	if err != nil {
		panic("figures: the embedded directory of " + l.What + "s cannot be read: " + err.Error())
	}
	names := make([]string, len(dir))
	for i, f := range dir {
		names[i] = NameOf(f.Name())
	}
	return names
}

// Text returns a file as it is written, comments included.
func (l Library) Text(name string) ([]byte, error) {
	if names := l.Names(); !slices.Contains(names, name) {
		return nil, fmt.Errorf("no %s %q is built in: there are %s", l.What, name, strings.Join(names, ", "))
	}
	return l.Files.ReadFile(name + Extension)
}
