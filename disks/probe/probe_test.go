package probe

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
	"brokerlab/disks/suite"
)

// tiny is a plan of all kinds of rows that takes a moment.
func tiny() Plan {
	return Plan{Rows: rows([]int64{4 * kib}, []int{1, 2}, []int{1}, 4), FileBytes: fileLeast, Prepare: time.Minute,
		RowTime: 5 * time.Millisecond, TimeMax: time.Minute, RowBytesMax: 4 * mib, WriteBytesMax: 1 << 30}
}

// Goal: every row of a plan is measured in a directory, within its bounds of bytes,
// and nothing is written elsewhere. Method: a tiny plan; no figure is judged but that
// there is one.
func TestMeasure(t *testing.T) {
	plan, dir := tiny(), t.TempDir()
	var seen []int
	m, err := Measure(context.Background(), dir, plan, func(row int) { seen = append(seen, row) })
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Outcomes) != len(plan.Rows) || len(seen) != len(plan.Rows)+1 || seen[0] != -1 {
		t.Fatalf("%d outcomes of %d rows, progress %v", len(m.Outcomes), len(plan.Rows), seen)
	}
	for i, o := range m.Outcomes {
		row := plan.Rows[i]
		if o.Missing != "" || Shown(row, o.Result) <= 0 || o.Bytes != o.Ops*row.Pattern.BlockBytes {
			t.Errorf("%s, %s: %+v", row.Group, row.Name, o)
		}
	}
	if m.Written > m.File+4*overBytes+int64(len(plan.Rows))*plan.RowBytesMax || m.File != plan.FileBytes {
		t.Errorf("%d bytes were written, of them %d of the file", m.Written, m.File)
	}
	left, err := filepath.Glob(filepath.Join(dir, "grow-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files that grew were left: %v, %v", left, err)
	}
}

// Goal: bounds and an interrupt end a measurement, and what failed says where.
// Method: plans without bytes and without time, a context that has ended, a directory
// that is not there.
func TestMeasureEnds(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(*Plan)
		missing  string
	}{
		{"no bytes are left for rows that write", func(p *Plan) { p.WriteBytesMax = p.FileBytes }, "the bound of bytes"},
		{"no time is left", func(p *Plan) { p.TimeMax = 0 }, "the time was up"},
	} {
		plan := tiny()
		row.change(&plan)
		m, err := Measure(context.Background(), t.TempDir(), plan, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, o := range m.Outcomes {
			found = found || strings.Contains(o.Missing, row.missing)
		}
		if _, err := FitModel(context.Background(), plan, m, 1<<30); !found || !errors.Is(err, errNoFigure) {
			t.Errorf("%s: outcomes %+v, and the fit says %v", row.sentence, m.Outcomes, err)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ended, t.TempDir(), tiny(), func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if _, err := Measure(context.Background(), filepath.Join(t.TempDir(), "absent"), tiny(), func(int) {}); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// Goal: the fit finds a model again from what it showed, the better kind of the two,
// and the text of the profile reads back as that model. Method: measurements that are
// the figures of known devices.
func TestFitFindsAModel(t *testing.T) {
	plan := tiny()
	for _, row := range []struct {
		profile string
		offMost float64
	}{
		{"aws-gp3", 1.25}, {"aws-i3en-2xlarge", 1.15},
	} {
		p, err := profiles.Load(row.profile)
		if err != nil {
			t.Fatal(err)
		}
		m := &Measurement{File: 1 << 30}
		for _, r := range plan.Rows {
			result, err := suite.Run(p.Config, r, m.File, finalBudget, 2)
			if err != nil {
				t.Fatal(err)
			}
			m.Outcomes = append(m.Outcomes, Outcome{Result: result})
		}
		fit, err := FitModel(context.Background(), plan, m, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if fit.Off > row.offMost || fit.Config.Kind != device.KindProvisioned {
			t.Errorf("%s: the %v model is off by a factor of %.3f; %v", row.profile, fit.Config.Kind, fit.Off, fit.Others)
		}
		text := fit.Profile(Origin{Title: "A \"disk\"", Source: "a test: of #1", Note: "none"})
		read, err := profiles.Parse("x.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(fit.Config, read.Config, nearly); diff != "" {
			t.Errorf("%s: the text is another model: %s", row.profile, diff)
		}
	}
}

// nearly lets figures lose the digits that a profile leaves out.
var nearly = cmp.Comparer(func(a, b device.Provisioned) bool {
	near := func(x, y float64) bool { return math.Abs(x-y) <= 0.002*max(x, y) }
	spread := func(x, y device.Spread) bool {
		return near(float64(x.P50), float64(y.P50)) && near(float64(max(x.P50, x.P99)), float64(max(y.P50, y.P99)))
	}
	limit := func(x, y device.Limit) bool {
		return near(x.OpsPerSec, y.OpsPerSec) && near(float64(x.BytesPerSec), float64(y.BytesPerSec))
	}
	return limit(a.Total, b.Total) && limit(a.Read, b.Read) && limit(a.Write, b.Write) && spread(a.ReadTime, b.ReadTime) &&
		spread(a.WriteTime, b.WriteTime) && spread(a.FlushTime, b.FlushTime)
})

// Goal: the other kind of model has a profile too. Method: the text of a fitted SSD
// reads back.
func TestProfileOfSSD(t *testing.T) {
	cfg := device.Config{Kind: device.KindSSD, CapacityBytes: 1 << 40, VolatileCache: true, Queue: queue}
	cfg.SSD = device.SSD{LinkBytesPerSec: 1e9, CommandTime: 1500, ReadLatency: 0, WriteLatency: 10_000, Channels: 8,
		DiesPerChannel: 8, ChannelBytesPerSec: 1e9, StripeBytes: 16 * kib, ReadTime: device.Spread{P50: 80_000, P99: 90_000},
		SuspendTime: 50_000, ReadStreams: 32, ProgramBytes: 64 * kib, BitsPerCell: 1,
		ProgramTime: device.Spread{P50: 4_000_000}, BufferBytes: 16 * mib, BufferHold: 1e8, RegionBytes: 64 * mib,
		OverProvisioning: 0.1, FlushTime: device.Spread{P50: 1_000_000, P99: 2_000_000}}
	text := (&Fit{Config: cfg}).Profile(Origin{Title: "a", Source: "b", Note: "c"})
	read, err := profiles.Parse("x.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(cfg, read.Config); diff != "" {
		t.Error(diff)
	}
}
