package run

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/results"
)

// Goal: a run that is stopped in whatever phase ends soon, is measured as far as it came,
// and loses nothing; what slow consumers have not read by then is said. A load that was cut
// off is no second repeat, unless records were lost in it. Method: a load
// with groups that would read for minutes, simulated, which is stopped by the first
// reading of the meter in the phase.
func TestStoppedInEachPhase(t *testing.T) {
	skipUnderRace(t)
	const text = `
cluster: {brokers: 1}
records: {size: 100, payload: random}
producers: {compression.type: none}
load: {rate: 2000/s, warmup: 500ms, duration: 2s, drain: 2m}
consumers:
  groups:
    live: {}
    slow: {rate: 20/s}
    history: {read: backlog, rate: 20/s}
`
	for _, c := range []struct {
		phase   string
		atMost  time.Duration // of the virtual clock
		hurried []string      // groups
	}{
		{phaseWarmup, 2 * time.Second, nil},
		{phaseLoad, 3 * time.Second, []string{"slow"}},
		{"draining", 4 * time.Second, []string{"slow"}},
		{"reading the backlog", 130 * time.Second, []string{"slow", "history"}},
	} {
		cell := firstCell(t, text)
		live := (&Live{}).begin(where{})
		rep, err := newRepeat(&cell.Scenario, place{disk: DiskSim}, 1, live)
		if err != nil {
			t.Fatal(err)
		}
		rep.shared = rep.newShared(0)
		read, stoppedAt := rep.stage.read, env.Time(0)
		rep.stage.read = func(now env.Time) reading {
			if stoppedAt == 0 && live.where.Load().phase == c.phase {
				stoppedAt = now
				live.live.Stop()
			}
			return read(now)
		}
		err = rep.run()
		took := time.Duration(rep.stage.now())
		m := rep.measure(1, time.Now())
		rep.stage.close()
		cut := c.phase == phaseWarmup || c.phase == phaseLoad
		if rep.cutOff != cut || rep.counts(2, m.repeat.Counts) == cut || !rep.counts(1, m.repeat.Counts) {
			t.Errorf("%s: the load was cut: %v; it counts as the second repeat: %v", c.phase, rep.cutOff,
				rep.counts(2, m.repeat.Counts))
		}
		if err != nil || stoppedAt == 0 || took > c.atMost || m.repeat.Acked == 0 && c.phase != phaseWarmup ||
			m.repeat.Bad()+m.repeat.Failed > 0 {
			t.Errorf("%s: stopped at %v, ended at %v: %+v, %v", c.phase, time.Duration(stoppedAt), took, m.repeat.Counts, err)
		}
		if !rep.counts(2, results.Counts{Lost: 1}) {
			t.Errorf("%s: a repeat with losses does not count", c.phase)
		}
		said := strings.Join(m.warnings, "\n")
		for _, group := range []string{"live", "slow", "history"} {
			if strings.Contains(said, "consumers of group "+group+" had ") != slices.Contains(c.hurried, group) {
				t.Errorf("%s: group %s: %q", c.phase, group, said)
			}
		}
	}
}
