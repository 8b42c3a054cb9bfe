package pagecache

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
	"brokerlab/engine/env"
)

// world is a cache with two volumes, of which random operations are done. It is its
// volumes' owner and remembers what should be durable.
type world struct {
	*testing.T
	c     *Cache
	v     [2]*Volume
	files []*model
	now   env.Time
	r     *rand.Rand
}

// model is what the test knows of a file.
type model struct {
	f       *File
	size    int64 // of the present life
	durable int64 // by commits
	sealed  int64
	syncing int
	cuts    int
}

type owner struct {
	w     *world
	files []*model
}

func (o *owner) Sealed(sizes []FileSize, _ int64) {
	o.files = o.files[:0]
	for _, s := range sizes {
		m := s.File.Ref.(*model)
		if s.Bytes > s.File.length {
			o.w.Errorf("a commit makes %d bytes durable of a file of %d", s.Bytes, s.File.length)
		}
		m.sealed = s.Bytes
		o.files = append(o.files, m)
		for id := s.File.writes; id != none; id = s.File.volume.requests[id].next {
			q := &s.File.volume.requests[id]
			if xfs := !s.File.volume.fs.OrderedData; xfs && m.cuts == 0 && q.fresh < min(q.end, s.Bytes) {
				o.w.Errorf("xfs: %d bytes are sealed while those from %d are under way", s.Bytes, q.fresh)
			}
		}
	}
}

func (o *owner) Committed() {
	for _, m := range o.files {
		m.durable = max(m.durable, m.sealed)
		v := m.f.volume
		committed := v.lastTID
		if v.running != nil {
			committed--
		}
		for id := m.f.writes; id != none; id = v.requests[id].next {
			if v.fs.OrderedData && v.requests[id].tid != 0 && v.requests[id].tid <= committed {
				o.w.Errorf("a commit has ended before data of its transaction was written")
			}
		}
	}
}

// chaos is a device that ends requests after random times, in any order.
type chaos struct {
	r     *rand.Rand
	under []device.Completion
}

func (d *chaos) Submit(now env.Time, r device.Request) {
	d.under = append(d.under, device.Completion{Request: r, Submitted: now,
		Done: now.Add(time.Duration(d.r.Int64N(int64(20 * time.Millisecond))))})
}

func (d *chaos) first() int {
	first := 0
	for i := range d.under {
		if d.under[i].Done < d.under[first].Done {
			first = i
		}
	}
	return first
}

func (d *chaos) NextEvent() env.Time {
	if len(d.under) == 0 {
		return env.Never
	}
	return d.under[d.first()].Done
}

func (d *chaos) Advance(now env.Time, done func(device.Completion)) {
	for d.NextEvent() <= now {
		i := d.first()
		c := d.under[i]
		d.under = slices.Delete(d.under, i, i+1)
		done(c)
	}
}

func (d *chaos) Stats() device.Stats                    { return device.Stats{} }
func (d *chaos) PowerLoss(env.Time, func(device.Range)) {}

func newWorld(t *testing.T, seed uint64) *world {
	cfg := DefaultConfig()
	cfg.MemoryBytes, cfg.ReadAheadBytes = 1<<20, 64<<10
	cfg.DirtyExpire, cfg.DirtyWriteback = 300*time.Millisecond, 50*time.Millisecond
	w := &world{T: t, c: New(cfg), r: rand.New(rand.NewPCG(seed, 1))}
	for i, fs := range []FileSystem{Ext4(), XFS()} {
		p, err := profiles.Load([]string{"hdd-7200", "sata-ssd"}[i])
		if err != nil {
			t.Fatal(err)
		}
		dev, err := device.New(p.Config, rand.New(rand.NewPCG(seed, 2)))
		if err != nil {
			t.Fatal(err)
		}
		if seed%2 == 0 {
			dev = &chaos{r: rand.New(rand.NewPCG(seed, 3))}
		}
		fs.CommitInterval = 200 * time.Millisecond
		w.v[i] = w.c.NewVolume(VolumeConfig{Device: dev, CapacityBytes: p.Config.CapacityBytes, FileSystem: fs,
			WritebackDepth: 16, Owner: &owner{w: w}})
	}
	return w
}

func (w *world) advance(d time.Duration) {
	for end := w.now.Add(d); ; {
		first := w.v[0]
		if w.v[1].NextEvent() < first.NextEvent() {
			first = w.v[1]
		}
		w.now = min(end, first.NextEvent())
		if first.NextEvent() > end {
			return
		}
		first.Advance(w.now)
	}
}

