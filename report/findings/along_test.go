package findings

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/report/wording"
	"brokerlab/results"
)

// Goal: differences along a setting are told as what they lie between, small ones as none.
// Method: ratios, and the words for them.
func TestSpread(t *testing.T) {
	for _, row := range []struct {
		ratios []float64
		want   string
	}{
		{[]float64{1.12}, "12 % higher"},
		{[]float64{1}, "the same"},
		{[]float64{0.94, 0.6}, "between 6.0 % lower and 40 % lower"},
		{[]float64{0.6, 0.94}, "between 6.0 % lower and 40 % lower"},
		{[]float64{0.5, 1.5}, "between 50 % lower and 50 % higher"},
		{[]float64{3, 1.01, 2}, "between 1.0 % higher and 3.00 times as high"},
		{[]float64{1.2, 1.2001}, "20 % higher"},
		{[]float64{0.05, 0.5}, "between 50 % lower and lower by a factor of 20.0"},
	} {
		var all []difference
		for _, r := range row.ratios {
			all = append(all, difference{ratio: r})
		}
		if got := spread(all); got != row.want {
			t.Errorf("%v: %q, want %q", row.ratios, got, row.want)
		}
	}
	for ratio, want := range map[float64]string{1.00001: " within 0.1 %", 1.0042: " within 0.5 %", 1: " within 0 %"} {
		if got := within(ratio); got != want {
			t.Errorf("%v: %q, want %q", ratio, got, want)
		}
	}
}

// Goal: what a setting does is told once, of cells that differ in it alone, where its
// values have a first and a last; and not of cells with another load.
// Method: made results of two settings, and the sentences along them.
func TestAlong(t *testing.T) {
	const acks, size, key = "producers.acks", "producers.batch.size", "records.key"
	grid := func(a string, as []string, b string, bs []string, repeats int, level func(i, k int) float64) *results.Result {
		random := rand.New(rand.NewPCG(9, 9))
		r := &results.Result{Complete: true, LabelNames: []string{a, b}}
		for i, v := range as {
			for k, w := range bs {
				c := made([]float64{level(i, k)}, repeats, random).Cells[0]
				c.Labels = map[string]string{a: v, b: w}
				c.Config[a], c.Config[b] = v, w
				r.Cells = append(r.Cells, c)
			}
		}
		return r
	}
	sizes := []string{"1KiB", "16KiB", "64KiB"}
	slower := func(i, k int) float64 { return 1e5 * float64(1+k) / float64(1+3*i) }
	alike := func(int, int) float64 { return 1e5 }
	cut := grid(acks, []string{"0", "all"}, size, sizes[:2], 6, slower)
	cut.Cells = cut.Cells[:3] // one cell has no partner
	cut.Cells[2].Trust = []results.Finding{{Untrusted: true}}
	for _, row := range []struct {
		why  string
		r    *results.Result
		want []string
	}{
		{"two values against three sizes", grid(acks, []string{"0", "all"}, size, sizes, 6, slower), []string{
			"With acks=all instead of 0, all else equal, throughput is between 74 % lower and 75 % lower in all 3 " +
				"comparisons."}},
		{"0, 1 and all have an order", grid(acks, []string{"0", "1", "all"}, size, sizes[:2], 6, slower), []string{
			"With batch.size=16 KiB instead of 1 KiB, all else equal, throughput is between 89 % higher and 2.08 times " +
				"as high in all 3 comparisons."}},
		{"words have no order", grid(key, []string{"none", "zipf 9", "uniform 9"}, size, append(sizes, "2MiB"), 6, slower),
			nil},
		{"one run shows nothing", grid(acks, []string{"0", "all"}, size, sizes, 1, slower), []string{
			"~ With acks=all instead of 0, all else equal, throughput is between 76 % lower and 77 % lower in all 3 " +
				"comparisons."}},
		{"nothing is left to compare", cut, nil},
		{"nothing differs", grid(acks, []string{"0", "all"}, size, sizes, 6, alike), []string{
			"~ With acks=all instead of 0, all else equal, throughput is between 0.3 % higher and 5.1 % higher in all 3 " +
				"comparisons.",
			"~ With batch.size=64 KiB instead of 1 KiB, all else equal, throughput is between 0.1 % higher and 3.8 % higher " +
				"in both comparisons."}},
	} {
		var got []string
		for _, s := range Of(row.r, nil) {
			checkSentence(t, row.r, s)
			if s.Kind == Along {
				got = append(got, s.Marked())
			}
			if s.Kind == Along && len(slices.Compact(s.About)) != len(s.About) {
				t.Errorf("%s: a cell is there twice: %v", row.why, s.About)
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// Goal: a lot is told in parts in which one setting varies, the one with the most values
// that is no disk; and not where that would be too many.
// Method: labels of cells, and the parts that they fall into.
func TestParts(t *testing.T) {
	nothing := func(*results.Cell) {}
	grid := func(labels ...[]string) *results.Result { // name and values
		cells := [][]string{nil}
		for _, l := range labels {
			var longer [][]string
			for _, c := range cells {
				for _, v := range l[1:] {
					longer = append(longer, append(slices.Clone(c), l[0], v))
				}
			}
			cells = longer
		}
		var all []results.Cell
		for _, c := range cells {
			all = append(all, shaped(nothing, c...))
		}
		return of(all...)
	}
	three, two := []string{"a", "1", "2", "3"}, []string{"b", "1", "2"}
	for _, row := range []struct {
		why  string
		r    *results.Result
		lot  []int // all cells, if nil
		want [][]int
	}{
		{"one setting", grid(three), nil, [][]int{{0, 1, 2}}},
		{"two: the one with more values", grid(three, two), nil, [][]int{{0, 2, 4}, {1, 3, 5}}},
		{"the same, in the other order", grid(two, three), nil, [][]int{{0, 1, 2}, {3, 4, 5}}},
		{"a disk is no setting", grid([]string{"b", "1", "2"}, []string{"disk", "x", "y", "z"}), nil,
			[][]int{{0, 3}, {1, 4}, {2, 5}}},
		{"disks alone, where another setting is that of the lot", grid(two, []string{"disk", "v", "w", "x", "y", "z"}),
			[]int{0, 1, 2, 3, 4}, [][]int{{0, 1, 2, 3, 4}}},
		{"five parts", grid([]string{"a", "1", "2", "3", "4", "5"}, []string{"b", "1", "2", "3", "4", "5"}), nil, nil},
		{"what has no partner is left out", grid(three, two), []int{0, 1, 2}, [][]int{{0, 2}}},
	} {
		f := &finder{r: row.r, names: wording.NamesOf(row.r)}
		lot := row.lot
		if lot == nil {
			lot = f.all()
		}
		if got := f.parts(lot); !slices.EqualFunc(got, row.want, slices.Equal[[]int]) {
			t.Errorf("%s: %v, want %v", row.why, got, row.want)
		}
	}
}
