package clustertest

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

var errDevice = errors.New("input/output error")

// failingFS is a file system of which one directory fails from an instant on.
type failingFS struct {
	env.FS
	dir         string
	appends     atomic.Bool
	syncs       atomic.Bool
	failedCalls atomic.Int64
}

func (f *failingFS) Create(name string) (env.File, error) {
	file, err := f.FS.Create(name)
	return f.wrap(name, file, err)
}

func (f *failingFS) Open(name string) (env.File, error) {
	file, err := f.FS.Open(name)
	return f.wrap(name, file, err)
}

func (f *failingFS) wrap(name string, file env.File, err error) (env.File, error) {
	if err != nil || !strings.HasPrefix(name, f.dir+"/") {
		return file, err
	}
	return &failingFile{File: file, fs: f}, nil
}

type failingFile struct {
	env.File
	fs *failingFS
}

func (f *failingFile) Append(b env.Buf) error {
	if f.fs.appends.Load() {
		b.Release()
		f.fs.failedCalls.Add(1)
		return errDevice
	}
	return f.File.Append(b)
}

func (f *failingFile) Sync() error {
	if f.fs.syncs.Load() {
		f.fs.failedCalls.Add(1)
		return errDevice
	}
	return f.File.Sync()
}

// failing is a setup of three brokers, of which the first one's logs-a is under the
// test's control.
func failing(fs *failingFS, dirs ...string) setup {
	fs.dir = "logs-a"
	return setup{brokers: 3, partitions: 3, replicas: 3,
		elects: func(c *cluster.ControllerConfig) { c.SessionTimeout = time.Second },
		broker: func(c *broker.Config) { c.LogDirs, c.HeartbeatInterval = dirs, 100*ms },
		log:    func(c *commitlog.Config) { c.FlushMessages = 1 },
		wrap: func(i int, inner env.FS) env.FS {
			if i > 0 {
				return inner
			}
			fs.FS = inner
			return fs
		}}
}

// TestFailedLogDirectory: a broker whose one log directory fails, by a write or by
// an fsync, leads and follows none of the partitions in it any more, and keeps those
// of its other one. Producers with acks=all go on with the next leader, and all that
// was acknowledged is there once and in order. Method: of the three partitions, 0 and
// 2 are in the first directory, and broker 1 leads 0.
func TestFailedLogDirectory(t *testing.T) {
	for _, c := range []struct {
		why   string
		fault func(fs *failingFS)
	}{
		{"a write fails", func(fs *failingFS) { fs.appends.Store(true) }},
		{"an fsync fails", func(fs *failingFS) { fs.syncs.Store(true) }},
	} {
		t.Run(c.why, func(t *testing.T) {
			fs := &failingFS{}
			inWorlds(t, failing(fs, "logs-a", "logs-b"), func(r *rig) {
				fs.appends.Store(false)
				fs.syncs.Store(false)
				acked := r.produceMany(protocol.AcksAll, 0, 15)
				c.fault(fs)
				acked += r.produceMany(protocol.AcksAll, 15, 30)
				if acked != 30 {
					t.Errorf("%d of 30 records were acknowledged", acked)
				}
				r.until("broker 1 leads it no more", func(p *cluster.Partition) bool { return p.Leader != 1 && isr(2, 3)(p) })
				other := protocol.TopicPartition{Topic: topic, Partition: 1}
				if p, _ := r.now().Partition(other); !isr(1, 2, 3)(p) {
					t.Errorf("in sync in the directory that is well: %v", p.ISR)
				}
				conn := r.dial(0)
				if out, err := produceOne(r, conn, protocol.AcksLeader, patience, 0, batchOf(0, "x")); err != nil ||
					out.Err != protocol.ErrStorage {
					t.Errorf("produce to the failed one: %v, %v", out.Err, err)
				}
				if out, _ := fetchOne(r, conn, fetchAsk{replica: -1, epoch: -1}); out.Err != protocol.ErrStorage {
					t.Errorf("fetch from the failed one: %v", out.Err)
				}
				conn.Close()
				if !errors.Is(r.brokers[0].Err(), errDevice) || fs.failedCalls.Load() == 0 {
					t.Errorf("the broker says %v after %d failed calls", r.brokers[0].Err(), fs.failedCalls.Load())
				}
				r.expectValues(acked)
			})
		})
	}
}

