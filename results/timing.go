package results

import "slices"

// MergeTiming fills in what a cell's repeats tell together of stages, parts of the
// processor's work, and the process.
func MergeTiming(c *Cell) {
	c.Breakdown, c.CPUParts, c.Wall.CPUParts, c.Wall.Process = mergeBreakdowns(c.Repeats), nil, nil, nil
	for i := range c.Repeats {
		r := &c.Repeats[i]
		c.CPUParts = addParts(c.CPUParts, r.CPUParts)
		c.Wall.CPUParts = addParts(c.Wall.CPUParts, r.Wall.CPUParts)
		if p := r.Wall.Process; p != nil {
			if c.Wall.Process == nil {
				c.Wall.Process = &Process{}
			}
			c.Wall.Process.add(p)
		}
	}
}

// mergeBreakdowns weighs the means of repeats by their records. The slowest records
// of each repeat are taken together, which are not quite the slowest of all. It is
// nil if no repeat has one.
func mergeBreakdowns(repeats []Repeat) *Breakdown {
	var produce, endToEnd, tail weighted
	out := &Breakdown{}
	for i := range repeats {
		b := repeats[i].Breakdown
		if b == nil {
			continue
		}
		produce.add(b.Produce, b.ProduceRecords)
		endToEnd.add(b.EndToEnd, b.EndToEndRecords)
		if t := b.ProduceTail; t != nil {
			tail.add(t.Stages, t.Records)
			if out.ProduceTail == nil || t.FromNS < out.ProduceTail.FromNS {
				out.ProduceTail = &Tail{FromNS: t.FromNS}
			}
		}
	}
	if produce.records+endToEnd.records == 0 {
		return nil
	}
	out.Produce, out.ProduceRecords = produce.means(), produce.records
	out.EndToEnd, out.EndToEndRecords = endToEnd.means(), endToEnd.records
	if out.ProduceTail != nil {
		out.ProduceTail.Stages, out.ProduceTail.Records = tail.means(), tail.records
	}
	return out
}

// weighted adds up means of stages.
type weighted struct {
	records int64
	total   map[string]float64
}

func (w *weighted) add(means []Stage, records int64) {
	if w.total == nil {
		w.total = map[string]float64{}
	}
	w.records += records
	for _, s := range means {
		w.total[s.Name] += s.MeanNS * float64(records)
	}
}

// means are those of the stages that there are, in StageOrder.
func (w *weighted) means() (all []Stage) {
	if w.records == 0 {
		return nil
	}
	for _, name := range StageOrder {
		if total, ok := w.total[name]; ok {
			all = append(all, Stage{Name: name, MeanNS: total / float64(w.records)})
		}
	}
	return all
}

// addParts adds up parts of the same name and side, in the order of their first use.
func addParts(sum, parts []CPUPart) []CPUPart {
	for _, p := range parts {
		i := slices.IndexFunc(sum, func(s CPUPart) bool { return s.Name == p.Name && s.Side == p.Side })
		if i < 0 {
			sum = append(sum, p)
			continue
		}
		sum[i].Seconds += p.Seconds
	}
	return sum
}

func (p *Process) add(o *Process) {
	p.MemoryMaxBytes = max(p.MemoryMaxBytes, o.MemoryMaxBytes)
	p.ContextSwitches += o.ContextSwitches
	p.InvoluntarySwitches += o.InvoluntarySwitches
	p.OtherCPUMillisecs += o.OtherCPUMillisecs
	p.GarbageCollectionsNS += o.GarbageCollectionsNS
}

// SumNS is the mean latency that stages add up to.
func SumNS(stages []Stage) (ns float64) {
	for _, s := range stages {
		ns += s.MeanNS
	}
	return ns
}
