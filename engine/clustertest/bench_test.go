package clustertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

// benchDir names the directory that the real path writes to, on the disk that is
// to be measured; without it, the benchmarks use a temporary directory.
const benchDir = "BROKERLAB_BENCH_DIR"

// pathCase is one benchmark of the whole path: two producers at full speed.
type pathCase struct {
	replicas int
	acks     int16
	size     int
}

func (c pathCase) String() string {
	acks := fmt.Sprint(c.acks)
	if c.acks == protocol.AcksAll {
		acks = "all"
	}
	return fmt.Sprintf("R=%d,acks=%s,size=%d", c.replicas, acks, c.size)
}

var pathCases = []pathCase{
	{1, protocol.AcksLeader, 1024}, {1, protocol.AcksLeader, 100}, {3, protocol.AcksAll, 1024}, {3, protocol.AcksAll, 100},
}

// produceN sends n records of a size from two producers and waits for them. Each
// producer is a node of its own.
func produceN(r *rig, clients []env.Node, c pathCase, n int) {
	done := task.NewSemaphore(r.client, int64(len(clients)))
	if err := done.Acquire(int64(len(clients)), env.Never); err != nil {
		r.t.Error(err)
	}
	for k, node := range clients {
		node.Go("produce", func() {
			defer done.Release(1)
			cfg := producer.DefaultConfig()
			cfg.Bootstrap, cfg.Acks, cfg.BatchSize = []string{"broker-1:9092"}, c.acks, 128<<10
			cfg.OnBatch = func(batch *producer.Batch) {
				if batch.Err != nil {
					r.t.Error(batch.Err)
				}
			}
			p, err := producer.New(node, cfg)
			if err != nil {
				r.t.Error(err)
				return
			}
			rec := producer.Record{Topic: topic, Partition: -1, Value: make([]byte, c.size)}
			for i := k; i < n; i += len(clients) {
				if err := p.Send(&rec, nil); err != nil {
					r.t.Error(err)
					break
				}
			}
			if err := p.Close(); err != nil {
				r.t.Error(err)
			}
		})
	}
	if err := done.Acquire(int64(len(clients)), env.Never); err != nil {
		r.t.Error(err)
	}
}

// runBench is run without the checks of a test.
func runBench(b *testing.B, s *stage, mount func(i int) func(env.Node) env.FS, c pathCase, body func(r *rig)) {
	r := &rig{t: b, stage: s, setup: setup{brokers: c.replicas, partitions: 6, replicas: c.replicas}}
	r.boot(mount)
	r.brokers = make([]*broker.Broker, c.replicas)
	err := s.Run(r.client, func() {
		for i := range r.nodes {
			r.start(i)
		}
		body(r)
		for i := range r.brokers {
			r.stop(i)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPathReal is the whole path on real files: producers, links, brokers,
// logs. It reports the rate and its ratio to a plain write of the same bytes to
// the same disk, replicas included, by one task in pieces of 128 KiB.
func BenchmarkPathReal(b *testing.B) {
	for _, c := range pathCases {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			dir := os.Getenv(benchDir)
			if dir == "" {
				dir = b.TempDir()
			} else {
				dir = filepath.Join(dir, "brokerlab-bench")
				defer func() { _ = os.RemoveAll(dir) }() // a leftover is told by the next run's numbers
			}
			var took time.Duration
			s := &stage{World: realworld.New(realworld.Config{Seed: 1})}
			mount := func(i int) func(env.Node) env.FS {
				fs := osfs.New(filepath.Join(dir, fmt.Sprint(i)))
				return func(env.Node) env.FS { return fs }
			}
			runBench(b, s, mount, c, func(r *rig) {
				clients := []env.Node{s.NewNode(env.NodeConfig{Name: "p1"}), s.NewNode(env.NodeConfig{Name: "p2"})}
				b.ResetTimer()
				began := time.Now()
				produceN(r, clients, c, b.N)
				took = time.Since(began)
				b.StopTimer()
			})
			plain := plainWrite(b, dir, int64(b.N)*int64(c.size)*int64(c.replicas))
			perSec := float64(b.N) / took.Seconds()
			b.ReportMetric(perSec, "records/s")
			b.ReportMetric(perSec*float64(c.size)/1e6, "MB/s")
			b.ReportMetric(plain.Seconds()/took.Seconds(), "of-plain-write")
		})
	}
}

// plainWrite is how long the bytes take without a broker: files of 1 GiB, pieces
// of 128 KiB, no sync.
func plainWrite(b *testing.B, dir string, bytes int64) time.Duration {
	const piece, fileBytes = 128 << 10, 1 << 30
	buf := make([]byte, piece)
	began := time.Now()
	var f *os.File
	var err error
	for at := int64(0); at < bytes; at += piece {
		if at%fileBytes == 0 {
			if f, err = os.Create(filepath.Join(dir, fmt.Sprintf("plain-%d", at))); err != nil {
				b.Fatal(err)
			}
			defer func() { _ = f.Close() }() // written bytes are all that counts
		}
		if _, err := f.Write(buf[:min(piece, bytes-at)]); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}

// BenchmarkPathSimulated is what a simulated record costs in wall time.
func BenchmarkPathSimulated(b *testing.B) {
	for _, c := range pathCases {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			cfg := simworld.DefaultConfig()
			cfg.Seed = 1
			w := simworld.New(cfg)
			defer w.Close()
			s := &stage{World: w, sim: w}
			mount := func(int) func(env.Node) env.FS { return simfs.NewDisk(simfs.DefaultConfig()).Mount }
			runBench(b, s, mount, c, func(r *rig) {
				clients := []env.Node{s.NewNode(env.NodeConfig{Name: "p1"}), s.NewNode(env.NodeConfig{Name: "p2"})}
				b.ResetTimer()
				produceN(r, clients, c, b.N)
				b.StopTimer()
			})
			b.ReportMetric(float64(b.N)/(float64(w.Now())/1e9), "virtual-records/s")
		})
	}
}
