package arrival

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

func newPacer(t testing.TB, cfg Config) *Pacer {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestIntendedInstants: record i is due at start + i / rate, rounded down, with no
// error that grows. Method: the first instants and a far one, by hand.
func TestIntendedInstants(t *testing.T) {
	rows := []struct {
		sentence string
		cfg      Config
		first    []env.Time
		far      int // this record ...
		farAt    env.Time
	}{
		{"a rate that divides a second", Config{RatePerSec: 1000, Producers: 1},
			[]env.Time{0, 1e6, 2e6}, 60_000, 60e9},
		{"a third of a nanosecond per step is carried, not lost", Config{RatePerSec: 3, Producers: 1},
			[]env.Time{0, 333333333, 666666666, 1000000000}, 3600 * 3, 3600e9},
		{"a rate with a fraction", Config{RatePerSec: 0.5, Producers: 1},
			[]env.Time{0, 2e9, 4e9}, 1000, 2000e9},
		{"the start is the first record's instant", Config{Start: 12345, RatePerSec: 1e6, Producers: 1},
			[]env.Time{12345, 13345}, 1_000_000, 12345 + 1e9},
		{"the first of four producers", Config{RatePerSec: 1000, Producers: 4},
			[]env.Time{0, 4e6, 8e6}, 250, 1e9},
		{"the last of four producers starts three steps later", Config{RatePerSec: 1000, Producers: 4, Index: 3},
			[]env.Time{3e6, 7e6}, 250, 1003e6},
		{"the largest rate is one record a nanosecond", Config{RatePerSec: RateMax, Producers: 1},
			[]env.Time{0, 1, 2, 3}, 100_000, 100_000},
		{"the smallest rate waits 1000 s", Config{RatePerSec: RateMin, Producers: 1},
			[]env.Time{0, 1e12}, 3, 3e12},
		{"a schedule that outlives the clock ends", Config{RatePerSec: RateMin, Producers: producersMax, Index: 1},
			[]env.Time{1e12}, 1 << 18, env.Never},
	}
	for _, row := range rows {
		p := newPacer(t, row.cfg)
		for i := 0; i <= row.far; i++ {
			at := p.Next(0)
			if i < len(row.first) && at != row.first[i] {
				t.Errorf("%s: record %d at %d, want %d", row.sentence, i, at, row.first[i])
			}
			if i == row.far && at != row.farAt {
				t.Errorf("%s: record %d at %d, want %d", row.sentence, i, at, row.farAt)
			}
			if got := p.Take(env.Never); got != at {
				t.Fatalf("%s: took %d, announced %d", row.sentence, got, at)
			}
		}
	}
}

// TestAgainstExactArithmetic: instants and counts of due records agree with
// integers of any size. Method: random rates, shares and instants, seeded.
func TestAgainstExactArithmetic(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		producers := 1 + random.IntN(20)
		cfg := Config{
			Start:      env.Time(random.Int64N(1e12)),
			RatePerSec: float64(1+random.Int64N(1e12)) / rateUnit,
			Producers:  producers, Index: random.IntN(producers),
		}
		if cfg.Validate() != nil {
			continue
		}
		p := newPacer(t, cfg)
		exact := func(i int64) env.Time {
			n := big.NewInt(i*int64(producers) + int64(cfg.Index))
			n.Mul(n, big.NewInt(1e9*rateUnit)).Quo(n, new(big.Int).SetUint64(inUnits(cfg.RatePerSec)))
			return cfg.Start + env.Time(n.Int64())
		}
		for i := range int64(200) {
			if at := p.Next(0); at != exact(i) {
				t.Fatalf("%+v: record %d at %d, want %d", cfg, i, at, exact(i))
			}
			ahead := random.Int64N(1000)
			for _, shift := range []env.Time{-1, 0, 1} {
				want := ahead + 1
				if now := exact(i+ahead) + shift; now < exact(i+ahead) {
					want = ahead
				} else if now == exact(i+ahead+1) {
					continue // rates near one record a nanosecond
				}
				if got := p.Due(exact(i+ahead) + shift); got != want {
					t.Fatalf("%+v: %d due at record %d%+d ns, want %d", cfg, got, i+ahead, shift, want)
				}
			}
			p.Take(env.Never)
		}
	}
}

