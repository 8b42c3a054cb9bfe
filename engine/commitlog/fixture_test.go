package commitlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"sync/atomic"
	"testing"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// place is a world and the mount of an empty file system for its node.
type place struct {
	world env.World
	mount func(env.Node) env.FS
	// end drops what the file system holds after the run.
	end func(t testing.TB)
	// dropSyncs: syncs are counted and not done. Nothing in a test of the real
	// world can lose what the system has, and forcing takes the test's time.
	dropSyncs bool
}

// worlds are where the tests run. Pools are poisoned.
var worlds = []struct {
	name string
	make func(t testing.TB) place
}{
	{"real", func(t testing.TB) place {
		s := osfs.New(t.TempDir())
		return place{
			world: realworld.New(realworld.Config{Seed: 1, Poison: true}), dropSyncs: true,
			mount: func(env.Node) env.FS { return s },
			end: func(t testing.TB) {
				if open := s.Stats().OpenFiles; open != 0 && !t.Failed() {
					t.Errorf("%d files are still open", open)
				}
			},
		}
	}},
	{"sim", func(t testing.TB) place {
		cfg := simworld.DefaultConfig()
		cfg.Seed, cfg.Poison = 1, true
		d := simfs.NewDisk(simfs.DefaultConfig())
		return place{world: simworld.New(cfg), mount: d.Mount, end: func(testing.TB) { d.Close() }}
	}},
}

// simulatedPlace is a simulated world in which a sync takes a while.
func simulatedPlace(sync time.Duration) place {
	d := simfs.NewDisk(simfs.Config{SyncCost: sync})
	return place{world: simworld.New(simworld.Config{Seed: 1, Poison: true}), mount: d.Mount,
		end: func(testing.TB) { d.Close() }}
}

const dir = "logs/topic-0"

// bed is what a test body gets: a node whose FS is under the test's control.
type bed struct {
	testing.TB
	node  env.Node
	fs    *faultFS
	codec codec.Type
	rand  *rand.Rand
}

// inWorlds runs body as a task in every world and checks that it released all
// memory.
func inWorlds(t *testing.T, body func(b *bed)) {
	t.Helper()
	for _, world := range worlds {
		t.Run(world.name, func(t *testing.T) {
			runBed(t, world.make(t), body)
		})
	}
}

func runBed(t testing.TB, p place, body func(b *bed)) {
	t.Helper()
	f := &faultFS{dropSyncs: p.dropSyncs}
	n := p.world.NewNode(env.NodeConfig{Name: "broker", Mount: func(n env.Node) env.FS {
		f.FS = p.mount(n)
		return f
	}})
	err := p.world.Run(n, func() {
		body(&bed{TB: t, node: n, fs: f, rand: rand.New(rand.NewPCG(1, 2))})
	})
	if err != nil {
		t.Errorf("the world ended with: %v", err)
	}
	p.end(t)
	if live := n.Pool().Live(); live != 0 && !t.Failed() {
		t.Errorf("%d buffers were not released", live)
	}
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) wantErr(err error, wants ...error) {
	b.Helper()
	for _, want := range wants {
		if !errors.Is(err, want) {
			b.Errorf("the error is %v, want %v", err, want)
		}
	}
}

func (b *bed) open(cfg commitlog.Config) *commitlog.Log {
	b.Helper()
	l, err := commitlog.Open(b.node, dir, cfg)
	b.must(err)
	return l
}

// batchOf returns a batch as a producer sends it, of the given values.
func (b *bed) batchOf(values ...[]byte) []byte {
	b.Helper()
	var records []byte
	for i, v := range values {
		records = record.AppendRecord(records, int32(i), 0, nil, v, nil)
	}
	return b.seal(record.Header{RecordCount: int32(len(values)), LastOffsetDelta: int32(len(values) - 1)}, records)
}

// seal compresses the records and makes a batch of them, with the length, CRC
// and codec put into h.
func (b *bed) seal(h record.Header, records []byte) []byte {
	b.Helper()
	batch := make([]byte, record.HeaderSize)
	c, err := codec.NewCompressor(b.codec, codec.DefaultLevel(b.codec))
	b.must(err)
	batch, err = c.Append(batch, records)
	b.must(err)
	h.Magic = 2
	h.PartitionLeaderEpoch = -1
	h.ProducerID, h.ProducerEpoch, h.BaseSequence = -1, -1, -1
	h.Attributes |= record.Attributes(b.codec)
	h.BatchLength = int32(len(batch) - 12)
	h.Put(batch)
	h.CRC = record.UpdateCRC(0, batch[record.AttributesOffset:])
	h.Put(batch)
	return batch
}

// randomBatch returns a batch of 1 to recordsMax records of 0 to valueMax bytes.
func (b *bed) randomBatch(recordsMax, valueMax int) []byte {
	values := make([][]byte, 1+b.rand.IntN(recordsMax))
	for i := range values {
		values[i] = make([]byte, b.rand.IntN(valueMax+1))
		for j := range values[i] {
			values[i][j] = byte('a' + b.rand.IntN(4))
		}
	}
	return b.batchOf(values...)
}

