package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// Of the sentences that tell of each cell: how many cells there may be.
const cellsTold = 6

// against says of a part by how much each cell differs from the first, which is what the
// scenario begins with: no compression, never. Of two cells the best and the worst say it.
func (f *finder) against(part []int, fig figure) {
	cells := f.having(part, fig)
	if !againstTold(part) || len(cells) < len(part) {
		return
	}
	var all []difference
	var ps []float64
	for _, i := range cells[1:] {
		d := f.compare(fig, cells[0], i)
		all, ps = append(all, d), append(ps, d.p)
	}
	ps = stats.Holm(ps)
	shown, enough := 0, true
	for i := range all {
		shown += count(ps[i] < stats.Alpha)
		enough = enough && all[i].enough(len(all))
	}
	var words []string
	for i := range all {
		change := changeWords(all[i].ratio)
		if shown > 0 && ps[i] >= stats.Alpha {
			change = NotShown + " " + change
		}
		words = append(words, change+" with "+f.name(cells[i+1], part))
	}
	s := Sentence{Kind: Figure, About: cells, Shown: shown > 0, Text: put(f.where(part), fmt.Sprintf(
		"against %s, %s is %s.", f.name(cells[0], part), fig.name, and(words)))}
	if !s.Shown && !enough {
		s.Runs = runsNeeded(len(all))
		s.Longer = slices.ContainsFunc(all, func(d difference) bool { return d.runs == 0 })
	}
	f.out = append(f.out, s)
}

// againstTold says whether a part has as many cells as against tells of.
func againstTold(part []int) bool { return len(part) > 2 && len(part) <= cellsTold }

// choices say what choices of design did besides rates and latencies.
func (f *finder) choices() {
	f.codecs()
	f.flushes()
	f.acks()
	f.keys()
	f.backlogs()
	f.readers()
}

// told are the parts of all lots, and lone cells, that are few enough to be told
// cell by cell.
func (f *finder) told() (all [][]int) {
	for _, lot := range f.peers() {
		if len(lot) == 1 {
			all = append(all, lot)
			continue
		}
		for _, part := range f.parts(lot) {
			if len(part) <= cellsTold {
				all = append(all, part)
			}
		}
	}
	return all
}

// varies says whether a setting differs among cells.
func (f *finder) varies(cells []int, path string) bool {
	first := f.r.Cells[cells[0]].Config[path]
	return slices.ContainsFunc(cells, func(i int) bool { return f.r.Cells[i].Config[path] != first })
}

// codecs says how much smaller codecs made the records, of each lot once.
func (f *finder) codecs() {
	const path = "producers." + wording.CompressionType
	for _, lot := range f.peers() {
		for _, part := range f.parts(lot) {
			cells := slices.DeleteFunc(slices.Clone(part), func(i int) bool {
				return f.r.Cells[i].Config[path] == "none" || f.r.Cells[i].CompressionRatio <= 0
			})
			if !f.varies(part, path) || len(cells) == 0 || len(cells) > cellsTold {
				continue
			}
			slices.SortStableFunc(cells, func(a, b int) int {
				return cmp.Compare(f.r.Cells[b].CompressionRatio, f.r.Cells[a].CompressionRatio)
			})
			var words []string
			for n, i := range cells {
				factor := quantity.Ratio(f.r.Cells[i].CompressionRatio) + " with " + f.name(i, part)
				if n == 0 {
					factor = "a factor of " + factor
				}
				words = append(words, factor)
			}
			f.say(Choice, put(f.where(part), "compressed batches are smaller by "+and(words)+"."), cells...)
			break
		}
	}
}

// Unforced is the most that brokers had appended to their logs and not forced to disk, all
// together, at any time of a cell's runs.
type Unforced struct{ Records, Bytes int64 }

// UnforcedOf reads it from what the nodes of a cell did over time; ok is false where
// samples of some of so many brokers were not kept.
func UnforcedOf(all []results.Activity, brokers int) (most Unforced, ok bool) {
	sums, nodes := map[int][]Unforced{}, map[string]bool{}
	for i := range all {
		a := &all[i]
		if len(a.UnflushedRecords) == 0 || len(a.UnflushedRecords) != len(a.UnflushedBytes) {
			continue
		}
		nodes[a.Node] = true
		sum := sums[a.Repeat]
		for k, n := range a.UnflushedRecords {
			if k == len(sum) {
				sum = append(sum, Unforced{})
			}
			sum[k].Records, sum[k].Bytes = sum[k].Records+n, sum[k].Bytes+a.UnflushedBytes[k]
			if sum[k].Records > most.Records {
				most = sum[k]
			}
		}
		sums[a.Repeat] = sum
	}
	return most, nodes["machine"] || len(nodes) > 0 && len(nodes) == brokers
}

// Settings that decide when logs are forced to disk.
var flushSettings = []string{"topic.flush.messages", "topic.flush.ms", "cluster.log.flush.interval.messages",
	"cluster.log.flush.interval.ms", "cluster.log.flush.scheduler.interval.ms"}

