package reporttest

import (
	"time"

	"brokerlab/results"
)

// shares of the stages in a latency, by how often logs are forced to disk.
var (
	unforced = map[string]float64{results.StageAccumulator: 0.42, results.StageCompress: 0.06, results.StageQueue: 0.08,
		results.StageNetwork: 0.07, results.StageAppend: 0.09, results.StageReplicate: 0.28}
	forced = map[string]float64{results.StageAccumulator: 0.11, results.StageCompress: 0.01, results.StageQueue: 0.15,
		results.StageNetwork: 0.01, results.StageAppend: 0.02, results.StageFsync: 0.61, results.StageReplicate: 0.09}
)

// timing fills in what a run tells of its stages, errors and parts, of one repeat. It
// draws nothing, so that other figures stay as they are.
func (c *Cell) timing(run Run, r *results.Repeat) {
	if !c.Timed || c.PerSecond == 0 {
		return
	}
	shares := unforced
	if policy := c.setting("topic.flush.messages"); policy != "" && policy != "never" {
		shares = forced
	}
	produce, endToEnd := r.Latency[results.Produce], r.Latency[results.EndToEnd]
	r.Breakdown = &results.Breakdown{
		Produce: stages(shares, produce.Mean, 0), ProduceRecords: produce.Count,
		EndToEnd: stages(shares, endToEnd.Mean, 0.38), EndToEndRecords: endToEnd.Count,
		ProduceTail: &results.Tail{FromNS: produce.P99, Records: produce.Count/100 + 1,
			Stages: stages(shares, float64(produce.P999), 0)},
	}
	if c.Retries > 0 {
		r.Retries = c.Retries
		r.Errors = map[string]int64{"NOT_LEADER_OR_FOLLOWER": c.Retries - 1, "NETWORK_EXCEPTION": 1}
		r.Breakdown.Produce = withRetry(r.Breakdown.Produce)
	}
	r.BatchesPerS, r.RequestsPerS = r.RecordsPerS/64, r.RecordsPerS/160
	service := produce
	for _, v := range []*int64{&service.P50, &service.P90, &service.P99, &service.P999, &service.Max} {
		*v = *v * 55 / 100
	}
	service.Mean *= 0.55
	r.Latency[results.Service] = service
	if shares[results.StageFsync] > 0 {
		r.Latency[results.Fsync] = results.Latency{P50: int64(4 * time.Millisecond), P90: int64(6 * time.Millisecond),
			P99: int64(19 * time.Millisecond), P999: int64(31 * time.Millisecond), Max: int64(44 * time.Millisecond),
			Mean: 4.6e6, Count: r.Fsyncs}
	}
	c.work(run, r)
}

// work fills in processor time, memory and switches.
func (c *Cell) work(run Run, r *results.Repeat) {
	total := 0.8 * float64(run.Seconds)
	var parts []results.CPUPart
	for _, p := range []results.CPUPart{{Side: results.SideBrokers, Name: "checksum", Seconds: 0.14},
		{Side: results.SideBrokers, Name: "copy", Seconds: 0.2}, {Side: results.SideBrokers, Name: "requests", Seconds: 0.1},
		{Side: results.SideClients, Name: "compress", Seconds: 0.36},
		{Side: results.SideClients, Name: "records", Seconds: 0.2},
	} {
		p.Seconds *= total
		if c.Target == results.TargetReal {
			p.Side = ""
		}
		parts = append(parts, p)
	}
	if c.Target == results.TargetSim {
		r.CPUParts = parts
		return
	}
	r.Wall.CPUParts = parts
	r.Wall.Process = &results.Process{MemoryMaxBytes: 412 << 20, ContextSwitches: 182_000, InvoluntarySwitches: 9_100,
		OtherCPUMillisecs: 340, GarbageCollectionsNS: 21_000_000}
}

// stages divides a mean, of which the part fetch belongs to StageFetch.
func stages(shares map[string]float64, mean, fetch float64) (all []results.Stage) {
	for _, name := range results.StageOrder {
		share := shares[name] * (1 - fetch)
		if name == results.StageFetch {
			share = fetch
		}
		if share > 0 {
			all = append(all, results.Stage{Name: name, MeanNS: share * mean})
		}
	}
	return all
}

// withRetry moves a tenth of the first stage to StageRetry.
func withRetry(all []results.Stage) (out []results.Stage) {
	tenth := all[0].MeanNS / 10
	all[0].MeanNS -= tenth
	for _, s := range all {
		if s.Name == results.StageNetwork {
			out = append(out, results.Stage{Name: results.StageRetry, MeanNS: tenth})
		}
		out = append(out, s)
	}
	return out
}

func (c *Cell) setting(name string) string {
	for _, l := range c.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}
