package load

import (
	"time"

	"brokerlab/engine/env"
	"brokerlab/workloads/arrival"
)

// Generator waits for the records of a schedule. It belongs to one task.
type Generator struct {
	Node  env.Node
	Pacer *arrival.Pacer
	// End of the load; Never: only Over says it. An open loop ends when what was due
	// before it is taken or given up, a closed one at once.
	End env.Time
	// Slack is how long after the first record that is due it waits for more.
	Slack time.Duration
	// Over, if not nil, ends the load before its end.
	Over func() bool
}

// Await waits until a record is due, and for the slack. ok is false when there is none
// any more; then the end of the load has come.
func (g *Generator) Await() (now env.Time, ok bool) {
	for {
		now = g.Node.Now()
		if g.Over != nil && g.Over() {
			g.Pacer.Abandon(now)
			return now, false
		}
		g.Pacer.GiveUp(now)
		due := g.Pacer.Next(now)
		switch {
		case due <= now && (now < g.End || !g.Pacer.Closed()):
			return now, true
		case now >= g.End:
			return now, false
		}
		until := min(due.Add(g.Slack), g.End)
		if g.Over != nil {
			until = min(until, now.Add(pollWait)) // it may be over meanwhile
		}
		g.Node.Sleep(until.Sub(now))
	}
}