// flushes says how often policies forced their logs to disk, and what was not on it.
func (f *finder) flushes() {
	for _, part := range f.told() {
		differ := func(path string) bool { return f.varies(part, path) }
		if !slices.ContainsFunc(flushSettings, differ) {
			continue
		}
		var forced, held []string
		for _, i := range part {
			c := &f.r.Cells[i]
			with := " " + f.with(part) + f.name(i, part)
			words := quantity.Count(c.Fsyncs/int64(len(c.Repeats))) + with
			if l := c.Latency[results.Fsync]; l.Supports("p50") {
				words += " (median " + quantity.Duration(l.P50) + ")"
			}
			forced = append(forced, words)
			if u, ok := f.unforced[i]; ok {
				held = append(held, quantity.Plural(u.Records, "record")+" ("+quantity.Bytes(u.Bytes)+")"+with)
			}
		}
		f.say(Choice, put(f.where(part), "fsyncs of the logs in a run: "+and(forced)+"."), part...)
		if len(held) == len(part) {
			f.say(Choice, put(f.where(part), "a power failure of all brokers might take what was appended and not "+
				"forced to disk, at most "+and(held)+"."), part...)
		}
	}
}

// acks says what a latency with acks=0 is, where it stands beside others.
func (f *finder) acks() {
	const path = "producers.acks"
	var none []int
	sound := f.sound()
	for _, i := range sound {
		if f.r.Cells[i].Config[path] == "0" {
			none = append(none, i)
		}
	}
	if len(none) > 0 && len(none) < len(sound) {
		f.say(Choice, "With acks=0 a record counts as acknowledged when it was sent: its produce latency ends before a "+
			"broker has it.", none...)
	}
}

// keys says where keys crowd partitions the most.
func (f *finder) keys() {
	worst := -1
	for _, i := range f.sound() {
		if wording.Uneven(&f.r.Cells[i]) != "" &&
			(worst < 0 || f.r.Cells[i].Partitions.Imbalance > f.r.Cells[worst].Partitions.Imbalance) {
			worst = i
		}
	}
	if worst >= 0 {
		f.say(Choice, put(f.where([]int{worst}), wording.Uneven(&f.r.Cells[worst])+
			", which no other cell exceeds."), worst)
	}
}

// backlogs says how fast consumers read what the load had left, and what producers
// noticed.
func (f *finder) backlogs() {
	for _, i := range f.tellable(func(c *results.Cell) bool { return phaseOf(c, results.PhaseRead) != nil }) {
		c := &f.r.Cells[i]
		read, load := phaseOf(c, results.PhaseRead), phaseOf(c, results.PhaseLoad)
		text := fmt.Sprintf("consumers read the backlog at %s records/s (%s MB/s)", quantity.Digits(read.ConsumedPerS),
			quantity.Digits(read.ConsumedMBPerS))
		switch {
		case read.Disk == nil:
		case read.Disk.BytesRead == 0:
			text += ", while nothing was read from the disk"
		default:
			text += ", while " + quantity.Megabytes(read.Disk.BytesRead) + " were read from the disk"
		}
		meanwhile := read.Latency[results.Produce]
		if load != nil && meanwhile.Supports("p99") {
			text += "; produce p99 was " + quantity.Duration(meanwhile.P99) + " meanwhile"
			if before := load.Latency[results.Produce]; before.Supports("p99") {
				text += " and " + quantity.Duration(before.P99) + " in the load before"
			}
		}
		f.say(Choice, put(f.where([]int{i}), text+"."), i)
	}
}

// tellable are the sound cells of which something is true, unless they are too many to
// be told one by one.
func (f *finder) tellable(is func(c *results.Cell) bool) (cells []int) {
	for _, i := range f.sound() {
		if is(&f.r.Cells[i]) {
			cells = append(cells, i)
		}
	}
	if len(cells) > cellsTold {
		return nil
	}
	return cells
}

func phaseOf(c *results.Cell, name string) *results.Phase {
	at := slices.IndexFunc(c.Phases, func(p results.Phase) bool { return p.Name == name })
	if at < 0 {
		return nil
	}
	return &c.Phases[at]
}

// readers says what each of several groups of consumers took, and how late.
func (f *finder) readers() {
	several := func(c *results.Cell) bool { return len(readersOf(c)) > 1 }
	for _, i := range f.tellable(several) {
		var words []string
		for _, g := range readersOf(&f.r.Cells[i]) {
			text := g.Name + " took " + quantity.Digits(g.ConsumedPerS) + " records/s"
			if l := g.Latency[results.EndToEnd]; l.Supports("p99") {
				text += " with an end-to-end p99 of " + quantity.Duration(l.P99)
			}
			if g.Unread > 0 {
				text += " and left " + quantity.Count(g.Unread) + " unread"
			}
			if g.Skipped > 0 {
				text += ", " + quantity.Count(g.Skipped) + " were deleted before they came to them"
			}
			words = append(words, text)
		}
		f.say(Choice, put(f.where([]int{i}), "the consumers of "+strings.Join(words, "; those of ")+"."), i)
	}
}

func readersOf(c *results.Cell) (groups []results.Group) {
	for _, g := range c.Groups {
		if g.Kind == results.GroupConsumers {
			groups = append(groups, g)
		}
	}
	return groups
}
