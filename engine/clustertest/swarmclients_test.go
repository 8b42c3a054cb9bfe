package clustertest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/consumer"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/workloads/check"
	"brokerlab/workloads/payload"
)

// produce sends records until the end, and writes down what became of them.
func (s *swarmRun) produce(number uint16) error {
	p := s.plan
	cfg := p.client
	cfg.Bootstrap, cfg.ClientID = s.r.bootstrap(), fmt.Sprint("producer-", number)
	prod, err := producer.New(s.r.client, cfg)
	if err != nil {
		return err
	}
	draw := rand.New(rand.NewPCG(p.seed, uint64(number)))
	for n := uint64(0); !s.ending; n++ {
		id := payload.ID{Producer: number, Sequence: n}
		rec := producer.Record{Topic: topic, Partition: -1, Value: valueOf(id, draw.IntN(p.sizeMax))}
		switch {
		case p.keyed:
			rec.Key = fmt.Append(nil, draw.IntN(8))
		case draw.IntN(2) == 0:
			rec.Partition = int32(draw.IntN(p.partitions))
		}
		at := len(s.history.Sent)
		s.history.Sent = append(s.history.Sent, check.Sent{ID: id, At: s.r.client.Now(), Partition: -1, Offset: -1})
		err := prod.Send(&rec, func(ack producer.Ack, err error) { s.told(at, ack, err) })
		if err != nil {
			s.told(at, producer.Ack{}, err)
		}
		s.r.client.Sleep(time.Duration(draw.IntN(8)) * ms)
	}
	if err := prod.Close(); err != nil && p.client.Acks != protocol.AcksNone {
		return err // with acks=0 it says that brokers may not have taken up all
	}
	return nil
}

func (s *swarmRun) told(at int, ack producer.Ack, err error) {
	sent := &s.history.Sent[at]
	if sent.Outcome != check.Unknown {
		s.r.t.Errorf("%v has two outcomes", sent.ID)
	}
	sent.Outcome = check.Refused
	if err == nil {
		sent.Outcome, sent.Partition, sent.Offset = check.Acked, ack.Partition, ack.Offset
	}
}

// caller is one client of one partition's leader, by hand: it names the leader
// epoch that it asks, and sees the high watermark.
type caller struct {
	r    *rig
	tp   protocol.TopicPartition
	conn *client.Conn
	at   int32 // leader that conn is to
}

// call sends a request to the present leader.
func (c *caller) call(req func(epoch int32) protocol.Body) (body protocol.Body, epoch int32, err error) {
	p, _ := c.r.now().Partition(c.tp)
	epoch = p.LeaderEpoch
	if p.Leader == cluster.NoLeader {
		return nil, epoch, protocol.ErrLeaderNotAvailable
	}
	if c.conn != nil && c.at != p.Leader {
		c.close()
	}
	if c.conn == nil {
		addr, _ := c.r.plan.Addr(p.Leader)
		conn, err := client.Dial(c.r.client, addr, "by-hand", 300*ms)
		if err != nil {
			return nil, epoch, err
		}
		c.conn, c.at = conn, p.Leader
	}
	if body, err = c.conn.Call(req(epoch), 300*ms); err != nil {
		c.close()
	}
	return body, epoch, err
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// read consumes a partition until the cluster is whole and nothing more comes.
func (s *swarmRun) read(part int) error {
	c := &caller{r: s.r, tp: protocol.TopicPartition{Topic: topic, Partition: int32(part)}}
	defer c.close()
	next := int64(0)
	for quiet := 0; !s.healed || quiet < 10; {
		body, epoch, err := c.call(func(epoch int32) protocol.Body {
			return &protocol.FetchRequest{ReplicaID: protocol.ConsumerReplicaID, MinBytes: 1, MaxWait: 50 * ms,
				MaxBytes: 1 << 20, Partitions: []protocol.FetchPartition{{TopicPartition: c.tp, CurrentLeaderEpoch: epoch,
					FetchOffset: next, MaxBytes: 1 << 20, LastFetchedEpoch: -1}}}
		})
		if err == nil {
			out := &body.(*protocol.FetchResponse).Partitions[0]
			before := next
			if err = out.Err.Err(); err == nil {
				next = s.got(part, next, epoch, out)
			}
			body.Release()
			if out.Err == protocol.ErrOffsetOutOfRange {
				next = 0 // what was read is gone: auto.offset.reset=earliest
			}
			quiet++
			if next != before {
				quiet = 0
			}
		}
		if err != nil {
			quiet = 0
			s.r.client.Sleep(2 * ms)
		}
	}
	return nil
}

// got writes down what a response holds from an offset on, and returns the next.
func (s *swarmRun) got(part int, next int64, epoch int32, out *protocol.FetchPartitionResult) int64 {
	fetched := check.Fetched{Reader: part, Partition: int32(part), At: s.r.client.Now(), LeaderEpoch: epoch,
		HighWatermark: out.HighWatermark}
	raw := make([]byte, out.Records.Len())
	if err := out.Records.ReadAt(raw, 0); err != nil {
		s.r.t.Error(err)
		return next
	}
	err := s.eachRecord(raw, func(_ *record.Header, r *record.Record) {
		if r.Offset < next {
			return
		}
		if r.Offset > next {
			s.r.t.Errorf("partition %d: offset %d comes after %d", part, r.Offset, next-1)
		}
		s.history.Read = append(s.history.Read, check.Read{ID: idOf(r.Value), Reader: part, Partition: int32(part),
			Offset: r.Offset})
		next = r.Offset + 1
		fetched.Next = next
	})
	if err != nil {
		s.r.t.Errorf("partition %d from offset %d on: %v", part, next, err)
	}
	s.history.Fetched = append(s.history.Fetched, fetched)
	return next
}

// consume reads all partitions with a consumer, until the cluster is whole and
// nothing more comes.
func (s *swarmRun) consume() error {
	p := s.plan
	reader := p.partitions // numbers below are those who read by hand
	c := s.r.consumerOf(s.r.all(), func(c *consumer.Config) {
		c.AutoOffsetReset = consumer.ResetEarliest
		c.FetchMaxWait, c.RequestTimeout, c.DefaultAPITimeout = 50*ms, 300*ms, time.Second
		c.SetupTimeout, c.ReconnectBackoff, c.ReconnectBackoffMax = 300*ms, 20*ms, 200*ms
		c.RetryBackoff, c.RetryBackoffMax = 20*ms, 200*ms
	})
	for quiet := 0; !s.healed || quiet < 20; quiet++ {
		n, err := c.Poll(s.r.client.Now().Add(50*ms), func(tp protocol.TopicPartition, r *record.Record) {
			s.history.Read = append(s.history.Read, check.Read{ID: idOf(r.Value), Reader: reader, Partition: tp.Partition,
				Offset: r.Offset})
		})
		if err != nil {
			s.r.t.Errorf("poll: %v", err)
			break
		}
		if n > 0 {
			quiet = 0
		}
	}
	return c.Close()
}
