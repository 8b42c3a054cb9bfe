package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	etcdwal "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

const (
	natsDiffers = "subject routing, an ack per record; in process, no TCP"
	walDiffers  = "no broker, no link: a library call per batch of 1 MiB"
	kgoDiffers  = "loopback TCP and Kafka's encoding; a fake broker that keeps its batches in memory too"
)

var others = []peer{
	{name: "franz-go to kfake on disk, 1 producer", differs: kgoDiffers, run: franz(false)},
	{name: "NATS JetStream, 1 producer", differs: natsDiffers, run: jetStream{producers: 1}.run},
	{name: "NATS JetStream, 4 producers", differs: natsDiffers, run: jetStream{producers: 4}.run},
	{name: "NATS JetStream, asynchronous persistence", differs: natsDiffers + "; writes after the ack",
		run: jetStream{producers: 1, persist: jetstream.AsyncPersistMode}.run},
	{name: "etcd WAL, batches of 1 MiB", differs: walDiffers, run: etcd(false)},
	{name: "franz-go to kfake on disk, synced writes", differs: kgoDiffers, synced: true, run: franz(true)},
	{name: "NATS JetStream, sync always, 1 producer", differs: natsDiffers + ", an fsync per record", synced: true,
		run: jetStream{producers: 1, synced: true}.run},
	{name: "NATS JetStream, sync always, 4 producers", differs: natsDiffers + ", an fsync per record", synced: true,
		run: jetStream{producers: 4, synced: true}.run},
	{name: "etcd WAL, batches of 1 MiB, synced", differs: walDiffers, synced: true, run: etcd(true)},
	{name: "raft-wal, batches of 1 MiB, synced", differs: walDiffers, synced: true, run: raftWAL},
}

// walBatchBytes is what the libraries get at a time.
const walBatchBytes = 1 << 20

// values are records' contents.
var values = func() []byte {
	b := make([]byte, 8<<20)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}()

func value(i, size int) []byte {
	at := i * size % (len(values) - size)
	return values[at : at+size]
}

// rate runs send, which returns how many records it sent until the deadline and
// had acknowledged, from several goroutines.
func (s *session) rate(producers int, send func(producer int, deadline time.Time) (int64, error)) (float64, error) {
	var sent atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, producers)
	began := time.Now()
	for i := range producers {
		wg.Go(func() {
			n, err := send(i, began.Add(s.span))
			sent.Add(n)
			failed[i] = err
		})
	}
	wg.Wait()
	return float64(sent.Load()) / time.Since(began).Seconds(), errors.Join(failed...)
}

// clockEvery is how many records go between two looks at the clock.
const clockEvery = 64

func franz(synced bool) func(*session, int) (float64, error) {
	return func(s *session, recordBytes int) (_ float64, err error) {
		dir, err := s.freshDir()
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		opts := []kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "t"), kfake.DataDir(dir)}
		if synced {
			opts = append(opts, kfake.SyncWrites())
		}
		cluster, err := kfake.NewCluster(opts...)
		if err != nil {
			return 0, err
		}
		defer cluster.Close()
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
			kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			return 0, err
		}
		defer client.Close()
		if err := client.Ping(context.Background()); err != nil {
			return 0, err
		}
		s.settle()
		return s.rate(1, func(_ int, deadline time.Time) (int64, error) {
			return franzSend(client, recordBytes, deadline)
		})
	}
}

func franzSend(client *kgo.Client, recordBytes int, deadline time.Time) (int64, error) {
	ctx := context.Background()
	var acked atomic.Int64
	var failed atomic.Pointer[error]
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Store(&err)
			return
		}
		acked.Add(1)
	}
	for i := 0; i%clockEvery != 0 || time.Now().Before(deadline); i++ {
		client.Produce(ctx, &kgo.Record{Topic: "t", Value: value(i, recordBytes)}, done)
	}
	if err := client.Flush(ctx); err != nil {
		return 0, err
	}
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return acked.Load(), nil
}

