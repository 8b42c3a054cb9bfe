package clustertest

import (
	"bytes"
	"testing"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/protocol"
)

// TestRetention: brokers delete old segments, a consumer starts at what is left,
// and a follower whose log ends before its leader's begins starts anew there.
// Method: segments of a few records, and a follower that loses its disk.
func TestRetention(t *testing.T) {
	s := setup{
		brokers: 2, partitions: 1, replicas: 2,
		log:    func(c *commitlog.Config) { c.SegmentBytes, c.RetentionBytes = 1000, 2500 },
		broker: func(c *broker.Config) { c.RetentionCheck = time.Second },
	}
	run(t, simulated(nil), s, func(r *rig) {
		r.produceMany(protocol.AcksAll, 0, 100)
		r.stop(1)
		disk := r.nodes[1].FS()
		entries, err := disk.List("logs/t-0")
		for _, e := range entries {
			if err == nil {
				err = disk.Remove("logs/t-0/" + e.Name)
			}
		}
		if err != nil {
			t.Error(err)
		}
		r.client.Sleep(2 * time.Second)
		leader := r.logBytes(0, part0)
		if len(leader) < 2500 || len(leader) > 3500 {
			t.Errorf("the leader keeps %d bytes", len(leader))
		}
		r.start(1)
		r.client.Sleep(5 * time.Second)
		if follower := r.logBytes(1, part0); len(follower) < 2500 || !bytes.HasSuffix(leader, follower) {
			t.Errorf("the follower has %d bytes, which are not the last ones of the leader's %d", len(follower), len(leader))
		}
		if acked := r.produceMany(protocol.AcksAll, 100, 110); acked != 10 {
			t.Errorf("%d of 10 records were acknowledged afterwards", acked)
		}
	})
}
