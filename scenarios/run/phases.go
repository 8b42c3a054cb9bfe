package run

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/load"
)

// A load goes through phases: warm-up, load, drain; and where consumers read what it
// left, a reading. Producers may go on in it, or not:
//
//	producers   warm-up  load  reading  drain
//	consumers   tail ..................  drain
//	            backlog        reading  drain
//
//	producers   warm-up  load  drain
//	consumers   tail ........  drain
//	            backlog               reading  drain
//
// The second drain of the latter is of what load.read.ratio leaves, and takes no time
// without it.

// settle is how long clients have to connect before the load begins.
const settle = 100 * time.Millisecond

// watchEvery is how often the driver looks for failed logs, interruption and the end of
// phases.
const watchEvery = 20 * time.Millisecond

// drainStopped is how long consumers have to finish when the run was stopped.
const drainStopped = time.Second

// backlogLeast is what counts as no backlog while producers go on: 1,000 records as in
// the OpenMessaging Benchmark (WorkloadGenerator.buildAndDrainBacklog), or so many
// times less than there were.
const (
	backlogLeast      = 1000
	backlogLeastTimes = 100
)

// What progress calls the phases in which records are sent on time.
const (
	phaseWarmup = "warm-up"
	phaseLoad   = "load"
	phaseSearch = "looking for the rate"
)

// stretch is one phase that came after the load.
type stretch struct {
	name      string
	from, to  reading // to.at is 0 while it goes on
	dirtyMost []int64 // bytes, by node, when it has ended
}

// load runs producers and consumers through all phases.
func (r *repeat) load() error {
	r.loadFrom = r.driver.Now().Add(settle)
	r.shared.End = r.loadFrom.Add(r.s.Load.Duration)
	r.meter, r.metering = newMeter(r.loadFrom, r.s.Load.Warmup), r.driver.NewMutex()
	r.meter.endsOnly = r.unmeasured
	r.prepareSeries()
	if err := r.prepareSearch(); err != nil {
		return err
	}
	r.beginTiming()
	j := joins{producers: newJoin(r.driver), tail: newJoin(r.driver), readers: newJoin(r.driver)}
	r.startConsumers(j.tail, false)
	if err := r.startProducers(j.producers); err != nil {
		r.shared.Stop()
		r.targets.Store(&[]load.Target{})
		return errors.Join(err, j.producers.wait(), j.tail.wait())
	}
	if r.shared.Search != nil {
		r.live.phase(phaseSearch)
	} else {
		r.live.phase(phaseWarmup)
	}
	r.cpuFrom = cpuNow()
	watch := newJoin(r.driver)
	watching := atomic.Bool{}
	watching.Store(true)
	watch.start(r.driver, "watch", func() error { return r.watch(&watching, j.producers) })
	err := r.phases(j)
	if err != nil || r.aborted() != nil {
		r.shared.Stop()
		r.targets.Store(&[]load.Target{})
	}
	err = errors.Join(err, j.producers.wait(), j.tail.wait(), j.readers.wait())
	watching.Store(false)
	err = errors.Join(watch.wait(), err)
	r.timing.process.end() // also of a load that failed: a profile would go on
	r.enter("")
	r.cpuTo = cpuNow()
	if aborted := r.aborted(); aborted != nil {
		return aborted // what producers and consumers say follows from it
	}
	return err
}

// joins are the clients of a load: producers, consumers that read along, and those that
// read a backlog.
type joins struct{ producers, tail, readers *join }

// phases goes from one phase to the next. After an error clients may go on.
func (r *repeat) phases(j joins) error {
	if r.goesOn {
		r.awaitLoadEnd()
		if err := r.readBacklog(j.readers); err != nil {
			return err
		}
		r.drain(true, func(*clients) bool { return true })
	}
	if err := j.producers.wait(); err != nil {
		return err
	}
	r.loadEnded()
	if r.aborted() != nil {
		return nil
	}
	if err := r.findEnds(); err != nil {
		return err
	}
	err := j.tail.wait()
	r.noteLogs()
	if err != nil || !r.reads || r.goesOn || r.ending() {
		return err
	}
	r.enter(results.PhaseRead)
	if err := r.readBacklog(j.readers); err != nil {
		return err
	}
	r.drain(false, func(c *clients) bool { return c.shared.Backlog })
	return nil
}

// ending says whether the repeat is to end as soon as may be.
func (r *repeat) ending() bool { return r.aborted() != nil || r.live.stopped() }

// enter begins a phase that comes after the load, and ends the one before; "" is none.
func (r *repeat) enter(name string) {
	r.metering.Lock()
	defer r.metering.Unlock()
	r.enterLocked(name)
}

func (r *repeat) enterLocked(name string) {
	now := r.read()
	most := r.meter.cutDirty(&now)
	if n := len(r.stretches); n > 0 && r.stretches[n-1].to.at == 0 {
		r.stretches[n-1].to, r.stretches[n-1].dirtyMost = now, most
	}
	if name != "" {
		r.stretches = append(r.stretches, stretch{name: name, from: now})
	}
}

