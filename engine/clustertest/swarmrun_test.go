package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
	"brokerlab/workloads/check"
	"brokerlab/workloads/payload"
)

// swarmRun is one run of a plan and its history. Its tasks are all of the client's
// node: between waits each is alone, so that what they share needs no lock.
type swarmRun struct {
	r       *rig
	plan    *swarmPlan
	history check.History
	ending  bool // producers come to their end
	healed  bool // so do readers, once nothing more comes
	over    bool // so does who writes the states down
	faults  *task.Group
	codecs  *codec.Decompressor
}

func newSwarmRun(r *rig, p *swarmPlan) *swarmRun {
	s := &swarmRun{r: r, plan: p, faults: task.NewGroup(r.client), codecs: codec.NewDecompressor(1 << 20)}
	c := &p.client
	idempotent := c.Acks == protocol.AcksAll && c.Idempotence != producer.IdempotenceOff && c.Retries > 0
	s.history.Settings = check.Settings{Acks: c.Acks, Idempotent: idempotent, MaxInFlight: c.MaxInFlight,
		Forced: p.forced}
	return s
}

// drive runs the load and the faults, and ends with all of the cluster whole.
func (s *swarmRun) drive() {
	r, p := s.r, s.plan
	producers, readers, states := task.NewGroup(r.client), task.NewGroup(r.client), task.NewGroup(r.client)
	states.Go("states", s.writeStates)
	r.client.Sleep(10 * ms)
	for i := range p.producers {
		producers.Go("producer", func() error { return s.produce(uint16(i)) })
	}
	for part := range p.partitions {
		readers.Go("reader", func() error { return s.read(part) })
	}
	readers.Go("consumer", s.consume)
	r.client.Sleep(50 * ms)
	for range p.rounds {
		s.round()
	}
	s.wait(s.faults)
	s.ending = true
	s.wait(producers)
	s.heal()
	s.healed = true
	s.wait(readers)
	s.over = true
	s.wait(states)
	for _, b := range r.brokers {
		if err := b.Err(); err != nil {
			r.t.Error(err)
		}
	}
	for _, part := range r.now().Partitions {
		for _, id := range part.Replicas {
			s.history.Logs = append(s.history.Logs, s.finalLog(id, part.TopicPartition))
		}
	}
}

// finalLog reads a replica's files.
func (s *swarmRun) finalLog(id int32, tp protocol.TopicPartition) check.FinalLog {
	log := check.FinalLog{Partition: tp.Partition, Broker: id}
	err := s.eachRecord(s.r.logBytes(int(id)-1, tp), func(h *record.Header, rec *record.Record) {
		if rec.Offset != int64(len(log.Records)) && log.Unreadable == "" {
			log.Unreadable = fmt.Sprintf("offset %d follows %d records", rec.Offset, len(log.Records))
		}
		log.Records = append(log.Records, check.Stored{ID: idOf(rec.Value), LeaderEpoch: h.PartitionLeaderEpoch,
			ProducerEpoch: h.ProducerEpoch})
	})
	if err != nil {
		log.Unreadable = err.Error()
	}
	return log
}

func (s *swarmRun) wait(g *task.Group) {
	if err := g.Wait(); err != nil {
		s.r.t.Error(err)
	}
}

// heal waits until all replicas are in sync and know it.
func (s *swarmRun) heal() {
	for _, part := range s.r.plan.Partitions {
		s.r.untilOf(part.TopicPartition, "in the end all are in sync", func(p *cluster.Partition) bool {
			return p.Leader != cluster.NoLeader && len(p.ISR) == s.plan.replicas
		})
	}
	s.r.client.Sleep(time.Second)
}

// writeStates writes down what the cluster says of its partitions.
func (s *swarmRun) writeStates() error {
	var known *cluster.Plan
	last := make([]int32, s.plan.partitions)
	for i := range last {
		last[i] = -1
	}
	for ; !s.over; s.r.client.Sleep(200 * time.Microsecond) {
		now := s.r.now()
		if now == known {
			continue
		}
		known = now
		for i := range now.Partitions {
			p := &now.Partitions[i]
			if p.PartitionEpoch == last[i] {
				continue
			}
			last[i] = p.PartitionEpoch
			s.history.States = append(s.history.States, check.State{Partition: int32(i), At: s.r.client.Now(),
				Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, ISR: slices.Clone(p.ISR)})
		}
	}
	return nil
}

// round is some time in which ills of the plan happen.
func (s *swarmRun) round() {
	r, p := s.r, s.plan
	if len(p.ills) == 0 {
		r.client.Sleep(300 * ms)
		return
	}
	for range 1 + p.rand.IntN(2) {
		switch i := p.ills[p.rand.IntN(len(p.ills))]; i {
		case crashes, powerLosses, restarts:
			s.loseBrokers(i)
		case chases:
			s.chaseLeaders()
		default:
			s.spoilLinks(i)
		}
		r.client.Sleep(time.Duration(p.rand.IntN(200)) * ms)
	}
}

// loseBrokers takes some brokers down and starts them again.
func (s *swarmRun) loseBrokers(i ill) {
	p := s.plan
	victims := p.rand.Perm(p.brokers)[:1+p.rand.IntN(p.together)]
	first := len(s.history.Faults)
	for _, v := range victims {
		s.takeDown(v, i)
		s.r.client.Sleep(time.Duration(p.rand.IntN(500)) * ms)
	}
	s.bringBack(first)
}

