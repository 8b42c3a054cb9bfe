package commitlog_test

import (
	"bytes"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// recycling is a log that deletes and rolls often, and recycles.
func recycling() commitlog.Config {
	cfg := small()
	cfg.SegmentRecycle = true
	cfg.RetentionInterval, cfg.RetentionBytes = 0, 5000
	return cfg
}

// evenBatch returns a batch of a fixed size, so that the batches of two lives of a
// file lie at the same places.
func (b *bed) evenBatch() []byte {
	v := make([]byte, 150)
	for i := range v {
		v[i] = byte(b.rand.IntN(256))
	}
	return b.batchOf(v)
}

// Goal: with segment.recycle a log is the same log: appends, truncations, retention,
// reads and reopening give what they give without it, closed files hold nothing of
// their former lives, and no spare file outlives the log. Method: random operations
// against the model, some reads held over them; the directory looked at when the log
// is closed. What keeps a spare file from being written over is counted too.
func TestRecycledSegmentsAreTheSameLog(t *testing.T) {
	inWorlds(t, func(b *bed) {
		var recycled int64
		for seed := range uint64(6) {
			b.rand = rand.New(rand.NewPCG(seed, 5))
			cfg := recycling()
			cfg.Preallocate = seed%2 == 0
			l, m := b.open(cfg), &model{}
			for range 6 {
				recycled += b.recycleSteps(l, m)
				b.must(l.Close())
				b.settledFiles(m, cfg)
				l = b.open(cfg)
				if s := l.Stats(); s.RecoveryCut != 0 {
					b.Fatalf("seed %d: recovery cut %d bytes", seed, s.RecoveryCut)
				}
				b.same(l, m)
			}
			b.must(l.Remove())
		}
		if recycled < 50 {
			b.Errorf("%d segments were recycled: the test sees too little", recycled)
		}
	})
}

// recycleSteps uses a log and returns how many segments were recycled.
func (b *bed) recycleSteps(l *commitlog.Log, m *model) int64 {
	b.Helper()
	var reads []env.Buf
	var wants [][]byte
	for range 150 {
		switch b.rand.IntN(12) {
		case 0:
			b.must(l.Flush())
			_, err := l.DeleteOldSegments(l.EndOffset())
			b.must(err)
			m.start = l.StartOffset()
			for len(m.batches) > 0 && m.batches[0].base < m.start {
				m.batches = m.batches[1:]
			}
		case 1:
			buf, err := l.Read(commitlog.ReadRequest{Offset: m.start, MaxBytes: 1000, Limit: m.end(), AtLeastOne: true})
			b.must(err)
			want := make([]byte, buf.Len())
			b.must(buf.ReadAt(want, 0))
			reads, wants = append(reads, buf), append(wants, want)
		case 2:
			offset := m.start + b.rand.Int64N(m.end()-m.start+1)
			if b.rand.IntN(4) == 0 && m.end()-offset < 20 {
				m.truncate(offset)
				for i := range reads { // a truncation may change what a held read shows
					reads[i].Release()
				}
				reads, wants = nil, nil
				b.must(l.Truncate(offset))
			}
		default:
			p := b.evenBatch()
			m.add(b.stamped(p, m.end(), 7))
			_, err := l.AppendAsLeader(7, b.buf(p))
			b.must(err)
		}
	}
	b.same(l, m)
	for i := range reads {
		if !bytes.Equal(b.bytesOf(reads[i]), wants[i]) {
			b.Error("a read that was held shows other bytes than it did")
		}
	}
	return l.Stats().SegmentsRecycled
}

// settledFiles checks that a closed log's files are those of a log that never
// recycled.
func (b *bed) settledFiles(m *model, cfg commitlog.Config) {
	b.Helper()
	var logs []byte
	for name, p := range b.files() {
		if strings.Contains(name, ".deleted") {
			b.Errorf("%s outlives the log", name)
		}
		if path.Ext(name) == ".log" && int64(len(p)) > cfg.SegmentBytes {
			b.Errorf("%s has %d bytes", name, len(p))
		}
	}
	entries, err := b.fs.List(dir) // in the order of offsets
	b.must(err)
	for _, e := range entries {
		if path.Ext(e.Name) == ".log" {
			logs = append(logs, b.readFile(path.Join(dir, e.Name))...)
		}
	}
	if !bytes.Equal(logs, m.bytes()) {
		b.Errorf("the files of the closed log hold %d bytes, the log %d", len(logs), len(m.bytes()))
	}
}

// Goal: spare files are few, are counted, and a file that is still read is never
// written over. Method: many segments deleted at once; a read held over a deletion
// and a roll, in both worlds.
func TestSpareSegmentsAreBounded(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(recycling()), &model{}
		for range 200 {
			p := b.evenBatch()
			m.add(b.stamped(p, m.end(), 7))
			b.must(appendOne(b, l, p))
		}
		b.must(l.Flush())
		held, err := l.Read(commitlog.ReadRequest{MaxBytes: 2000, Limit: m.end()})
		b.must(err)
		want := make([]byte, held.Len())
		b.must(held.ReadAt(want, 0))
		deleted, err := l.DeleteOldSegments(m.end())
		b.must(err)
		spares := 0
		for name := range b.files() {
			if strings.HasSuffix(name, ".log.deleted") {
				spares++
			}
		}
		if s := l.Stats(); deleted < 5 || spares != 2 || s.SpareBytes < 5000 || s.SpareBytes > 6000 {
			b.Errorf("of %d deleted segments %d files are kept, %d bytes", deleted, spares, s.SpareBytes)
		}
		for range 60 {
			b.must(appendOne(b, l, b.evenBatch()))
		}
		if !bytes.Equal(b.bytesOf(held), want) {
			b.Error("a read that was held shows what was written over it")
		}
		if s := l.Stats(); s.SegmentsRecycled != 2 || s.SpareBytes != 0 {
			b.Errorf("%d segments were recycled, %d bytes wait still", s.SegmentsRecycled, s.SpareBytes)
		}
		b.must(l.Close())
	})
}