// buf returns a pooled Buf of p, in up to three parts.
func (b *bed) buf(p []byte) env.Buf {
	var parts []env.Buf
	for left := 3; len(p) > 0; left-- {
		n := len(p)
		if left > 1 {
			n = 1 + b.rand.IntN(len(p))
		}
		m := b.node.Pool().Get(n)
		copy(m.Bytes(), p[:n])
		parts = append(parts, env.MemBuf(m, m.Bytes()[:n]))
		p = p[n:]
	}
	return env.Join(parts...)
}

// bytesOf takes a Buf over and returns its bytes.
func (b *bed) bytesOf(buf env.Buf) []byte {
	b.Helper()
	defer buf.Release()
	p := make([]byte, buf.Len())
	b.must(buf.ReadAt(p, 0))
	return p
}

// stamped is what a leader stores of a produced batch.
func (b *bed) stamped(batch []byte, base int64, epoch int32) []byte {
	b.Helper()
	h, err := record.ParseHeader(batch)
	b.must(err)
	h.BaseOffset, h.PartitionLeaderEpoch = base, epoch
	out := bytes.Clone(batch)
	h.Put(out)
	return out
}

// fill appends count random batches as the leader and returns what the log then
// holds.
func (b *bed) fill(l *commitlog.Log, m *model, count, recordsMax, valueMax int) {
	b.Helper()
	for range count {
		p := b.randomBatch(recordsMax, valueMax)
		a, err := l.AppendAsLeader(7, b.buf(p))
		b.must(err)
		m.add(b.stamped(p, m.end(), 7))
		if a.NextOffset != m.end() || a.Bytes != len(p) {
			b.Fatalf("appended %+v, want %d bytes up to %d", a, len(p), m.end())
		}
	}
}

// files returns the content of the log's directory.
func (b *bed) files() map[string][]byte {
	b.Helper()
	entries, err := b.fs.List(dir)
	b.must(err)
	out := make(map[string][]byte)
	for _, e := range entries {
		out[e.Name] = b.readFile(path.Join(dir, e.Name))
	}
	return out
}

func (b *bed) readFile(name string) []byte {
	b.Helper()
	f, err := b.fs.Open(name)
	b.must(err)
	buf, err := f.Read(0, int(f.Size()))
	b.must(err)
	p := b.bytesOf(buf)
	b.must(f.Close())
	return p
}

// setFiles makes the log's directory hold exactly these files.
func (b *bed) setFiles(files map[string][]byte) {
	b.Helper()
	b.must(b.fs.MkdirAll(dir))
	entries, err := b.fs.List(dir)
	b.must(err)
	for _, e := range entries {
		b.must(b.fs.Remove(path.Join(dir, e.Name)))
	}
	for name, p := range files {
		f, err := b.fs.Create(path.Join(dir, name))
		b.must(err)
		b.must(f.Append(env.StaticBuf(p)))
		b.must(f.Close())
	}
}

// model is the dumbest log: a list of batches.
type model struct {
	start    int64
	startMax int64 // with power losses: the log may start anywhere up to here
	batches  []modelBatch
}

type modelBatch struct {
	base, next int64
	bytes      []byte
}

func (m *model) end() int64 {
	if len(m.batches) == 0 {
		return m.start
	}
	return m.batches[len(m.batches)-1].next
}

func (m *model) add(p []byte) {
	h, err := record.ParseHeader(p)
	if err != nil {
		panic(err)
	}
	m.batches = append(m.batches, modelBatch{base: h.BaseOffset, next: h.NextOffset(), bytes: p})
}

// truncate drops the batches that hold offset or later ones.
func (m *model) truncate(offset int64) {
	for len(m.batches) > 0 && m.end() > offset {
		m.batches = m.batches[:len(m.batches)-1]
	}
}

// segments splits the batches into segments as Kafka's LogSegment.shouldRoll.
func (m *model) segments(segmentBytes int) [][]modelBatch {
	var out [][]modelBatch
	size := 0
	for _, x := range m.batches {
		if size == 0 || size > segmentBytes-len(x.bytes) {
			out = append(out, nil)
			size = 0
		}
		out[len(out)-1] = append(out[len(out)-1], x)
		size += len(x.bytes)
	}
	return out
}

// read is what Log.Read has to return, given the segments.
func (m *model) read(segments [][]modelBatch, r commitlog.ReadRequest) []byte {
	var out []byte
	for _, segment := range segments {
		for _, x := range segment {
			switch {
			case x.next <= r.Offset:
				continue
			case x.next > r.Limit:
				return out
			case len(out) == 0 && r.AtLeastOne:
			case len(out)+len(x.bytes) > r.MaxBytes:
				return out
			}
			out = append(out, x.bytes...)
		}
		if len(segment) > 0 && segment[len(segment)-1].next > r.Offset {
			return out
		}
	}
	return out
}

// bytes is the whole log.
func (m *model) bytes() []byte {
	var out []byte
	for _, x := range m.batches {
		out = append(out, x.bytes...)
	}
	return out
}

