package clustertest

import (
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// gigabit is a simulated world with the prices of CPU work, over 1 GbE.
func gigabit(t *testing.T) (world, netmodel.Config) {
	profile, err := netmodel.Profile("1gbe")
	if err != nil {
		t.Fatal(err)
	}
	return simulated(func(c *simworld.Config) { c.Link, c.Poison = profile.Config, false }), profile.Config
}

// traffic is what the network did in a part of a run.
type traffic struct {
	acked    float64 // bytes of records acknowledged in a second
	client   netmodel.Stats
	brokers  []netmodel.Stats
	measured time.Duration
}

// saturate produces records of 1000 bytes to partition 0 as fast as it goes for a
// second, of which it leaves the first 0.3 s out.
func saturate(r *rig, acks int16) (m traffic) {
	const warmUp, end = env.Time(300 * ms), env.Time(time.Second)
	var acked int64
	began := r.client.Now()
	p := r.producer(func(c *producer.Config) {
		c.Acks, c.BatchSize = acks, 128<<10
		c.OnBatch = func(b *producer.Batch) {
			if b.Err != nil {
				r.t.Error(b.Err)
			}
			acked += b.RecordBytes
		}
	})
	look := func() (t traffic) {
		t.client = r.stage.sim.NetStats(r.client.Name())
		for _, n := range r.nodes {
			t.brokers = append(t.brokers, r.stage.sim.NetStats(n.Name()))
		}
		return t
	}
	var first traffic
	r.stage.sim.At(began+warmUp, func() { first = look(); first.acked = float64(acked) })
	r.stage.sim.At(began+end, func() { m = look(); m.acked = float64(acked) })
	value := make([]byte, 1000)
	for r.client.Now() <= began+end {
		if err := p.Send(&producer.Record{Topic: topic, Value: value}, nil); err != nil {
			r.t.Error(err)
			break
		}
	}
	r.close(p)
	m.measured = end.Sub(warmUp)
	m.acked = (m.acked - first.acked) / m.measured.Seconds()
	m.client = since(m.client, first.client)
	for i := range m.brokers {
		m.brokers[i] = since(m.brokers[i], first.brokers[i])
	}
	return m
}

func since(s, before netmodel.Stats) netmodel.Stats {
	s.BytesIn -= before.BytesIn
	s.BytesOut -= before.BytesOut
	s.BusyIn -= before.BusyIn
	s.BusyOut -= before.BusyOut
	return s
}

// Goal: a producer on 1 GbE reaches what its card can carry, and the card is what
// bounds it. Method: a simulated run, acks=1, against the goodput of full frames,
// 117.7 MB/s, within 2 %: bytes on the wire, and of records, whose batches' and
// requests' headers are a part in a hundred.
func TestProducerSaturatesGigabit(t *testing.T) {
	wd, link := gigabit(t)
	run(t, wd, setup{brokers: 1, partitions: 1, replicas: 1, disk: simfs.DefaultConfig()}, func(r *rig) {
		m := saturate(r, protocol.AcksLeader)
		wire := float64(m.client.BytesOut) / m.measured.Seconds()
		t.Logf("%.1f MB/s of messages, %.1f of records; egress busy for %v of %v", wire/1e6, m.acked/1e6,
			m.client.BusyOut, m.measured)
		for _, got := range []float64{wire, m.acked} {
			if want := link.Goodput(); got < 0.98*want || got > 1.005*want {
				t.Errorf("%.2f MB/s, want %.2f within 2 %%", got/1e6, want/1e6)
			}
		}
		if m.client.BusyOut < m.measured*98/100 {
			t.Errorf("the egress was busy for %v of %v", m.client.BusyOut, m.measured)
		}
		if m.brokers[0].BusyOut > m.measured/50 {
			t.Errorf("the way back was busy for %v of %v", m.brokers[0].BusyOut, m.measured)
		}
	})
}

// Goal: what a leader sends to its followers shares its egress, evenly, and does not
// hold up what comes in. Method: as above, four brokers, one partition with four
// replicas, acks=1: the followers fall behind, so that the leader always has
// something for each. Each gets a third of the goodput, within 2 %.
func TestFollowersShareTheirLeadersEgress(t *testing.T) {
	wd, link := gigabit(t)
	run(t, wd, setup{brokers: 4, partitions: 1, replicas: 4, disk: simfs.DefaultConfig()}, func(r *rig) {
		m := saturate(r, protocol.AcksLeader)
		t.Logf("%.1f MB/s of records; the leader's egress was busy for %v of %v", m.acked/1e6, m.brokers[0].BusyOut,
			m.measured)
		if want := link.Goodput(); m.acked < 0.97*want {
			t.Errorf("%.2f MB/s came in, want %.2f within 3 %%", m.acked/1e6, want/1e6)
		}
		if m.brokers[0].BusyOut < m.measured*98/100 {
			t.Errorf("the leader's egress was busy for %v of %v", m.brokers[0].BusyOut, m.measured)
		}
		for i, b := range m.brokers[1:] {
			got, want := float64(b.BytesIn)/m.measured.Seconds(), link.Goodput()/3
			if got < 0.98*want || got > 1.02*want {
				t.Errorf("follower %d received %.2f MB/s, want %.2f", i+1, got/1e6, want/1e6)
			}
		}
	})
}

// Goal: a consumer on 1 GbE reads at about what its card can carry: LinkedIn's single
// consumer of 2014 reached 97.5 % of it. Method: a simulated run; what saturate wrote
// is read, with Kafka's defaults, by one consumer: the bytes on the wire in its time.
func TestConsumerReachesGigabit(t *testing.T) {
	wd, link := gigabit(t)
	run(t, wd, setup{brokers: 1, partitions: 1, replicas: 1, disk: simfs.DefaultConfig()}, func(r *rig) {
		saturate(r, protocol.AcksLeader)
		before, began := r.stage.sim.NetStats(r.client.Name()), r.client.Now()
		c := r.consumer(0, nil)
		const enough = 60_000
		for got := 0; got < enough; {
			n, err := c.Poll(r.client.Now().Add(time.Second), func(protocol.TopicPartition, *record.Record) {})
			if err != nil || n == 0 {
				t.Fatalf("after %d records: %d more, %v", got, n, err)
			}
			got += n
		}
		took := r.client.Now().Sub(began).Seconds()
		got := float64(r.stage.sim.NetStats(r.client.Name()).BytesIn-before.BytesIn) / took
		t.Logf("%.1f MB/s, %.1f %% of what the card can carry", got/1e6, 100*got/link.Goodput())
		if got < 0.95*link.Goodput() || got > 1.005*link.Goodput() {
			t.Errorf("%.2f MB/s, want %.2f within 5 %%", got/1e6, link.Goodput()/1e6)
		}
		r.close(c)
	})
}
