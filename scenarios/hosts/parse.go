package hosts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"brokerlab/disks/figures"
	"brokerlab/engine/codec"
	"brokerlab/engine/simworld"
)

// Keys of a profile.
const (
	titleKey      = "title"
	noteKey       = "note"
	measuredKey   = "measured"
	sourcesKey    = "sources"
	factorKey     = "cpu-factor"
	operationsKey = "operations"
	codecsKey     = "codecs"
	wakeKey       = "wake"
	timerLateKey  = "timer-late"
)

var rootKeys = []string{
	titleKey, noteKey, measuredKey, sourcesKey, factorKey, operationsKey, codecsKey, wakeKey, timerLateKey,
}

// Parse reads a profile. The base of the file's name, without .yaml, is its name.
// The error is of type figures.Errors and holds every fault.
func Parse(file string, src []byte) (*Profile, error) {
	r := reader{Reader: figures.Reader{File: file}, p: &Profile{Name: figures.NameOf(file)},
		seen: map[string]bool{}}
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
	p    *Profile
	seen map[string]bool // paths that were given
}

// profile reads the root. The sources come first, since figures name them.
func (r *reader) profile(root *yaml.Node) {
	pairs := r.Pairs(root, "")
	for _, p := range pairs {
		if p.Key == sourcesKey {
			r.ReadSources(p)
			r.p.Sources = r.Sources
		}
	}
	for _, p := range pairs {
		r.seen[p.Key] = true
		switch p.Key {
		case titleKey:
			r.p.Title = r.Text(p.Value, p.Key)
		case noteKey:
			r.p.Note = r.Text(p.Value, p.Key)
		case measuredKey:
			r.measured(p)
		case sourcesKey:
		case factorKey:
			r.factor(p)
		case operationsKey:
			r.operations(p)
		case codecsKey:
			r.codecs(p)
		case wakeKey:
			r.delay(&r.p.Wake, p)
		case timerLateKey:
			r.delay(&r.p.TimerLate, p)
		default:
			r.Fail(p.At, p.Key, "is none of %s", strings.Join(rootKeys, ", "))
		}
	}
	r.complete(root)
}

func (r *reader) measured(p figures.Pair) {
	m := &Measured{}
	r.p.Measured = m
	fields := m.fields()
	for _, q := range r.Pairs(p.Value, p.Key) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == q.Key })
		if i < 0 {
			r.Fail(q.At, figures.Join(p.Key, q.Key), "is none of machine, kernel, go, brokerlab, date, load")
			continue
		}
		*fields[i].text = r.Text(q.Value, figures.Join(p.Key, q.Key))
	}
	for _, f := range fields {
		if *f.text == "" {
			r.Fail(p.At, figures.Join(p.Key, f.key), "is missing")
		}
	}
}

// field is a text of Measured by its key.
type field struct {
	key  string
	text *string
}

func (m *Measured) fields() []field {
	return []field{{"machine", &m.Machine}, {"kernel", &m.Kernel}, {"go", &m.Go}, {"brokerlab", &m.Brokerlab},
		{"date", &m.Date}, {"load", &m.Load}}
}

func (r *reader) factor(p figures.Pair) {
	f := &Factor{}
	r.p.CPUFactor = f
	for _, q := range r.Pairs(p.Value, p.Key) {
		switch {
		case q.Key == "value":
			v, err := strconv.ParseFloat(q.Value.Value, 64)
			if err != nil || !(v > 0 && v <= 1000) {
				r.Fail(figures.At(q.Value), p.Key, "%q is not a number above 0, at most 1000", q.Value.Value)
			}
			f.Value = v
		case r.ReadOrigin(&f.Origin, q, p.Key):
		default:
			r.Fail(q.At, p.Key, "%q is none of value, status, source, note", q.Key)
		}
	}
	if f.Value == 0 {
		r.Fail(p.At, p.Key, "has no value")
	}
	r.CheckOrigin(p.At, p.Key, f.Origin)
}

func (r *reader) operations(p figures.Pair) {
	for _, q := range r.Pairs(p.Value, p.Key) {
		name := figures.Join(p.Key, q.Key)
		i := slices.IndexFunc(operations, func(o operation) bool { return o.name == q.Key })
		if i < 0 {
			r.Fail(q.At, name, "is no operation: there are %s", strings.Join(Operations(), ", "))
			continue
		}
		r.seen[name] = true
		cost := &r.p.Ops[operations[i].op]
		cost.Price = r.price(q, name, &cost.Origin)
		r.CheckOrigin(q.At, name, cost.Origin)
	}
}

