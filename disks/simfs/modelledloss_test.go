package simfs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// lossBed is a node that works on a modelled disk until the power goes.
type lossBed struct {
	*testing.T
	world    *simworld.World
	disk     *simfs.Disk
	node     env.Node
	operator env.Node
	pool     *env.Pool
}

func newLossBed(t *testing.T, profile, fs string) *lossBed {
	w := simworld.New(simworld.DefaultConfig())
	_, d := modelledDisk(t, w, simfs.DefaultHostConfig(), profile, fs)
	return &lossBed{T: t, world: w, disk: d, pool: env.NewPoisonedPool(),
		node:     w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount}),
		operator: w.NewNode(env.NodeConfig{Name: "operator"})}
}

// run lets work run until an instant, then does what ends it, and returns what a
// process finds that boots after that.
func (b *lossBed) run(at env.Time, work func(), end func()) (image string) {
	b.Helper()
	err := b.world.Run(b.operator, func() {
		b.node.Go("worker", work)
		b.operator.Sleep(time.Duration(at))
		end()
		booted := b.world.Restart("broker", b.disk.Mount)
		booted.Go("reader", func() {
			r := &rig{T: b.T, disk: b.disk, fs: booted.FS(), pool: b.pool}
			image = r.image(".")
		})
	})
	if err != nil {
		b.Fatalf("at %v: %v", time.Duration(at), err)
	}
	b.disk.Close()
	if live := b.pool.Live(); live != 0 {
		b.Errorf("at %v: %d buffers are still referred to", time.Duration(at), live)
	}
	return image
}

// powerLoss cuts the power, with choices drawn from a seed.
func (b *lossBed) powerLoss(seed uint64) func() {
	return func() {
		b.world.PowerOff("broker")
		b.disk.PowerLoss(rand.New(rand.NewPCG(seed, 1)))
	}
}

func (b *lossBed) ok(err error) {
	if err != nil {
		b.Error(err)
	}
}

func (b *lossBed) append(f env.File, s string) {
	m := b.pool.Get(len(s))
	copy(m.Bytes(), s)
	b.ok(f.Append(env.MemBuf(m, m.Bytes()[:len(s)])))
}

// Goal: at any instant a power loss leaves all that was synced, of the rest a prefix,
// and names in the order in which they were made, as a journal has them; twice the
// same. Method: a task makes files in turn, appends to each and syncs some of them;
// 60 instants on three disks.
func TestModelledPowerLoss(t *testing.T) {
	for _, row := range []struct {
		profile, fs string
		step        time.Duration
	}{{"hdd-7200", "ext4", 23 * time.Millisecond}, {"nvme", "xfs", 1300 * time.Microsecond},
		{"nvme-plp", "ext4", 41 * time.Microsecond}} {
		images := map[string]bool{}
		for i := range 60 {
			at := env.Time(i) * env.Time(row.step)
			image := modelledLossAt(t, row.profile, row.fs, at)
			if again := modelledLossAt(t, row.profile, row.fs, at); again != image {
				t.Fatalf("%s: at %v the power loss leaves %q and %q", row.profile, time.Duration(at), image, again)
			}
			images[image] = true
		}
		if len(images) < 8 {
			t.Errorf("%s, %s: 60 instants leave %d images", row.profile, row.fs, len(images))
		}
	}
}

func modelledLossAt(t *testing.T, profile, fs string, at env.Time) string {
	t.Helper()
	b := newLossBed(t, profile, fs)
	var synced []int // bytes of each file
	named := 0
	image := b.run(at, func() {
		for i := range 26 {
			f, err := b.node.FS().Create(string(rune('a' + i)))
			b.ok(err)
			synced = append(synced, 0)
			for n := range 4 {
				b.append(f, strings.Repeat(fmt.Sprint(n), 3))
				if (i+n)%3 == 0 {
					b.ok(f.Sync())
					synced[i] = 3 * (n + 1)
				}
			}
			if i%4 == 3 {
				b.ok(b.node.FS().SyncDir("."))
				named = i + 1
			}
			b.ok(f.Close())
		}
	}, b.powerLoss(uint64(at)))
	var files []string
	if image != "" {
		files = strings.Split(image, " ")
	}
	if len(files) < named {
		t.Fatalf("%s: at %v %d names were synced, %q are left", profile, time.Duration(at), named, image)
	}
	for i, file := range files {
		name, content, _ := strings.Cut(file, "=")
		if name != string(rune('a'+i)) || !strings.HasPrefix("000111222333", content) || len(content) < synced[i] {
			t.Fatalf("%s: at %v file %d is %q with %d bytes synced; all: %q", profile, time.Duration(at), i, file,
				synced[i], image)
		}
	}
	return image
}