// step does one operation.
func (w *world) step() {
	if len(w.files) < 2 || w.r.IntN(100) == 0 && len(w.files) < 12 {
		m := &model{f: w.v[w.r.IntN(2)].NewFile(w.r.Int64N(1 << 40))}
		m.f.Ref = m
		w.files = append(w.files, m)
		return
	}
	i := w.r.IntN(len(w.files))
	m := w.files[i]
	v := m.f.volume
	switch k := w.r.IntN(40); {
	case k < 22:
		n := 1 + w.r.Int64N([]int64{200, 9000, 300_000}[w.r.IntN(3)])
		m.f.Append(w.now, m.size, n)
		m.size += n
	case k < 26:
		off := w.r.Int64N(m.size + 1)
		w.read(m, &ReadAhead{}, off, w.r.Int64N(500_000), off)
	case k < 31:
		m.syncing++
		size, f, cuts := m.size, m.f, m.cuts
		v.Sync(w.now, f, &Op{Done: func() {
			m.syncing--
			if m.cuts == cuts {
				w.arrived(f, size)
				if f.reusedTo == 0 && m.durable < size && !f.forgotten {
					w.Errorf("%s: an fsync of %d bytes has ended, and a power loss would leave %d; dirty are %v",
						f.volume.fs.Name, size, m.durable, f.dirty)
				}
			}
		}})
	case k == 31:
		m.size = w.r.Int64N(m.size + 1)
		m.durable, m.sealed = min(m.durable, m.size), min(m.sealed, m.size)
		m.cuts++
		m.f.Truncate(w.now, m.size)
	case k == 32:
		m.f.DropCache()
	case k == 33 && m.syncing == 0:
		m.f.Reuse(w.now)
		m.size, m.durable, m.sealed = 0, 0, 0
	case k == 34 && w.r.IntN(3) == 0 && m.syncing == 0:
		m.f.Forget()
		w.files = slices.Delete(w.files, i, i+1)
	default:
		w.advance(time.Duration(w.r.Int64N(int64(30 * time.Millisecond))))
	}
}

// read reads to the end, with what it waits for.
func (w *world) read(m *model, ra *ReadAhead, off, n, pos int64) {
	f := m.f
	op := &Op{}
	op.Done = func() {
		if end := min(off+n, f.length); op.Loaded < end && !f.forgotten {
			w.read(m, ra, off, n, op.Loaded)
		}
	}
	f.Read(w.now, ra, off, n, pos, op)
}

// arrived fails if an fsync has ended and pages that it covers have not arrived,
// unless they were changed since.
func (w *world) arrived(f *File, size int64) {
	whole := pageDown(size)
	if f.busy(span{0, whole}) && !f.forgotten {
		w.Errorf("an fsync of %d bytes has ended, and pages below %d are dirty or under way: %v", size, whole, f.dirty)
	}
}

// check compares the sums with what they are sums of.
func (w *world) check() {
	w.Helper()
	var cached, dirty, writeback int64
	for _, v := range w.v {
		var ownDirty, ownCached int64
		for _, m := range w.files {
			f := m.f
			if f.volume != v {
				continue
			}
			ownDirty += spanBytes(f.dirty)
			last := int64(-1)
			for _, e := range f.cached {
				if e.from < last || e.from >= e.to || e.file != f {
					w.Fatalf("extents of a file are wrong at %v", e.span)
				}
				last = e.to
				ownCached += e.bytes()
			}
			for _, s := range f.dirty {
				for pos := s.from; pos < s.to; pos += PageBytes {
					if i := f.findCached(pos); i == len(f.cached) || f.cached[i].from > pos {
						w.Fatalf("the dirty page at %d is not in memory", pos)
					}
				}
			}
			if (len(f.dirty) > 0) != (f.queue != nil) {
				w.Fatalf("a file with dirty pages %v is queued: %v", f.dirty, f.queue != nil)
			}
		}
		if ownDirty != v.stats.DirtyBytes || ownCached != v.stats.CachedBytes {
			w.Fatalf("the volume counts %d dirty and %d cached bytes; they are %d and %d", v.stats.DirtyBytes,
				v.stats.CachedBytes, ownDirty, ownCached)
		}
		dirty, cached, writeback = dirty+ownDirty, cached+ownCached, writeback+v.stats.WritebackBytes
	}
	if dirty != w.c.dirtyBytes || cached != w.c.cachedBytes || writeback != w.c.writebackBytes {
		w.Fatalf("the cache counts %d dirty, %d cached, %d written; they are %d, %d, %d", w.c.dirtyBytes, w.c.cachedBytes,
			w.c.writebackBytes, dirty, cached, writeback)
	}
}

// Goal: whatever is done, the sums are right, dirty pages are in memory, an fsync
// ends with its pages on the device, and in the end everything is. Method: random
// operations on two volumes with little memory; then time passes.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(t, seed)
		for range 3000 {
			w.step()
			w.check()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		w.advance(time.Minute)
		w.check()
		for _, m := range w.files {
			if m.syncing != 0 || len(m.f.dirty) > 0 || m.f.writes != none || len(m.f.loads) > 0 {
				t.Fatalf("seed %d: after a minute a file has %d syncs, dirty pages %v, loads %v", seed, m.syncing,
					m.f.dirty, m.f.loads)
			}
			if m.durable < m.size && m.f.reusedTo == 0 { // in place: that takes a flush, and nobody asks for one
				t.Fatalf("seed %d: after a minute %d of %d bytes are durable", seed, m.durable, m.size)
			}
		}
		if w.c.writebackBytes != 0 || w.c.dirtyBytes != 0 {
			t.Fatalf("seed %d: %d bytes are dirty, %d under way", seed, w.c.dirtyBytes, w.c.writebackBytes)
		}
		for i, v := range w.v {
			if v.NextEvent() != env.Never {
				t.Fatalf("seed %d: volume %d is not idle after a minute: next event at %d", seed, i, v.NextEvent())
			}
		}
	}
}
