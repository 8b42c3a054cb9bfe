package calibrate

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/hosts"
)

// Goal: a calibration gives a whole profile, which is read as it was written and
// prices every operation; it leaves no file. Method: one with hardly any samples.
func TestRun(t *testing.T) {
	o := QuickOptions()
	o.Name, o.Dir = "tiny", t.TempDir()
	o.Machine = results.Machine{CPU: "a core", Cores: 2, Kernel: "a kernel"}
	o.Version = results.Version{Brokerlab: "0", Go: "go"}
	o.Rounds, o.Sample, o.CallMax = 1, 10*time.Microsecond, 10*time.Microsecond
	o.Sizes, o.Records, o.Trips, o.Wakes, o.Timers = []int{1 << 10}, 100, 10, 10, 3
	var seen []string
	last := 0.0
	o.Progress = func(what string, share float64) {
		if share < last || share >= 1 {
			t.Errorf("%s is at %v, after %v", what, share, last)
		}
		seen, last = append(seen, what), share
	}
	p, busy, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	if busy > 1 || busy < -1 || len(seen) < 3 {
		t.Errorf("busy %v, progress %v", busy, seen)
	}
	again, err := hosts.Parse("tiny.yaml", p.Format())
	if err != nil {
		t.Fatalf("%v in\n%s", err, p.Format())
	}
	if !reflect.DeepEqual(p, again) {
		t.Errorf("written and read again it is another one:\n%s\n%s", p.Format(), again.Format())
	}
	want := 0
	for _, c := range codec.Types() {
		want += len(codec.Implementations(c)) * len(levelsOf(c))
	}
	if len(p.Codecs) != want {
		t.Errorf("%d levels of codecs, want %d", len(p.Codecs), want)
	}
	prices := p.Prices(nil)
	for _, op := range []env.Op{env.OpCRC, env.OpCopy, env.OpAppend, env.OpSyscall, env.OpRecordCheck, env.OpRecordDecode,
		env.OpRecordAck, env.OpCompressZstd, env.OpDecompressGzip, env.OpSend} {
		if prices.Ops[op].Ns(1000) <= 0 {
			t.Errorf("operation %d is free", op)
		}
	}
	if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Goal: a calibration that is stopped ends at once and leaves no file. Method: one
// that is stopped from the beginning, and one when it is past the rounds.
func TestStopped(t *testing.T) {
	o := QuickOptions()
	o.Dir, o.Rounds, o.Sample, o.CallMax, o.Sizes = t.TempDir(), 1, time.Microsecond, 1, []int{1 << 10}
	past := false
	o.Progress = func(what string, _ float64) { past = strings.HasPrefix(what, "requests") }
	for _, stopped := range []func() bool{func() bool { return true }, func() bool { return past }} {
		o.Stopped = stopped
		if _, _, err := Run(o); !errors.Is(err, ErrStopped) {
			t.Errorf("got %v", err)
		}
		if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// Goal: levels are priced as the libraries group them: what a profile gives a level
// that was not measured is what the library does there. Method: the bytes that each
// level of zstd writes are those of the measured level below it.
func TestLevelsOfZstd(t *testing.T) {
	var corpus []byte
	for i := range 2000 {
		corpus = append(corpus, strings.Repeat("abcdefgh", i%7)...)
		corpus = append(corpus, byte(i*i), byte(i))
	}
	pack := func(level int) string {
		c, err := codec.NewCompressor(codec.Zstd, level)
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Append(nil, corpus)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	levels := levelsOf(codec.Zstd)
	below, want := levels[0], pack(levels[0])
	for level := -1; level <= 12; level++ {
		if level > below && slices.Contains(levels, level) {
			below, want = level, pack(level)
		} else if pack(level) != want {
			t.Errorf("zstd level %d does not write what %d writes", level, below)
		}
	}
}

// Goal: figures are rounded to what can be read and quantiles never fall below 0.
// Method: a figure a row.
func TestRound(t *testing.T) {
	for _, row := range []struct{ in, want float64 }{
		{0, 0}, {-5, 0}, {1234567, 1230000}, {0.123456, 0.123}, {99.96, 100},
	} {
		if got := round(row.in); got != row.want {
			t.Errorf("%v gives %v, want %v", row.in, got, row.want)
		}
	}
	all := make([]time.Duration, 1001)
	for i := range all {
		all[i] = time.Duration(1000 - i)
	}
	if s := spread(all, 200); s.P10 != 0 || s.P50 != 300 || s.P90 != 700 || s.P999 != 799 {
		t.Errorf("quantiles %+v", s)
	}
}
