package findings

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// Row is one figure of one cell in two runs.
type Row struct {
	Cell   string `json:"cell"` // what its labels are, where they vary
	Figure string `json:"figure"`
	Base   string `json:"base"` // as tables write it
	Other  string `json:"other"`
	// BaseValue and OtherValue are the same as numbers: ns, or a second.
	BaseValue  float64 `json:"base_value"`
	OtherValue float64 `json:"other_value"`
	// Ratio is that of Other to Base, Low and High its interval of 95 %; both 0 where
	// there is none.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"ratio_low,omitempty"`
	High  float64 `json:"ratio_high,omitempty"`
	P     float64 `json:"p"` // how often chance alone makes such a difference
	// Shown says that the difference is more than chance; else Why may say what is
	// missing for that.
	Shown bool   `json:"shown"`
	Why   string `json:"why,omitempty"`
}

// Change is what a table has for a row: "+4.7 %", or NotShown.
func (r *Row) Change() string {
	if !r.Shown {
		return NotShown
	}
	return signedChange(r.Ratio)
}

// Interval is that of Change: "+2.1 % to +7.0 %"; nothing where there is none.
func (r *Row) Interval() string {
	if r.High == 0 {
		return ""
	}
	return signedChange(r.Low) + " to " + signedChange(r.High)
}

// signedChange is a ratio as a change with its sign, in percent up to double and half.
func signedChange(ratio float64) string {
	switch {
	case math.Abs(ratio-1) < nothing:
		return "0 %"
	case ratio >= doubled:
		return "x" + quantity.Digits(ratio)
	case ratio >= 1:
		return "+" + quantity.Percent(ratio-1)
	}
	return "-" + quantity.Percent(1-ratio)
}

// nothing is a change that percent with a digit do not show.
const nothing = 0.0005

// Comparison is two runs beside each other.
type Comparison struct {
	Base  string   `json:"base"` // folders of the runs
	Other string   `json:"other"`
	Rows  []Row    `json:"rows"`
	Notes []string `json:"notes"` // what else differs, and what was left out
}

// compared are the figures that runs are compared by.
func compared() []figure {
	p50 := func(l *results.Latency) int64 { return l.P50 }
	p999 := func(l *results.Latency) int64 { return l.P999 }
	rate := recordRate("records/s")
	rate.write = quantity.Digits // the name has the unit
	return []figure{
		rate,
		{name: "consumed/s", json: "consumed_per_s", write: quantity.Digits,
			of: func(w work) (float64, bool) { return w.ConsumedPerS, w.MeasuredS > 0 && w.ConsumedPerS > 0 }},
		percentile(results.Produce, "produce p50", "p50", p50), p99(results.Produce, "produce"),
		percentile(results.Produce, "produce p99.9", "p999", p999),
		percentile(results.EndToEnd, "end-to-end p50", "p50", p50), p99(results.EndToEnd, "end-to-end"),
		{name: "compression ratio", json: "compression_ratio", write: quantity.Digits,
			of: func(w work) (float64, bool) { return w.CompressionRatio, w.CompressionRatio > 0 }},
	}
}

// CompareRuns compares the cells of two runs that have the same labels (see sameCell),
// figure by figure, each by its repeats (see stats.Compare: 5 of 100 figures that are the
// same are called different). A cell that was measured in one run and simulated in the
// other is left out.
func CompareRuns(base, other *results.Result) Comparison {
	c := Comparison{Base: base.Wall.Folder, Other: other.Wall.Folder, Rows: []Row{}, Notes: []string{}}
	names := wording.NamesOf(base)
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	matched := map[int]bool{}
	for i := range base.Cells {
		x := &base.Cells[i]
		k := sameCell(base, other, i)
		if k < 0 {
			note("%s: the second run has no such cell", names.Cell(i))
			continue
		}
		matched[k] = true
		switch y := &other.Cells[k]; {
		case len(x.Repeats) == 0 || len(y.Repeats) == 0:
			note("%s: it did not run in both", names.Cell(i))
		case x.Target != y.Target:
			note("%s: %s in the first run and %s in the second: not compared", names.Cell(i), wording.Target(*x),
				wording.Target(*y))
		default:
			c.addCell(names.Cell(i), x, y)
		}
	}
	for k := range other.Cells {
		if !matched[k] {
			note("%s: the first run has no such cell", wording.NamesOf(other).Cell(k))
		}
	}
	c.Notes = append(c.Notes, differences(base, other)...)
	return c
}

// sameCell is the cell of other that is cell i of base; -1 if there is none: that whose
// labels are the same, as far as they vary within a run. The disk of two runs that
// each have one is no label by which cells are told apart, but what is compared.
func sameCell(base, other *results.Result, i int) int {
	names := wording.NamesOf(base)
	varied := slices.Clone(names.Varied)
	for _, name := range wording.NamesOf(other).Varied {
		if !slices.Contains(varied, name) {
			varied = append(varied, name)
		}
	}
	return slices.IndexFunc(other.Cells, func(c results.Cell) bool {
		return !slices.ContainsFunc(varied, func(name string) bool {
			return labelOf(names, &c, name) != labelOf(names, &base.Cells[i], name)
		})
	})
}