// all reads the whole log.
func (b *bed) all(l *commitlog.Log) []byte {
	b.Helper()
	var out []byte
	for offset := l.StartOffset(); offset < l.EndOffset(); {
		buf, err := l.Read(commitlog.ReadRequest{
			Offset: offset, MaxBytes: 1 << 20, Limit: l.EndOffset(), AtLeastOne: true,
		})
		b.must(err)
		p := b.bytesOf(buf)
		if len(p) == 0 {
			b.Fatalf("nothing to read at %d, the log ends at %d", offset, l.EndOffset())
		}
		out = append(out, p...)
		for len(p) > 0 {
			h, err := record.ParseHeader(p)
			b.must(err)
			offset = h.NextOffset()
			p = p[h.SizeBytes():]
		}
	}
	return out
}

// same checks that a log holds what the model says.
func (b *bed) same(l *commitlog.Log, m *model) {
	b.Helper()
	if l.StartOffset() != m.start || l.EndOffset() != m.end() {
		b.Fatalf("the log spans %d to %d, want %d to %d", l.StartOffset(), l.EndOffset(), m.start, m.end())
	}
	if !bytes.Equal(b.all(l), m.bytes()) {
		b.Fatal("the log holds other bytes than were appended")
	}
}

// faultFS counts calls, syncs of .log files only, and makes chosen ones fail.
type faultFS struct {
	env.FS
	dropSyncs              bool
	syncs, dirSyncs, reads atomic.Int64
	lists                  atomic.Int64 // of directories
	drops, dirtyDrops      atomic.Int64 // DropCache, and those of a file that no Sync covered
	syncErr                error
	failSyncs              atomic.Bool // as syncErr, for tests whose tasks run
	dirSyncErr             error
	appendErr              error
	appendKeep             int // bytes that a failing append writes
	truncateErr            error
}

// heal ends all faults.
func (f *faultFS) heal() {
	f.syncErr, f.dirSyncErr, f.appendErr, f.truncateErr = nil, nil, nil, nil
	f.appendKeep = 0
}

func (f *faultFS) Create(name string) (env.File, error) {
	file, err := f.FS.Create(name)
	return f.wrap(name, file, err)
}

func (f *faultFS) Open(name string) (env.File, error) {
	file, err := f.FS.Open(name)
	return f.wrap(name, file, err)
}

func (f *faultFS) wrap(name string, file env.File, err error) (env.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, fs: f, log: path.Ext(name) == ".log"}, nil
}

func (f *faultFS) List(dir string) ([]env.DirEntry, error) {
	f.lists.Add(1)
	return f.FS.List(dir)
}

func (f *faultFS) SyncDir(dir string) error {
	f.dirSyncs.Add(1)
	if f.dirSyncErr != nil {
		return fmt.Errorf("syncdir %s: %w", dir, f.dirSyncErr)
	}
	if f.dropSyncs {
		return nil
	}
	return f.FS.SyncDir(dir)
}

type faultFile struct {
	env.File
	fs    *faultFS
	log   bool         // a .log file: only their syncs are counted
	clean atomic.Int64 // bytes that the last Sync covered
}

func (f *faultFile) DropCache() error {
	f.fs.drops.Add(1)
	if f.clean.Load() != f.Size() {
		f.fs.dirtyDrops.Add(1)
	}
	return f.File.DropCache()
}

func (f *faultFile) Append(b env.Buf) error {
	if f.fs.appendErr == nil {
		return f.File.Append(b)
	}
	defer b.Release()
	if f.fs.appendKeep > 0 {
		if err := f.File.Append(b.Slice(0, min(f.fs.appendKeep, b.Len()))); err != nil {
			return err
		}
	}
	return &fs.PathError{Op: "append", Path: "x", Err: f.fs.appendErr}
}

func (f *faultFile) Read(off int64, bytesMax int) (env.Buf, error) {
	f.fs.reads.Add(1)
	return f.File.Read(off, bytesMax)
}

func (f *faultFile) Truncate(size int64) error {
	if f.fs.truncateErr != nil {
		return f.fs.truncateErr
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Sync() error {
	if f.log {
		f.fs.syncs.Add(1)
		f.clean.Store(f.Size())
	}
	if f.fs.failSyncs.Load() {
		return errDisk
	}
	if f.fs.syncErr != nil {
		return f.fs.syncErr
	}
	if f.fs.dropSyncs {
		return nil
	}
	return f.File.Sync()
}

// checkedBatch returns the size of the batch at the start of p, checked.
func checkedBatch(p []byte) (int, error) {
	h, err := record.ParseHeader(p)
	switch {
	case err != nil:
		return 0, err
	case h.SizeBytes() > len(p):
		return 0, fmt.Errorf("a batch of %d bytes in %d", h.SizeBytes(), len(p))
	case record.UpdateCRC(0, p[record.AttributesOffset:h.SizeBytes()]) != h.CRC:
		return 0, fmt.Errorf("the batch at offset %d has a wrong CRC", h.BaseOffset)
	}
	return h.SizeBytes(), nil
}
