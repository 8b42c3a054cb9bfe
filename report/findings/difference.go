package findings

import (
	"math"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// figure is a figure that cells are compared by.
type figure struct {
	name  string // in a sentence: "throughput", "produce p99"
	lower bool   // lower is better
	json  string // in Cell.Intervals
	// of says what a cell or a repeat has; ok is false where it cannot be told.
	of    func(w work) (v float64, ok bool)
	write func(v float64) string
}

// work is what a cell or a repeat did.
type work struct {
	*results.Measures
	parts    []results.CPUPart // processor seconds of the measured window, simulated
	cpuPerGB *float64          // processor seconds for 10^9 bytes, measured
}

func (fig *figure) ofCell(c *results.Cell) (v float64, ok bool) {
	return fig.of(work{&c.Measures, c.CPUParts, c.Wall.CPUSecondsPerGB})
}

func (fig *figure) ofRepeat(r *results.Repeat) (v float64, ok bool) {
	return fig.of(work{&r.Measures, r.CPUParts, r.Wall.CPUSecondsPerGB})
}

// sameSize says that all records are of one size, so that their number says it all.
func sameSize(r *results.Result) bool { return wording.Common(r, "records.size") != "" }

// throughput counts records, or bytes where records differ in size.
func throughput(r *results.Result) figure {
	if sameSize(r) {
		return recordRate("throughput")
	}
	return figure{name: "throughput", json: "mb_per_s",
		of:    func(w work) (float64, bool) { return w.MBPerS, w.MeasuredS > 0 && w.MBPerS > 0 },
		write: func(v float64) string { return quantity.Digits(v) + " MB/s" }}
}

func recordRate(name string) figure {
	return figure{name: name, json: "records_per_s",
		of:    func(w work) (float64, bool) { return w.RecordsPerS, w.MeasuredS > 0 && w.RecordsPerS > 0 },
		write: quantity.RecordsPerS}
}

// processors is the processor time that brokers and clients together take for what was
// acknowledged.
func processors() figure {
	return figure{name: "processor time for a GB of records", lower: true, of: work.secondsPerGB,
		write: func(v float64) string { return quantity.Digits(v) + " s" }}
}

// secondsPerGB is processor time for 10^9 bytes.
func (w work) secondsPerGB() (v float64, ok bool) {
	if w.cpuPerGB != nil {
		return *w.cpuPerGB, *w.cpuPerGB > 0
	}
	var seconds float64
	for _, p := range w.parts {
		seconds += p.Seconds
	}
	gb := w.MBPerS * w.MeasuredS / 1000
	return seconds / gb, seconds > 0 && gb > 0
}

// ProcessorTime is what brokers and clients of a cell took of processors, in seconds for
// 10^9 bytes of acknowledged records; ok is false where it is not known.
func ProcessorTime(c *results.Cell) (seconds float64, ok bool) {
	fig := processors()
	return fig.ofCell(c)
}

// p99 is that of a latency, where samples support it.
func p99(latency, words string) figure {
	return percentile(latency, words+" p99", "p99", func(l *results.Latency) int64 { return l.P99 })
}

// percentile is one of a latency, by its name in JSON.
func percentile(latency, words, name string, value func(*results.Latency) int64) figure {
	return figure{name: words, lower: true, json: latency + "." + name,
		of: func(w work) (float64, bool) {
			l := w.Latency[latency]
			return float64(value(&l)), l.Supports(name) && value(&l) > 0
		},
		write: quantity.Nanoseconds}
}

// difference is how a figure of cell b compares with that of cell a.
type difference struct {
	a, b  int
	ratio float64 // b over a
	p     float64
	// interval of the ratio; its Confidence is 0 where there is none.
	interval stats.Interval
	possible bool // there are runs enough for a difference to be shown
	runs     int  // of the cell that has fewer of them with the figure
	basis    string
}

// compare compares two cells of a result by the runs that they had.
func (f *finder) compare(fig figure, a, b int) difference {
	d := differ(fig, &f.r.Cells[a], &f.r.Cells[b])
	d.a, d.b = a, b
	return d
}

// differ compares two cells of one target by the runs that they had. Of simulated
// cells of one run each it takes the seconds: a model has no other source of
// variation between runs than within one, so that seconds of a long run stand for
// runs. Of measured ones it does not: restarts and the state of the machine are the
// same in all seconds of a run.
func differ(fig figure, x, y *results.Cell) difference {
	d := difference{p: 1, runs: 1}
	v, _ := fig.ofCell(x)
	w, _ := fig.ofCell(y)
	d.ratio = w / v
	if len(x.Repeats) == 1 && len(y.Repeats) == 1 {
		d.basis = "one run each"
		if x.Target == results.TargetSim {
			d.bySeconds(x.Intervals[fig.json], y.Intervals[fig.json], v, w)
		}
		return d
	}
	values := [2][]float64{repeatsOf(fig, x), repeatsOf(fig, y)}
	if d.runs = min(len(values[0]), len(values[1])); d.runs == 0 {
		d.basis = "too few samples in a run"
		return d
	}
	if len(values[0]) == len(values[1]) {
		d.basis = quantity.Plural(int64(len(values[0])), "run") + " each"
	} else {
		d.basis = quantity.Count(int64(len(values[0]))) + " and " + quantity.Count(int64(len(values[1]))) + " runs"
	}
	c := stats.Compare(values[0], values[1])
	d.p, d.possible = c.P, c.Possible
	if c.Possible && c.Ratio > 0 {
		d.ratio, d.interval = c.Ratio, c.Interval
	}
	return d
}

func repeatsOf(fig figure, c *results.Cell) (values []float64) {
	for i := range c.Repeats {
		if v, ok := fig.ofRepeat(&c.Repeats[i]); ok {
			values = append(values, v)
		}
	}
	return values
}

// normal95 is how many sigmas an interval of 95 % of a normal distribution spans to
// each side.
const normal95 = 1.96

// bySeconds compares two figures by their intervals over seconds, on a scale of
// logarithms: as normal distributions whose sigma is the half of each interval that
// faces the other, over 1.96.
func (d *difference) bySeconds(x, y results.Bounds, v, w float64) {
	if x.Over != results.OverSeconds || y.Over != results.OverSeconds {
		return
	}
	if w < v {
		x, y, v, w = y, x, w, v
	}
	if !(v > 0 && y.Low > 0) {
		return
	}
	d.possible, d.basis = true, "the seconds of one run each"
	sigma := math.Hypot(math.Log(x.High/v), math.Log(w/y.Low)) / normal95
	if sigma == 0 {
		if v != w {
			d.p = 0
		}
		return
	}
	d.p = math.Erfc(math.Log(w/v) / sigma / math.Sqrt2)
	wide := math.Exp(normal95 * sigma)
	d.interval = stats.Interval{Low: d.ratio / wide, High: d.ratio * wide, Confidence: stats.Confidence}
}

// runsNeeded is how many runs of each cell show a difference if it is clear, where so
// many comparisons are read together.
func runsNeeded(comparisons int) int {
	n, p := 1, 1.0 // p = 2 / (2n over n), the least that two lots of n can have
	for p*float64(comparisons) >= stats.Alpha {
		n++
		p *= float64(n) / float64(2*(2*n-1))
	}
	return max(n, stats.RepeatsToCompare)
}

// times words a ratio of at least 1: "2.58 times", or "12 %" for what is less than
// double.
func times(ratio float64) string {
	if ratio >= doubled {
		return quantity.Digits(ratio) + " times"
	}
	return quantity.Percent(ratio - 1)
}

// doubled is the ratio from which it is told as times.
const doubled = 1.995

// intervalWords are the interval of a ratio that is told as times or as percent.
func (d *difference) intervalWords() string {
	i := d.interval
	if i.Confidence < stats.Confidence || i.Low <= 0 || math.IsInf(i.High, 0) {
		return ""
	}
	if d.ratio >= doubled {
		return " (95 %: " + quantity.Digits(i.Low) + " to " + quantity.Digits(i.High) + ")"
	}
	return " (95 %: " + signed(i.Low-1) + " to " + signed(i.High-1) + ")"
}

func signed(share float64) string {
	if share < 0 {
		return "-" + quantity.Percent(-share)
	}
	return quantity.Percent(share)
}
