package run

import (
	"fmt"

	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/load"
)

// clients are the producers or the consumers of one group.
type clients struct {
	kind   string         // results.GroupProducers or GroupConsumers
	name   string         // empty where there are no groups
	s      *spec.Scenario // as the group has it
	shared *load.Group
	first  int // number of the group's first producer among all
	count  int

	produced []load.Produced // by producer
	consumed []load.Consumed // by consumer

	// Of consumers, guarded by repeat.metering: whether they drain, when they give up, and
	// whether that is because the run was stopped.
	drains  bool
	givesUp env.Time
	hurried bool
}

// newClients prepares all groups of a scenario.
func (r *repeat) newClients(from *library) error {
	first := 0
	for _, g := range r.s.ProducerGroups() {
		c := &clients{kind: results.GroupProducers, name: g.Name, s: &g.Scenario, shared: &load.Group{}, first: first,
			count: g.Producers.Count}
		c.produced = make([]load.Produced, c.count)
		first += c.count
		var err error
		if c.shared.Records, c.shared.Model, err = from.recordsOf(c.s, r.seed, c.first); err != nil {
			return err
		}
		r.producers = append(r.producers, c)
	}
	for _, g := range r.s.ConsumerGroups() {
		c := &clients{kind: results.GroupConsumers, name: g.Name, s: &g.Scenario,
			shared: &load.Group{},
			count:  min(g.Consumers.Count, len(r.plan.Partitions))}
		c.s.Producers = r.producers[0].s.Producers // whose library decompresses
		c.shared.Backlog = g.Consumers.Read != spec.ReadTail
		c.consumed = make([]load.Consumed, c.count)
		r.consumers = append(r.consumers, c)
		r.reads = r.reads || c.shared.Backlog && c.count > 0
	}
	for _, c := range r.producers {
		r.goesOn = r.goesOn || r.reads && c.goesOn()
	}
	return nil
}

// producerCount is how many producers there are in all groups.
func (r *repeat) producerCount() int {
	last := r.producers[len(r.producers)-1]
	return last.first + last.count
}

// node is the name of a client's node, and its client.id: "producer-1",
// "consumer-slow-2".
func (c *clients) node(index int) string {
	name := "producer-"
	if c.kind == results.GroupConsumers {
		name = "consumer-"
	}
	if c.name != "" {
		name += c.name + "-"
	}
	return fmt.Sprintf("%s%d", name, index+1)
}

// called names the group in a sentence: "consumers of group slow", or what it is of.
func (c *clients) called() string {
	if c.name != "" {
		return c.kind + " of group " + c.name
	}
	return c.kind
}

// goesOn says whether the group's producers go on while a backlog is read.
func (c *clients) goesOn() bool {
	_, ok := c.s.Load.RateIn(c.s.Load.ReadRate)
	return ok && c.count > 0
}

// prepareSeries makes what clients count in.
func (r *repeat) prepareSeries() {
	series := func(closed bool) *load.Series {
		return load.NewSeries(load.SeriesConfig{Start: r.loadFrom, Warmup: r.s.Load.Warmup, Closed: closed})
	}
	closed := true // consumers follow producers
	var seen []*load.Series
	defer func() { r.live.series.Store(&seen) }()
	for _, c := range r.producers {
		closed = closed && c.s.Load.Closed()
		c.shared.Shared, c.shared.Series = r.shared, series(c.s.Load.Closed())
		seen = append(seen, c.shared.Series)
		if r.goesOn && c.goesOn() {
			reading := loadIn(&c.s.Load, c.s.Load.ReadRate)
			c.shared.Reading = load.NewSeries(load.SeriesConfig{Closed: reading.Closed()})
		}
	}
	for _, c := range r.consumers {
		c.shared.Shared, c.shared.Series = r.shared, series(closed)
		if r.goesOn || c.shared.Backlog {
			c.shared.Reading = load.NewSeries(load.SeriesConfig{Closed: true})
		}
	}
}

