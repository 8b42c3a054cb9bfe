package spec

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Goal is a condition that results are held against:
//
//	p99(produce) < 10ms
//	records_per_s >= 50000/s when acks=all
//	p99.9(end_to_end, web) < 1s
//	p99(produce) < 5 * p99(produce) of flush=never
//
// A goal is about every cell that When picks. Where it compares with another cell
// (Of), that is the one which has the same labels but for those that Of names; such
// a goal is not about the cells that it compares with.
type Goal struct {
	Text string // in canonical spacing, conditions of the figure behind "when"
	Left Figure
	Op   string // < <= > >= == !=
	// Value is the bound in the figure's own unit: nanoseconds, records or MB a
	// second, bytes, a count or a ratio. With Right it is a factor.
	Value float64
	Right *Figure // nil for a bound that is a number
	Of    []Condition
	When  []Condition

	bound string // as written, of a number
	at    origin
}

// text writes the goal anew.
func (g *Goal) text() string {
	text := g.Left.String() + " " + g.Op + " "
	switch {
	case g.Right == nil:
		text += g.bound
	case g.bound != "":
		text += g.bound + " * " + g.Right.String()
	default:
		text += g.Right.String()
	}
	if len(g.Of) > 0 {
		text += " of " + conditionsText(g.Of)
	}
	if len(g.When) > 0 {
		text += " when " + conditionsText(g.When)
	}
	return text
}

// Figure is what a goal looks at.
type Figure struct {
	// Name is a figure of the result (records_per_s), or the statistic of a latency:
	// Percentile, Mean or Max.
	Name       string
	Latency    string  // produce, service, end_to_end or fsync; empty for other figures
	Percentile float64 // of Percentile: 50, 99.9
	Group      string  // of clients; empty for the whole cell
}

// Statistics of a latency.
const (
	Percentile = "p"
	Mean       = "mean"
	Max        = "max"
)

// String is the figure as goals have it.
func (f Figure) String() string {
	name, args := f.Name, []string{}
	if f.Name == Percentile {
		name += strconv.FormatFloat(f.Percentile, 'f', -1, 64)
	}
	if f.Latency != "" {
		args = append(args, f.Latency)
	}
	if f.Group != "" {
		args = append(args, goalWord(f.Group))
	}
	if len(args) == 0 {
		return name
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// Kind is the unit of a figure.
func (f Figure) Kind() FigureKind {
	if f.Latency != "" {
		return KindSpan
	}
	i := slices.IndexFunc(figures, func(d FigureDoc) bool { return d.Name == f.Name })
	return figures[i].Kind
}

// FigureKind is the unit of a figure.
type FigureKind int

// Units of figures.
const (
	KindCount   FigureKind = iota
	KindSpan               // nanoseconds
	KindRate               // records a second
	KindMBRate             // 10^6 bytes a second
	KindBytes              // bytes
	KindNumber             // a ratio
	KindSeconds            // processor seconds per 10^9 bytes
)

// FigureDoc describes a figure that goals may name.
type FigureDoc struct {
	Name string
	Kind FigureKind
	Doc  string // half a sentence
}

// figures are those of results.Measures, under their JSON names.
var figures = []FigureDoc{
	{"records_per_s", KindRate, "acknowledged records a second"},
	{"mb_per_s", KindMBRate, "10^6 bytes of their keys and values a second"},
	{"consumed_per_s", KindRate, "records that consumers took a second"},
	{"compression_ratio", KindNumber, "bytes of records before compression over those after it"},
	{"fsyncs", KindCount, "forced flushes of logs"},
	{"sent", KindCount, "records sent"},
	{"acked", KindCount, "records acknowledged"},
	{"failed", KindCount, "records that failed to be sent"},
	{"consumed", KindCount, "records that consumers took"},
	{"lost", KindCount, "acknowledged records that were not read back"},
	{"duplicated", KindCount, "records that were read back twice"},
	{"reordered", KindCount, "records that were read back out of order"},
	{"corrupted", KindCount, "records that were read back changed"},
	{"late", KindCount, "records that the generator sent noticeably after their instant"},
	{"unsent", KindCount, "records that were due and never sent"},
	{"retries", KindCount, "batches that were sent again"},
	{"errors", KindCount, "failed batches and refused requests"},
	{"late_max", KindSpan, "how late the generator was at worst"},
	{"bytes_records", KindBytes, "keys and values sent"},
	{"bytes_wire", KindBytes, "record batches as sent to leaders"},
	{"bytes_disk", KindBytes, "written to all logs, replicas included"},
	{"cpu_s_per_gb", KindSeconds, "processor seconds for 10^9 bytes of records; of real runs"},
}

// Figures are the figures that goals may name besides latencies.
func Figures() []FigureDoc { return slices.Clone(figures) }

// latencies are what percentiles, means and maxima are of.
var latencies = []string{"produce", "service", "end_to_end", "fsync"}

// goalWord is a name or a value as goals have it, in quotes if it must be.
func goalWord(text string) string {
	plain := text != "" && !slices.Contains(goalKeywords, text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !inGoalWord(r) })
	if plain {
		return text
	}
	if strings.Contains(text, `"`) {
		return "'" + text + "'"
	}
	return `"` + text + `"`
}

// parse reads a bound of the kind.
func (k FigureKind) parse(text string) (float64, error) {
	number := notation[float64]{parse: parseNumber}
	switch k {
	case KindSpan:
		d, err := parseSpan(text)
		return float64(d), err
	case KindRate:
		return perSecond.parse(text)
	case KindMBRate:
		if isNumber(text, true) {
			return number.parse(text)
		}
		n, err := bytesPerSecond.parse(text)
		return float64(n) / 1e6, err
	case KindBytes:
		n, err := parseBytes(text)
		return float64(n), err
	case KindCount:
		n, err := within(integer[int64](), 0, math.MaxInt64).parse(text)
		return float64(n), err
	default:
		return number.parse(text)
	}
}

// parseNumber reads a decimal number without a unit.
func parseNumber(text string) (float64, error) {
	if !isNumber(text, true) {
		return 0, notA(text, "a number", "")
	}
	if err := leadingZero(text); err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, notA(text, "a number", "")
	}
	return v, nil
}
