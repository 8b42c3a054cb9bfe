package reporttest

import (
	"strconv"
	"time"

	"brokerlab/results"
)

const ms = time.Millisecond

// config is what a scenario's settings look like in a result.
func config(more ...Label) map[string]string {
	c := map[string]string{"cluster.brokers": "3", "topic.partitions": "6", "topic.replication.factor": "3",
		"records.size": "1KiB", "records.payload": "json-logs", "producers.acks": "all",
		"producers.compression.type": "snappy", "producers.linger.ms": "5ms", "load.rate": "max"}
	for _, l := range more {
		c[l.Name] = l.Value
	}
	return c
}

const dir = "dir:results/data"

// Runs are the shapes that a report must cope with, by name. PerSecond is how
// many latencies a second of each cell has.
func Runs(perSecond int) []Run {
	return []Run{
		Quickstart(perSecond), Codecs(perSecond), Flush(perSecond), Grid(perSecond), Many(perSecond),
		lone(perSecond), stalled(), few(), empty(), interrupted(perSecond), odd(perSecond), Modes(perSecond),
		Resources(perSecond), Doubtful(perSecond),
	}
}

// Quickstart has one cell at full speed and one open-loop cell.
func Quickstart(perSecond int) Run {
	cell := func(rate string, perS, mb float64, median time.Duration) Cell {
		return Cell{Labels: []Label{{"load.rate", rate}, {"disk", dir}}, Target: results.TargetReal, Rate: perS, MBPerS: mb,
			Median: median, Ratio: 4.12, PerSecond: perSecond, Timed: true}
	}
	return Run{Scenario: "quickstart", Title: "Three brokers on this disk",
		Question: "What does this machine do with Kafka's defaults, at full speed and at a fifth of it?",
		Names:    []string{"load.rate", "disk"}, Repeats: 1, Seconds: 10, Config: config(),
		Cells: []Cell{cell("max", 0, 182, 61*ms), cell("20000/s", 20000, 20.5, 6200*time.Microsecond)}}
}

// Codecs varies the codec only.
func Codecs(perSecond int) Run {
	run := Run{Scenario: "codecs", Title: "What compression costs and saves",
		Names:    []string{"producers.compression.type", "disk"},
		Question: "Which codec is worth its processor time?", Repeats: 3, Seconds: 16, Config: config()}
	for i, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		run.Cells = append(run.Cells, Cell{Labels: []Label{{"producers.compression.type", name}, {"disk", dir}},
			Target: results.TargetReal, MBPerS: []float64{180, 95, 220, 245, 205}[i],
			Median: []time.Duration{70 * ms, 140 * ms, 48 * ms, 41 * ms, 55 * ms}[i],
			Ratio:  []float64{1, 6.3, 4.1, 4.3, 6.9}[i], PerSecond: perSecond})
	}
	return run
}

// Flush varies the flush policy over a real and a simulated disk.
func Flush(perSecond int) Run {
	run := Run{Scenario: "flush-policies", Title: "What a forced flush costs",
		Names:    []string{"topic.flush.messages", "disk"},
		Question: "What does fsync cost, on this disk and on a simulated one?", Repeats: 3, Seconds: 14, Config: config()}
	for i, policy := range []string{"never", "10000", "100", "1"} {
		for j, disk := range []string{dir, "sim"} {
			scale := time.Duration(1 + j)
			run.Cells = append(run.Cells, Cell{Labels: []Label{{"topic.flush.messages", policy}, {"disk", disk}},
				Target: []string{results.TargetReal, results.TargetSim}[j], Rate: 5000, MBPerS: []float64{5.1, 5.1, 4.9, 0.4}[i],
				Median: []time.Duration{3 * ms, 5 * ms, 40 * ms, 900 * ms}[i] * scale, Ratio: 4.1, PerSecond: perSecond,
				Timed: true, Retries: int64(3 * i * j)})
		}
	}
	return run
}

// Grid varies batch size and codec: twenty cells.
func Grid(perSecond int) Run {
	run := Run{Scenario: "batch-size", Title: "Batch size and codec",
		Names:   []string{"producers.batch.size", "producers.compression.type", "disk"},
		Repeats: 5, Seconds: 10, Config: config()}
	for i, size := range []string{"4KiB", "16KiB", "64KiB", "256KiB"} {
		for j, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			run.Cells = append(run.Cells, Cell{
				Labels: []Label{{"producers.batch.size", size}, {"producers.compression.type", codec}, {"disk", "sim"}},
				Target: results.TargetSim, MBPerS: float64(60+60*i) * []float64{1, 0.5, 1.2, 1.3, 1.1}[j],
				Median: time.Duration(40-8*i) * ms, Ratio: 2, PerSecond: perSecond})
		}
	}
	return run
}

// Many has sixteen cells of three settings and a long path.
func Many(perSecond int) Run {
	run := Run{Scenario: "everything-at-once",
		Names:   []string{"producers.acks", "producers.linger.ms", "producers.mode", "disk"},
		Title:   "A scenario with a rather long title that says at some length what it is about, and then some more of it",
		Repeats: 1, Seconds: 15, Config: config()}
	long := "dir:/mnt/a-rather-long-mount-point/and/a/folder/below/it/for-brokerlab"
	for i, acks := range []string{"0", "1", "all", "all, min.insync.replicas 2"} {
		for j, linger := range []string{"0s", "5ms"} {
			for k, mode := range []string{"async", "sync"} {
				run.Cells = append(run.Cells, Cell{Labels: []Label{{"producers.acks", acks}, {"producers.linger.ms", linger},
					{"producers.mode", mode}, {"disk", long}}, Target: results.TargetReal, MBPerS: 200 / float64(1+i+2*j+9*k),
					Median: time.Duration(1+i+2*j+9*k) * ms, PerSecond: perSecond})
			}
		}
	}
	return run
}

