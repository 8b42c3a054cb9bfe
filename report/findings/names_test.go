package findings

import (
	"testing"

	"brokerlab/report/wording"
	"brokerlab/results"
)

// Goal: cells are on disks, in loads, and have all else, also when the sentence names several
// settings; many are counted. Method: a table of labels and the words for the last cells.
func TestAmong(t *testing.T) {
	cell := func(acks, disk string, offered float64) results.Cell {
		return results.Cell{Labels: map[string]string{"acks": acks, "disk": disk, "load": loadOf(offered)},
			Target: results.TargetSim, OfferedPerS: offered, Load: loadOf(offered), Config: map[string]string{}}
	}
	for _, c := range []struct {
		why   string
		cells []results.Cell
		some  []int
		want  string
	}{
		{"a setting", []results.Cell{cell("0", "nvme", 0), cell("1", "nvme", 0), cell("all", "nvme", 0)}, []int{1, 2},
			"with acks=1 and acks=all"},
		{"a disk", []results.Cell{cell("0", "nvme", 0), cell("0", "hdd", 0), cell("0", "ssd", 0)}, []int{1, 2},
			"on hdd and ssd"},
		{"a load", []results.Cell{cell("0", "nvme", 0), cell("0", "nvme", 500), cell("0", "nvme", 500)}, []int{0},
			"in load=full"},
		{"two settings at one load", []results.Cell{cell("0", "nvme", 0), cell("0", "hdd", 0), cell("1", "nvme", 0)},
			[]int{1}, "with acks=0, hdd"},
		{"all of them", []results.Cell{cell("0", "nvme", 0), cell("1", "nvme", 0), cell("all", "nvme", 0)}, []int{0, 1, 2},
			"in all 3 cells"},
	} {
		r := &results.Result{Cells: c.cells, LabelNames: []string{"acks", "disk", "load"}}
		f := &finder{r: r, names: wording.NamesOf(r)}
		if got := f.among(c.some, f.all()); got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
	}
}

func loadOf(offered float64) string {
	if offered > 0 {
		return "steady"
	}
	return "full"
}