// loadEnded notes the end of the load, the first time that it is told: then the drain
// begins, or the reading if producers go on.
func (r *repeat) loadEnded() {
	r.metering.Lock()
	ended := r.meter.end != nil
	if !ended {
		r.meter.endLoad(r.read())
		r.timing.endLoad(r.meter.end.at)
		r.endSearch()
		r.around.end()
		if r.goesOn {
			r.enterLocked(results.PhaseRead)
		}
	}
	r.metering.Unlock()
	if !ended && !r.goesOn {
		r.drain(true, func(c *clients) bool { return !c.shared.Backlog })
	}
}

// drain begins the time that clients have to finish: producers if they are to, and some
// groups of consumers.
func (r *repeat) drain(producers bool, consumers func(*clients) bool) {
	r.enter(results.PhaseDrain)
	r.live.phase("draining")
	by := env.Never
	if limit := r.s.Load.Drain; limit > 0 {
		by = r.driver.Now().Add(limit)
		if producers {
			r.producersBy.Store(int64(by))
		}
	}
	r.metering.Lock()
	defer r.metering.Unlock()
	for _, c := range r.consumers {
		if consumers(c) {
			c.drains, c.givesUp = true, by
			c.shared.GiveUp(by)
		}
	}
}

// hurry shortens the drain of consumers when the run was stopped: somebody waits for it.
func (r *repeat) hurry(now env.Time) {
	r.metering.Lock()
	defer r.metering.Unlock()
	by := now.Add(drainStopped)
	for _, c := range r.consumers {
		if c.drains && by < c.givesUp {
			c.givesUp, c.hurried = by, true
			c.shared.GiveUp(by)
		}
	}
}

// awaitLoadEnd waits until the load has ended for producers, who go on.
func (r *repeat) awaitLoadEnd() {
	for {
		now := r.driver.Now()
		if _, ended := r.shared.LoadEnded(now); ended || r.aborted() != nil {
			r.loadEnded()
			return
		}
		r.driver.Sleep(min(watchEvery, untilEnd(r.shared.End, now)))
	}
}

// readBacklog lets the consumers read that waited for the end of the load, and returns
// when the backlog is read as far as it shall be. They go on.
func (r *repeat) readBacklog(readers *join) error {
	defer func() { r.shared.EndReading(r.driver.Now()) }()
	if r.ending() {
		return nil
	}
	if err := r.makeCold(); err != nil {
		return err
	}
	r.live.phase("reading the backlog")
	r.startConsumers(readers, true)
	r.awaitReading(readers)
	return nil
}

// makeCold has all logs forced to disk and dropped from the page cache, if a group
// wants that.
func (r *repeat) makeCold() error {
	for _, c := range r.consumers {
		if c.s.Consumers.Read != spec.ReadCold || c.count == 0 {
			continue
		}
		r.live.phase("dropping the page cache")
		drop := newJoin(r.driver)
		for i, node := range r.nodes {
			drop.start(node, "drop-cache", r.brokers[i].DropCache)
		}
		return drop.wait()
	}
	return nil
}

// awaitReading waits until the backlog is read, or its time is over.
func (r *repeat) awaitReading(readers *join) {
	began := r.driver.Now()
	level := make([]int64, len(r.consumers))
	for i := range level {
		backlog := r.backlog(i)
		level[i] = backlog * int64(100-r.s.Load.ReadRatio) / 100
		if r.goesOn {
			level[i] = max(level[i], backlog/backlogLeastTimes, backlogLeast)
		}
	}
	ratio := r.goesOn || r.s.Load.ReadRatio < 100 // else they end by themselves
	for !readers.ended() && !r.ending() && !(ratio && r.backlogRead(level)) {
		left := watchEvery
		if limit := r.s.Load.ReadLimit; limit > 0 {
			left = min(left, began.Add(limit).Sub(r.driver.Now()))
		}
		if left <= 0 {
			r.noteUnread()
			return
		}
		r.driver.Sleep(left)
	}
}

// backlog is how many acknowledged records wait for a group of consumers.
func (r *repeat) backlog(group int) int64 {
	c := r.consumers[group].shared
	return r.shared.Acked.Load() - c.Read.Load() - c.Skipped.Load()
}

func (r *repeat) backlogRead(level []int64) bool {
	for i, c := range r.consumers {
		if c.shared.Backlog && c.count > 0 && r.backlog(i) > level[i] {
			return false
		}
	}
	return true
}

// noteUnread tells of a reading that took longer than it may.
func (r *repeat) noteUnread() {
	for i, c := range r.consumers {
		if n := r.backlog(i); c.shared.Backlog && c.count > 0 && n > 0 {
			r.notes = append(r.notes, fmt.Sprintf("%s had not read %d records when load.read.limit %v was over",
				c.called(), n, r.s.Load.ReadLimit))
		}
	}
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
