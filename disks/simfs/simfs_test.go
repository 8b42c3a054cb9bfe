package simfs_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
)

// Goal: operations take what the configuration says. Method: a table of
// operations on a node whose clock only Sleep moves.
func TestCosts(t *testing.T) {
	cfg := simfs.Config{AppendCost: 5 * time.Microsecond, ReadCost: 3 * time.Microsecond, SyncCost: 2 * time.Millisecond,
		MetaCost: 20 * time.Microsecond, BytesPerSec: 100_000_000}
	r := newRig(t, cfg)
	for _, row := range []struct {
		says, script string
		want         time.Duration
	}{
		{"creating a file is a change of names", "create a", 20 * time.Microsecond},
		{"an append has a fixed cost", "append a 0123456789", 5 * time.Microsecond},
		{"a sync writes 10 bytes at 100 MB/s", "sync a", 2*time.Millisecond + 100*time.Nanosecond},
		{"a sync with nothing to write costs its fixed part", "sync a", 2 * time.Millisecond},
		{"truncating is a change of names", "truncate a 4", 20 * time.Microsecond},
		{"bytes below the cut are on the device", "sync a", 2 * time.Millisecond},
		{"syncing a directory costs a sync", "syncdir .", 2 * time.Millisecond},
		{"removing is a change of names", "remove a", 20 * time.Microsecond},
	} {
		before := r.node.now
		r.play(row.script)
		if got := r.node.now.Sub(before); got != row.want {
			t.Errorf("%s: took %v, want %v", row.says, got, row.want)
		}
	}
}

// Goal: syncs queue on the device and share no bytes, appends do not queue.
// Method: two nodes with clocks of their own, so that the second one's call
// begins while the first one's runs.
func TestSyncsQueue(t *testing.T) {
	r := newRig(t, simfs.Config{AppendCost: time.Microsecond, SyncCost: time.Millisecond, BytesPerSec: 1000})
	r.play("create a; append a 0123456789")
	second := &fakeNode{now: r.node.now, pool: r.pool}
	f, err := r.disk.Mount(second).Open("a")
	r.must(err)
	began := r.node.now
	r.play("sync a")
	if got, want := r.node.now.Sub(began), 11*time.Millisecond; got != want {
		t.Errorf("the first sync took %v, want %v", got, want)
	}
	r.must(f.Append(env.StaticBuf([]byte("x"))))
	if got, want := second.now.Sub(began), time.Microsecond; got != want {
		t.Errorf("the append beside it took %v, want %v", got, want)
	}
	r.must(f.Sync())
	if got, want := second.now.Sub(began), 11*time.Millisecond+2*time.Millisecond; got != want {
		t.Errorf("the second sync ended after %v, want %v", got, want)
	}
	r.play("append a 01; in sync a: sync a") // the two bytes are written once
	want := simfs.Stats{Appends: 3, BytesAppended: 13, Syncs: 4, BytesSynced: 13}
	if got := r.disk.Stats(); got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
}

// Goal: a full disk takes what fits and says so; removing makes room. Method: a
// disk of 10 bytes.
func TestCapacity(t *testing.T) {
	r := newRig(t, simfs.Config{CapacityBytes: 10})
	r.play("create a; append a 01234; create b")
	free := func(want int64) {
		t.Helper()
		if got, err := r.fs.Free(); err != nil || got != want {
			t.Errorf("free is %d, %v; want %d", got, err, want)
		}
	}
	free(5)
	err := r.open["b"].Append(r.memory("abcdefgh"))
	if !errors.Is(err, env.ErrNoSpace) || err.Error() != "append b: no space left on device" {
		t.Errorf("error is %v", err)
	}
	if got := r.image("."); got != "a=01234 b=abcde" {
		t.Errorf("the full disk holds %q", got)
	}
	free(0)
	r.play("truncate b 2")
	free(3)
	r.play("remove a")
	free(3) // it is open
	r.play("close a; append b XYZ")
	free(5)
	r.play("rename b c; create d; append d 12345; rename d c; close b")
	free(5)
	if got := r.image("."); got != "c=12345" {
		t.Errorf("the disk holds %q", got)
	}
	r.disk.Close()
	if live := r.pool.Live(); live != 0 {
		t.Errorf("%d buffers are still referred to", live)
	}
}

// Goal: after a power loss the free space is that of the image. Method: removals
// that some seeds bring back, and their second removal.
func TestCapacityAfterPowerLoss(t *testing.T) {
	kept := 0
	for seed := range uint64(20) {
		r := newRig(t, simfs.Config{CapacityBytes: 100})
		r.play("create a; append a 0123456789; sync a; create b; append b 01; sync b; syncdir .; close a; remove a")
		r.disk.PowerLoss(rand.New(rand.NewPCG(seed, 1)))
		want := int64(98)
		if strings.HasPrefix(r.image("."), "a=") {
			want = 88
			kept++
		}
		if got, err := r.fs.Free(); got != want || err != nil {
			t.Fatalf("seed %d: free is %d, %v; want %d with %q", seed, got, err, want, r.image("."))
		}
		if want == 88 {
			r.play("remove a")
		}
		r.play("remove b; syncdir .")
		if got, _ := r.fs.Free(); got != 100 || r.pool.Live() != 0 {
			t.Fatalf("seed %d: free is %d of 100 on the empty disk, %d buffers live", seed, got, r.pool.Live())
		}
	}
	if kept == 0 || kept == 20 {
		t.Errorf("the removal was lost with %d of 20 seeds", kept)
	}
}