// price reads a price, and its origin if it has one of its own.
func (r *reader) price(p figures.Pair, path string, origin *figures.Origin) (price simworld.Price) {
	given := false
	for _, q := range r.Pairs(p.Value, path) {
		switch {
		case q.Key == "per-call":
			price.PerCallNs, given = r.span(q.Value, path), true
		case q.Key == "per-unit":
			price.PerUnitNs, given = r.span(q.Value, path), true
		case q.Key == "table":
			price.Table, given = r.table(q, path), true
		case origin != nil && r.ReadOrigin(origin, q, path):
		case origin != nil:
			r.Fail(q.At, path, "%q is none of per-call, per-unit, table, status, source, note", q.Key)
		default:
			r.Fail(q.At, path, "%q is none of per-call, per-unit, table", q.Key)
		}
	}
	switch {
	case !given:
		r.Fail(p.At, path, "has no price: give per-call, per-unit or table")
	case price.Table != nil && (price.PerCallNs != 0 || price.PerUnitNs != 0):
		r.Fail(p.At, path, "has a table and a price per call or unit: give one of them")
	}
	return price
}

// table reads the points of a price by size.
func (r *reader) table(p figures.Pair, path string) (points []simworld.Point) {
	var last simworld.Point
	for _, q := range r.Pairs(p.Value, path) {
		size, err := tableSize(q.Key)
		if err != nil {
			r.Fail(q.At, path, "%v", err)
			continue
		}
		at := simworld.Point{Size: size, Ns: r.span(q.Value, path)}
		if at.Size <= last.Size {
			r.Fail(q.At, path, "sizes must rise: %s follows a size of %d", q.Key, last.Size)
		}
		if at.Ns < last.Ns {
			r.Fail(figures.At(q.Value), path, "times must not fall: %s follows %s", q.Value.Value, formatSpan(last.Ns))
		}
		points, last = append(points, at), at
	}
	if len(points) == 0 && len(r.Errs) == 0 {
		r.Fail(p.At, path, "has an empty table")
	}
	return points
}

// tableSize reads a number of bytes with a unit, or a count without one.
func tableSize(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		if n, err = figures.Size(text); err != nil {
			return 0, err
		}
	}
	if n < 1 || n > 1<<30 {
		return 0, fmt.Errorf("size %s is not between 1 and 1GiB", text)
	}
	return int(n), nil
}

func (r *reader) span(n *yaml.Node, path string) float64 {
	ns, err := parseSpan(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		r.Fail(figures.At(n), path, "%q is not a time: write 0.07ns, 5us or 1.2ms, at most 10s", n.Value)
	}
	return ns
}

func (r *reader) codecs(p figures.Pair) {
	if p.Value.Kind != yaml.SequenceNode {
		r.Fail(figures.At(p.Value), p.Key, "must be a list")
		return
	}
	for i, n := range p.Value.Content {
		r.codec(n, fmt.Sprintf("%s.%d", p.Key, i))
	}
}

// codec reads one entry.
func (r *reader) codec(n *yaml.Node, path string) {
	var c CodecCost
	given := map[string]figures.Place{}
	for _, q := range r.Pairs(n, path) {
		given[q.Key] = figures.At(q.Value)
		switch {
		case q.Key == "codec":
			t, err := codec.Parse(q.Value.Value)
			if err != nil || t == codec.None {
				r.Fail(figures.At(q.Value), path, "codec %q is none of gzip, snappy, lz4, zstd", q.Value.Value)
			}
			c.Codec = t
		case q.Key == "implementation":
			c.Implementation = codec.Implementation(r.Text(q.Value, path))
		case q.Key == "level":
			level, err := strconv.Atoi(q.Value.Value)
			if err != nil {
				r.Fail(figures.At(q.Value), path, "level %q is not a whole number", q.Value.Value)
			}
			c.Level = level
		case q.Key == "compress":
			c.Compress = r.price(q, figures.Join(path, q.Key), nil)
		case q.Key == "decompress":
			c.Decompress = r.price(q, figures.Join(path, q.Key), nil)
		case r.ReadOrigin(&c.Origin, q, path):
		default:
			r.Fail(q.At, path,
				"%q is none of codec, implementation, level, compress, decompress, status, source, note", q.Key)
		}
	}
	for _, key := range []string{"codec", "compress", "decompress"} {
		if _, ok := given[key]; !ok {
			r.Fail(figures.At(n), figures.Join(path, key), "is missing")
			return
		}
	}
	r.CheckOrigin(figures.At(n), path, c.Origin)
	if c.Codec == codec.None {
		return
	}
	if err := codec.CheckLevel(c.Codec, c.Level); err != nil || c.Level == -1 && c.Codec == codec.Gzip {
		r.Fail(given["level"], path, "%v has no level %d", c.Codec, c.Level)
	}
	if err := codec.CheckImplementation(c.Codec, c.Implementation); err != nil || c.Implementation == codec.Default {
		r.Fail(given["implementation"], path, "%v has no implementation %q: leave it out, or name one of %v", c.Codec,
			string(c.Implementation), codec.Implementations(c.Codec))
	}
	for i := range r.p.Codecs {
		o := &r.p.Codecs[i]
		if o.Codec == c.Codec && o.Level == c.Level && o.Implementation == c.Implementation {
			r.Fail(figures.At(n), path, "%v level %d is given twice", c.Codec, c.Level)
		}
	}
	r.p.Codecs = append(r.p.Codecs, c)
}

