package pagecache_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

// Goal: what nobody syncs is written when it has expired, at the next wake-up of the
// flusher, and durable with the next commit: so that a power loss has a bound.
// Method: an append at 1 s, on both file systems; the thresholds are far away.
func TestExpiry(t *testing.T) {
	for _, row := range []struct {
		fs             pagecache.FileSystem
		written, bound time.Duration // after the append
	}{{pagecache.Ext4(), 35 * time.Second, 41 * time.Second}, {pagecache.XFS(), 35 * time.Second, 66 * time.Second}} {
		r := newRig(t, pagecache.DefaultConfig(), "hdd-7200", row.fs)
		f := r.v.NewFile(0)
		began := env.Time(time.Second)
		r.advance(began)
		f.Append(r.now, 0, 300_000)
		var written, durable time.Duration
		for r.v.NextEvent() != env.Never {
			r.advance(r.v.NextEvent())
			if s := r.v.Stats(r.now); written == 0 && s.DirtyBytes == 0 {
				written = r.now.Sub(began)
			}
			if durable == 0 && r.durable[f] == 300_000 {
				durable = r.now.Sub(began)
			}
		}
		if written < 30*time.Second || written > row.written {
			t.Errorf("%s: dirty pages are written after %v, want 30 s to %v", row.fs.Name, written, row.written)
		}
		if durable < written || durable > row.bound {
			t.Errorf("%s: they are durable after %v, want %v at most", row.fs.Name, durable, row.bound)
		}
	}
}

// Goal: above the background threshold write-back runs at once, below it it waits;
// files take turns by chunks. Method: two files with half of the memory that is
// allowed to be dirty each.
func TestBackground(t *testing.T) {
	cfg := pagecache.DefaultConfig()
	cfg.MemoryBytes = 1 << 30
	r := newRig(t, cfg, "sata-ssd", pagecache.Ext4())
	limit := r.c.Limits().BackgroundBytes &^ (2*pagecache.PageBytes - 1)
	a, b := r.v.NewFile(0), r.v.NewFile(0)
	a.Append(r.now, 0, limit/2)
	b.Append(r.now, 0, limit/2-pagecache.PageBytes)
	if s := r.v.Stats(r.now); s.WritebackBytes != 0 {
		t.Errorf("%d bytes are written below the threshold", s.WritebackBytes)
	}
	b.Append(r.now, limit/2-pagecache.PageBytes, 10<<20)
	if s := r.v.Stats(r.now); s.WritebackBytes == 0 {
		t.Error("nothing is written above the threshold")
	}
	r.advance(env.Time(time.Second))
	s := r.v.Stats(r.now)
	if s.DirtyBytes > limit || s.DirtyBytes < limit-(8<<20) || s.WritebackBytes != 0 {
		t.Errorf("after a second %d bytes are dirty, want just below %d", s.DirtyBytes, limit)
	}
}

// slowBackground is a device on which write-back takes a second and all else 1 ms.
type slowBackground struct {
	device.Device // for what is not called
	under         []device.Completion
}

func (d *slowBackground) Submit(now env.Time, r device.Request) {
	took := time.Millisecond
	if r.Class == device.Background {
		took = time.Second
	}
	d.under = append(d.under, device.Completion{Request: r, Submitted: now, Done: now.Add(took)})
	slices.SortStableFunc(d.under, func(a, b device.Completion) int { return cmp.Compare(a.Done, b.Done) })
}

func (d *slowBackground) Stats() device.Stats { return device.Stats{} }

func (d *slowBackground) NextEvent() env.Time {
	if len(d.under) == 0 {
		return env.Never
	}
	return d.under[0].Done
}

func (d *slowBackground) Advance(now env.Time, done func(device.Completion)) {
	for d.NextEvent() <= now {
		c := d.under[0]
		d.under = d.under[1:]
		done(c)
	}
}

