package plotstyle

import (
	"strings"
	"testing"
)

// Goal: axes of bytes have round ticks in binary units, and some room above what they
// show. Method: a table of greatest values.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		greatest float64
		end      float64
		labels   string
	}{
		{0, 1.1 * (1 << 20), "0 0.5 MiB 1 MiB"},
		{400 << 20, 450 * (1 << 20), "0 200 MiB 400 MiB"},
		{3 << 30, 3.5 * (1 << 30), "0 1 GiB 2 GiB 3 GiB"},
		{5000, 1.1 * (1 << 20), "0 0.5 MiB 1 MiB"},
	} {
		end := SizesEnd(c.greatest)
		if diff := end - c.end; diff > 1 || diff < -1 {
			t.Errorf("up to %g: the axis ends at %g, want %g", c.greatest, end, c.end)
		}
		var labels []string
		for _, tick := range (Sizes{Count: 4}).Ticks(0, end) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.labels {
			t.Errorf("up to %g: ticks %q, want %q", c.greatest, got, c.labels)
		}
	}
}
