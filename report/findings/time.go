package findings

import (
	"cmp"
	"fmt"
	"slices"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// stageWords say where a record is in a stage.
var stageWords = map[string]string{
	results.StageAccumulator: "in the accumulator", results.StageCompress: "compressing",
	results.StageQueue: "waiting in queues", results.StageRetry: "in retries", results.StageNetwork: "on the network",
	results.StageAppend: "appending to the log", results.StageFsync: "in forced flushes",
	results.StageReplicate: "replicating", results.StageFetch: "waiting to be fetched",
	results.StageUnknown: "unknown",
}

func stageName(stage string) string {
	if words, ok := stageWords[stage]; ok {
		return words
	}
	return stage
}

// notableShare is the share of a latency from which a stage is named.
const notableShare = 0.1

// time says where the mean produce latency went: of a lone cell its largest stages, of
// several the largest of each, and what makes the slowest slower than the fastest where
// one setting differs.
func (f *finder) time() {
	for _, lot := range f.peers() {
		cells := f.divided(lot)
		switch len(cells) {
		case 0:
		case 1:
			f.timeOfOne(cells[0])
		default:
			f.timeOfSeveral(cells)
			f.slowest(f.parts(lot))
		}
	}
}

// divided are the cells that tell the stages of their latency.
func (f *finder) divided(cells []int) (there []int) {
	for _, i := range cells {
		if b := f.r.Cells[i].Breakdown; b != nil && results.SumNS(b.Produce) > 0 {
			there = append(there, i)
		}
	}
	return there
}

// mean is the mean produce latency of a cell, in ns, as its stages add up to it.
func (f *finder) mean(cell int) float64 { return results.SumNS(f.r.Cells[cell].Breakdown.Produce) }

func (f *finder) timeOfOne(cell int) {
	stages := f.r.Cells[cell].Breakdown.Produce
	largest := slices.Clone(stages)
	slices.SortStableFunc(largest, func(a, b results.Stage) int { return cmp.Compare(b.MeanNS, a.MeanNS) })
	var words []string
	for _, s := range largest {
		if share := s.MeanNS / f.mean(cell); share >= notableShare {
			words = append(words, quantity.Percent(share)+" "+stageName(s.Name))
		}
	}
	f.say(Time, put(f.where([]int{cell}), fmt.Sprintf("a record takes %s on average to be acknowledged: %s.",
		quantity.Nanoseconds(f.mean(cell)), and(words))), cell)
}

func (f *finder) timeOfSeveral(cells []int) {
	byStage := map[string][]int{}
	for _, i := range cells {
		stages := f.r.Cells[i].Breakdown.Produce
		most := slices.MaxFunc(stages, func(a, b results.Stage) int { return cmp.Compare(a.MeanNS, b.MeanNS) })
		byStage[most.Name] = append(byStage[most.Name], i)
	}
	var words []string
	for _, stage := range results.StageOrder {
		if of := byStage[stage]; len(of) > 0 {
			words = append(words, stageName(stage)+" "+f.among(of, cells))
		}
	}
	f.say(Time, put(f.where(cells), "the largest part of the mean produce latency is spent "+and(words)+"."), cells...)
}

// slowest says of the part in which mean latencies are farthest apart in which stage.
func (f *finder) slowest(parts [][]int) {
	fast, slow := -1, -1
	var of []int
	for _, part := range parts {
		cells := f.divided(part)
		if len(cells) < 2 {
			continue
		}
		compare := func(a, b int) int { return cmp.Compare(f.mean(a), f.mean(b)) }
		a, b := slices.MinFunc(cells, compare), slices.MaxFunc(cells, compare)
		if fast < 0 || f.mean(b)/f.mean(a) > f.mean(slow)/f.mean(fast) {
			fast, slow, of = a, b, part
		}
	}
	if fast < 0 || !(f.mean(slow)-f.mean(fast) >= notableShare*f.mean(fast)) {
		return
	}
	stage, more := "", 0.0
	for _, s := range f.r.Cells[slow].Breakdown.Produce {
		if d := s.MeanNS - meanOf(f.r.Cells[fast].Breakdown.Produce, s.Name); d > more {
			stage, more = s.Name, d
		}
	}
	if stage == "" {
		return
	}
	apart := f.mean(slow) - f.mean(fast)
	share := quantity.Nanoseconds(more) + " of the " + quantity.Nanoseconds(apart) + " between them is spent " +
		stageName(stage)
	if more > apart {
		share = "it spends " + quantity.Nanoseconds(more) + " more " + stageName(stage) + ", and less elsewhere"
	}
	f.say(Time, put(f.where(of), fmt.Sprintf("a record takes %s on average %s and %s %s: %s.",
		quantity.Nanoseconds(f.mean(fast)), f.with(of)+f.name(fast, of), quantity.Nanoseconds(f.mean(slow)),
		f.with(of)+f.name(slow, of), share)), fast, slow)
}

func meanOf(stages []results.Stage, name string) float64 {
	for _, s := range stages {
		if s.Name == name {
			return s.MeanNS
		}
	}
	return 0
}
