// Package wording turns a result's figures and settings into the words that its
// tables, charts and report share: one cell is written the same way everywhere. It
// computes nothing.
package wording

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Settings whose values speak for themselves: a column or a legend needs no name.
const (
	CompressionType = "compression.type"
	Disk            = "disk"
	mode            = "mode"
)

// How many characters of one label's value are shown, and of a disk's.
const (
	labelWidest = 40
	diskWidest  = 28
)

// Names are the short names of a result's labels and cells.
type Names struct {
	result *results.Result
	// Varied are the label names with more than one value, in the result's order.
	Varied []string
	short  map[string]string
	// shown are the values of labels as they are shown, by label and value.
	shown map[string]map[string]string
	mixed bool // measured and simulated
}

// NamesOf finds what varies in a result.
func NamesOf(r *results.Result) *Names {
	n := &Names{result: r, short: map[string]string{}, shown: map[string]map[string]string{}, mixed: TargetVaries(r)}
	for _, name := range labelNames(r) {
		values := valuesOf(r, name)
		if len(values) > 1 {
			n.Varied = append(n.Varied, name)
		}
		n.shown[name] = shortened(name, values)
	}
	uses := map[string]int{}
	for _, name := range labelNames(r) {
		uses[withoutSection(name)]++
	}
	for _, name := range labelNames(r) {
		n.short[name] = name
		if short := withoutSection(name); uses[short] == 1 {
			n.short[name] = short
		}
	}
	return n
}

// labelNames are the result's, and those that only cells have, as in a damaged result.
func labelNames(r *results.Result) []string {
	names := slices.Clone(r.LabelNames)
	var others []string
	for _, cell := range r.Cells {
		for name := range cell.Labels {
			if !slices.Contains(names, name) && !slices.Contains(others, name) {
				others = append(others, name)
			}
		}
	}
	slices.Sort(others)
	return append(names, others...)
}

// valuesOf are the distinct values of a label, in the order of cells.
func valuesOf(r *results.Result, name string) (values []string) {
	for _, cell := range r.Cells {
		if !slices.Contains(values, cell.Labels[name]) {
			values = append(values, cell.Labels[name])
		}
	}
	return values
}

// withoutSection turns producers.batch.size into batch.size, Kafka's own name.
func withoutSection(name string) string {
	section, rest, ok := strings.Cut(name, ".")
	switch section {
	case "cluster", "topic", "producers", "consumers", "records", "load", "host", "network":
		if ok {
			return rest
		}
	}
	return name
}

// Short is a label's name without its section, where that is not ambiguous.
func (n *Names) Short(name string) string {
	if short, ok := n.short[name]; ok {
		return short
	}
	return withoutSection(name)
}

// IsCompression says whether a label is the compression type.
func (n *Names) IsCompression(name string) bool { return withoutSection(name) == CompressionType }

// Compression is a cell's codec, if the codec varies.
func (n *Names) Compression(cell int) string {
	for _, name := range n.Varied {
		if n.IsCompression(name) {
			return n.result.Cells[cell].Labels[name]
		}
	}
	return ""
}

// Value is a cell's value of a label, for a place whose heading names the label.
func (n *Names) Value(cell int, name string) string {
	value, ok := n.result.Cells[cell].Labels[name]
	if !ok || value == "" {
		return quantity.None
	}
	return n.shown[name][value]
}

// shortened gives each value of a label the shortest form in which no two of
// them look the same.
func shortened(name string, values []string) map[string]string {
	forms := []func(string) string{middleOut, func(v string) string { return v }}
	switch {
	case name == Disk:
		forms = append([]func(string) string{pathEnd}, forms...)
	case isSize(name):
		forms = []func(string) string{func(v string) string { return middleOut(quantity.Size(v)) }, forms[1]}
	}
	var shown map[string]string
	for _, form := range forms {
		shown = map[string]string{}
		taken := map[string]bool{}
		for _, v := range values {
			shown[v] = form(v)
			taken[shown[v]] = true
		}
		if len(taken) == len(values) {
			break
		}
	}
	return shown
}

func isSize(name string) bool {
	short := withoutSection(name)
	return strings.HasSuffix(short, "size") || strings.HasSuffix(short, "bytes") || short == "buffer.memory"
}

