package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/results"
	"brokerlab/scenarios/run"
	"brokerlab/scenarios/spec"
)

// The rows of this file are of the measuring itself: what it costs to record a
// latency, and what a run of a scenario loses by being measured.

// recordingRow records latencies of all sizes, so that the histogram's places are not
// all in the processor's first cache.
var recordingRow = row{
	name: "recording",
	lines: []line{
		{what: "record a latency, log-normal around 5 ms", unit: "ns", judged: atMost, target: 50},
		{what: "allocations of a million of them", unit: "allocations", judged: atMost, target: 10},
	},
	run: func(s *session, out *samples) error {
		const count = 1 << 24
		random := rand.New(rand.NewPCG(1, 1))
		latencies := make([]int64, 1<<16)
		for i := range latencies {
			latencies[i] = int64(5e6 * math.Exp(random.NormFloat64()))
		}
		recorder := results.NewRecorder()
		return s.each(out, func(round int) error {
			s.patience.Quiet()
			watch := measure.Start()
			for i := range count {
				recorder.Record(latencies[i%len(latencies)])
			}
			usage := watch.Stop()
			if round > 0 {
				each := float64(usage.Elapsed.Nanoseconds()) / count
				out.add(0, sample{ours: each, usage: usage, records: count})
				// Reading what was allocated allocates a little itself.
				out.add(1, sample{ours: float64(usage.Mallocs) / count * 1e6, usage: usage, records: count})
			}
			recorder.Reset()
			return nil
		})
	},
}

// measuringRuns is how many runs of each kind a round has. The rate of one run of this
// length differs from the next one's by some 5 % on a virtual machine, and what is looked
// for is less.
const measuringRuns = 3

// measuringRow runs a scenario at full speed in turns with and without what it does to
// measure. It asks for 97 of 100: a cost of less than 3 %.
func measuringRow(name string, recordBytes int) row {
	return row{
		name: name,
		lines: []line{{what: fmt.Sprintf("a scenario at full speed, %s, measured", sizeName(recordBytes)),
			plain: "the same run without measuring", unit: "k records/s", judged: ratio, target: 0.97},
			// It says the same where others use the processor too, which moves rates.
			{what: "processor time of the load and its drain", plain: "the same run without measuring",
				unit: "ns a record", judged: ratioAtMost, target: 1.03}},
		run: func(s *session, out *samples) error {
			return s.each(out, func(round int) error {
				var rates, times [2]float64 // means over the runs
				var usages [2]measure.Usage
				for turn := range 2 * measuringRuns {
					// With, without, without, with, and the other way round in every other round.
					unmeasured := ((turn+1)/2 + round) % 2
					s.settle(blockBytes)
					watch := measure.Start()
					rate, each, err := scenarioRate(s, recordBytes, unmeasured == 1)
					if err != nil {
						return err
					}
					usages[unmeasured].Add(watch.Stop())
					rates[unmeasured] += rate / measuringRuns
					times[unmeasured] += each / measuringRuns
				}
				if round > 0 {
					out.add(0, sample{ours: rates[0] / 1e3, plain: rates[1] / 1e3, usage: usages[0],
						others: usages[1].Others})
					out.add(1, sample{ours: times[0], plain: times[1], usage: usages[0], others: usages[1].Others})
				}
				return nil
			})
		},
	}
}

// measuredScenario is that of a row: one broker, and clients that have nothing to wait
// for, so that what measuring takes of the processors is missing elsewhere.
const measuredScenario = `cluster:
  brokers: 1
topic:
  partitions: 4
  replication.factor: 1
records:
  size: %d
producers:
  count: 2
  acks: 1
  buffer.memory: 2MiB
consumers:
  count: 1
load:
  rate: max
  warmup: 250ms
  duration: %v
`

// scenarioRate runs the scenario and returns its records a second, and the processor
// time of a record in ns.
func scenarioRate(s *session, recordBytes int, unmeasured bool) (perSec, each float64, err error) {
	source := []byte(fmt.Sprintf(measuredScenario, recordBytes, (250*time.Millisecond + 2*s.span).String()))
	file, err := spec.Parse("measuring.yaml", source)
	if err != nil {
		return 0, 0, err
	}
	got, err := run.Run(file, source, run.Options{Disks: []string{"dir:" + filepath.Join(s.dir, "data")},
		Out: filepath.Join(s.dir, "runs"), Unmeasured: unmeasured, Live: &run.Live{}})
	if err != nil {
		return 0, 0, err
	}
	cell := &got.Result.Cells[0]
	if cell.Bad() > 0 || cell.Failed > 0 || cell.RecordsPerS == 0 {
		return 0, 0, errors.New("the run did not get all records right")
	}
	if there := cell.Latency[results.Produce].Count > 0; there == unmeasured {
		return 0, 0, fmt.Errorf("latencies are there: %v, unmeasured: %v", there, unmeasured)
	}
	if cell.Wall.CPUSecondsPerGB == nil {
		return 0, 0, errors.New("the system does not tell the processor time")
	}
	return cell.RecordsPerS, *cell.Wall.CPUSecondsPerGB * float64(recordBytes), nil // s/GB is ns/B
}