// TestLastLogDirectoryFails: a broker without a log directory that works halts:
// nobody listens, and when its session is over others lead; acks=all loses nothing.
func TestLastLogDirectoryFails(t *testing.T) {
	fs := &failingFS{}
	inWorlds(t, failing(fs, "logs-a"), func(r *rig) {
		fs.syncs.Store(false)
		acked := r.produceMany(protocol.AcksAll, 0, 15)
		fs.syncs.Store(true)
		acked += r.produceMany(protocol.AcksAll, 15, 30)
		if acked != 30 {
			t.Errorf("%d of 30 records were acknowledged", acked)
		}
		r.until("the session is over", isr(2, 3))
		if _, err := client.Dial(r.client, r.plan.Brokers[0].Addr, "by-hand", patience); !errors.Is(err, env.ErrRefused) {
			t.Errorf("dial: %v", err)
		}
		r.expectValues(acked)
	})
}

// TestLogDirFailureTimeout: a broker that cannot tell the controller of a failed
// directory halts after log.dir.failure.timeout.ms. Method: the controller's node is
// without power.
func TestLogDirFailureTimeout(t *testing.T) {
	fs := &failingFS{}
	s := failing(fs, "logs-a", "logs-b")
	s.disk = simfs.DefaultConfig()
	run(t, simulated(nil), s, func(r *rig) {
		r.produceMany(protocol.AcksAll, 0, 5)
		r.crashed = true
		r.controller = nil
		r.stage.sim.PowerOff(r.controllerNode.Name())
		fs.appends.Store(true)
		began := r.client.Now()
		conn := r.dial(0)
		_, _ = produceOne(r, conn, protocol.AcksLeader, patience, 0, batchOf(0, "x"))
		_, err := conn.Recv(env.Never)
		took := r.client.Now().Sub(began)
		if !errors.Is(err, env.ErrReset) || took < 30*time.Second || took > 33*time.Second {
			t.Errorf("the connection ended with %v after %v", err, took)
		}
		conn.Close()
	})
}

// TestPreferredLeader: a broker that is back in sync leads again what it is the
// preferred leader of: at once when the controller is asked, and else at the next
// check. Method: the leader is closed and started again.
func TestPreferredLeader(t *testing.T) {
	s := setup{brokers: 3, partitions: 3, replicas: 3, elects: standard}
	inWorlds(t, s, func(r *rig) {
		r.must(r.put(protocol.AcksAll, "a"))
		r.stop(0)
		r.must(r.put(protocol.AcksAll, "b"))
		ask := func(want ...protocol.ErrorCode) {
			t.Helper()
			c, err := client.Dial(r.client, controllerAddr, "by-hand", patience)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			body, err := c.Call(&protocol.ElectLeadersRequest{}, patience)
			var got []protocol.ErrorCode
			if resp, ok := body.(*protocol.ElectLeadersResponse); ok {
				for _, p := range resp.Partitions {
					got = append(got, p.Err)
				}
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("asked to elect: %v, %v, want %v", got, err, want)
			}
		}
		ask(protocol.ErrPreferredLeaderNotAvailable)
		r.start(0)
		r.until("broker 1 is in sync", isr(1, 2, 3))
		ask(protocol.ErrNone)
		if p, _ := r.now().Partition(part0); p.Leader != 1 || p.LeaderEpoch != 2 {
			t.Errorf("broker %d leads in epoch %d", p.Leader, p.LeaderEpoch)
		}
		ask()
		r.must(r.put(protocol.AcksAll, "c"))
		r.sameLogs()
	})
	s.elects = func(c *cluster.ControllerConfig) { c.RebalanceInterval = time.Minute }
	s.disk = simfs.DefaultConfig()
	run(t, simulated(nil), s, func(r *rig) {
		r.stop(0)
		r.start(0)
		r.until("broker 1 is in sync", isr(1, 2, 3))
		r.until("broker 1 leads", func(p *cluster.Partition) bool { return p.Leader == 1 })
		if now := r.client.Now(); now < env.Time(time.Minute) || now > env.Time(time.Minute+20*ms) {
			t.Errorf("it leads %v after the start", time.Duration(now))
		}
		r.must(r.put(protocol.AcksAll, "a"))
	})
}
