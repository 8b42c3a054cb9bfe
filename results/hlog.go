package results

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// overflowComment precedes an interval with values outside the histogram's
// range: the format has no place for them, and readers skip comments.
const overflowComment = "[Overflow: "

// warmupTag ends the tag of a warm-up interval, as in Tag=r1.warmup.
const warmupTag = ".warmup"

// Log is some histograms of one .hlog that has several, such as those of a cell.
type Log struct {
	Prefix    string // of the tags of these intervals, which are otherwise as in a run folder
	Intervals []Interval
}

// EncodeLogs writes one .hlog of several histograms, apart by their tags. That of a
// run folder has one, without a prefix.
func EncodeLogs(logs []Log) ([]byte, error) {
	var out bytes.Buffer
	if err := writeLogs(&out, logs); err != nil {
		return nil, fmt.Errorf("results: encode a histogram log: %w", err)
	}
	return out.Bytes(), nil
}

// encodeLog writes the .hlog of one latency of a cell.
func encodeLog(hs []Interval) ([]byte, error) {
	var out bytes.Buffer
	err := writeLogs(&out, []Log{{Intervals: hs}})
	return out.Bytes(), err
}

// writeLogs writes an .hlog 1.3: one line for each interval, tagged r1, r2, ...
// by repeat and r1.warmup while warming up. Values are nanoseconds; interval
// bounds are seconds (to the millisecond) since the load of the repeat began,
// so the base is 0 and one run's log is the same whenever it ran.
func writeLogs(out *bytes.Buffer, logs []Log) error {
	w := hdrhistogram.NewHistogramLogWriter(out)
	for _, write := range []func() error{
		func() error { return w.OutputComment("[Latencies in nanoseconds; Interval_Max in milliseconds]") },
		func() error { return w.OutputComment("[Times are seconds since the load of the repeat began]") },
		w.OutputLogFormatVersion,
		func() error { return w.OutputBaseTime(0) },
		func() error { return w.OutputStartTime(0) },
		w.OutputLegend,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	for _, log := range logs {
		for _, i := range log.Intervals {
			if err := writeInterval(w, log.Prefix, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeInterval(w *hdrhistogram.HistogramLogWriter, prefix string, i Interval) error {
	if i.Repeat < 1 {
		panic(fmt.Sprintf("results: repeats count from 1, an interval has %d", i.Repeat))
	}
	if i.Overflow > 0 {
		if err := w.OutputComment(overflowComment + strconv.FormatInt(i.Overflow, 10) + "]"); err != nil {
			return err
		}
	}
	h := i.Hist.Clone() // the log's tag and times are not the interval's
	h.SetTag(prefix + i.tag())
	h.SetStartTimeMs(i.Start.Milliseconds())
	h.SetEndTimeMs((i.Start + i.Length).Milliseconds())
	if err := w.OutputIntervalPackedHistogram(h); err != nil {
		return fmt.Errorf("interval at %v of repeat %d: %w", i.Start, i.Repeat, err)
	}
	return nil
}

func (i Interval) tag() string {
	if i.Warmup {
		return "r" + strconv.Itoa(i.Repeat) + warmupTag
	}
	return "r" + strconv.Itoa(i.Repeat)
}

// decodeLog reads what encodeLog wrote. Unlike the library's reader it refuses
// a line that it cannot read, since a lost interval is a wrong percentile.
func decodeLog(text []byte) ([]Interval, error) {
	var hs []Interval
	var overflow int64
	lines := strings.Split(string(text), "\n")
	for n, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		rest, comment := strings.CutPrefix(line, "#")
		switch {
		case comment:
			if count, ok := strings.CutPrefix(rest, overflowComment); ok {
				v, err := strconv.ParseInt(strings.TrimSuffix(count, "]"), 10, 64)
				if err != nil || v < 0 {
					return nil, fmt.Errorf("line %d: the overflow %q is not a count", n+1, count)
				}
				overflow = v
			}
		case line == "" || strings.HasPrefix(line, `"StartTimestamp"`):
		default:
			i, err := decodeLogLine(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			i.Overflow, overflow = overflow, 0
			hs = append(hs, i)
		}
	}
	if overflow != 0 {
		return nil, fmt.Errorf("line %d: the interval that an overflow was told of is missing", len(lines))
	}
	return hs, nil
}

// decodeLogLine reads Tag=r1,start,length,max,HISTF...
func decodeLogLine(line string) (i Interval, err error) {
	fields := strings.Split(line, ",")
	if len(fields) != 5 {
		return i, fmt.Errorf("has %d fields, want 5: Tag=,start,length,max,histogram", len(fields))
	}
	tag, ok := strings.CutPrefix(fields[0], "Tag=r")
	if !ok {
		return i, fmt.Errorf("begins with %q, want Tag=r1 or Tag=r1.warmup", fields[0])
	}
	number, warmup := strings.CutSuffix(tag, warmupTag)
	if i.Repeat, err = strconv.Atoi(number); err != nil || i.Repeat < 1 {
		return i, fmt.Errorf("the tag %q names no repeat", fields[0])
	}
	i.Warmup = warmup
	if i.Start, err = logTime(fields[1]); err != nil {
		return i, fmt.Errorf("start: %w", err)
	}
	if i.Length, err = logTime(fields[2]); err != nil {
		return i, fmt.Errorf("length: %w", err)
	}
	if i.Hist, err = hdrhistogram.DecodePacked([]byte(fields[4])); err != nil {
		return i, fmt.Errorf("histogram: %w", err)
	}
	if low, high, digits := i.Hist.LowestTrackableValue(), i.Hist.HighestTrackableValue(),
		i.Hist.SignificantFigures(); low != HistogramLowest || high != HistogramHighest || digits != HistogramDigits {
		return i, fmt.Errorf("the histogram has range %d..%d with %d digits, want %d..%d with %d",
			low, high, digits, HistogramLowest, HistogramHighest, HistogramDigits)
	}
	return i, nil
}

// logTime reads seconds with six decimals exactly: as a float, 1.001 s would
// lose a millisecond.
func logTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s + "s")
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", s)
	}
	return d, nil
}

// hgrmTicks is the number of lines for each halving of the distance to 100 %.
const hgrmTicks = 5

// EncodePercentiles writes an .hgrm of one histogram of latencies.
func EncodePercentiles(h *hdrhistogram.Histogram) ([]byte, error) {
	text, err := encodePercentiles(h)
	if err != nil {
		return nil, fmt.Errorf("results: encode percentiles: %w", err)
	}
	return text, nil
}

// encodePercentiles writes an .hgrm: the standard percentile listing with its
// three footer lines. Values are milliseconds, as every plotter of the format
// expects.
func encodePercentiles(h *hdrhistogram.Histogram) ([]byte, error) {
	var out bytes.Buffer
	_, err := h.PercentilesPrint(&out, hgrmTicks, hdrhistogram.MsToNsRatio)
	return out.Bytes(), err
}