// labelOf is what a cell has for a label or, where nothing varies in its run that is
// called so, for the setting of that name.
func labelOf(names *wording.Names, c *results.Cell, name string) string {
	if v, ok := c.Labels[name]; ok {
		return v
	}
	var found []string
	for path, v := range c.Config {
		if path == name || names.Short(path) == name {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// addCell adds the figures that two cells have.
func (c *Comparison) addCell(name string, x, y *results.Cell) {
	for _, fig := range compared() {
		v, ok := fig.ofCell(x)
		w, okToo := fig.ofCell(y)
		if !ok || !okToo {
			continue
		}
		d := differ(fig, x, y)
		row := Row{Cell: name, Figure: fig.name, Base: fig.write(v), Other: fig.write(w), BaseValue: v,
			OtherValue: w, Ratio: d.ratio, P: d.p,
			Shown: d.possible && d.p < stats.Alpha}
		if d.interval.Confidence >= stats.Confidence {
			row.Low, row.High = d.interval.Low, d.interval.High
		}
		switch {
		case wording.Untrusted(*x) || wording.Untrusted(*y):
			row.Shown, row.Why = false, "not to be trusted"
		case d.runs == 0:
			row.Why = d.basis
		case !d.possible:
			row.Why = fmt.Sprintf("%s: %d of each show a difference", d.basis, stats.RepeatsToCompare)
		}
		c.Rows = append(c.Rows, row)
	}
}

// settingsListed is how many settings that differ are named.
const settingsListed = 8

// differences are what else differs between two runs, and is in their figures.
func differences(a, b *results.Result) (notes []string) {
	if settings := differentSettings(a, b); len(settings) > 0 {
		more := ""
		if n := len(settings) - settingsListed; n > 0 {
			settings, more = settings[:settingsListed], fmt.Sprintf(", and %d more", n)
		}
		notes = append(notes, "settings differ: "+strings.Join(settings, ", ")+more)
	}
	x, y := a.Wall.Machine, b.Wall.Machine
	notes = append(notes, unlike("machines", []pair{{"", x.CPU, y.CPU},
		{"", quantity.Plural(int64(x.Cores), "core"), quantity.Plural(int64(y.Cores), "core")},
		{"memory ", memoryWords(x), memoryWords(y)}, {"", x.OS, y.OS}, {"", x.Arch, y.Arch},
		{"kernel ", x.Kernel, y.Kernel}})...)
	v, w := a.Wall.Version, b.Wall.Version
	notes = append(notes, unlike("programs", []pair{{"brokerlab ", v.Brokerlab, w.Brokerlab},
		{"commit ", commitWords(v), commitWords(w)}, {"", v.Go, w.Go}})...)
	if !wording.AllSimulated(a) && a.Wall.Folder != b.Wall.Folder {
		notes = append(notes, "the runs were made one after the other, not in turns: what became of the machine between "+
			"them is in the difference too; one run with both settings (--set PATH=A,B --repeat 6) has them in turns")
	}
	return notes
}

// pair is one property of both runs.
type pair struct{ name, a, b string }

// unlike says in which of their properties two things differ; nothing where in none.
func unlike(what string, all []pair) []string {
	var words []string
	for _, p := range all {
		if p.a != p.b {
			words = append(words, p.name+p.a+" and "+p.b)
		}
	}
	if len(words) == 0 {
		return nil
	}
	return []string{"the " + what + " differ: " + strings.Join(words, ", ")}
}

// memoryWords leaves out what a kernel keeps for itself, which differs from boot to boot.
func memoryWords(m results.Machine) string {
	return quantity.Digits(float64(m.MemBytes)/(1<<30)) + " GiB"
}

func commitWords(v results.Version) string {
	if v.Modified {
		return v.Commit + " (modified)"
	}
	return v.Commit
}

// differentSettings are the settings that differ in cells of the same labels, with
// their values.
func differentSettings(a, b *results.Result) (all []string) {
	add := func(path, v, w string) {
		if words := path + " " + v + " and " + w; !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	for i := range a.Cells {
		k := sameCell(a, b, i)
		if k < 0 {
			continue
		}
		x, y := a.Cells[i].Config, b.Cells[k].Config
		if p, q := a.Cells[i].Labels[wording.Disk], b.Cells[k].Labels[wording.Disk]; p != q {
			add(wording.Disk, p, q)
		}
		for _, path := range slices.Sorted(maps.Keys(x)) {
			if v, ok := y[path]; ok && v != x[path] && path != wording.Disk {
				add(path, x[path], v)
			}
		}
	}
	return all
}