// TestProducersKeepOneSchedule: the producers of a load together are due when one
// producer alone would be. Method: merge seven pacers and compare.
func TestProducersKeepOneSchedule(t *testing.T) {
	const producers = 7
	alone := newPacer(t, Config{Start: 5, RatePerSec: 33333.3, Producers: 1})
	var shares []*Pacer
	for i := range producers {
		shares = append(shares, newPacer(t, Config{Start: 5, RatePerSec: 33333.3, Producers: producers, Index: i}))
	}
	for i := range 100_000 {
		if got, want := shares[i%producers].Take(env.Never), alone.Take(env.Never); got != want {
			t.Fatalf("record %d at %d, want %d", i, got, want)
		}
	}
}

// TestScheduleDoesNotSlip: a stall makes records late and moves none of them.
// Method: 10 records in time, a stall of 50 ms, then the rest at once.
func TestScheduleDoesNotSlip(t *testing.T) {
	p := newPacer(t, Config{RatePerSec: 1000, Producers: 1})
	for range 10 {
		p.Take(p.Next(0))
	}
	if got, want := p.Lateness(), (Lateness{Taken: 10}); got != want {
		t.Errorf("in time: %+v, want %+v", got, want)
	}
	stalled := env.Time(60 * time.Millisecond)
	if got := p.Due(stalled); got != 51 {
		t.Errorf("%d records due after the stall, want 51: those of 10 ms to 60 ms", got)
	}
	for i := range env.Time(51) {
		if got, want := p.Take(stalled), (10+i)*1e6; got != want {
			t.Errorf("record %d intended at %d, want %d", 10+i, got, want)
		}
	}
	want := Lateness{Taken: 61, Late: 50, Max: 50 * time.Millisecond, Sum: 1275 * time.Millisecond}
	if got := p.Lateness(); got != want {
		t.Errorf("after the stall: %+v, want %+v", got, want)
	}
	if got := p.Due(stalled); got != 0 {
		t.Errorf("%d records due after all were taken", got)
	}
	if got := p.Next(stalled); got != 61e6 {
		t.Errorf("next record at %d, want 61 ms", got)
	}
	both := want.Add(Lateness{Taken: 1, Late: 1, Max: time.Second, Sum: time.Second})
	if both != (Lateness{Taken: 62, Late: 51, Max: time.Second, Sum: 2275 * time.Millisecond}) {
		t.Errorf("two pacers together: %+v", both)
	}
}