// Goal: after a power loss or a crash no batch of a file's former life comes back,
// and all that was flushed is there. Method: lives of appends of equal batches,
// flushes and retention, each ended at a random instant; the recovered log is
// compared with the history. Lives that ended with bytes of a former life (zeros) behind
// the end are counted: if there are none the test shows nothing.
func TestStaleBatchesNeverComeBack(t *testing.T) {
	stale, recycled := 0, int64(0)
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 4))
		d := simfs.NewDisk(simfs.DefaultConfig())
		w := simworld.New(simworld.Config{Seed: seed, Prices: simworld.DefaultPrices(), Poison: true})
		cfg := recycling()
		cfg.FlushMessages = int64(seed % 3)
		h := &history{}
		life := func(n env.Node) {
			b := &bed{TB: t, node: n, fs: &faultFS{FS: n.FS()}, rand: r}
			l := b.open(cfg)
			for _, r := range l.Repairs() {
				if strings.Contains(r.Found, "no batch that continues") && r.Bytes > 500 {
					stale++
				}
			}
			b.recovered(l, h)
			for {
				b.recycleStep(l, h)
				if s := l.Stats(); s.SegmentsRecycled > 0 {
					recycled++
				}
			}
		}
		node := w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount})
		lives := 0
		var end func()
		end = func() {
			if w.PowerOff("broker"); lives%2 == 0 {
				d.PowerLoss(r)
			} else {
				d.Crash()
			}
			if lives++; lives < 8 {
				n := w.Restart("broker", d.Mount)
				n.Go("life", func() { life(n) })
				w.At(w.Now().Add(time.Duration(30+r.IntN(90))*time.Millisecond), end)
			}
		}
		w.At(env.Time(0).Add(time.Duration(30+r.IntN(90))*time.Millisecond), end)
		if err := w.Run(node, func() { life(node) }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.Close()
		d.Close()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d of 640 lives found bytes of a former life behind the end", stale)
	if stale < 20 || recycled == 0 {
		t.Errorf("only %d lives found bytes of a former life behind the end", stale)
	}
}

// recycleStep is one step of a life that deletes and rolls often.
func (b *bed) recycleStep(l *commitlog.Log, h *history) {
	switch b.rand.IntN(20) {
	case 0:
		b.must(l.Flush())
		h.flushed = h.model.end()
	case 1:
		h.model.startMax = h.flushed
		_, err := l.DeleteOldSegments(h.flushed)
		b.must(err)
	default:
		p := b.evenBatch()
		h.model.add(b.stamped(p, h.model.end(), 7)) // before: it may end in the append
		a, err := l.AppendAsLeader(7, b.buf(p))
		b.must(err)
		if a.Flushed != 0 {
			h.flushed = a.NextOffset
		}
	}
	b.node.Sleep(time.Duration(b.rand.IntN(100)) * time.Microsecond)
}
