package results

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// randomIntervals are five seconds of two repeats, the first one warm-up, with
// a few values outside the range.
func randomIntervals(seed uint64) []Interval {
	random := rand.New(rand.NewPCG(seed, 1))
	recorder := NewRecorder()
	var hs []Interval
	for repeat := 1; repeat <= 2; repeat++ {
		for second := range 5 {
			for range 2000 {
				recorder.Record(int64(random.ExpFloat64() * float64(3*time.Millisecond)))
			}
			if second == 3 {
				recorder.Record(HistogramHighest + 1)
				recorder.Record(-1)
			}
			hs = append(hs, recorder.Take(Span{Repeat: repeat, Start: time.Duration(second) * 1001 * time.Millisecond,
				Length: 1001 * time.Millisecond, Warmup: second == 0}))
		}
	}
	return hs
}

// Goal: nothing is lost between a recorder and a reader of the .hlog.
// Method: write random intervals, read them back, compare each field and each bucket.
func TestLogRoundTrip(t *testing.T) {
	wrote := randomIntervals(7)
	text, err := encodeLog(wrote)
	if err != nil {
		t.Fatal(err)
	}
	read, err := decodeLog(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != len(wrote) {
		t.Fatalf("read %d intervals, wrote %d", len(read), len(wrote))
	}
	for n, w := range wrote {
		r := read[n]
		if r.Repeat != w.Repeat || r.Start != w.Start || r.Length != w.Length || r.Warmup != w.Warmup ||
			r.Overflow != w.Overflow || !bytes.Equal(packedBytes(t, r.Hist), packedBytes(t, w.Hist)) {
			t.Errorf("interval %d: read %+v, wrote %+v", n, r, w)
		}
	}
	was, wasOver := Measured(wrote)
	is, isOver := Measured(read)
	if !was.Equals(is) || wasOver != isOver || wasOver != 4 || was.TotalCount() != 2*4*2000 {
		t.Errorf("merged: %d values and %d overflows became %d and %d, want 16000 and 4",
			was.TotalCount(), wasOver, is.TotalCount(), isOver)
	}
}

func packedBytes(t *testing.T, h *hdrhistogram.PackedHistogram) []byte {
	t.Helper()
	text, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Goal: the tools of the field can read our .hlog.
// Method: read it with the library's own reader and compare merged histogram and tags.
func TestLogIsStandard(t *testing.T) {
	wrote := randomIntervals(9)
	text, err := encodeLog(wrote)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("#[Histogram log format version 1.3]\n")) {
		t.Error("the log names no format version 1.3")
	}
	reader := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	merged := NewHistogram()
	var tags []string
	for n := 0; ; n++ {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		tags = append(tags, h.Tag())
		if h.StartTimeMs() < wrote[n].Start.Milliseconds()-1 || h.StartTimeMs() > wrote[n].Start.Milliseconds() {
			t.Errorf("interval %d starts at %d ms, want %v", n, h.StartTimeMs(), wrote[n].Start)
		}
		if !strings.HasSuffix(h.Tag(), warmupTag) {
			merged.Merge(h)
		}
	}
	if got, want := strings.Join(tags[:6], " "), "r1.warmup r1 r1 r1 r1 r2.warmup"; got != want {
		t.Errorf("tags are %q, want %q", got, want)
	}
	if want, _ := Measured(wrote); !merged.Equals(want) {
		t.Errorf("the library reads %d values, want %d", merged.TotalCount(), want.TotalCount())
	}
}

// Goal: a damaged log is an error with its line, never a thinner histogram.
// Method: damage one line in each way.
func TestLogDamaged(t *testing.T) {
	text, err := encodeLog(randomIntervals(3)[:2])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	last := len(lines) - 2
	for _, c := range []struct{ why, from, to, want string }{
		{"a line cut short", lines[last], lines[last][:60], "histogram:"},
		{"a field missing", ",1.001000,", ",", "fields, want 5"},
		{"a foreign tag", "Tag=r1,", "Tag=A,", `begins with "Tag=A"`},
		{"repeat zero", "Tag=r1,", "Tag=r0,", "names no repeat"},
		{"a start that is no number", "1.001000,1.001000", "soon,1.001000", "not a number of seconds"},
		{"an overflow that is no count", lines[0], "#[Overflow: many]", "is not a count"},
		{"an overflow without its interval", lines[last], "#[Overflow: 7]", "is missing"},
	} {
		_, err := decodeLog([]byte(strings.Replace(string(text), c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%s: error is %v, want one with a line and %q", c.why, err, c.want)
		}
	}
	other := hdrhistogram.NewPacked(1, 1000, 2)
	odd, err := encodeLog([]Interval{{Repeat: 1, Hist: other}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeLog(odd); err == nil || !strings.Contains(err.Error(), "range 1..1000 with 2 digits") {
		t.Errorf("a histogram of another range: error is %v", err)
	}
}

// Goal: the .hgrm is the standard listing, in milliseconds, with three footer lines.
// Method: write 1 ms .. 1000 ms once each and read single lines; write an empty one.
func TestPercentiles(t *testing.T) {
	h := NewHistogram()
	for ms := int64(1); ms <= 1000; ms++ {
		if err := h.RecordValue(ms * 1_000_000); err != nil {
			t.Fatal(err)
		}
	}
	text, err := encodePercentiles(h)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if got := strings.Fields(lines[0]); strings.Join(got, " ") != "Value Percentile TotalCount 1/(1-Percentile)" {
		t.Errorf("the heading is %q", lines[0])
	}
	foot := lines[len(lines)-3:]
	for n, want := range []string{"#[Mean    =      500.", "#[Max     =     1000.", "#[Buckets ="} {
		if !strings.HasPrefix(foot[n], want) {
			t.Errorf("footer line %d is %q, want it to begin with %q", n+1, foot[n], want)
		}
	}
	half := ""
	for _, line := range lines {
		if strings.Contains(line, " 0.500000 ") {
			half = line
		}
	}
	got := strings.Fields(half)
	if len(got) != 4 || !strings.HasPrefix(got[0], "500.") || got[2] != "500" || got[3] != "2.00" {
		t.Errorf("the median's line is %q, want 500.x ms, 0.5, 500 values, 2.00", half)
	}
	empty, err := encodePercentiles(NewHistogram())
	if err != nil || strings.Contains(string(empty), "NaN") || !strings.Contains(string(empty), "Total count") {
		t.Errorf("an empty histogram lists as %q, error %v", empty, err)
	}
}

// Goal: a summary has three digits, never less than a value, and zeros when empty.
// Method: a table of recorded values.
func TestSummarize(t *testing.T) {
	all := []string{"p50", "p90", "p99", "p999"} // too few samples for each
	for _, c := range []struct {
		why    string
		values []int64
		want   Latency
	}{
		{"nothing was recorded", nil, Latency{Overflow: 2}},
		{"small values are exact", []int64{1, 2, 3, 4}, Latency{P50: 2, P90: 4, P99: 4, P999: 4, Max: 4, Mean: 2.5,
			Count: 4, Overflow: 2, TooFew: all}},
		{"a large value is at most 0.1 % too high", []int64{1_000_000_000}, Latency{P50: 1_000_341_503,
			P90: 1_000_341_503, P99: 1_000_341_503, P999: 1_000_341_503, Max: 1_000_341_503, Mean: 1_000_079_360,
			Count: 1, Overflow: 2, TooFew: all}},
	} {
		h := NewHistogram()
		for _, v := range c.values {
			if err := h.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
		if got := Summarize(h, 2); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.why, got, c.want)
		}
	}
}

// Goal: a recorder's places are those of the histogram, and what it takes is what the
// histogram would have recorded. Method: both ends of every place, and latencies of all
// sizes, each also in a histogram of the library.
func TestRecorderPlaces(t *testing.T) {
	h := NewHistogram()
	for place := range placeOf(HistogramHighest) {
		low, next := lowestAt(place), lowestAt(place+1)
		if placeOf(low) != place || placeOf(next-1) != place || !h.ValuesAreEquivalent(low, next-1) ||
			h.ValuesAreEquivalent(low, next) {
			t.Fatalf("place %d is from %d to %d", place, low, next)
		}
	}
	r := NewRecorder()
	random := rand.New(rand.NewPCG(3, 3))
	for range 50_000 {
		ns, count := int64(math.Exp(random.Float64()*math.Log(float64(HistogramHighest)))), 1+random.Int64N(3)
		if count == 1 {
			r.Record(ns)
		} else {
			r.RecordMany(ns, count)
		}
		if err := h.RecordValues(ns, count); err != nil {
			t.Fatal(err)
		}
	}
	taken := NewHistogram()
	if dropped := r.Take(Span{}).Hist.MergeInto(taken); dropped != 0 || !taken.Equals(h) {
		t.Errorf("the recorder differs from the histogram, and %d latencies were dropped", dropped)
	}
}

// Goal: an interval has what was recorded in it, values outside the range apart, and the
// next one begins empty. Method: the ends of the range and what is beside them.
func TestRecorderTake(t *testing.T) {
	r := NewRecorder()
	for _, ns := range []int64{10, 0, HistogramHighest, -1, HistogramHighest + 1, math.MinInt64, math.MaxInt64} {
		r.Record(ns)
		r.RecordMany(ns, 2)
	}
	second := r.Take(Span{Repeat: 1, Length: time.Second})
	if l := second.Latency(); l.Count != 9 || l.Overflow != 12 || l.P50 != 10 {
		t.Errorf("the interval is %+v, want 9 values, 12 overflows, median 10", l)
	}
	r.Record(5)
	if l := second.Latency(); l.Count != 9 {
		t.Errorf("the interval has %d values after its recorder went on, want 9", l.Count)
	}
	if l := r.Take(Span{}).Latency(); l.Count != 1 || l.Overflow != 0 {
		t.Errorf("the interval after it is %+v, want 1 value", l)
	}
	if of := OfRepeat([]Interval{second, {Repeat: 2}}, 1); len(of) != 1 || of[0].Repeat != 1 {
		t.Errorf("the intervals of repeat 1 are %v", of)
	}
}

// Goal: recording is free of allocation, and a finished second is small.
// Method: count allocations; add up what ten minutes of packed seconds hold.
func TestRecorderMemory(t *testing.T) {
	r := NewRecorder()
	random := rand.New(rand.NewPCG(1, 1))
	if n := testing.AllocsPerRun(1000, func() { r.Record(random.Int64N(int64(time.Second))) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
	r.Reset()
	for range 10_000 { // spread over three decades, as a busy second is
		r.Record(int64(float64(time.Millisecond) * (0.5 + random.ExpFloat64()*20)))
	}
	second := r.Take(Span{Repeat: 1})
	if size := second.Hist.GetMemorySize(); size > 40<<10 {
		t.Errorf("a second of 10,000 values takes %d bytes, want at most 40 KiB", size)
	}
}

func BenchmarkRecord(b *testing.B) {
	r := NewRecorder()
	b.ReportAllocs()
	for n := range b.N {
		r.Record(int64(n%1000) * 12_345)
	}
}

func BenchmarkTake(b *testing.B) {
	r := NewRecorder()
	random := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for range b.N {
		for range 1000 {
			r.Record(int64(random.ExpFloat64() * 3e6))
		}
		r.Take(Span{Repeat: 1})
	}
}

// FuzzDecodeLog feeds the .hlog reader arbitrary text: it must refuse it or
// give intervals that it can write and read again.
func FuzzDecodeLog(f *testing.F) {
	text, err := encodeLog(randomIntervals(5)[:2])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-40])
	f.Add([]byte("Tag=r1,0,1,2,HISTFAAAAB\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		hs, err := decodeLog(text)
		if err != nil {
			return
		}
		again, err := encodeLog(hs)
		if err != nil {
			t.Fatalf("intervals that were read cannot be written: %v", err)
		}
		if back, err := decodeLog(again); err != nil || len(back) != len(hs) {
			t.Fatalf("wrote %d intervals, read %d, error %v", len(hs), len(back), err)
		}
	})
}
