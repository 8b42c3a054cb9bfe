package run

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/consumer"
	"brokerlab/engine/controller"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/check"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// ErrInterrupted says that a run was stopped from outside. The repeat that was
// under way is measured as far as it came.
var ErrInterrupted = errors.New("interrupted")

// settle is how long clients have to connect before the load begins.
const settle = 100 * time.Millisecond

// watchEvery is how often the driver looks for failed logs and interruption.
const watchEvery = 20 * time.Millisecond

// repeat is one execution of one cell.
type repeat struct {
	s        *spec.Scenario
	seed     uint64
	stage    *stage
	plan     *cluster.Plan
	live     *progress
	keep     bool     // the logs
	recorded recorded // rate curves
	shared   *load.Shared
	source   *records.Source // nil if records carry sizes alone
	model    *payload.Model  // of these
	check    *check.Checker

	driver   env.Node
	verifier env.Node
	nodes    []env.Node // of the brokers
	brokers  []*broker.Broker
	control  env.Node // of the controller
	elects   *controller.Controller

	produced []load.Produced
	targets  atomic.Pointer[[]load.Target] // set when the ends of the logs are known
	loadFrom env.Time
	meter    *meter
	metering env.Mutex // of meter and around, which the watch reads and who waits for the producers too
	around   *surroundings
	cpuFrom  cpuTime
	cpuTo    cpuTime
	logs     broker.Stats // when the load was drained
	timing   timing
	found    check.Result
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

// load runs producers and consumers until all that was acknowledged is consumed.
func (r *repeat) load() error {
	r.loadFrom = r.driver.Now().Add(settle)
	series := load.SeriesConfig{Start: r.loadFrom, Warmup: r.s.Load.Warmup, Closed: r.s.Load.Closed()}
	r.shared.Produce, r.shared.Consume = load.NewSeries(series), load.NewSeries(series)
	r.shared.End = r.loadFrom.Add(r.s.Load.Duration)
	r.meter, r.metering = newMeter(r.loadFrom, r.s.Load.Warmup), r.driver.NewMutex()
	r.shared.Backlog = r.s.Consumers.Read != spec.ReadTail
	r.beginTiming()
	consumers, producers := newJoin(r.driver), newJoin(r.driver)
	if !r.shared.Backlog {
		r.startConsumers(consumers)
	}
	if err := r.startProducers(producers); err != nil {
		r.shared.Stop()
		r.targets.Store(&[]load.Target{})
		return errors.Join(err, producers.wait(), consumers.wait())
	}
	r.live.phase("load")
	r.cpuFrom = cpuNow()
	watch := newJoin(r.driver)
	watching := atomic.Bool{}
	watching.Store(true)
	watch.start(r.driver, "watch", func() error { return r.watch(&watching) })
	err := producers.wait()
	r.endLoad()
	r.live.phase("draining")
	if err == nil && r.aborted() == nil {
		err = r.findEnds()
	}
	if err == nil && r.aborted() == nil && r.shared.Backlog {
		r.noteLogs() // of the load: a cold reading forces them all
		err = r.beginBacklog(consumers)
	}
	if err != nil || r.aborted() != nil {
		r.targets.Store(&[]load.Target{})
	}
	err = errors.Join(err, consumers.wait())
	watching.Store(false)
	err = errors.Join(watch.wait(), err)
	r.cpuTo = cpuNow()
	if !r.shared.Backlog {
		r.noteLogs()
	}
	if aborted := r.aborted(); aborted != nil {
		return aborted // what producers and consumers say follows from it
	}
	return err
}

// noteLogs takes what was written to the logs so far.
func (r *repeat) noteLogs() {
	r.logs = broker.Stats{}
	for _, b := range r.brokers {
		s := b.Stats()
		r.logs.Fsyncs += s.Fsyncs
		r.logs.BytesAppended += s.BytesAppended
	}
}

// beginBacklog starts the consumers of a load that has ended. Their first interval
// begins before they connect.
func (r *repeat) beginBacklog(j *join) error {
	if r.s.Consumers.Read == spec.ReadCold {
		r.live.phase("dropping the page cache")
		drop := newJoin(r.driver)
		for i, node := range r.nodes {
			drop.start(node, "drop-cache", r.brokers[i].DropCache)
		}
		if err := drop.wait(); err != nil {
			return err
		}
	}
	r.live.phase("reading the backlog")
	r.shared.Consume = load.NewSeries(load.SeriesConfig{Start: r.driver.Now(), Closed: true})
	r.startConsumers(j)
	return nil
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
// cannot follow. It reads the meter meanwhile.
func (r *repeat) watch(watching *atomic.Bool) error {
	for watching.Load() {
		now := r.driver.Now()
		r.live.now.Store(int64(now.Sub(r.loadFrom)))
		next := r.meterUpTo(now)
		if now >= r.shared.End || now > r.loadFrom && r.shared.Over() {
			r.endLoad()
		}
		if r.live.stopped() {
			r.shared.Stop()
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
		if r.meter.warm != nil {
			r.around.begin()
		}
		r.around.during()
	}
	return r.meter.next()
}

// endLoad reads the meter at the end of the load, the first time that it is told.
func (r *repeat) endLoad() {
	r.metering.Lock()
	defer r.metering.Unlock()
	r.meter.endLoad(r.read())
	r.timing.endLoad(r.meter.end.at)
	r.around.end()
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

func (r *repeat) startProducers(j *join) error {
	r.produced = make([]load.Produced, r.s.Producers.Count)
	for i := range r.produced {
		cfg, err := producerConfig(r.s, i)
		if err != nil {
			return err
		}
		node := r.newClient(cfg.ClientID)
		schedule, err := r.arrivalOf(&r.s.Load, node, len(r.produced), i)
		if err != nil {
			return err
		}
		j.start(node, "load", func() error {
			var err error
			r.produced[i], err = load.Produce(node, r.shared, load.ProducerConfig{
				Arrival: schedule, Slice: r.s.Load.Slack,
				Sync: r.s.Producers.Mode == "sync", Client: cfg, Sender: r.check.Sender(uint16(i)),
			})
			return err
		})
	}
	return nil
}

// newClient makes the node of a producer or a consumer.
func (r *repeat) newClient(name string) env.Node {
	r.stage.client(name)
	return r.stage.world.NewNode(env.NodeConfig{Name: name, Cores: r.s.Host.ClientCores})
}

func (r *repeat) startConsumers(j *join) {
	count := min(r.s.Consumers.Count, len(r.plan.Partitions))
	for i := range count {
		name := fmt.Sprintf("consumer-%d", i+1)
		node := r.newClient(name)
		var assigned []consumer.Assignment
		for _, tp := range assignedTo(r.plan, i, count) {
			assigned = append(assigned, consumer.Assignment{TopicPartition: tp, Offset: protocol.EarliestOffset})
		}
		j.start(node, "consume", func() error {
			cfg, err := consumerConfig(r.s, name)
			if err != nil {
				return err
			}
			_, err = load.Consume(node, r.shared, cfg, assigned, r.ends)
			return err
		})
	}
}

// ends tells consumers how far to read, once it is known.
func (r *repeat) ends() ([]load.Target, bool) {
	if t := r.targets.Load(); t != nil {
		return *t, true
	}
	return nil, false
}

// findEnds asks the leaders where their logs end. No producer is left, so they
// end for good.
func (r *repeat) findEnds() error {
	targets := make([]load.Target, len(r.plan.Partitions))
	j := newJoin(r.driver)
	j.start(r.verifier, "list-offsets", func() error {
		cfg, err := consumerConfig(r.s, "verifier")
		if err != nil {
			return err
		}
		md, err := client.FetchMetadata(r.verifier, cfg.Bootstrap, cfg.ClientID, nil, cfg.RequestTimeout)
		if err != nil {
			return err
		}
		tps := assignedTo(r.plan, 0, 1)
		offsets, err := client.ListOffsets(r.verifier, md, cfg.ClientID, protocol.DebuggingReplicaID, tps,
			protocol.LatestOffset, cfg.RequestTimeout)
		for i, end := range offsets {
			targets[i] = load.Target{TopicPartition: tps[i], End: end}
		}
		return err
	})
	if err := j.wait(); err != nil {
		return err
	}
	r.targets.Store(&targets)
	return nil
}

// readBack reads every partition from its beginning and holds it against what
// was acknowledged.
func (r *repeat) readBack() error {
	r.live.phase("reading back")
	observer := r.check.Observer()
	var deleted int64 // by retention
	j := newJoin(r.driver)
	j.start(r.verifier, "read-back", func() error {
		cfg, err := consumerConfig(r.s, "verifier")
		if err != nil {
			return err
		}
		cfg.FetchMinBytes = 1
		deleted, err = load.ReadBack(r.verifier, r.source, cfg, *r.targets.Load(), observer)
		return err
	})
	if err := j.wait(); err != nil {
		return err
	}
	r.found = r.check.Result().WithoutDeleted(deleted)
	return nil
}