// Goal: what nobody syncs is lost when it is young and kept when it is old: the loss
// has a bound of expiry, the flusher's period and the commit's. Method: an append and
// a power loss some time later.
func TestModelledLossHasABound(t *testing.T) {
	for _, row := range []struct {
		fs    string
		after time.Duration
		want  string
	}{
		{"ext4", 4 * time.Second, ""},
		{"ext4", 29 * time.Second, "a="}, // its name was committed, no data was written
		{"ext4", 42 * time.Second, "a=bytes"},
		{"xfs", 29 * time.Second, ""},
		{"xfs", 67 * time.Second, "a=bytes"},
	} {
		b := newLossBed(t, "hdd-7200", row.fs)
		image := b.run(env.Time(row.after), func() {
			f, err := b.node.FS().Create("a")
			b.ok(err)
			b.append(f, "bytes")
			b.node.Sleep(time.Hour)
		}, b.powerLoss(1))
		if image != row.want {
			t.Errorf("%s: %v after an append a power loss leaves %q, want %q", row.fs, row.after, image, row.want)
		}
	}
}

// Goal: a truncation that no commit covered did not happen, nor what was appended
// after it; one that a Sync covered did. Method: both, and one whose commit came in
// the background.
func TestModelledTruncate(t *testing.T) {
	for _, row := range []struct {
		says string
		sync bool
		at   time.Duration
		want string
	}{
		{"soon", false, time.Second, "a=bytes"},
		{"after a Sync", true, time.Second, "a=byXYZ"},
		{"after a commit, before the appended bytes are written", false, 9 * time.Second, "a=by"},
		{"when all is written", false, 50 * time.Second, "a=byXYZ"},
	} {
		for seed := range uint64(8) { // there is nothing to draw
			b := newLossBed(t, "sata-ssd", "ext4")
			image := b.run(env.Time(row.at), func() {
				f, err := b.node.FS().Create("a")
				b.ok(err)
				b.append(f, "bytes")
				b.ok(f.Sync())
				b.ok(b.node.FS().SyncDir("."))
				b.ok(f.Truncate(2))
				b.append(f, "XYZ")
				if row.sync {
					b.ok(f.Sync())
				}
				b.node.Sleep(time.Hour)
			}, b.powerLoss(seed))
			if image != row.want {
				t.Errorf("%s: a power loss leaves %q, want %q", row.says, image, row.want)
			}
		}
	}
}