// quantileKeys are the quantiles of a delay, in the order of simworld.Spread.
var quantileKeys = [...]string{"p10", "p50", "p90", "p99", "p99.9"}

func quantiles(s *simworld.Spread) [len(quantileKeys)]*time.Duration {
	return [...]*time.Duration{&s.P10, &s.P50, &s.P90, &s.P99, &s.P999}
}

// delay reads quantiles, of which p50 must be there.
func (r *reader) delay(d *Delay, p figures.Pair) {
	var given [len(quantileKeys)]bool
	into := quantiles(&d.Spread)
	for _, q := range r.Pairs(p.Value, p.Key) {
		i := slices.Index(quantileKeys[:], q.Key)
		switch {
		case i >= 0:
			*into[i], given[i] = time.Duration(r.span(q.Value, p.Key)), true
		case r.ReadOrigin(&d.Origin, q, p.Key):
		default:
			r.Fail(q.At, p.Key, "%q is none of p10, p50, p90, p99, p99.9, status, source, note", q.Key)
		}
	}
	if !given[1] {
		r.Fail(p.At, p.Key, "has no p50")
	}
	if !given[0] {
		d.P10 = d.P50
	}
	for i := 1; i < len(into); i++ {
		if !given[i] {
			*into[i] = *into[i-1]
		}
		if *into[i] < *into[i-1] {
			r.Fail(p.At, p.Key, "%s is below %s", quantileKeys[i], quantileKeys[i-1])
		}
	}
	r.CheckOrigin(p.At, p.Key, d.Origin)
}

// complete checks the whole: figures that are missing, and sources that nothing
// names.
func (r *reader) complete(root *yaml.Node) {
	for _, key := range []string{titleKey, operationsKey, codecsKey, wakeKey} {
		if !r.seen[key] {
			r.Fail(figures.At(root), key, "is missing")
		}
	}
	for _, o := range operations {
		if name := figures.Join(operationsKey, o.name); r.seen[operationsKey] && !r.seen[name] {
			r.Fail(figures.At(root), name, "is missing")
		}
	}
	r.CheckSources(root, sourcesKey)
	if len(r.Errs) > 0 {
		return
	}
	for _, t := range codec.Types() {
		for _, impl := range codec.Implementations(t) {
			r.completeCodec(root, t, impl)
		}
	}
	if len(r.Errs) > 0 {
		return
	}
	prices := r.p.Prices(nil)
	if err := prices.Validate(); err != nil {
		r.Fail(figures.At(root), "", "%v", err)
	}
}

// completeCodec checks that a library of a codec has prices, and lz4 those of both
// its algorithms.
func (r *reader) completeCodec(root *yaml.Node, t codec.Type, impl codec.Implementation) {
	var some, fast bool
	for i := range r.p.Codecs {
		c := &r.p.Codecs[i]
		if c.Codec == t && (c.Implementation == "" || c.Implementation == impl) {
			if fastLZ4(t, c.Level) {
				fast = true
			} else {
				some = true
			}
		}
	}
	if !some || t == codec.LZ4 && !fast {
		r.Fail(figures.At(root), codecsKey, "%v of %s is missing, at level 9 and at others if it is lz4", t, impl)
	}
}

// timeUnits are powers of ten of a nanosecond, by unit.
var timeUnits = []struct {
	unit  string
	power int
}{{"ns", 0}, {"us", 3}, {"ms", 6}, {"s", 9}}

// spanMax is the longest time that a profile may name, in ns.
const spanMax = 10e9

// parseSpan reads a time with a unit, in ns; fractions of one are kept.
func parseSpan(text string) (float64, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
	for _, u := range timeUnits {
		if text[digits:] == u.unit {
			ns, err := strconv.ParseFloat(fmt.Sprintf("%se%d", text[:digits], u.power), 64)
			if err == nil && ns > spanMax {
				err = fmt.Errorf("%s is longer than 10s", text)
			}
			return ns, err
		}
	}
	return 0, fmt.Errorf("%q has no unit", text)
}

// formatSpan writes a time so that parseSpan reads the same.
func formatSpan(ns float64) string {
	text := strconv.FormatFloat(ns, 'f', -1, 64) + "ns"
	for _, u := range timeUnits[1:] {
		scale, err := strconv.ParseFloat(fmt.Sprintf("1e%d", u.power), 64)
		if err != nil || ns < scale {
			break
		}
		t := strconv.FormatFloat(ns/scale, 'f', -1, 64) + u.unit
		if back, err := parseSpan(t); err == nil && back == ns && len(t) <= len(text) {
			text = t
		}
	}
	return text
}
