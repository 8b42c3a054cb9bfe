package export

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"brokerlab/results"
)

// writeBenchmarks writes the Go benchmark format
// (golang.org/design/14313-benchmark-format): a line for each repeat of each cell,
// so that benchstat has samples, and units that say which way is better. Latencies of
// a line are those of its repeat, less the percentiles that have too few samples.
func writeBenchmarks(s *source) ([]File, error) {
	var b bytes.Buffer
	m := s.r.Wall.Machine
	for _, pair := range [][2]string{{"goos", m.OS}, {"goarch", m.Arch}, {"pkg", "brokerlab/" + s.r.Scenario},
		{"cpu", m.CPU}} {
		if value := strings.Join(strings.Fields(pair[1]), " "); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", pair[0], value)
		}
	}
	// As configuration these would keep benchstat from comparing two runs.
	fmt.Fprintf(&b, "# %s\n\n", provenance(s.r))
	for _, unit := range []string{"records/s", "MB/s", "consumed/s", "compression-ratio"} {
		fmt.Fprintf(&b, "Unit %s better=higher\n", unit)
	}
	for _, latency := range []string{results.Produce, results.EndToEnd} {
		for _, p := range percentiles {
			fmt.Fprintf(&b, "Unit %s better=lower\n", latencyUnit(latency, p.name))
		}
	}
	b.WriteString("Unit CPU-sec/GB better=lower\n\n")
	for _, cell := range s.cells {
		c := &s.r.Cells[cell]
		name := s.benchmarkName(c)
		for i := range c.Repeats {
			writeBenchmark(&b, name, &c.Repeats[i])
		}
	}
	return []File{{s.r.Scenario + ".txt", b.Bytes()}}, nil
}

// percentiles are those that benchstat compares.
var percentiles = []struct {
	name string
	of   func(results.Latency) float64 // ns
}{
	{"mean", func(l results.Latency) float64 { return l.Mean }},
	{"p50", func(l results.Latency) float64 { return float64(l.P50) }},
	{"p99", func(l results.Latency) float64 { return float64(l.P99) }},
	{"p999", func(l results.Latency) float64 { return float64(l.P999) }},
}

// latencyUnit ends in ns, by which benchstat knows to scale it.
func latencyUnit(latency, percentile string) string {
	if latency == results.Produce {
		return percentile + "-ns"
	}
	return strings.ReplaceAll(latency, "_", "-") + "-" + percentile + "-ns"
}

// benchmarkName is Quickstart/load=max/disk=nvme-1: labels are sub-benchmarks by
// benchstat's key=value, which -row and -col take apart. The number at the end is of
// processors, as in every such name, so that hdd-7200 is no machine of 7200.
func (s *source) benchmarkName(c *results.Cell) string {
	var b strings.Builder
	b.WriteString("Benchmark")
	upper := true
	for _, r := range s.r.Scenario {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			upper = true
			continue
		}
		if upper {
			r = unicode.ToUpper(r)
		}
		upper = false
		b.WriteRune(r)
	}
	for _, label := range s.r.LabelNames {
		b.WriteString("/" + nameWord(label) + "=" + nameWord(c.Labels[label]))
	}
	cores := 1 // a simulated world has one thread
	if c.Target != results.TargetSim {
		cores = max(1, s.r.Wall.Machine.Cores)
	}
	fmt.Fprintf(&b, "-%d", cores)
	return b.String()
}

// nameWord keeps a text in its part of a benchmark's name.
func nameWord(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return '_'
		case r == '/':
			return ':'
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
}

// writeBenchmark writes a line; its count is that of acknowledged records.
func writeBenchmark(b *bytes.Buffer, name string, r *results.Repeat) {
	fmt.Fprintf(b, "%s %d %s records/s %s MB/s", name, max(1, r.Acked), number(r.RecordsPerS), number(r.MBPerS))
	if r.ConsumedPerS > 0 {
		fmt.Fprintf(b, " %s consumed/s", number(r.ConsumedPerS))
	}
	for _, latency := range []string{results.Produce, results.EndToEnd} {
		l := r.Latency[latency]
		if l.Count == 0 {
			continue
		}
		for _, p := range percentiles {
			if p.name == "mean" || l.Supports(p.name) {
				fmt.Fprintf(b, " %s %s", number(p.of(l)), latencyUnit(latency, p.name))
			}
		}
	}
	if r.CompressionRatio > 0 {
		fmt.Fprintf(b, " %s compression-ratio", number(r.CompressionRatio))
	}
	if cpu := r.Wall.CPUSecondsPerGB; cpu != nil {
		fmt.Fprintf(b, " %s CPU-sec/GB", number(*cpu))
	}
	b.WriteString("\n")
}