// Goal: on ext4 an fsync waits for data of other files that the transaction
// allocated blocks for; on xfs it does not. Method: an fsync of a page beside
// write-back, on a device where that takes a second.
func TestOrderedData(t *testing.T) {
	for _, row := range []struct {
		fs   pagecache.FileSystem
		want time.Duration
	}{
		{pagecache.Ext4(), time.Second + 3*time.Millisecond}, // the journal, a flush, the commit block
		{pagecache.XFS(), 3 * time.Millisecond},              // the data, a flush, the log
	} {
		cfg := pagecache.DefaultConfig()
		cfg.MemoryBytes = 256 << 20
		r := newRigWith(t, cfg, "nvme", row.fs, func(device.Device) device.Device { return &slowBackground{} })
		large, small := r.v.NewFile(0), r.v.NewFile(0)
		large.Append(r.now, 0, 400<<20)
		small.Append(r.now, 0, 100)
		if got := r.sync(small); got != row.want {
			t.Errorf("%s: beside write-back an fsync takes %v, want %v", row.fs.Name, got, row.want)
		}
	}
}

// Goal: fsyncs that run together share commits and flushes. Method: forty files
// synced at once and one after the other.
func TestSyncsShare(t *testing.T) {
	const files = 40
	for _, fs := range []pagecache.FileSystem{pagecache.Ext4(), pagecache.XFS()} {
		r := newRig(t, pagecache.DefaultConfig(), "sata-ssd", fs)
		var all []*pagecache.File
		for range files {
			f := r.v.NewFile(0)
			f.Append(r.now, 0, 4096)
			all = append(all, f)
		}
		began, left := r.now, files
		for _, f := range all {
			r.v.Sync(r.now, f, &pagecache.Op{Done: func() { left-- }})
		}
		for left > 0 {
			r.advance(r.v.NextEvent())
		}
		together, flushes := r.now.Sub(began), r.v.Stats(r.now).Device.FlushesServed
		began = r.now
		for _, f := range all {
			f.Append(r.now, 4096, 4096)
			r.sync(f)
		}
		if apart := r.now.Sub(began); together*8 > apart || flushes > 8 {
			t.Errorf("%s: %d fsyncs take %v together, with %d flushes, and %v one after the other", fs.Name, files,
				together, flushes, apart)
		}
		for _, f := range all {
			if r.durable[f] != 8192 {
				t.Fatalf("%s: %d bytes of a synced file are durable", fs.Name, r.durable[f])
			}
		}
	}
}

// Goal: bytes written over in place (Reuse) need no commit, one flush; beyond the
// former end they need one. Method: commits and flushes of the syncs.
func TestReuseNeedsNoCommit(t *testing.T) {
	r := newRig(t, pagecache.DefaultConfig(), "sata-ssd", pagecache.Ext4())
	f := r.v.NewFile(0)
	f.Append(r.now, 0, 1<<20)
	r.sync(f)
	f.Reuse(r.now)
	for _, row := range []struct {
		says             string
		off, n           int64
		commits, flushes int64
	}{
		{"in place", 0, 4096, 0, 1},
		{"in place again", 4096, 8192, 0, 1},
		{"up to the former end", 12288, 1<<20 - 12288, 0, 1},
		{"beyond it", 1 << 20, 4096, 1, 2},
	} {
		before, committed := r.v.Stats(r.now).Device, r.committed
		f.Append(r.now, row.off, row.n)
		r.sync(f)
		flushes := r.v.Stats(r.now).Device.FlushesServed - before.FlushesServed
		if got := int64(r.committed - committed); got != row.commits || flushes != row.flushes {
			t.Errorf("%s: %d commits and %d flushes, want %d and %d", row.says, got, flushes, row.commits, row.flushes)
		}
	}
}

// Goal: another file's commit does not make bytes durable that were written over in
// place and have not arrived. Method: what commits say of a reused file, before and
// after its bytes are written.
func TestReuseIsNotOrdered(t *testing.T) {
	for _, fs := range []pagecache.FileSystem{pagecache.Ext4(), pagecache.XFS()} {
		r := newRig(t, pagecache.DefaultConfig(), "sata-ssd", fs)
		f, other := r.v.NewFile(0), r.v.NewFile(0)
		f.Append(r.now, 0, 1<<20)
		r.sync(f)
		f.Reuse(r.now)
		f.Append(r.now, 0, 10_000)
		other.Append(r.now, 0, 10)
		r.sync(other)
		if got := r.durable[f]; got != 0 {
			t.Errorf("%s: %d bytes are durable that were not written", fs.Name, got)
		}
		r.sync(f)
		f.Append(r.now, 10_000, 100)
		other.Append(r.now, 10, 10)
		r.sync(other)
		if got := r.durable[f]; got != 8192 { // the third page is dirty again
			t.Errorf("%s: %d bytes are durable of two clean pages", fs.Name, got)
		}
	}
}

