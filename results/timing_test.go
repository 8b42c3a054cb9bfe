package results

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMergeTiming. Goal: a cell's breakdown is that of all of its repeats' records,
// its parts and switches are sums, and its memory the most. Method: two repeats with
// round numbers, one of which has a stage and a part that the other lacks.
func TestMergeTiming(t *testing.T) {
	c := Cell{Repeats: []Repeat{
		{Breakdown: &Breakdown{Produce: []Stage{{StageAccumulator, 100}, {StageAppend, 10}}, ProduceRecords: 3,
			EndToEnd: []Stage{{StageFetch, 5}}, EndToEndRecords: 1,
			ProduceTail: &Tail{FromNS: 900, Records: 1, Stages: []Stage{{StageAppend, 1000}}}},
			CPUParts: []CPUPart{{SideBrokers, "copy", 1}},
			Wall:     CellWall{Process: &Process{MemoryMaxBytes: 7, ContextSwitches: 5}}},
		{},
		{Breakdown: &Breakdown{Produce: []Stage{{StageAccumulator, 200}, {StageRetry, 40}}, ProduceRecords: 1,
			ProduceTail: &Tail{FromNS: 800, Records: 3, Stages: []Stage{{StageRetry, 2000}}}},
			CPUParts: []CPUPart{{SideClients, "copy", 2}, {SideBrokers, "copy", 4}},
			Wall:     CellWall{Process: &Process{MemoryMaxBytes: 6, ContextSwitches: 50}}},
	}}
	MergeTiming(&c)
	want := &Breakdown{ProduceRecords: 4, Produce: []Stage{{StageAccumulator, 125}, {StageRetry, 10}, {StageAppend, 7.5}},
		EndToEndRecords: 1, EndToEnd: []Stage{{StageFetch, 5}},
		ProduceTail: &Tail{FromNS: 800, Records: 4, Stages: []Stage{{StageRetry, 1500}, {StageAppend, 250}}}}
	if diff := cmp.Diff(want, c.Breakdown); diff != "" {
		t.Errorf("breakdown (-want +got):\n%s", diff)
	}
	if sum := SumNS(c.Breakdown.Produce); sum != (3*110+240)/4.0 {
		t.Errorf("its stages add up to %v", sum)
	}
	if diff := cmp.Diff([]CPUPart{{SideBrokers, "copy", 5}, {SideClients, "copy", 2}}, c.CPUParts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&Process{MemoryMaxBytes: 7, ContextSwitches: 55}, c.Wall.Process); diff != "" {
		t.Errorf("process (-want +got):\n%s", diff)
	}
	again := c
	MergeTiming(&again)
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("a second time (-once +twice):\n%s", diff)
	}
	none := Cell{Repeats: []Repeat{{}}}
	if MergeTiming(&none); none.Breakdown != nil || none.Wall.Process != nil {
		t.Errorf("of repeats that tell nothing: %+v", none)
	}
}