// pathEnd shortens a long disk to the end of its path, whole names only:
// dir:/mnt/ssd/a/long/way becomes dir:.../long/way. A path that has but one name
// stays.
func pathEnd(disk string) string {
	kind, path, ok := strings.Cut(disk, ":")
	if !ok || utf8.RuneCountInString(disk) <= diskWidest {
		return disk
	}
	names := strings.Split(strings.TrimRight(path, "/"), "/")
	end := names[len(names)-1]
	if len(names) == 1 || end == "" {
		return disk
	}
	for i := len(names) - 2; i > 0; i-- {
		longer := names[i] + "/" + end
		if utf8.RuneCountInString(kind+":.../"+longer) > diskWidest {
			break
		}
		end = longer
	}
	return kind + ":.../" + end
}

// middleOut shortens a long value, such as a path, in its middle.
func middleOut(value string) string {
	runes := []rune(value)
	if len(runes) <= labelWidest {
		return value
	}
	const keep = (labelWidest - 3) / 2
	return string(runes[:keep]) + "..." + string(runes[len(runes)-keep:])
}

// Named is a cell's value of a label, with the label's name unless the value
// speaks for itself: "zstd", "acks=all".
func (n *Names) Named(cell int, name string) string {
	value := n.Value(cell, name)
	switch short := withoutSection(name); {
	case short == CompressionType && value == "none":
		return "no compression"
	case short == CompressionType, short == Disk, short == mode, n.chosen(cell, name) && startsWithLetter(value):
		return value
	}
	return n.Short(name) + "=" + value
}

// chosen says whether a label is a choice that the scenario gave a name, such as
// "every batch", and no setting. Labels have settings' names without sections.
func (n *Names) chosen(cell int, name string) bool {
	config := n.result.Cells[cell].Config
	for path := range config {
		if path == name || strings.HasSuffix(path, "."+name) {
			return false
		}
	}
	return len(config) > 0
}

func startsWithLetter(value string) bool {
	first, _ := utf8.DecodeRuneInString(value)
	return unicode.IsLetter(first)
}

// Cell names a cell by what varies and, where a result has both, whether its
// figures were measured or simulated: "lz4, sim (simulated)". A lone cell has
// the scenario's name.
func (n *Names) Cell(cell int) string {
	return n.Bare(cell) + n.Suffix(cell)
}

// Bare is Cell without its suffix.
func (n *Names) Bare(cell int) string {
	var parts []string
	for _, name := range n.Varied {
		parts = append(parts, n.Named(cell, name))
	}
	if len(parts) == 0 {
		return n.result.Scenario
	}
	return strings.Join(parts, ", ")
}

// Suffix is " (simulated)" or " (measured)" in a result that has both, else nothing:
// then it is said once for all, which is on whoever uses the name.
func (n *Names) Suffix(cell int) string {
	if !n.mixed {
		return ""
	}
	return " (" + Target(n.result.Cells[cell]) + ")"
}

// TargetVaries says whether some figures were measured and others simulated.
func TargetVaries(r *results.Result) bool {
	return slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Target != r.Cells[0].Target })
}

// AllSimulated says whether there are cells, and none of them was measured.
func AllSimulated(r *results.Result) bool {
	measured := func(c results.Cell) bool { return c.Target != results.TargetSim }
	return len(r.Cells) > 0 && !slices.ContainsFunc(r.Cells, measured)
}

// Target is how a cell's figures came about.
func Target(c results.Cell) string {
	switch c.Target {
	case results.TargetReal:
		return "measured"
	case results.TargetSim:
		return "simulated"
	}
	return c.Target
}

// Check is what the read-back found: "ok", or every kind of bad record; and how
// many records failed or were not sent, which no check holds against a run. A cell of
// which nothing was sent has nothing to check.
func Check(c results.Counts) string {
	words := "ok"
	switch {
	case c.Bad() != 0:
		words = BadRecords(c)
	case c.Sent == 0:
		words = quantity.None
	}
	if c.Failed > 0 {
		words += "; " + quantity.Count(c.Failed) + " failed"
	}
	if c.Unsent > 0 {
		words += "; " + quantity.Count(c.Unsent) + " unsent"
	}
	return words
}

// BadRecords counts every kind that the read-back holds against a run: "12 lost, 1
// duplicated".
func BadRecords(c results.Counts) string {
	var bad []string
	for _, kind := range []struct {
		n    int64
		name string
	}{{c.Lost, "lost"}, {c.Duplicated, "duplicated"}, {c.Reordered, "reordered"}, {c.Corrupted, "corrupted"}} {
		if kind.n != 0 {
			bad = append(bad, quantity.Count(kind.n)+" "+kind.name)
		}
	}
	return strings.Join(bad, ", ")
}

// Capital begins words with a capital letter.
func Capital(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	if size == 0 {
		return words
	}
	return string(unicode.ToUpper(first)) + words[size:]
}