// Goal: a Sync that dies counts for nothing, and the device is free after a power
// loss. Method: the crash or the power loss comes while a Sync of 10 ms waits;
// then a second Sync at the same instant.
func TestSyncDies(t *testing.T) {
	for _, row := range []struct {
		says string
		dies func(*simfs.Disk)
		want time.Duration
	}{
		{"after a crash the device is busy, and the bytes are written again",
			func(d *simfs.Disk) { d.Crash() }, 22 * time.Millisecond},
		{"after a power loss it is idle, and what is left is on it",
			func(d *simfs.Disk) { d.PowerLoss(rand.New(rand.NewPCG(1, 1))) }, time.Millisecond},
	} {
		r := newRig(t, simfs.Config{SyncCost: time.Millisecond, BytesPerSec: 1000})
		r.play("create a; syncdir .; append a 0123456789")
		r.node.now = r.node.now.Add(time.Second)
		began := r.node.now
		r.node.during = func() { row.dies(r.disk) }
		if err := r.open["a"].Sync(); !errors.Is(err, env.ErrClosed) {
			t.Errorf("%s: the Sync that died returns %v", row.says, err)
		}
		r.node.now = began
		r.play("open a; sync a")
		if got := r.node.now.Sub(began); got != row.want {
			t.Errorf("%s: the next Sync took %v, want %v", row.says, got, row.want)
		}
	}
}

// Goal: a removed file's memory goes back when nobody can see it any more: at
// once if it was never durable, else when the removal is. Method: live buffers
// of the pool after each step.
func TestMemoryIsReleased(t *testing.T) {
	r := newRig(t, simfs.Config{})
	for _, row := range []struct {
		says, script string
		live         int64
	}{
		{"an append holds its buffer", "create a; append a 1; append a 2", 2},
		{"a file that was never durable goes at once", "close a; remove a", 0},
		{"synced and durable, and one byte more", "create b; append b 1; sync b; append b 2; syncdir .", 2},
		{"a removed file stays while it is open", "remove b", 2},
		{"then its unsynced bytes go", "close b", 1},
		{"and the rest with the directory's sync", "syncdir .", 0},
		{"a truncation keeps synced bytes", "create c; append c 12; append c 34; sync c; syncdir .; truncate c 1", 2},
		{"until it is durable", "sync c", 1},
		{"a truncation of unsynced bytes goes at once", "append c 56; append c 78; truncate c 3", 2},
		{"a replaced file goes when the rename is durable", "create d; sync d; rename d c; close c", 1},
		{"and then", "syncdir .", 0},
		{"a directory with a durable file", "mkdir d; create d/a; append d/a 1; sync d/a; syncdir d; syncdir .", 1},
		{"is removed with it", "close d/a; remove d/a; remove d", 1},
		{"and gone with its parent's sync", "syncdir .", 0},
	} {
		r.play(row.script)
		if got := r.pool.Live(); got != row.live {
			t.Errorf("%s: %d buffers live, want %d", row.says, got, row.live)
		}
	}
}

// Goal: no allocation that grows with the file. Method: allocations of reads in
// a file of many small parts, by position and size.
func TestReadAllocates(t *testing.T) {
	r := newRig(t, simfs.Config{})
	f, err := r.fs.Create("a")
	r.must(err)
	part := env.Join(env.StaticBuf(make([]byte, 61)), env.StaticBuf(make([]byte, 1000)))
	for range 20_000 {
		r.must(f.Append(part.Retain()))
	}
	for _, row := range []struct {
		says string
		off  int64
		size int
		want float64
	}{
		{"a whole append is handed out as it is", 1061 * 9000, 1061, 0},
		{"a piece of one is one slice", 1061*9000 + 70, 100, 1},
		{"three whole appends are joined", 1061 * 9000, 3 * 1061, 2},
		{"pieces at both ends are slices", 1061*9000 + 70, 3 * 1061, 5},
	} {
		got := testing.AllocsPerRun(100, func() {
			b, err := f.Read(row.off, row.size)
			r.must(err)
			b.Release()
		})
		if got > row.want {
			t.Errorf("%s: %v allocations, want %v", row.says, got, row.want)
		}
	}
}

// Goal: figures that make no sense are refused. Method: one negative figure each.
func TestValidate(t *testing.T) {
	if err := simfs.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	for _, cfg := range []simfs.Config{{AppendCost: -1}, {ReadCost: -1}, {SyncCost: -1}, {MetaCost: -1},
		{BytesPerSec: -1}, {CapacityBytes: -1}} {
		if cfg.Validate() == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// BenchmarkAppendRead is what the file system itself costs per operation, in a
// file of hundreds of megabytes in small parts.
func BenchmarkAppendRead(b *testing.B) {
	node := &fakeNode{pool: env.NewPool()}
	f, err := simfs.NewDisk(simfs.Config{}).Mount(node).Create("a")
	if err != nil {
		b.Fatal(err)
	}
	part := env.Join(env.LengthBuf(61), env.LengthBuf(1000))
	for range 300_000 {
		if err := f.Append(part.Retain()); err != nil {
			b.Fatal(err)
		}
	}
	size := f.Size()
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f.Append(part.Retain()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, row := range []struct {
		name string
		max  int
	}{{"read 4 KiB", 4 << 10}, {"read 1 MiB", 1 << 20}} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			off := int64(0)
			for b.Loop() {
				buf, err := f.Read(off, row.max)
				if err != nil {
					b.Fatal(err)
				}
				buf.Release()
				off = (off + 7_777_777) % size
			}
		})
	}
}