// lone is one simulated cell.
func lone(perSecond int) Run {
	return Run{Scenario: "one-cell", Title: "One cell", Names: []string{"disk"}, Repeats: 1, Seconds: 130,
		Config: config(), Cells: []Cell{{Labels: []Label{{"disk", "sim"}},
			Target: results.TargetSim, Rate: 1000, MBPerS: 1.02, Median: 4 * ms,
			Ratio: 3, PerSecond: perSecond}}}
}

// stalled acknowledged nothing.
func stalled() Run {
	return Run{Scenario: "stalled", Title: "Nothing comes back", Names: []string{"producers.acks", "disk"}, Repeats: 1,
		Seconds: 5, Config: config(), Cells: []Cell{
			{Labels: []Label{{"producers.acks", "1"}, {"disk", dir}}, Target: results.TargetReal},
			{Labels: []Label{{"producers.acks", "all"}, {"disk", dir}}, Target: results.TargetReal,
				Counts: results.Counts{Lost: 12, Duplicated: 1}}}}
}

// few has so few latencies that most percentiles mean nothing.
func few() Run {
	return Run{Scenario: "few", Title: "A handful of records", Names: []string{"producers.acks", "disk"}, Repeats: 1,
		Seconds: 2, Config: map[string]string{}, Cells: []Cell{
			{Labels: []Label{{"producers.acks", "1"}, {"disk", dir}}, Target: results.TargetReal, MBPerS: 0.002, Median: ms,
				PerSecond: 15},
			{Labels: []Label{{"producers.acks", "all"}, {"disk", dir}}, Target: results.TargetReal, MBPerS: 0.0004,
				Median: 300 * ms, PerSecond: 2}}}
}

// empty ended before its first cell.
func empty() Run {
	return Run{Scenario: "empty", Title: "No cell", Names: []string{"disk"}, Incomplete: "interrupted"}
}

// interrupted has one whole cell and one that only began.
func interrupted(perSecond int) Run {
	run := Quickstart(perSecond)
	run.Scenario, run.Incomplete = "interrupted", "interrupted by a signal in cell 2 of 2"
	run.Cells[1].MBPerS, run.Cells[1].PerSecond = 0, 0
	return run
}

// odd has a setting with twelve values, latencies of half a microsecond, and no config.
func odd(perSecond int) Run {
	run := Run{Scenario: "odd", Title: "Odd | names * and _values_", Repeats: 2, Seconds: 3,
		Names: []string{"cluster.brokers", "disk"}}
	for n := 1; n <= 12; n++ {
		run.Cells = append(run.Cells, Cell{Labels: []Label{{"cluster.brokers", strconv.Itoa(n)}, {"disk", "sim"}},
			Target: results.TargetSim, Rate: float64(1000 * n), MBPerS: float64(n) * 1234, Median: time.Duration(400 + n),
			PerSecond: perSecond})
	}
	return run
}

// Modes varies two settings and a load of the scenario's own naming, on a
// simulated and on a real disk, labels named as runs name them.
func Modes(perSecond int) Run {
	run := Run{Scenario: "modes", Title: "Modes, lingers and loads", Question: "What does waiting cost?",
		Names: []string{"mode", "load", "disk"}, Choices: []string{"load"}, Repeats: 1, Seconds: 4, Config: config()}
	for i, disk := range []string{"sim", "dir:/mnt/a-rather-long-mount-point/and/a/folder/below"} {
		for j, mode := range []string{"async", "sync"} {
			for k, load := range []string{"full speed", "steady"} {
				run.Cells = append(run.Cells, Cell{Labels: []Label{{"mode", mode}, {"load", load}, {"disk", disk}},
					Target: []string{results.TargetSim, results.TargetReal}[i], Rate: float64(2000 * k),
					MBPerS: []float64{300, 2.05}[k] / float64(1+9*j), Median: time.Duration(1+i+2*j) * ms, Ratio: 2.9,
					PerSecond: perSecond})
			}
		}
	}
	return run
}

// Doubtful has six runs of each cell, which give intervals, and a self-check that found
// something in most of them.
func Doubtful(perSecond int) Run {
	run := Run{Scenario: "doubtful", Title: "What is not to be trusted", Names: []string{"producers.acks", "disk"},
		Question: "Does waiting for replicas cost anything here?", Repeats: 6, Seconds: 20, Config: config()}
	others := results.Finding{Check: "machine", Untrusted: true, Message: "other programs used 41 % of the processors, " +
		"java most of them (0.8 of 2 cores) (in 2 of 6 repeats, this in number 4): end them and run again"}
	for i, acks := range []string{"0", "1", "all"} {
		cell := Cell{Labels: []Label{{"producers.acks", acks}, {"disk", dir}}, Target: results.TargetReal,
			MBPerS: []float64{220, 180, 110}[i], Median: time.Duration(20+15*i) * ms, Ratio: 4.1, PerSecond: perSecond}
		if i > 0 {
			cell.Trust = append(cell.Trust, others)
		}
		cell.Trust = append(cell.Trust, []results.Finding{{Check: "warm-up", Message: "the warm-up was too short: the rate " +
			"was 91000 records/s in the first 2 s of the measured window and 107000 records/s in the rest; raise load.warmup " +
			"by 2 s or more"}, {Check: "samples", Message: "too few samples for p99.9 of 900 produce latencies"}}...)
		run.Cells = append(run.Cells, cell)
	}
	return run
}
