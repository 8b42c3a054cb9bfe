package results

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Goal: the busiest partition and how far from even it is are told, and repeats are put
// together. Method: table.
func TestPartitions(t *testing.T) {
	if p := PartitionsOf([]int64{0, 0}); p != nil {
		t.Errorf("no records: %+v", p)
	}
	got := PartitionsOf([]int64{10, 60, 0, 30})
	want := &Partitions{Count: 4, Records: []int64{10, 60, 0, 30}, Busiest: 1, Share: 0.6, Imbalance: 2.4, Empty: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	many := make([]int64, PartitionsListed+1)
	many[7], many[9] = 3, 1
	if p := PartitionsOf(many); p.Records != nil || p.Busiest != 7 || p.Share != 0.75 || p.Empty != PartitionsListed-1 {
		t.Errorf("many: %+v", p)
	}
	one, two := PartitionsOf([]int64{5, 1}), PartitionsOf([]int64{1, 5})
	merged := MergePartitions([]Repeat{{Partitions: one}, {}, {Partitions: two}})
	if diff := cmp.Diff(&Partitions{Count: 2, Records: []int64{6, 6}, Share: 0.5, Imbalance: 1}, merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	few := make([]int64, PartitionsListed+1)
	few[1] = 1
	if p := MergePartitions([]Repeat{{Partitions: PartitionsOf(many)}, {Partitions: PartitionsOf(few)}}); p.Busiest != 1 {
		t.Errorf("of many that are not listed: %+v", p)
	}
	if p := MergePartitions(nil); p != nil {
		t.Errorf("of nothing: %+v", p)
	}
}