// jetStream publishes asynchronously to one stream a producer.
type jetStream struct {
	producers int
	synced    bool
	persist   jetstream.PersistModeType
}

func (j jetStream) run(s *session, recordBytes int) (_ float64, err error) {
	dir, err := s.freshDir()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	srv, err := server.NewServer(&server.Options{ServerName: "bench", JetStream: true, StoreDir: dir, DontListen: true,
		JetStreamMaxMemory: 1 << 30, JetStreamMaxStore: 60 << 30, SyncAlways: j.synced, SyncInterval: 2 * time.Minute,
		NoLog: true, NoSigs: true})
	if err != nil {
		return 0, err
	}
	srv.Start()
	defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	if !srv.ReadyForConnections(10 * time.Second) {
		return 0, errors.New("the server is not ready after 10 s")
	}
	pending := 4096
	if j.synced {
		pending = 512
	}
	streams := make([]jetstream.JetStream, j.producers)
	for i := range streams {
		conn, err := nats.Connect("", nats.InProcessServer(srv))
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		if streams[i], err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(pending)); err != nil {
			return 0, err
		}
		_, err = streams[i].CreateStream(context.Background(), jetstream.StreamConfig{Name: fmt.Sprint("S", i),
			Subjects: []string{fmt.Sprintf("s%d.>", i)}, Storage: jetstream.FileStorage, MaxBytes: -1,
			PersistMode: j.persist})
		if err != nil {
			return 0, err
		}
	}
	s.settle()
	return s.rate(j.producers, func(producer int, deadline time.Time) (int64, error) {
		stream, subject := streams[producer], fmt.Sprintf("s%d.a", producer)
		i := 0
		for ; i%clockEvery != 0 || time.Now().Before(deadline); i++ {
			_, err := stream.PublishAsync(subject, value(i, recordBytes), jetstream.WithStallWait(20*time.Second))
			if err != nil {
				return 0, err
			}
		}
		<-stream.PublishAsyncComplete()
		return int64(i), nil
	})
}

func etcd(synced bool) func(*session, int) (float64, error) {
	return func(s *session, recordBytes int) (_ float64, err error) {
		dir, err := s.freshDir()
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		log, err := etcdwal.Create(zap.NewNop(), filepath.Join(dir, "wal"), []byte("bench"))
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		if !synced {
			log.SetUnsafeNoFsync()
		}
		entries := make([]*raftpb.Entry, max(1, walBatchBytes/recordBytes))
		term := uint64(1)
		indexes := make([]uint64, len(entries))
		for i := range entries {
			entries[i] = &raftpb.Entry{Term: &term, Index: &indexes[i]}
		}
		s.settle()
		return s.rate(1, func(_ int, deadline time.Time) (sent int64, err error) {
			index := uint64(0)
			for time.Now().Before(deadline) {
				for i := range entries {
					index++
					indexes[i], entries[i].Data = index, value(int(index), recordBytes)
				}
				if err := log.Save(&raftpb.HardState{}, entries); err != nil {
					return 0, err
				}
				sent += int64(len(entries))
			}
			return sent, nil
		})
	}
}

func raftWAL(s *session, recordBytes int) (_ float64, err error) {
	dir, err := s.freshDir()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log, err := raftwal.Open(dir, raftwal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	entries := make([]*raft.Log, max(1, walBatchBytes/recordBytes))
	for i := range entries {
		entries[i] = &raft.Log{Term: 1}
	}
	s.settle()
	return s.rate(1, func(_ int, deadline time.Time) (sent int64, err error) {
		index := uint64(0)
		for time.Now().Before(deadline) {
			for _, e := range entries {
				index++
				e.Index, e.Data = index, value(int(index), recordBytes)
			}
			if err := log.StoreLogs(entries); err != nil {
				return 0, err
			}
			sent += int64(len(entries))
		}
		return sent, nil
	})
}