// startProducers starts all groups of producers.
func (r *repeat) startProducers(j *join) error {
	for _, c := range r.producers {
		for i := range c.count {
			node := r.newClient(c.node(i))
			cfg, err := r.producer(c, i, node)
			if err != nil {
				return err
			}
			j.start(node, "load", func() error {
				var err error
				if c.produced[i], err = load.Produce(node, c.shared, cfg); err != nil {
					r.shared.Stop() // nothing of the repeat counts any more
				}
				return err
			})
		}
	}
	return nil
}

// producer is what one producer of a group does.
func (r *repeat) producer(c *clients, index int, node env.Node) (load.ProducerConfig, error) {
	number := uint16(c.first + index)
	out := load.ProducerConfig{Number: number, Topic: r.s.Topic.NameOf(int(number) % r.s.Topic.Count),
		Sync: c.s.Producers.Mode == "sync", Slice: c.s.Load.Slack,
		Sender: r.check.Sender(number)}
	var err error
	if out.Client, err = producerConfig(c.s, index); err != nil {
		return out, err
	}
	out.Client.ClientID = c.node(index)
	in := c.s.Load
	if in.WarmupRate != spec.RateSame && in.Warmup > 0 { // which comes before all that load.arrival says
		warmup, err := r.arrivalOf(loadIn(&in, in.WarmupRate), streamWarmup, node, c.count, index)
		if err != nil {
			return out, err
		}
		out.Warmup = &warmup
	}
	if out.Arrival, err = r.arrivalOf(&in, streamLoad, node, c.count, index); err != nil {
		return out, err
	}
	if out.Warmup != nil {
		out.Arrival.Start = r.loadFrom.Add(in.Warmup)
	}
	if c.shared.Reading != nil {
		reading, err := r.arrivalOf(loadIn(&in, in.ReadRate), streamRead, node, c.count, index)
		if err != nil {
			return out, err
		}
		out.Reading = &reading
	}
	return out, nil
}

// loadIn is a load as it is in a phase that has a rate: another one than the load's comes
// at constant gaps, or as a Poisson process if the load's are one.
func loadIn(l *spec.Load, rate float64) *spec.Load {
	in := *l
	if rate == spec.RateSame {
		return &in
	}
	in.Arrival, in.Rate = spec.ArrivalConstant, rate
	if l.Random() && rate != spec.RateMax {
		in.Arrival = spec.ArrivalPoisson
	}
	return &in
}

// newClient makes the node of a producer or a consumer.
func (r *repeat) newClient(name string) env.Node {
	r.stage.client(name)
	return r.stage.world.NewNode(env.NodeConfig{Name: name, Cores: r.s.Host.ClientCores})
}

// startConsumers starts the groups that read along, or those that read a backlog.
func (r *repeat) startConsumers(j *join, backlog bool) {
	for _, c := range r.consumers {
		if c.shared.Backlog != backlog {
			continue
		}
		if backlog {
			now := r.driver.Now()
			begin := r.stretches[len(r.stretches)-1].from.at
			if r.goesOn {
				begin, _ = r.shared.LoadEnded(now)
			}
			c.shared.Reading.Begin(begin, now.Sub(begin)) // logs were made cold till now: that is no reading
		}
		for i := range c.count {
			r.startConsumer(j, c, i)
		}
	}
}

// startConsumer starts one consumer, which reads its share of the partitions: of each
// group all of them.
func (r *repeat) startConsumer(j *join, c *clients, index int) {
	node := r.newClient(c.node(index))
	cfg := load.ConsumerConfig{Ends: r.ends, RatePerSec: c.s.Consumers.Rate / float64(c.count)}
	if c.s.Consumers.Start > 0 {
		cfg.Start = r.loadFrom.Add(c.s.Consumers.Start)
	}
	for _, tp := range r.assignedTo(index, c.count) {
		cfg.Assigned = append(cfg.Assigned, consumer.Assignment{TopicPartition: tp, Offset: protocol.EarliestOffset})
	}
	j.start(node, "consume", func() error {
		var err error
		if cfg.Client, err = consumerConfig(c.s, c.node(index)); err != nil {
			return err
		}
		c.consumed[index], err = load.Consume(node, c.shared, cfg)
		return err
	})
}

// ends tells consumers how far to read, once it is known.
func (r *repeat) ends() ([]load.Target, bool) {
	if t := r.targets.Load(); t != nil {
		return *t, true
	}
	return nil, false
}
