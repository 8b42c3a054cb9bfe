package suite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
)

func load(t *testing.T, name string) device.Config {
	t.Helper()
	p, err := profiles.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Config
}

// Goal: the patterns set disks apart as the issue of disks has it: a hard disk is
// thousands of times slower in random than in sequential order, and many files drive
// it there; an SSD is not; protection makes flushes cheap. Method: ratios of figures of
// the patterns on built-in profiles.
func TestPatternsTellDisksApart(t *testing.T) {
	figures := map[string][]float64{}
	for _, name := range []string{"hdd-7200", "nvme", "nvme-plp"} {
		cfg := load(t, name)
		for _, row := range Compare() {
			r, err := Run(cfg, row, 0, BudgetOf(cfg.Kind), 1)
			if err != nil {
				t.Fatal(err)
			}
			v := r.MBPerSec
			if row.Metric == SyncTime {
				v = r.SyncLatency.P50.Seconds()
			}
			figures[name] = append(figures[name], v)
		}
	}
	const seqRead, seqWrite, manyFiles, read1, flush = 0, 1, 2, 3, 8
	for _, row := range []struct {
		sentence        string
		over, under     float64
		least, greatest float64
	}{
		{"hard disk: sequential over random reads", figures["hdd-7200"][seqRead], figures["hdd-7200"][read1], 300, 1000},
		{"hard disk: one file over a thousand", figures["hdd-7200"][seqWrite], figures["hdd-7200"][manyFiles], 5, 50},
		{"NVMe: one file over a thousand", figures["nvme"][seqWrite], figures["nvme"][manyFiles], 0.9, 1.1},
		{"flush without protection over one with it", figures["nvme"][flush], figures["nvme-plp"][flush], 20, 100},
	} {
		if got := row.over / row.under; got < row.least || got > row.greatest {
			t.Errorf("%s: %.3g, want %g to %g", row.sentence, got, row.least, row.greatest)
		}
	}
}

// Goal: a seed gives the same figures again, and a span bounds what is used. Method:
// run twice, and on a disk of which the outer GiB alone may be used.
func TestRunIsDeterministic(t *testing.T) {
	cfg := load(t, "hdd-7200")
	row := Compare()[3]
	once, err := Run(cfg, row, 0, BudgetOf(cfg.Kind), 7)
	if err != nil {
		t.Fatal(err)
	}
	twice, _ := Run(cfg, row, 0, BudgetOf(cfg.Kind), 7)
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("two runs of a seed differ: %s", diff)
	}
	near, err := Run(cfg, row, 1<<30, BudgetOf(cfg.Kind), 7)
	if err != nil || near.OpsPerSec < 1.3*once.OpsPerSec {
		t.Errorf("within 1 GiB %.0f reads/s, over the whole disk %.0f, error %v", near.OpsPerSec, once.OpsPerSec, err)
	}
	if _, err := Run(device.Config{}, row, 0, BudgetOf(0), 1); err == nil {
		t.Error("a configuration without a capacity ran")
	}
}
