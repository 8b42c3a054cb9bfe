package realworld_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
)

// The benchmarks of this file run the same work once on the boundary and once on
// what lies behind it, in turns, and report both times and their ratio: what the
// boundary costs the real path.

// compare runs both in 21 rounds of n operations each, and reports the median
// times per operation and the median ratio of a round.
func compare(b *testing.B, direct, boundary func(n int)) {
	b.Helper()
	const rounds = 21
	n := max(1, b.N/(2*rounds))
	clock := func(run func(n int)) float64 {
		begin := time.Now()
		run(n)
		return float64(time.Since(begin)) / float64(n)
	}
	var directNs, boundaryNs, ratios []float64
	b.ResetTimer()
	for round := range rounds {
		var d, e float64
		if round%2 == 0 {
			d, e = clock(direct), clock(boundary)
		} else {
			e, d = clock(boundary), clock(direct)
		}
		directNs, boundaryNs, ratios = append(directNs, d), append(boundaryNs, e), append(ratios, e/d)
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(median(directNs), "direct-ns")
	b.ReportMetric(median(boundaryNs), "boundary-ns")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op")
}

// onNode runs main as a task of a node of a fresh world.
func onNode(b *testing.B, main func(n env.Node)) {
	b.Helper()
	b.ReportAllocs()
	w := realworld.New(realworld.Config{})
	n := w.NewNode(env.NodeConfig{Name: "a", Mount: func(n env.Node) env.FS { return &dirFS{dir: b.TempDir()} }})
	if err := w.Run(n, func() { main(n) }); err != nil {
		b.Error(err)
	}
}

// dirFS is as much of env.FS as these benchmarks need.
type dirFS struct {
	env.FS
	dir string
}

func (d *dirFS) Create(path string) (env.File, error) {
	f, err := os.Create(filepath.Join(d.dir, path))
	return &osFile{f: f}, err
}

type osFile struct {
	env.File
	f     *os.File
	force func(*os.File) error
}

func (o *osFile) Append(buf env.Buf) error {
	defer buf.Release()
	for i := range buf.Parts() {
		if _, err := o.f.Write(buf.Parts()[i].Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (o *osFile) Allocate(int64) error { return nil }

func (o *osFile) Truncate(size int64) error {
	if err := o.f.Truncate(size); err != nil {
		return err
	}
	_, err := o.f.Seek(size, 0)
	return err
}

func (o *osFile) Sync() error { return o.force(o.f) }

func (o *osFile) Close() error { return o.f.Close() }

const (
	recordBytes  = 1024
	batchBytes   = 64 << 10
	segmentBytes = 64 << 20 // the files are cut to nothing at this size
)

func BenchmarkBoundaryLock(b *testing.B) {
	onNode(b, func(n env.Node) {
		var direct sync.Mutex
		boundary, held := n.NewMutex(), 0
		compare(b, func(count int) {
			for range count {
				direct.Lock()
				held++
				direct.Unlock()
			}
		}, func(count int) {
			for range count {
				boundary.Lock()
				held++
				boundary.Unlock()
			}
		})
	})
}

// BenchmarkBoundaryCond: two tasks wake each other in turns; one operation is a
// round trip.
func BenchmarkBoundaryCond(b *testing.B) {
	onNode(b, func(n env.Node) {
		compare(b, func(count int) {
			var mu sync.Mutex
			turn, changed := 0, sync.NewCond(&mu)
			var other sync.WaitGroup
			play := func(me int) {
				mu.Lock()
				defer mu.Unlock()
				for range count {
					for turn != me {
						changed.Wait()
					}
					turn = 1 - me
					changed.Signal()
				}
			}
			other.Go(func() { play(1) })
			play(0)
			other.Wait()
		}, func(count int) {
			mu := n.NewMutex()
			turn, changed := 0, n.NewCond(mu)
			var other sync.WaitGroup
			play := func(me int) {
				mu.Lock()
				defer mu.Unlock()
				for range count {
					for turn != me {
						changed.WaitUntil(env.Never)
					}
					turn = 1 - me
					changed.Signal()
				}
			}
			other.Add(1)
			n.Go("other", func() { defer other.Done(); play(1) })
			play(0)
			other.Wait()
		})
	})
}

// BenchmarkTimedWait is a wait with a deadline that is signalled in time: the
// timer is set and stopped for nothing. One operation is a round trip.
func BenchmarkTimedWait(b *testing.B) {
	onNode(b, func(n env.Node) {
		mu := n.NewMutex()
		turn, changed := 0, n.NewCond(mu)
		play := func(me int) {
			mu.Lock()
			defer mu.Unlock()
			for range b.N {
				for turn != me {
					changed.WaitUntil(n.Now().Add(time.Second))
				}
				turn = 1 - me
				changed.Signal()
			}
		}
		n.Go("other", func() { play(1) })
		play(0)
	})
}

// ping is a message without content.
type ping struct{}

func (*ping) WireBytes() int { return 100 }
func (*ping) Release()       {}

// BenchmarkBoundaryMessage: a message to another task and one back, over two
// channels of capacity 1 and over a connection.
func BenchmarkBoundaryMessage(b *testing.B) {
	w := realworld.New(realworld.Config{})
	server, client := w.NewNode(env.NodeConfig{Name: "server"}), w.NewNode(env.NodeConfig{Name: "client"})
	b.ReportAllocs()
	echoChannels := func(count int) {
		there, back := make(chan env.Message, 1), make(chan env.Message, 1)
		go func() {
			for range count {
				back <- <-there
			}
		}()
		m := &ping{}
		for range count {
			there <- m
			<-back
		}
	}
	err := w.Run(server, func() {
		l, err := server.Net().Listen("server")
		if err != nil {
			b.Error(err)
			return
		}
		server.Go("server", func() {
			conn, err := l.Accept()
			for err == nil {
				var m env.Message
				if m, err = conn.Recv(env.Never); err == nil {
					err = conn.Send(m)
				}
			}
		})
		conn, err := client.Net().Dial("server", time.Second)
		if err != nil {
			b.Error(err)
			return
		}
		m := &ping{}
		compare(b, echoChannels, func(count int) {
			for range count {
				if err := conn.Send(m); err != nil {
					b.Error(err)
				}
				if _, err := conn.Recv(env.Never); err != nil {
					b.Error(err)
				}
			}
		})
		if err := conn.Close(); err != nil {
			b.Error(err)
		}
	})
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkBoundaryAppend: one task fills batches of 64 KiB with records of
// 1 KiB under a lock and writes them to a file. One operation is a record.
func BenchmarkBoundaryAppend(b *testing.B) {
	record := make([]byte, recordBytes)
	onNode(b, func(n env.Node) {
		boundaryFile, err := n.FS().Create("boundary")
		if err != nil {
			b.Error(err)
			return
		}
		directFile, err := os.Create(filepath.Join(b.TempDir(), "direct"))
		if err != nil {
			b.Error(err)
			return
		}
		compare(b, func(count int) { appendDirect(b, directFile, record, count) },
			func(count int) { appendBoundary(b, n, boundaryFile, record, count) })
		if err := directFile.Close(); err != nil {
			b.Error(err)
		}
		if err := boundaryFile.Close(); err != nil {
			b.Error(err)
		}
	})
}

func appendDirect(b *testing.B, f *os.File, record []byte, count int) {
	var mu sync.Mutex
	buf, size := make([]byte, 0, batchBytes), 0
	for range count {
		mu.Lock()
		buf = append(buf, record...)
		if len(buf) == batchBytes {
			if _, err := f.Write(buf); err != nil {
				b.Error(err)
			}
			size += len(buf)
			buf = buf[:0]
			if size%segmentBytes == 0 {
				if err := (&osFile{f: f}).Truncate(0); err != nil {
					b.Error(err)
				}
			}
		}
		mu.Unlock()
	}
}

func appendBoundary(b *testing.B, n env.Node, f env.File, record []byte, count int) {
	mu := n.NewMutex()
	mem, used, size := n.Pool().Get(batchBytes), 0, 0
	for range count {
		mu.Lock()
		n.Charge(env.OpRecordEncode, len(record))
		used += copy(mem.Bytes()[used:], record)
		if used == batchBytes {
			if err := f.Append(env.MemBuf(mem, mem.Bytes()[:used])); err != nil {
				b.Error(err)
			}
			size += used
			mem, used = n.Pool().Get(batchBytes), 0
			if size%segmentBytes == 0 {
				if err := f.Truncate(0); err != nil {
					b.Error(err)
				}
			}
		}
		mu.Unlock()
	}
	mem.Release()
}

// BenchmarkBoundaryGroupCommit: eight tasks append records of 1 KiB to a log and
// wait until a ninth has written them and forced them to the disk, as many at
// once as there are. One operation is a record. Without the disk nearly every
// record is a write and a batch of its own: then the ratio shows what a Buf and
// its pool cost, beside the locks.
func BenchmarkBoundaryGroupCommit(b *testing.B) {
	b.Run("fsync", func(b *testing.B) { groupCommit(b, (*os.File).Sync) })
	b.Run("write", func(b *testing.B) { groupCommit(b, func(*os.File) error { return nil }) })
}

func groupCommit(b *testing.B, force func(*os.File) error) {
	const tasks = 8
	record := make([]byte, recordBytes)
	onNode(b, func(n env.Node) {
		directFile, err := os.Create(filepath.Join(b.TempDir(), "direct"))
		if err != nil {
			b.Error(err)
			return
		}
		boundaryFile, err := n.FS().Create("boundary")
		if err != nil {
			b.Error(err)
			return
		}
		boundaryFile.(*osFile).force = force
		compare(b, func(count int) {
			l := openDirectLog(directFile, force)
			var appenders sync.WaitGroup
			for range tasks {
				appenders.Go(func() {
					for range count/tasks + 1 {
						l.append(record)
					}
				})
			}
			appenders.Wait()
			l.close()
		}, func(count int) {
			l := openBoundaryLog(n, boundaryFile)
			var appenders sync.WaitGroup
			appenders.Add(tasks)
			for range tasks {
				n.Go("appender", func() {
					defer appenders.Done()
					for range count/tasks + 1 {
						l.append(record)
					}
				})
			}
			appenders.Wait()
			l.close()
		})
		if err := directFile.Close(); err != nil {
			b.Error(err)
		}
		if err := boundaryFile.Close(); err != nil {
			b.Error(err)
		}
	})
}
