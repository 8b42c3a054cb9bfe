package profiles

import (
	"errors"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"brokerlab/disks/device"
	"brokerlab/disks/figures"
)

// Keys of a profile and of a figure that are no figures.
const (
	titleKey   = "title"
	noteKey    = "note"
	sourcesKey = "sources"
	kindKey    = "kind"

	valueKey = "value"
)

// Parse reads a profile. The base of the file's name, without .yaml, is its name.
// The error is of type figures.Errors and holds every fault.
func Parse(file string, src []byte) (*Profile, error) {
	r := reader{Reader: figures.Reader{File: file}, p: &Profile{Name: figures.NameOf(file)},
		places: map[string]figures.Place{}}
	if root := r.Load(src); root != nil {
		r.profile(root)
	}
	if err := r.Errs.OrNil(); err != nil {
		return nil, err
	}
	return r.p, nil
}

// reader fills a Profile from a tree of YAML nodes and goes on after a fault.
type reader struct {
	figures.Reader
	p      *Profile
	places map[string]figures.Place // of figures, by path
}

// profile reads the root. The kind and the sources come first, since all else
// depends on them.
func (r *reader) profile(root *yaml.Node) {
	pairs := r.Pairs(root, "")
	for _, p := range pairs {
		switch p.Key {
		case titleKey:
			r.p.Title = r.Text(p.Value, p.Key)
		case noteKey:
			r.p.Note = r.Text(p.Value, p.Key)
		case sourcesKey:
			r.ReadSources(p)
			r.p.Sources = r.Sources
		case kindKey:
			r.kind(p.Value)
		}
	}
	if r.p.Title == "" {
		r.Fail(figures.At(root), titleKey, "is missing")
	}
	if r.places[kindKey] == (figures.Place{}) {
		r.Fail(figures.At(root), kindKey, "is missing")
		return
	}
	kind := r.p.Config.Kind.String()
	for _, p := range pairs {
		switch p.Key {
		case titleKey, noteKey, sourcesKey, kindKey:
		case "queue", kind:
			r.section(p, p.Key)
		default:
			r.figure(p, p.Key)
		}
	}
	r.complete(root)
}

func (r *reader) kind(n *yaml.Node) {
	for _, k := range []device.Kind{device.KindHardDisk, device.KindSSD, device.KindProvisioned} {
		if n.Value == k.String() {
			r.p.Config.Kind, r.places[kindKey] = k, figures.At(n)
			return
		}
	}
	r.Fail(figures.At(n), kindKey, "must be hdd, ssd or provisioned")
	r.places[kindKey] = figures.At(n)
}

// section reads figures, and sections within, such as provisioned.total.
func (r *reader) section(p figures.Pair, path string) {
	for _, q := range r.Pairs(p.Value, path) {
		inner := figures.Join(path, q.Key)
		if slices.ContainsFunc(settings, func(s setting) bool { return strings.HasPrefix(s.path, inner+".") }) {
			r.section(q, inner)
			continue
		}
		r.figure(q, inner)
	}
}

// figure reads one value with its source.
func (r *reader) figure(p figures.Pair, path string) {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.path == path })
	if i < 0 {
		r.Fail(p.At, path, "is not a figure of this kind of disk: there are %s", strings.Join(r.siblings(path), ", "))
		return
	}
	f := Figure{Path: path}
	r.places[path] = p.At
	var value *yaml.Node
	for _, q := range r.Pairs(p.Value, path) {
		switch {
		case q.Key == valueKey:
			value = q.Value
		case r.ReadOrigin(&f.Origin, q, path):
		default:
			r.Fail(q.At, path, "%q is none of value, status, source, note", q.Key)
		}
	}
	if value == nil {
		r.Fail(p.At, path, "has no value")
		return
	}
	r.CheckOrigin(p.At, path, f.Origin)
	r.places[path] = figures.At(value)
	var err error
	if f.Text, err = settings[i].read(&r.p.Config, value); err != nil {
		r.Fail(figures.At(value), path, "%v", err)
	}
	r.p.Figures = append(r.p.Figures, f)
}

// siblings are the figures that could stand where path does.
func (r *reader) siblings(path string) (names []string) {
	section := ""
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		section = path[:i+1]
	}
	for _, s := range settings {
		if rest, ok := strings.CutPrefix(s.path, section); ok && !strings.Contains(rest, ".") {
			names = append(names, rest)
		}
	}
	return names
}

// complete checks the whole: figures that are missing, sources that nothing
// names, and the device's own rules.
func (r *reader) complete(root *yaml.Node) {
	kind := r.p.Config.Kind.String()
	for _, s := range settings {
		section, _, inSection := strings.Cut(s.path, ".")
		ours := !inSection || section == "queue" || section == kind
		if ours && !s.optional && r.places[s.path] == (figures.Place{}) {
			r.Fail(figures.At(root), s.path, "is missing")
		}
	}
	r.CheckSources(root, sourcesKey)
	if len(r.Errs) > 0 {
		return
	}
	var wrong *device.FieldError
	if err := r.p.Config.Validate(); errors.As(err, &wrong) {
		where, ok := r.places[wrong.Field]
		if !ok {
			where = figures.At(root)
		}
		r.Fail(where, wrong.Field, "%s", wrong.Reason)
	}
}
