package clustertest

import (
	"testing"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
)

// silence makes an address at which nobody answers a dial. In the real world it is
// a listener whose backlog is full, in the simulated one a node without power. The
// caller ends it.
func (r *rig) silence(node env.Node, addr string) (end func()) {
	if r.stage.sim != nil {
		r.crashed = true
		r.stage.sim.PowerOff(node.Name())
		return func() {}
	}
	l, err := node.Net().Listen(addr)
	if err != nil {
		r.t.Error(err)
		return func() {}
	}
	var conns []env.Conn
	for {
		conn, err := r.client.Net().Dial(addr, 10*ms)
		if err != nil {
			break // full
		}
		conns = append(conns, conn)
	}
	return func() {
		for _, c := range conns {
			_ = c.Close() // they have served
		}
		r.close(l)
	}
}

// promptly closes something, and says if that takes long.
func (r *rig) promptly(what string, c interface{ Close() error }) {
	r.t.Helper()
	began := r.client.Now()
	r.close(c)
	if took := r.client.Now().Sub(began); took > 2*time.Second {
		r.t.Errorf("Close of a %s takes %v", what, took)
	}
}

// TestCloseWhileDialling: Close does not wait for a broker that does not answer a
// dial: not a consumer's for the fetcher of that broker or for metadata, nor a
// broker's for the leader that it follows. Method: the second of two brokers is
// silent, and all timeouts are 10 s.
func TestCloseWhileDialling(t *testing.T) {
	s := setup{brokers: 2, started: 1, partitions: 2, replicas: 2, broker: func(b *broker.Config) {
		b.ReplicaSocketTimeout = 10 * time.Second
	}}
	inWorlds(t, s, func(r *rig) {
		end := r.silence(r.nodes[1], r.plan.Brokers[1].Addr)
		patient := func(c *consumer.Config) {
			c.Bootstrap = []string{r.plan.Brokers[0].Addr}
			c.RequestTimeout, c.SetupTimeout = 10*time.Second, 10*time.Second
		}
		c := r.consumerOf(r.all(), patient)
		if err := c.AwaitPositions(r.client.Now().Add(50 * ms)); err == nil {
			t.Error("a silent leader has given a position")
		}
		r.promptly("consumer whose fetcher dials", c)
		asks := r.consumerOf(r.all()[:1], func(c *consumer.Config) {
			patient(c)
			c.MetadataMaxAge, c.RetryBackoff, c.FetchMaxWait = ms, ms, 9*time.Second
		})
		if err := asks.Seek(part0, 0); err != nil {
			t.Error(err)
		}
		r.client.Sleep(50 * ms) // the fetch waits at the first broker, so that the second is asked for metadata
		r.promptly("consumer that asks for metadata", asks)
		first := r.brokers[0]
		r.brokers[0] = nil
		r.promptly("broker whose replica fetcher dials", first)
		end()
	})
}
