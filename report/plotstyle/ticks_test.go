package plotstyle

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func labels(ticks []plot.Tick) string {
	var all []string
	for _, t := range ticks {
		if t.Label != "" {
			all = append(all, t.Label)
		}
	}
	return strings.Join(all, ", ")
}

// Goal: axes have a handful of round, readable ticks, whatever their range.
// Method: tables of tickers and ranges.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		why             string
		ticker          plot.Ticker
		least, greatest float64
		want            string
	}{
		{"a range of hundreds", Nice{5, SI}, 0, 300, "0, 100, 200, 300"},
		{"thousands have a suffix", Nice{5, SI}, 0, 5000, "0, 1k, 2k, 3k, 4k, 5k"},
		{"no minus before zero", Nice{4, SI}, -1e-12, 1, "0, 0.25, 0.5, 0.75, 1"},
		{"no range at all", Nice{5, SI}, 0, 0, "0"},
		{"time on a linear axis", Nice{4, Nanoseconds}, 0, 4e6, "0, 1 ms, 2 ms, 3 ms, 4 ms"},
		{"a short run", Clock{}, 0, 10, "0 s, 1 s, 2 s, 3 s, 4 s, 5 s, 6 s, 7 s, 8 s, 9 s, 10 s"},
		{"a second", Clock{}, 0, 1, "0 s, 0.5 s, 1 s"},
		{"three minutes", Clock{}, 0, 180, "0:00, 0:30, 1:00, 1:30, 2:00, 2:30, 3:00"},
		{"two hours", Clock{}, 0, 7200, "0:00:00, 0:15:00, 0:30:00, 0:45:00, 1:00:00, 1:15:00, 1:30:00, 1:45:00, 2:00:00"},
		{"decades", Log{Nanoseconds}, 1e3, 1e9, "1 \u00b5s, 10 \u00b5s, 100 \u00b5s, 1 ms, 10 ms, 100 ms, 1 s"},
		{"less than a decade", Log{Nanoseconds}, 2e6, 1e7, "2 ms, 5 ms, 10 ms"},
		{"below a microsecond", Log{Nanoseconds}, 200, 1000, "200 ns, 500 ns, 1 \u00b5s"},
	} {
		if got := labels(c.ticker.Ticks(c.least, c.greatest)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.why, got, c.want)
		}
	}
	if got := labels(NinesTicks(4.5)); got != "0%, 50%, 90%, 99%, 99.9%, 99.99%" {
		t.Errorf("nines up to 4.5: %q", got)
	}
	if got := labels(NinesTicks(6)); got != "0%, 90%, 99%, 99.9%, 99.99%, 99.999%, 99.9999%" {
		t.Errorf("nines up to 6: %q", got)
	}
}

// Goal: a log axis holds its data, begins and ends on a label, and never at 0.
// Method: a table, and random-looking ranges over 18 decades.
func TestLogBounds(t *testing.T) {
	for _, c := range []struct {
		why                        string
		least, greatest, low, high float64
	}{
		{"several decades", 3e3, 4e8, 1e3, 1e9},
		{"within a decade", 2.5e6, 8e6, 2e6, 1e7},
		{"a single value on a tick", 1e6, 1e6, 1e6, 2e6},
		{"zero", 0, 0, 1, 2},
		{"on the bounds", 1e3, 1e6, 1e3, 1e6},
	} {
		if low, high := LogBounds(c.least, c.greatest); low != c.low || high != c.high {
			t.Errorf("%s: got %v..%v, want %v..%v", c.why, low, high, c.low, c.high)
		}
	}
	for i := range 200 {
		least := math.Pow(10, float64(i%90)/10)
		greatest := least * math.Pow(10, float64(i*7%90)/10)
		low, high := LogBounds(least, greatest)
		if low > least*1.0001 || high < greatest*0.9999 || low < 1 || high <= low {
			t.Errorf("%v..%v is not within %v..%v", least, greatest, low, high)
		}
		if n := len(strings.Split(labels(Log{Nanoseconds}.Ticks(low, high)), ", ")); n < 3 || n > 12 {
			t.Errorf("%v..%v has %d labels", low, high, n)
		}
	}
}

// Goal: an axis from 0 has room above its data and survives odd values.
// Method: a table.
func TestZeroBased(t *testing.T) {
	for _, c := range []struct{ greatest, want float64 }{
		{0, 1}, {-1, 1}, {math.NaN(), 1}, {math.Inf(1), 1}, {95, 100}, {100, 110}, {0.03, 0.035},
	} {
		if got := ZeroBased(c.greatest); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("up to %v: got %v, want %v", c.greatest, got, c.want)
		}
	}
}

// Goal: the axis of percentiles and its inverse agree.
// Method: both ways over quantiles.
func TestNines(t *testing.T) {
	for quantile, nines := range map[float64]float64{0: 0, 0.9: 1, 0.99: 2, 0.999: 3, 0.9999: 4} {
		if got := Nines(quantile); math.Abs(got-nines) > 1e-9 {
			t.Errorf("Nines(%v) is %v, want %v", quantile, got, nines)
		}
		if got := Quantile(nines); math.Abs(got-quantile) > 1e-12 {
			t.Errorf("Quantile(%v) is %v, want %v", nines, got, quantile)
		}
	}
}