// Goal: while one window is waited for, the next one is on its way. Method: a cold
// file is read in one piece, with windows of 128 KiB, from a disk of which each
// request takes 1 ms.
func TestReadAheadOverlaps(t *testing.T) {
	r := newRigWith(t, pagecache.DefaultConfig(), "nvme", pagecache.Ext4(), func(device.Device) device.Device {
		return &slowBackground{}
	})
	f := r.v.NewFile(0)
	f.Append(r.now, 0, 16<<20)
	r.sync(f)
	f.DropCache()
	began := r.now
	r.read(f, &pagecache.ReadAhead{}, 0, 16<<20)
	if got, most := r.now.Sub(began), 70*time.Millisecond; got > most {
		t.Errorf("128 windows take %v, want %v at most", got, most)
	}
}

// Goal: while ext4 writes an inode to the journal, appends to that file wait, others
// do not; xfs has no such wait. Method: every instant of an fsync is tried.
func TestJournalStalls(t *testing.T) {
	for _, fs := range []pagecache.FileSystem{pagecache.Ext4(), pagecache.XFS()} {
		r := newRig(t, pagecache.DefaultConfig(), "sata-ssd", fs)
		f, other := r.v.NewFile(0), r.v.NewFile(0)
		f.Append(r.now, 0, 4096)
		done, stalls, ended := false, 0, 0
		r.v.Sync(r.now, f, &pagecache.Op{Done: func() { done = true }})
		other.Append(r.now, 0, 4096)
		for !done {
			if r.v.Stalls(f, &pagecache.Op{Done: func() { ended++ }}) {
				stalls++
			}
			r.advance(r.v.NextEvent())
		}
		if want := fs.OrderedData; stalls > 0 != want || ended != stalls {
			t.Errorf("%s: %d instants at which an append waits, %d waits ended", fs.Name, stalls, ended)
		}
		if r.v.Stalls(other, &pagecache.Op{}) {
			t.Errorf("%s: another file's append waits", fs.Name)
		}
	}
}

// readAll reads a file from the beginning by pieces and returns what the device had
// to do.
func (r *rig) readAll(f *pagecache.File, ra *pagecache.ReadAhead, size, piece int64) device.Stats {
	r.Helper()
	before := r.v.Stats(r.now).Device
	for off := int64(0); off < size; off += piece {
		r.read(f, ra, off, piece)
	}
	after := r.v.Stats(r.now).Device
	return device.Stats{Reads: after.Reads - before.Reads, BytesRead: after.BytesRead - before.BytesRead}
}

func (r *rig) read(f *pagecache.File, ra *pagecache.ReadAhead, off, n int64) {
	r.Helper()
	op := &pagecache.Op{}
	for pos := off; ; pos = op.Loaded {
		done := false
		op.Done = func() { done = true }
		if pos = f.Read(r.now, ra, off, n, pos, op); pos >= min(off+n, f.Length()) {
			return
		}
		for !done {
			r.advance(r.v.NextEvent())
		}
	}
}

// Goal: a file that is read from its beginning comes in windows, and nothing is read
// twice; random reads bring what they ask for. Method: requests of the device.
func TestReadAhead(t *testing.T) {
	const size = 16 << 20
	for _, row := range []struct {
		says         string
		ahead, piece int64
		most         int64 // requests
	}{
		{"128 KiB, page by page", 128 << 10, 4096, size/(128<<10) + 4},
		{"128 KiB, a MiB at once", 128 << 10, 1 << 20, size / (128 << 10)},
		{"4 MiB, page by page", 4 << 20, 4096, 24},
		{"none, page by page", 0, 4096, size / 4096},
	} {
		cfg := pagecache.DefaultConfig()
		cfg.ReadAheadBytes = row.ahead
		r := newRig(t, cfg, "hdd-7200", pagecache.Ext4())
		f := r.v.NewFile(0)
		f.Append(r.now, 0, size)
		r.sync(f)
		if got := f.DropCache(); got != size {
			t.Fatalf("%s: %d bytes were dropped", row.says, got)
		}
		got := r.readAll(f, &pagecache.ReadAhead{}, size, row.piece)
		if got.BytesRead != size || got.Reads > row.most {
			t.Errorf("%s: %d bytes in %d requests, want %d in %d at most", row.says, got.BytesRead, got.Reads, size, row.most)
		}
		if again := r.readAll(f, &pagecache.ReadAhead{}, size, row.piece); again.Reads != 0 {
			t.Errorf("%s: the second time %d requests", row.says, again.Reads)
		}
		f.DropCache()
		before, ra, rnd := r.v.Stats(r.now).Device, &pagecache.ReadAhead{}, rand.New(rand.NewPCG(1, 1))
		for range 20 {
			r.read(f, ra, 4096+rnd.Int64N(size/8192-1)*8192, 4096)
		}
		after := r.v.Stats(r.now).Device
		if n := after.BytesRead - before.BytesRead; n > 20*4096 {
			t.Errorf("%s: 20 random pages are %d bytes", row.says, n)
		}
	}
}

