package run

import (
	"errors"
	"sync/atomic"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/controller"
	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/check"
	"brokerlab/workloads/load"
)

// ErrInterrupted says that a run was stopped from outside. The repeat that was
// under way is measured as far as it came; see repeat.counts.
var ErrInterrupted = errors.New("interrupted")

// repeat is one execution of one cell.
type repeat struct {
	s     *spec.Scenario
	seed  uint64
	stage *stage
	plan  *cluster.Plan
	live  *progress
	keep  bool // the logs
	// unmeasured is Options.Unmeasured.
	unmeasured bool
	recorded   recorded // rate curves
	shared     *load.Shared
	check      *check.Checker

	producers, consumers []*clients // groups
	reads                bool       // a group reads what the load left
	goesOn               bool       // and producers go on meanwhile

	driver   env.Node
	verifier env.Node
	nodes    []env.Node // of the brokers
	brokers  []*broker.Broker
	control  env.Node // of the controller
	elects   *controller.Controller

	targets  atomic.Pointer[[]load.Target] // set when the ends of the logs are known
	loadFrom env.Time
	meter    *meter
	metering env.Mutex // of meter, around and drains, which the watch uses and who waits for the producers too
	around   *surroundings
	cpuFrom  cpuTime
	cpuTo    cpuTime
	logs     broker.Stats // when the load was drained
	timing   timing
	found    check.Result

	left, leftMost int64 // records of a search's rate that were behind when the load ended, and may be

	stretches   []stretch    // guarded by metering
	producersBy atomic.Int64 // env.Time at which producers are given up; 0: never
	late        bool         // they were; the watch's until it has ended, as the next
	cutOff      bool         // the load was, since the run was stopped
	notes       []string     // what is to be told of it
}

// run drives the repeat from boot to close. It is called outside of the world.
func (r *repeat) run() error {
	w := r.stage.world
	r.driver = w.NewNode(env.NodeConfig{Name: "driver"})
	r.verifier = w.NewNode(env.NodeConfig{Name: "verifier"})
	r.control = w.NewNode(env.NodeConfig{Name: controllerName})
	for i := range r.s.Cluster.Brokers {
		name := brokerName(i)
		r.nodes = append(r.nodes, w.NewNode(env.NodeConfig{Name: name, Cores: r.s.Host.Cores,
			Mount: r.stage.mount(name)}))
	}
	var failed error
	err := w.Run(r.driver, func() { failed = r.drive() })
	return errors.Join(err, failed)
}

// counts says whether what was measured goes into the cell. A load that was cut off does
// not if the cell has had a whole one: a median with it would be of neither. What the
// read-back holds against it does in any case.
func (r *repeat) counts(number int, found results.Counts) bool {
	return !r.cutOff || number == 1 || found.Bad() > 0
}

// drive is the driver's main task.
func (r *repeat) drive() error {
	r.live.phase("starting brokers")
	err := r.boot()
	if err == nil {
		err = r.load()
	}
	if err == nil {
		err = r.readBack()
	}
	return errors.Join(err, r.shutDown())
}

// boot starts the controller, then all brokers at once, each on its own node.
func (r *repeat) boot() error {
	r.brokers = make([]*broker.Broker, len(r.nodes))
	j := newJoin(r.driver)
	j.start(r.control, "boot", func() error {
		var err error
		r.elects, err = controller.Start(r.control, controllerConfig(r.s, r.plan))
		return err
	})
	if err := j.wait(); err != nil {
		return err
	}
	configs := make([]broker.Config, len(r.nodes))
	for i, node := range r.nodes {
		configs[i] = brokerConfig(r.s, r.plan, r.stage.logDirs, i)
		r.watchLogs(&configs[i])
		j.start(node, "boot", func() error {
			b, err := broker.Start(node, configs[i])
			r.brokers[i] = b
			return err
		})
	}
	return j.wait()
}

func (r *repeat) shutDown() error {
	r.live.phase("stopping brokers")
	j := newJoin(r.driver)
	end := (*broker.Broker).Discard
	if r.keep {
		end = (*broker.Broker).Close
	}
	for i, node := range r.nodes {
		if b := r.brokers[i]; b != nil {
			j.start(node, "shutdown", func() error { return end(b) })
		}
	}
	err := j.wait()
	if r.elects == nil {
		return err
	}
	j = newJoin(r.driver)
	j.start(r.control, "shutdown", r.elects.Close)
	return errors.Join(err, j.wait())
}

// aborted is why the load cannot go on, if there is a reason.
func (r *repeat) aborted() error {
	for _, b := range r.brokers {
		if err := b.Err(); err != nil {
			return err
		}
	}
	return nil
}

// watch ends the load when a log fails or the run is interrupted: then what was
// acknowledged is drained and read back as after a whole load. When a log has
// failed, ending the brokers is what ends requests that wait for a replica that
// cannot follow. It reads the meter meanwhile, and gives up producers that take too long.
func (r *repeat) watch(watching *atomic.Bool, producers *join) error {
	warming := true
	for watching.Load() {
		now := r.driver.Now()
		r.live.now.Store(int64(now.Sub(r.loadFrom)))
		r.seeSearch()
		next := r.meterUpTo(now)
		if _, ended := r.shared.LoadEnded(now); ended && now > r.loadFrom {
			r.loadEnded()
			warming = false
		} else if warming && now >= r.loadFrom.Add(r.s.Load.Warmup) {
			r.live.phase(phaseLoad)
			warming = false
		}
		if r.live.stopped() {
			_, ended := r.shared.LoadEnded(now)
			r.cutOff = r.cutOff || !ended
			r.shared.Stop()
			if producers.ended() {
				r.hurry(now)
			}
		}
		if by := r.producersBy.Load(); by != 0 && int64(now) >= by && !producers.ended() {
			r.producersBy.Store(0)
			r.late = true
			r.shared.AbortProducers()
		}
		if r.aborted() != nil {
			r.shared.Abort()
			r.targets.Store(&[]load.Target{})
			return r.shutDown()
		}
		r.driver.Sleep(max(0, min(watchEvery, next.Sub(now), untilEnd(r.shared.End, now))))
	}
	return nil
}

// meterUpTo reads the meter if it is time, and returns when it is next.
func (r *repeat) meterUpTo(now env.Time) env.Time {
	r.metering.Lock()
	defer r.metering.Unlock()
	if now >= r.meter.next() {
		r.meter.take(r.read())
		r.timing.process.see(r.meter.warm != nil)
		// One reading early: to look at all programs takes some milliseconds.
		if now >= r.meter.warmupEnd.Add(-r.meter.every) {
			r.around.begin()
		}
		r.around.during()
	}
	return r.meter.next()
}

// untilEnd is how long the load goes on; after its end that does not matter.
func untilEnd(end, now env.Time) time.Duration {
	if now >= end {
		return watchEvery
	}
	return end.Sub(now)
}

// read takes the counters of the stage.
func (r *repeat) read() reading {
	out := r.stage.read(r.driver.Now())
	r.timing.addUnflushed(&out)
	out.acked = r.shared.Acked.Load()
	return out
}
