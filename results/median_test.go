package results

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Goal: the middle is the middle, also of two, also unsorted.
// Method: a table.
func TestMedian(t *testing.T) {
	for _, c := range []struct {
		why    string
		values []float64
		want   float64
	}{
		{"nothing", nil, 0},
		{"one value", []float64{7}, 7},
		{"two values", []float64{1, 4}, 2.5},
		{"an even number", []float64{4, 1, 3, 2}, 2.5},
		{"an odd number, unsorted, with an outlier", []float64{1e9, 2, 3}, 3},
	} {
		if got := Median(c.values); got != c.want {
			t.Errorf("%s: the median of %v is %v, want %v", c.why, c.values, got, c.want)
		}
	}
	kept := []float64{3, 1, 2}
	Median(kept)
	if kept[0] != 3 {
		t.Error("Median sorted its argument")
	}
}

// Goal: each kind of figure is merged in its own way.
// Method: three repeats whose merged figures are known by hand.
func TestMergeRepeats(t *testing.T) {
	repeat := func(rate, ratio float64, bytes int64) Repeat {
		return Repeat{Measures: Measures{RecordsPerS: rate, MBPerS: rate / 10, ConsumedPerS: rate + 1,
			CompressionRatio: ratio, BytesRecords: bytes, BytesWire: bytes / 2, BytesDisk: bytes, Fsyncs: 2,
			LateMax: int64(rate), MeasuredS: 9,
			Counts: Counts{Sent: 1, Acked: 2, Failed: 3, Consumed: 4, Lost: 5, Duplicated: 6, Reordered: 7, Corrupted: 8}}}
	}
	repeats := []Repeat{repeat(100, 2, 1000), repeat(10, 4, 1000), repeat(40, 0, 0)}
	latency := map[string]Latency{Produce: {P50: 5}}
	got := MergeRepeats(repeats, latency)
	want := Measures{RecordsPerS: 40, MBPerS: 4, ConsumedPerS: 41, CompressionRatio: 2000.0 / 750, Latency: latency,
		Fsyncs: 6, BytesRecords: 2000, BytesWire: 1000, BytesDisk: 2000, LateMax: 100, MeasuredS: 27,
		Counts: Counts{Sent: 3, Acked: 6, Failed: 9, Consumed: 12, Lost: 15, Duplicated: 18, Reordered: 21, Corrupted: 24}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if none := MergeRepeats(nil, nil); none.Latency == nil || none.RecordsPerS != 0 || none.CompressionRatio != 0 {
		t.Errorf("no repeats merge to %+v", none)
	}
	least, greatest := Range(repeats, func(r Repeat) float64 { return r.RecordsPerS })
	if least != 10 || greatest != 100 {
		t.Errorf("the range is %v..%v, want 10..100", least, greatest)
	}
	if least, greatest := Range(nil, nil); least != 0 || greatest != 0 {
		t.Errorf("the range of nothing is %v..%v", least, greatest)
	}
}
