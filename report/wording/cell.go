package wording

import (
	"slices"
	"strings"

	"brokerlab/results"
)

// Settings whose values speak for themselves: a column or a legend needs no name.
const (
	CompressionType = "compression.type"
	Disk            = "disk"
	mode            = "mode"
)

// labelWidest is how many characters of one label's value are shown.
const labelWidest = 40

// Names are the short names of a result's labels and cells.
type Names struct {
	result *results.Result
	// Varied are the label names with more than one value, in the result's order.
	Varied []string
	short  map[string]string
}

// NamesOf finds what varies in a result.
func NamesOf(r *results.Result) *Names {
	n := &Names{result: r, short: map[string]string{}}
	for _, name := range labelNames(r) {
		if len(valuesOf(r, name)) > 1 {
			n.Varied = append(n.Varied, name)
		}
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
	case "cluster", "topic", "producers", "consumers", "records", "load", "network":
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
		return None
	}
	if isSize(name) {
		value = Size(value)
	}
	return middleOut(value)
}

func isSize(name string) bool {
	short := withoutSection(name)
	return strings.HasSuffix(short, "size") || strings.HasSuffix(short, "bytes") || short == "buffer.memory"
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
	switch value := n.Value(cell, name); withoutSection(name) {
	case CompressionType:
		if value == "none" {
			return "no compression"
		}
		return value
	case Disk, mode:
		return value
	default:
		return n.Short(name) + "=" + value
	}
}

// Cell names a cell by what varies, and says what its figures must not be
// mistaken for: "lz4, acks=all (simulated)". A lone cell has the scenario's name.
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

// Simulated follows the name of what was not measured.
const Simulated = " (simulated)"

// Suffix is Simulated or nothing.
func (n *Names) Suffix(cell int) string {
	if n.result.Cells[cell].Target == results.TargetSim {
		return Simulated
	}
	return ""
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

// Load is a cell's load: "20,000/s", or "max (at saturation)".
func Load(c results.Cell) string {
	words := "max"
	if c.OfferedPerS > 0 {
		words = Digits(c.OfferedPerS) + "/s"
	}
	if c.AtSaturation {
		words += " (at saturation)"
	}
	return words
}

// Check is what the read-back found: "ok", or every kind of bad record; and how
// many records failed to be sent, which no check holds against a run. A cell of
// which nothing was sent has nothing to check.
func Check(c results.Counts) string {
	var bad []string
	for _, kind := range []struct {
		n    int64
		name string
	}{{c.Lost, "lost"}, {c.Duplicated, "duplicated"}, {c.Reordered, "reordered"}, {c.Corrupted, "corrupted"}} {
		if kind.n != 0 {
			bad = append(bad, Count(kind.n)+" "+kind.name)
		}
	}
	words := "ok"
	switch {
	case len(bad) > 0:
		words = strings.Join(bad, ", ")
	case c.Sent == 0:
		words = None
	}
	if c.Failed > 0 {
		words += "; " + Count(c.Failed) + " failed"
	}
	return words
}