// Goal: what is given up is what the tolerance, the choice to catch up and the end of the
// load say, and is counted in its interval. Method: 1,000 records a second, of which
// nobody takes one for 50 ms, with a tolerance of 10 ms.
func TestGiveUp(t *testing.T) {
	const ms = env.Time(time.Millisecond)
	for _, row := range []struct {
		sentence string
		cfg      Config
		giveUp   func(*Pacer, env.Time) int64
		unsent   int64
		counted  []int64 // by interval
	}{
		{"all that are due for more than 10 ms", Config{RatePerSec: 1000}, (*Pacer).GiveUp, 40, []int64{20, 20}},
		{"none if it catches up", Config{RatePerSec: 1000, CatchUp: true}, (*Pacer).GiveUp, 0, []int64{0, 0}},
		{"also then if the load is ended", Config{RatePerSec: 1000, CatchUp: true}, (*Pacer).Abandon, 40, []int64{20, 20}},
		{"all that are due", Config{RatePerSec: 1000, CatchUp: true}, (*Pacer).GiveUpAll, 51, []int64{20, 25}},
		{"all that are due before the end", Config{RatePerSec: 1000, End: 30 * ms}, (*Pacer).GiveUpAll, 30, []int64{20, 10}},
		{"none at full speed", Config{}, (*Pacer).GiveUpAll, 0, nil},
	} {
		cfg := row.cfg
		cfg.Producers, cfg.Tolerance, cfg.Intervals = 1, time.Duration(10*ms), []env.Time{20 * ms, 45 * ms}
		p := newPacer(t, cfg)
		unsent := row.giveUp(p, 50*ms)
		due, not := p.Offered()
		if unsent != row.unsent || p.Lateness().Unsent != unsent || !slices.Equal(due, row.counted) ||
			!slices.Equal(not, row.counted) {
			t.Errorf("%s: %d, %+v, by interval %d of %d, want %d and %d", row.sentence, unsent, p.Lateness(), not, due,
				row.unsent, row.counted)
		}
		if again := row.giveUp(p, 50*ms); again != 0 {
			t.Errorf("%s: %d more", row.sentence, again)
		}
	}
}

// TestClosedLoop: a record is always due now and never late. Method: ask.
func TestClosedLoop(t *testing.T) {
	p := newPacer(t, Config{Producers: 3, Index: 1})
	for _, now := range []env.Time{0, 7, 7, 1e9} {
		if p.Next(now) != now || p.Due(now) != 1 || p.Take(now) != now {
			t.Errorf("at %d: next %d, due %d", now, p.Next(now), p.Due(now))
		}
	}
	if !p.Closed() || p.Taken() != 4 || p.Lateness() != (Lateness{}) {
		t.Errorf("closed %v, taken %d, %+v", p.Closed(), p.Taken(), p.Lateness())
	}
}

// TestEarlyTakePanics: a generator that sends before the instant would report
// latencies that are too short. Method: take one nanosecond early.
func TestEarlyTakePanics(t *testing.T) {
	p := newPacer(t, Config{Start: 100, RatePerSec: 1, Producers: 1})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p.Take(99)
}

// TestConfigErrors: New refuses settings without meaning. Method: table.
func TestConfigErrors(t *testing.T) {
	nan := 0.0
	nan /= nan
	rows := []struct {
		sentence string
		cfg      Config
		want     string
	}{
		{"a negative rate", Config{RatePerSec: -1, Producers: 1},
			"arrival: rate of -1 records/s is neither 0 nor within 0.001 and 1e+09"},
		{"no number", Config{RatePerSec: nan, Producers: 1},
			"arrival: rate of NaN records/s is neither 0 nor within 0.001 and 1e+09"},
		{"a rate above one a nanosecond", Config{RatePerSec: 2e9, Producers: 1},
			"arrival: rate of 2e+09 records/s is neither 0 nor within 0.001 and 1e+09"},
		{"nobody", Config{}, "arrival: 0 producers are not within 1 and 65536"},
		{"a producer too many", Config{Producers: 2, Index: 2}, "arrival: producer 2 of 2"},
		{"a start before the world's", Config{Start: -1, Producers: 1}, "arrival: start at -1 ns"},
		{"negative patience", Config{Producers: 1, LateAfter: -1}, "arrival: late after -1ns"},
	}
	for _, row := range rows {
		if _, err := New(row.cfg); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.sentence, err, row.want)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	p := newPacer(b, Config{RatePerSec: 333_333, Producers: 3, Index: 1})
	b.ReportAllocs()
	for b.Loop() {
		p.Take(p.Next(0))
	}
}

func BenchmarkDue(b *testing.B) {
	p := newPacer(b, Config{RatePerSec: 333_333, Producers: 3, Index: 1})
	b.ReportAllocs()
	due := int64(0)
	for b.Loop() {
		due += p.Due(1e12)
	}
	if due == 0 {
		b.Fatal("nothing due")
	}
}
