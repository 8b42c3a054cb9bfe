package findings

import (
	"cmp"
	"fmt"
	"slices"

	"brokerlab/report/wording"
	"brokerlab/results"
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
// several the largest of each, and what makes the slowest slower than the fastest.
func (f *finder) time() {
	for _, peers := range f.peers() {
		var cells []int
		for _, i := range peers {
			if b := f.r.Cells[i].Breakdown; b != nil && results.SumNS(b.Produce) > 0 {
				cells = append(cells, i)
			}
		}
		switch len(cells) {
		case 0:
		case 1:
			f.timeOfOne(cells[0])
		default:
			f.timeOfSeveral(cells)
		}
	}
}

func (f *finder) timeOfOne(cell int) {
	stages := f.r.Cells[cell].Breakdown.Produce
	total := results.SumNS(stages)
	largest := slices.Clone(stages)
	slices.SortStableFunc(largest, func(a, b results.Stage) int { return cmp.Compare(b.MeanNS, a.MeanNS) })
	var words []string
	for _, s := range largest {
		if share := s.MeanNS / total; share >= notableShare {
			words = append(words, wording.Percent(share)+" "+stageName(s.Name))
		}
	}
	of := ""
	if len(f.r.Cells) > 1 {
		of = " of " + f.names.Cell(cell)
	}
	f.say(Time, fmt.Sprintf("Of the %s that a record%s takes on average to be acknowledged, it spends %s.",
		wording.Duration(int64(total)), of, and(words)), cell)
}

func (f *finder) timeOfSeveral(cells []int) {
	where := f.where(cells)
	byStage := map[string][]int{}
	for _, i := range cells {
		stages := f.r.Cells[i].Breakdown.Produce
		most := slices.MaxFunc(stages, func(a, b results.Stage) int { return cmp.Compare(a.MeanNS, b.MeanNS) })
		byStage[most.Name] = append(byStage[most.Name], i)
	}
	var words []string
	for _, stage := range results.StageOrder {
		if of := byStage[stage]; len(of) > 0 {
			words = append(words, stageName(stage)+" in "+f.list(of, cells))
		}
	}
	f.say(Time, where+"The largest part of the mean produce latency is spent "+and(words)+".", cells...)
	total := func(i int) float64 { return results.SumNS(f.r.Cells[i].Breakdown.Produce) }
	fast := slices.MinFunc(cells, func(a, b int) int { return cmp.Compare(total(a), total(b)) })
	slow := slices.MaxFunc(cells, func(a, b int) int { return cmp.Compare(total(a), total(b)) })
	apart := total(slow) - total(fast)
	if !(apart >= notableShare*total(fast)) {
		return
	}
	stage, of := "", 0.0
	for _, s := range f.r.Cells[slow].Breakdown.Produce {
		if d := s.MeanNS - meanOf(f.r.Cells[fast].Breakdown.Produce, s.Name); d > of {
			stage, of = s.Name, d
		}
	}
	if stage == "" {
		return
	}
	f.say(Time, fmt.Sprintf("%sA record takes %s on average in %s and %s in %s: %s of the difference of %s is spent %s.",
		where, wording.Duration(int64(total(slow))), f.name(slow, cells), wording.Duration(int64(total(fast))),
		f.name(fast, cells), wording.Duration(int64(of)), wording.Duration(int64(apart)), stageName(stage)), fast, slow)
}

func meanOf(stages []results.Stage, name string) float64 {
	for _, s := range stages {
		if s.Name == name {
			return s.MeanNS
		}
	}
	return 0
}