// takeDown ends a broker.
func (s *swarmRun) takeDown(v int, i ill) {
	f := check.Fault{Kind: check.Crash, Broker: int32(v + 1), At: s.r.client.Now(), Until: env.Never}
	switch i {
	case restarts:
		f.Kind = check.Shutdown
		s.r.stop(v)
	case powerLosses:
		f.Kind = check.PowerLoss
		s.r.losses++
		s.r.down(v, true)
	default:
		s.r.down(v, false)
	}
	s.history.Faults = append(s.history.Faults, f)
}

// bringBack starts the brokers again that went down from a fault on.
func (s *swarmRun) bringBack(first int) {
	for n := first; n < len(s.history.Faults); n++ {
		f := s.history.Faults[n]
		switch v := int(f.Broker) - 1; f.Kind {
		case check.LinkFault:
			continue
		case check.Shutdown:
			s.r.start(v)
		default:
			s.r.reboot(v)
		}
		s.history.Faults[n].Until = s.r.client.Now()
		s.r.client.Sleep(time.Duration(s.plan.rand.IntN(300)) * ms)
	}
}

// chaseLeaders crashes who leads a partition, and who leads it next, soon after the
// election.
func (s *swarmRun) chaseLeaders() {
	r, p := s.r, s.plan
	tp := protocol.TopicPartition{Topic: topic, Partition: int32(p.rand.IntN(p.partitions))}
	first := len(s.history.Faults)
	last := cluster.NoLeader
	for range 1 + p.rand.IntN(p.replicas) {
		for range 1000 { // while nobody else leads: at most a second
			now, _ := r.now().Partition(tp)
			if now.Leader != last && now.Leader != cluster.NoLeader && r.brokers[now.Leader-1] != nil {
				last = now.Leader
				r.client.Sleep(time.Duration(p.rand.IntN(20)) * ms)
				s.takeDown(int(last)-1, chases)
				break
			}
			r.client.Sleep(ms)
		}
	}
	s.bringBack(first)
}

// spoilLinks lets something happen for a while to the links between two nodes, or
// to all links of one.
func (s *swarmRun) spoilLinks(i ill) {
	r, p, w := s.r, s.plan, s.r.stage.sim
	names := []string{"client"}
	for _, n := range r.nodes {
		names = append(names, n.Name())
	}
	if p.controlled {
		names = append(names, "controller")
	}
	p.rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	others := names[1:]
	if p.rand.IntN(2) == 0 {
		others = names[1:2]
	}
	var links []simworld.Direction
	for _, other := range others {
		links = append(links, simworld.Both(names[0], other)...)
	}
	if p.rand.IntN(3) == 0 {
		links = slices.DeleteFunc(links, func(d simworld.Direction) bool { return d.From != names[0] })
	}
	lasts := time.Duration(1+p.rand.IntN(1200)) * ms
	at := len(s.history.Faults)
	s.history.Faults = append(s.history.Faults, check.Fault{Kind: check.LinkFault, At: r.client.Now(),
		Until: r.client.Now().Add(lasts)})
	switch i {
	case resets:
		for _, other := range others {
			w.Reset(names[0], other)
		}
		return
	case brokenLinks:
		w.Break(links...)
	default:
		w.Slow(time.Duration(1+p.rand.IntN(150))*ms, links...)
	}
	s.faults.Go("link", func() error {
		r.client.Sleep(lasts)
		if i == brokenLinks {
			w.Heal(links...)
		} else {
			w.Slow(p.delay, links...)
		}
		s.history.Faults[at].Until = r.client.Now()
		return nil
	})
}

// eachRecord walks the records of a partition's bytes.
func (s *swarmRun) eachRecord(raw []byte, each func(h *record.Header, r *record.Record)) error {
	for len(raw) > 0 {
		h, err := record.ParseHeader(raw)
		if err == nil && h.SizeBytes() > len(raw) {
			err = errors.New("batch is cut")
		}
		if err != nil {
			return err
		}
		body := raw[record.HeaderSize:h.SizeBytes()]
		if kind := h.Attributes.Codec(); kind != codec.None {
			if body, err = s.codecs.Append(nil, kind, body); err != nil {
				return err
			}
		}
		it := record.NewIterator(&h, body)
		var r record.Record
		for it.Next(&r) {
			each(&h, &r)
		}
		if it.Err() != nil {
			return it.Err()
		}
		raw = raw[h.SizeBytes():]
	}
	return nil
}

// valueOf is a record's value: its name, and something to fill it.
func valueOf(id payload.ID, fill int) []byte {
	b := strconv.AppendUint(nil, uint64(id.Producer), 10)
	b = strconv.AppendUint(append(b, '-'), id.Sequence, 10)
	b = append(b, ' ')
	return append(b, strings.Repeat("fill ", fill/5)...)
}

// idOf is the name in a record's value; a value without one names a producer that
// there is not.
func idOf(value []byte) payload.ID {
	name, _, _ := strings.Cut(string(value), " ")
	producer, sequence, ok := strings.Cut(name, "-")
	p, err := strconv.ParseUint(producer, 10, 16)
	n, err2 := strconv.ParseUint(sequence, 10, 48)
	if !ok || err != nil || err2 != nil {
		return payload.ID{Producer: 1<<16 - 1}
	}
	return payload.ID{Producer: uint16(p), Sequence: n}
}