// Goal: while ext4 writes a file's inode to the journal, appends to it wait; on xfs
// they do not. Method: the longest append to a file that another task syncs.
func TestAppendsStallOnCommits(t *testing.T) {
	longest := map[string]time.Duration{}
	for _, fs := range []string{"ext4", "xfs"} {
		b := newLossBed(t, "sata-ssd", fs)
		err := b.world.Run(b.node, func() {
			f, err := b.node.FS().Create("a")
			b.ok(err)
			b.node.Go("syncer", func() {
				for range 100 {
					b.ok(f.Sync())
				}
			})
			for range 2000 {
				before := b.node.Now()
				b.ok(f.Append(env.LengthBuf(100)))
				longest[fs] = max(longest[fs], b.node.Now().Sub(before))
				b.node.Sleep(50 * time.Microsecond)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if longest["xfs"] > 10*time.Microsecond || longest["ext4"] < 50*time.Microsecond {
		t.Errorf("the longest appends take %v", longest)
	}
}

// Goal: the end of the process loses nothing that it has appended. Method: a crash
// right after appends, in the middle of an fsync.
func TestModelledCrashKeepsThePageCache(t *testing.T) {
	b := newLossBed(t, "hdd-7200", "ext4")
	image := b.run(env.Time(10*time.Millisecond), func() {
		f, err := b.node.FS().Create("a")
		b.ok(err)
		b.append(f, "bytes")
		b.ok(f.Sync())
		t.Error("the fsync has ended")
	}, func() {
		b.world.Crash("broker")
		b.disk.Crash()
	})
	if image != "a=bytes" {
		t.Errorf("after a crash the disk holds %q", image)
	}
}

// Goal: a power loss finds nothing to choose but whether a commit whose last block is
// being written happened, all of it or nothing. Method: an fsync of two new files is
// cut at many instants; every choice is noted, and both outcomes are tried on clones.
func TestCommitIsAtomic(t *testing.T) {
	outcomes := map[string]int{}
	for i := range 60 {
		b := newLossBed(t, "hdd-7200", "ext4")
		b.run(env.Time(i)*env.Time(time.Millisecond), func() {
			for _, name := range []string{"a", "b"} {
				f, err := b.node.FS().Create(name)
				b.ok(err)
				b.append(f, "bytes of "+name)
				if name == "b" {
					b.ok(f.Sync())
				}
			}
			b.node.Sleep(time.Hour)
		}, func() {
			b.world.PowerOff("broker")
			for outcome := range int64(2) {
				clone, asked := b.disk.Clone(), ""
				clone.PowerLossBy(func(c simfs.Choice) int64 {
					asked += fmt.Sprint(c.Kind)
					return outcome
				})
				r := &rig{T: t, disk: clone, fs: clone.Mount(b.operator), pool: b.pool}
				outcomes[asked+":"+fmt.Sprint(outcome)+" "+r.image(".")]++
				clone.Close()
			}
			b.powerLoss(1)()
		})
	}
	commit := fmt.Sprint(simfs.ChoiceCommit)
	const after = "a= b=bytes of b"
	want := []string{":0 ", ":1 ", commit + ":0 " + after, commit + ":1 ", ":0 " + after, ":1 " + after}
	for _, key := range want {
		if outcomes[key] == 0 {
			t.Errorf("%q was never seen", key)
		}
	}
	if len(outcomes) != len(want) {
		t.Errorf("a power loss leaves %v", outcomes)
	}
}

// Goal: after a power loss the disk is empty of cached pages, what is read comes from
// the device, and it works on. Method: a synced file is read after a reboot, appended
// to and synced.
func TestModelledDiskAfterPowerLoss(t *testing.T) {
	b := newLossBed(t, "nvme", "ext4")
	err := b.world.Run(b.operator, func() {
		b.node.Go("writer", func() {
			f, err := b.node.FS().Create("a")
			b.ok(err)
			b.ok(f.Append(env.LengthBuf(10 << 20)))
			b.ok(f.Sync())
			b.ok(b.node.FS().SyncDir("."))
			b.ok(f.Append(env.LengthBuf(10 << 20)))
			b.ok(f.Sync())
		})
		b.operator.Sleep(9 * time.Millisecond)
		b.powerLoss(1)()
		before := b.disk.Stats().Volume
		if before.CachedBytes != 0 || before.DirtyBytes != 0 || before.WritebackBytes != 0 {
			t.Errorf("after a power loss %d bytes are cached, %d dirty, %d under way", before.CachedBytes, before.DirtyBytes,
				before.WritebackBytes)
		}
		n := b.world.Restart("broker", b.disk.Mount)
		n.Go("reader", func() {
			f, err := n.FS().Open("a")
			b.ok(err)
			size := f.Size()
			buf, err := f.Read(0, int(size))
			b.ok(err)
			buf.Release()
			after := b.disk.Stats().Volume
			if got := after.Device.BytesRead - before.Device.BytesRead; size < 10<<20 || got < size {
				t.Errorf("%d bytes of a file of %d are read from the device", got, size)
			}
			b.ok(f.Append(env.LengthBuf(100)))
			b.ok(f.Sync())
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Goal: tasks that outlive a power loss do not hang: what they wait for ends, and
// their handles are closed. Method: the disk loses power under tasks that sync, read
// and sync a directory.
func TestModelledWaitsEndWithThePower(t *testing.T) {
	b := newLossBed(t, "hdd-7200", "ext4")
	ended := 0
	err := b.world.Run(b.node, func() {
		f, err := b.node.FS().Create("a")
		b.ok(err)
		b.ok(f.Append(env.LengthBuf(1 << 20)))
		b.ok(f.Sync())
		b.ok(f.DropCache())
		for name, op := range []func() error{
			func() error { _, err := f.Read(0, 4096); return err },
			func() error { return f.Sync() },
			func() error { return b.node.FS().SyncDir(".") },
		} {
			b.node.Go(fmt.Sprint(name), func() {
				if err := op(); name < 2 && !errors.Is(err, env.ErrClosed) {
					t.Errorf("operation %d under a power loss returns %v", name, err)
				}
				ended++
			})
		}
		b.node.Sleep(100 * time.Microsecond)
		b.disk.PowerLoss(rand.New(rand.NewPCG(1, 1)))
	})
	if err != nil || ended != 3 {
		t.Errorf("%d operations have ended; %v", ended, err)
	}
}

// Goal: bytes written over in place are lost or kept by what reached the device, and
// behind them are those of the former life. Method: a reused file in each state.
func TestModelledReuse(t *testing.T) {
	const old, young, page = "old", "new", 4096
	for _, row := range []struct {
		says  string
		sync  bool
		at    time.Duration
		young map[int]bool // pages that are new afterwards, in part or whole
	}{
		{"before write-back", false, time.Second, map[int]bool{0: true}},
		{"after a Sync", true, time.Second, map[int]bool{2: true}},
		{"after write-back, which no flush followed", false, 36 * time.Second, map[int]bool{1: true, 2: true}},
	} {
		seen := map[int]bool{}
		for seed := range uint64(30) {
			b := newLossBed(t, "sata-ssd", "ext4")
			image := b.run(env.Time(row.at), func() {
				f, err := b.node.FS().Create("a")
				b.ok(err)
				b.append(f, strings.Repeat("o", 4*page))
				b.ok(f.Sync())
				b.ok(b.node.FS().SyncDir("."))
				b.ok(f.Reuse())
				b.append(f, strings.Repeat("n", 2*page))
				if row.sync {
					b.ok(f.Sync())
				}
				b.node.Sleep(time.Hour)
			}, b.powerLoss(seed))
			content := strings.TrimPrefix(image, "a=")
			kept := strings.Count(content, "n")
			if content != strings.Repeat("n", kept)+strings.Repeat("o", 4*page-kept) {
				t.Fatalf("%s: %d bytes are left, %d of them %s, in no order", row.says, len(content), kept, young)
			}
			seen[(kept+page-1)/page] = true
		}
		if len(seen) != len(row.young) {
			t.Errorf("%s: as many pages are %s and not %s: %v, want %v", row.says, young, old, seen, row.young)
		}
		for n := range row.young {
			if !seen[n] {
				t.Errorf("%s: never are %d pages %s; seen are %v", row.says, n, young, seen)
			}
		}
	}
}

// Goal: one seed gives one run. Method: tasks that append, read, sync and remove on a
// modelled disk, twice; hash of the kernel and figures of the disk.
func TestModelledRunsRepeat(t *testing.T) {
	run := func() (uint64, simfs.Stats) {
		b := newLossBed(t, "hdd-7200", "xfs")
		err := b.world.Run(b.node, func() {
			for i := range 4 {
				b.node.Go("worker", func() {
					r := b.node.Rand(fmt.Sprint(i))
					name := fmt.Sprintf("file%d", i)
					f, err := b.node.FS().Create(name)
					b.ok(err)
					for range 100 {
						b.ok(f.Append(env.LengthBuf(1 + r.IntN(100_000))))
						switch r.IntN(6) {
						case 0:
							b.ok(f.Sync())
						case 1:
							b.ok(f.DropCache())
							buf, err := f.Read(r.Int64N(f.Size()), 50_000)
							b.ok(err)
							buf.Release()
						case 2:
							b.node.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
						}
					}
					b.ok(b.node.FS().Remove(name))
					b.ok(b.node.FS().SyncDir("."))
				})
			}
		})
		b.ok(err)
		return b.world.Hash(), b.disk.Stats()
	}
	hash, stats := run()
	if again, same := run(); again != hash || same != stats || stats.Syncs == 0 || stats.Volume.MissBytes == 0 {
		t.Errorf("two runs have the hashes %x and %x, and the figures %+v and %+v", hash, again, stats, same)
	}
}