// Goal: the memory holds what was used last, and the rest comes from the device.
// Method: twice as much as the memory is written; its end and its beginning are read.
func TestEviction(t *testing.T) {
	cfg := pagecache.DefaultConfig()
	cfg.MemoryBytes = 64 << 20
	r := newRig(t, cfg, "nvme", pagecache.Ext4())
	f := r.v.NewFile(0)
	for off := int64(0); off < 128<<20; off += 1 << 20 {
		f.Append(r.now, off, 1<<20)
		r.sync(f)
	}
	for _, row := range []struct {
		says string
		off  int64
		hit  bool
	}{
		{"the end", 120 << 20, true},
		{"the oldest part that fits", 68 << 20, true},
		{"the beginning", 0, false},
		{"the beginning again", 0, true},
		{"what was read before, since that was used", 120 << 20, true},
	} {
		before := r.v.Stats(r.now)
		r.read(f, &pagecache.ReadAhead{}, row.off, 4<<20)
		after := r.v.Stats(r.now)
		if hit := after.MissBytes == before.MissBytes; hit != row.hit {
			t.Errorf("%s: %d bytes of 4 MiB missed", row.says, after.MissBytes-before.MissBytes)
		}
		if after.CachedBytes > cfg.MemoryBytes {
			t.Errorf("%s: %d bytes are in memory", row.says, after.CachedBytes)
		}
	}
}

// Goal: many files that are appended in turn make a hard disk seek: the rate drifts
// from sequential towards random. Method: 64 KiB for each file in turn, written back
// together; rates by the number of files.
func TestManyFilesDrift(t *testing.T) {
	const history, each, total = 9 << 20, 64 << 10, 256 << 20
	var rates []float64
	for _, files := range []int64{1, 64, 2048} {
		r := newRig(t, pagecache.DefaultConfig(), "hdd-7200", pagecache.Ext4())
		all := make([]*pagecache.File, files)
		for i := range all {
			all[i] = r.v.NewFile(r.v.Place(0))
			all[i].Append(r.now, 0, history)
			r.sync(all[i])
		}
		began, left, rounds := r.now, 0, total/each/files
		for i := range rounds {
			for _, f := range all {
				f.Append(r.now, history+i*each, each)
			}
		}
		for _, f := range all {
			left++
			r.v.Sync(r.now, f, &pagecache.Op{Done: func() { left-- }})
		}
		for left > 0 {
			r.advance(r.v.NextEvent())
		}
		rates = append(rates, total/r.now.Sub(began).Seconds()/1e6)
	}
	t.Logf("MB/s of 1, 64, 2048 files: %.1f", rates)
	if rates[0] < 150 || rates[1] > 0.9*rates[0] || rates[2] > rates[0]/6 {
		t.Errorf("rates of 1, 64, 2048 files are %.1f MB/s", rates)
	}
}

// counted is a device that sums its queue by itself.
type counted struct {
	device.Device
	arrived, done int
	waited        time.Duration
	area          time.Duration // requests outstanding, over time
	since         env.Time
	queue         int
}

func (d *counted) see(now env.Time) {
	d.area += now.Sub(d.since) * time.Duration(d.queue)
	d.since = now
}

func (d *counted) Submit(now env.Time, r device.Request) {
	d.see(now)
	d.queue++
	d.arrived++
	d.Device.Submit(now, r)
}

func (d *counted) Advance(now env.Time, done func(device.Completion)) {
	d.Device.Advance(now, func(c device.Completion) {
		d.see(c.Done)
		d.queue--
		d.done++
		d.waited += c.Done.Sub(c.Submitted)
		done(c)
	})
}

// Goal: Little's law on the device's queue: the mean number outstanding is the rate
// of arrivals times the mean time that they take; the device's own sum is the same.
// Method: 20 s of appends, syncs and reads of a dozen files, counted from outside.
func TestLittlesLaw(t *testing.T) {
	var d *counted
	r := newRigWith(t, pagecache.DefaultConfig(), "sata-ssd", pagecache.Ext4(), func(inner device.Device) device.Device {
		d = &counted{Device: inner}
		return d
	})
	rnd := rand.New(rand.NewPCG(3, 4))
	files, sizes := make([]*pagecache.File, 12), make([]int64, 12)
	for i := range files {
		files[i] = r.v.NewFile(0)
	}
	for r.now < env.Time(20*time.Second) {
		i := rnd.IntN(len(files))
		files[i].Append(r.now, sizes[i], 100_000)
		sizes[i] += 100_000
		switch rnd.IntN(10) {
		case 0:
			r.v.Sync(r.now, files[i], &pagecache.Op{Done: func() {}})
		case 1:
			files[i].DropCache()
			r.read(files[i], &pagecache.ReadAhead{}, rnd.Int64N(sizes[i]), 50_000)
		}
		r.advance(r.now.Add(time.Duration(rnd.Int64N(int64(4 * time.Millisecond)))))
	}
	for d.queue > 0 {
		r.advance(r.v.NextEvent())
	}
	if d.arrived != d.done || d.arrived < 1000 {
		t.Fatalf("%d requests came, %d are done", d.arrived, d.done)
	}
	if d.area != d.waited {
		t.Errorf("the queue sums to %v, the waits to %v", d.area, d.waited)
	}
	elapsed := r.now.Sub(0).Seconds()
	mean := d.area.Seconds() / elapsed
	little := float64(d.arrived) / elapsed * (d.waited.Seconds() / float64(d.done))
	if own := r.v.Stats(r.now).Device.QueueTime; own != d.area || mean < little*0.999 || mean > little*1.001 {
		t.Errorf("mean queue is %.4f, arrivals times wait %.4f; the device's sum is %v of %v", mean, little, own, d.area)
	}
}

// Goal: what lagging consumers get from a hard disk is decided by read-ahead: each
// window costs a seek. Method: 40 cold files read side by side, in windows of 128 KiB
// and 4 MiB; the reference says about 10 and 117 MB/s for windows one after another,
// without the drive's queue, which gets more out of the small ones.
func TestLaggingReaders(t *testing.T) {
	const files, size, piece = 40, 64 << 20, 1 << 20
	rates := map[int64]float64{}
	for _, ahead := range []int64{128 << 10, 4 << 20} {
		cfg := pagecache.DefaultConfig()
		cfg.ReadAheadBytes = ahead
		r := newRig(t, cfg, "hdd-7200", pagecache.Ext4())
		readers := make([]*reader, files)
		left := 0
		for i := range readers {
			f := r.v.NewFile(int64(i) << 34)
			f.Append(r.now, 0, size)
			r.sync(f)
			f.DropCache()
			readers[i] = &reader{r: r, f: f, size: size / 4, piece: piece, left: &left}
		}
		began := r.now
		for _, rd := range readers {
			left++
			rd.op.Done = rd.goOn
			rd.goOn()
		}
		for left > 0 {
			r.advance(r.v.NextEvent())
		}
		rates[ahead] = files * size / 4 / r.now.Sub(began).Seconds() / 1e6
	}
	if small, large := rates[128<<10], rates[4<<20]; small < 10 || small > 40 || large < 90 || large > 140 {
		t.Errorf("40 readers get %.1f MB/s with 128 KiB of read-ahead and %.1f with 4 MiB", small, large)
	}
}

// reader reads a file piece by piece, beside others.
type reader struct {
	r           *rig
	f           *pagecache.File
	ra          pagecache.ReadAhead
	op          pagecache.Op
	off         int64
	size, piece int64
	left        *int
}

func (rd *reader) goOn() {
	for pos := max(rd.off, rd.op.Loaded); rd.off < rd.size; {
		if pos = rd.f.Read(rd.r.now, &rd.ra, rd.off, rd.piece, pos, &rd.op); pos < rd.off+rd.piece {
			return
		}
		rd.off += rd.piece
	}
	*rd.left--
}
