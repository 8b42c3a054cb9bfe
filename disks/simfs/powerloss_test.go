package simfs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/crashimage"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
)

// fakeNode is the waiting that a disk needs, on a clock of its own that Sleep
// moves.
type fakeNode struct {
	env.Node
	now    env.Time
	pool   *env.Pool
	during func() // what others do in the next Sleep
}

func (n *fakeNode) Now() env.Time      { return n.now }
func (n *fakeNode) Charge(env.Op, int) {}
func (n *fakeNode) Pool() *env.Pool    { return n.pool }

func (n *fakeNode) Sleep(d time.Duration) {
	during := n.during
	n.during = nil
	if during != nil {
		during()
	}
	n.now = n.now.Add(d)
}

// rig is a disk with one node and short words for what tables do.
type rig struct {
	*testing.T
	disk *simfs.Disk
	node *fakeNode
	fs   env.FS
	pool *env.Pool
	open map[string]env.File
}

func newRig(t *testing.T, cfg simfs.Config) *rig {
	pool := env.NewPoisonedPool()
	node := &fakeNode{pool: pool}
	disk := simfs.NewDisk(cfg)
	return &rig{T: t, disk: disk, node: node, fs: disk.Mount(node), pool: pool, open: map[string]env.File{}}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// play runs a script of verbs: "create a", "open a", "append a text", "sync a",
// "truncate a 3", "reuse a", "close a", "remove a", "rename a b", "mkdir d", "syncdir d". At
// its end, "in sync a: append a x" appends while the sync waits.
func (r *rig) play(script string) {
	r.Helper()
	if before, rest, ok := strings.Cut(script, "; in "); ok {
		r.play(before)
		verb, meanwhile, _ := strings.Cut(rest, ": ")
		r.node.during = func() { r.play(meanwhile) }
		r.play(verb)
		return
	}
	for line := range strings.SplitSeq(script, ";") {
		w := append(strings.Fields(line), "", "")
		switch verb, path, arg := w[0], w[1], w[2]; verb {
		case "create", "open":
			call := map[string]func(string) (env.File, error){"create": r.fs.Create, "open": r.fs.Open}[verb]
			f, err := call(path)
			r.must(err)
			r.open[path] = f
		case "append":
			m := r.pool.Get(len(arg))
			copy(m.Bytes(), arg)
			r.must(r.open[path].Append(env.MemBuf(m, m.Bytes()[:len(arg)])))
		case "sync":
			r.must(r.open[path].Sync())
		case "truncate":
			var size int64
			_, err := fmt.Sscan(arg, &size)
			r.must(err)
			r.must(r.open[path].Truncate(size))
		case "reuse":
			r.must(r.open[path].Reuse())
		case "close":
			r.must(r.open[path].Close())
		case "remove":
			r.must(r.fs.Remove(path))
		case "rename":
			r.must(r.fs.Rename(path, arg))
		case "mkdir":
			r.must(r.fs.MkdirAll(path))
		case "syncdir":
			r.must(r.fs.SyncDir(path))
		default:
			r.Fatalf("no verb %q", verb)
		}
	}
}

// image is all that the disk holds, as text: "a=content d/ d/b=content".
func (r *rig) image(dir string) string {
	r.Helper()
	entries, err := r.fs.List(dir)
	r.must(err)
	var words []string
	for _, e := range entries {
		path := strings.TrimPrefix(dir+"/"+e.Name, "./")
		if e.Dir {
			words = append(words, path+"/")
			if below := r.image(path); below != "" {
				words = append(words, below)
			}
			continue
		}
		f, err := r.fs.Open(path)
		r.must(err)
		b, err := f.Read(0, 1<<20)
		r.must(err)
		p := make([]byte, b.Len())
		r.must(b.ReadAt(p, 0))
		b.Release()
		r.must(f.Close())
		words = append(words, path+"="+string(p))
	}
	return strings.Join(words, " ")
}

// powerLossTable has the images that a script may leave, all of which some seed
// must give.
var powerLossTable = []struct{ says, script, images string }{
	{"synced bytes stay, and of the rest a prefix of any length",
		"create a; append a S; syncdir .; sync a; append a xy; append a z", "a=S|a=Sx|a=Sxy|a=Sxyz"},
	{"a file whose name was not synced may be gone, also when its bytes were synced",
		"create a; append a S; sync a", "|a=S"},
	{"a name without synced bytes holds any prefix",
		"create a; append a xy; syncdir .", "a=|a=x|a=xy"},
	{"a removal without SyncDir may not have happened, and brings synced bytes back",
		"create a; append a S; sync a; append a x; syncdir .; close a; remove a", "|a=S"},
	{"a removal with SyncDir has happened",
		"create a; append a S; sync a; syncdir .; remove a; syncdir .", ""},
	{"a file that was created and removed between two SyncDirs was never there",
		"create a; append a S; sync a; remove a", ""},
	{"a rename happens whole or not at all",
		"create a; append a S; sync a; syncdir .; rename a b", "a=S|b=S"},
	{"a rename that replaces leaves the old file or the new one",
		"create a; append a OLD; sync a; create t; append t NEW; sync t; syncdir .; rename t a", "a=NEW|a=OLD t=NEW"},
	{"without Sync of the new file its name may come with a prefix of its bytes",
		"create a; append a O; sync a; syncdir .; create t; append t N; rename t a", "a=|a=N|a=O|a=O t=|a=O t=N"},
	{"changes of one name happen in order",
		"create a; append a 1; sync a; syncdir .; remove a; create a; append a 2; sync a", "|a=1|a=2"},
	{"a second file is on its own",
		"create a; create b; syncdir .; append a 1; sync a; append b 2", "a=1 b=|a=1 b=2"},
	{"SyncDir covers its directory alone, and not its own name",
		"mkdir d; create d/a; syncdir d", "|d/ d/a="},
	{"SyncDir of the parent covers the directory's name and not what is in it",
		"mkdir d; create d/a; syncdir .", "d/|d/ d/a="},
	{"both SyncDirs cover both",
		"mkdir d; create d/a; syncdir d; syncdir .", "d/ d/a="},
	{"a directory is not removed before what was in it",
		"mkdir d; create d/a; append d/a S; sync d/a; syncdir d; syncdir .; remove d/a; remove d", "|d/|d/ d/a=S"},
	{"SyncDir of the parent of a removed directory covers what was removed in it",
		"mkdir d; create d/a; sync d/a; syncdir d; syncdir .; remove d/a; remove d; syncdir .", ""},
	{"a rename into a new directory never loses the file",
		"create a; append a S; sync a; syncdir .; mkdir d/e; rename a d/e/a",
		"a=S|a=S d/|a=S d/ d/e/|d/ d/e/ d/e/a=S"},
	{"a rename into another directory is durable with either SyncDir",
		"create a; append a S; sync a; syncdir .; mkdir d; rename a d/a; syncdir d", "d/ d/a=S"},
	{"a truncation without Sync happened, or the synced bytes are back",
		"create a; append a abcdef; sync a; syncdir .; truncate a 2", "a=ab|a=abcdef"},
	{"bytes after a truncation without Sync come only with the truncation",
		"create a; append a abcd; sync a; syncdir .; truncate a 2; append a XYZ", "a=ab|a=abX|a=abXY|a=abXYZ|a=abcd"},
	{"two truncations bring back all synced bytes or none",
		"create a; append a abcdef; sync a; append a g; syncdir .; truncate a 4; append a X; truncate a 1", "a=a|a=abcdef"},
	{"a truncation of unsynced bytes brings nothing back",
		"create a; append a ab; sync a; syncdir .; append a cdef; truncate a 4", "a=ab|a=abc|a=abcd"},
	{"a directory is not removed before a file was renamed out of it",
		"mkdir d; create d/a; append d/a S; sync d/a; syncdir d; syncdir .; rename d/a a; remove d",
		"a=S|a=S d/|d/ d/a=S"},
	{"a Sync covers the appends that had returned when it was called",
		"create a; syncdir .; append a S; in sync a: append a xy", "a=S|a=Sx|a=Sxy"},
	{"a SyncDir covers the names that had changed when it was called",
		"create a; in syncdir .: create b", "a=|a= b="},
	{"a Sync does not cover what a Truncate cut and an Append put there meanwhile",
		"create a; syncdir .; append a abcdef; in sync a: truncate a 2; append a XY", "a=ab|a=abX|a=abXY"},
	{"a Sync does not cover a Truncate that comes while it runs",
		"create a; syncdir .; append a abcdef; sync a; in sync a: truncate a 2", "a=ab|a=abcdef"},
	{"of two Truncates a Sync covers the one before it",
		"create a; syncdir .; append a abcdef; sync a; truncate a 4; in sync a: truncate a 2", "a=ab|a=abcd"},
	{"a Sync that ends after a later one takes nothing back",
		"create a; syncdir .; append a S; in sync a: append a x; sync a", "a=Sx"},
	{"a reused file has any prefix of the new bytes, and the old ones behind it",
		"create a; append a OLD; sync a; syncdir .; reuse a; append a x; append a yzw",
		"a=OLD|a=xLD|a=xyD|a=xyz|a=xyzw"},
	{"old bytes that were not synced may be lost like any others",
		"create a; append a OL; syncdir .; reuse a; append a x", "a=|a=O|a=OL|a=x|a=xL"},
	{"a Sync covers the new bytes and the old ones behind them",
		"create a; append a OLD; syncdir .; reuse a; append a x; sync a; append a y", "a=xLD|a=xyD"},
	{"a truncation without Sync ends the old bytes or does not",
		"create a; append a OLD; sync a; syncdir .; reuse a; append a x; sync a; truncate a 1; append a y",
		"a=x|a=xy|a=xLD"},
	{"a truncation of new bytes that were not synced too",
		"create a; append a OLDER; sync a; syncdir .; reuse a; append a xyz; truncate a 2", "a=|a=x|a=xy|a=OLDER"},
	{"a truncation of new bytes that were synced brings these and the old ones back, or none",
		"create a; append a OLDER; sync a; syncdir .; reuse a; append a xyz; sync a; truncate a 1", "a=x|a=xyzER"},
	{"a truncation with Sync has ended the old bytes",
		"create a; append a OLD; sync a; syncdir .; reuse a; append a x; truncate a 1; sync a; append a y", "a=x|a=xy"},
	{"a third life has what the two before left",
		"create a; append a 11111; sync a; syncdir .; reuse a; append a 222; sync a; reuse a; append a 3; sync a",
		"a=32211"},
	{"a truncation with Sync has happened",
		"create a; append a abcdef; sync a; syncdir .; truncate a 2; append a X; sync a", "a=abX"},
}

// Goal: after a power loss the disk holds what the fault model allows, and every
// such image occurs. Method: a table of scripts, each with all choices that a power loss
// can make, against the whole set of images; 20 seeds leave no others; a second power loss
// changes nothing; the disk that was cloned for each stays as it is.
func TestPowerLoss(t *testing.T) {
	for _, row := range powerLossTable {
		t.Run(row.says, func(t *testing.T) {
			r := newRig(t, simfs.DefaultConfig())
			r.play(row.script)
			before := r.disk.Digest()
			got := map[string]bool{}
			images := crashimage.Images{RunsMax: 1000}
			images.Each(r.disk, func(image *simfs.Disk, digest [32]byte) {
				got[r.twice(image)] = true
			})
			if images.Bounded > 0 || r.disk.Digest() != before {
				t.Errorf("%d images are not all, or the disk has changed", images.Runs)
			}
			want := slices.Sorted(strings.SplitSeq(row.images, "|"))
			if all := slices.Sorted(maps.Keys(got)); !slices.Equal(all, want) {
				t.Errorf("it leaves %q, want %q", all, want)
			}
			for seed := range uint64(20) {
				image := r.disk.Clone()
				image.PowerLoss(rand.New(rand.NewPCG(seed, 7)))
				if is := r.twice(image); !got[is] {
					t.Errorf("seed %d leaves %q, which is not one of %q", seed, is, row.images)
				}
				image.Close()
			}
			r.disk.PowerLoss(rand.New(rand.NewPCG(1, 7)))
			r.disk.Close()
			if live := r.pool.Live(); live != 0 {
				t.Fatalf("%d buffers are still referred to", live)
			}
		})
	}
}

// twice is the image of a disk that lost power, and must be that after another loss.
func (r *rig) twice(d *simfs.Disk) string {
	r.Helper()
	at := &rig{T: r.T, disk: d, fs: d.Mount(r.node), pool: r.pool}
	got := at.image(".")
	d.PowerLoss(rand.New(rand.NewPCG(1, 8)))
	if again := at.image("."); again != got {
		r.Errorf("a second power loss leaves %q of %q", again, got)
	}
	return got
}

// Goal: a clone is the disk: what is done to it leaves what it would have left of that, and
// nothing of it changes the first disk. Method: random operations; the digest of the disk,
// of its clone after a crash, and of the two after the same power loss.
func TestClone(t *testing.T) {
	digests := map[[32]byte]bool{}
	for seed := range uint64(50) {
		r := newRig(t, simfs.DefaultConfig())
		r.play("mkdir d; syncdir .")
		r.randomOperations(rand.New(rand.NewPCG(seed, 4)))
		before := r.disk.Digest()
		crashed, lost := r.disk.Clone(), r.disk.Clone()
		crashed.Crash()
		lost.PowerLoss(rand.New(rand.NewPCG(seed, 5)))
		if crashed.Digest() != before || r.disk.Digest() != before {
			t.Fatalf("seed %d: a clone, or the disk after it was cloned, holds something else", seed)
		}
		r.disk.PowerLoss(rand.New(rand.NewPCG(seed, 5)))
		if r.disk.Digest() != lost.Digest() {
			t.Fatalf("seed %d: the same power loss leaves something else of a clone", seed)
		}
		digests[lost.Digest()] = true
		for _, d := range []*simfs.Disk{crashed, lost, r.disk} {
			d.Close()
		}
		if live := r.pool.Live(); live != 0 {
			t.Fatalf("seed %d: %d buffers are still referred to", seed, live)
		}
	}
	if len(digests) < 40 {
		t.Errorf("50 random disks have %d digests", len(digests))
	}
}

// Goal: a crash of the process keeps all bytes and names, and closes the handles.
// Method: unsynced changes, Crash, and the old handle and a new mount.
func TestCrash(t *testing.T) {
	r := newRig(t, simfs.DefaultConfig())
	r.play("create a; append a unsynced; create gone; append gone x; remove gone")
	old := r.open["a"]
	r.disk.Crash()
	for _, err := range []error{old.Append(env.StaticBuf([]byte("x"))), old.Sync(), old.Truncate(0), old.Close()} {
		if err == nil || !strings.Contains(err.Error(), env.ErrClosed.Error()) {
			t.Errorf("a handle of before the crash gives %v", err)
		}
	}
	r.fs = r.disk.Mount(r.node)
	if got := r.image("."); got != "a=unsynced" {
		t.Errorf("after the crash the disk holds %q", got)
	}
	if live := r.pool.Live(); live != 1 {
		t.Errorf("%d buffers live, want that of a alone", live)
	}
	r.play("open a; append a -more; sync a; syncdir .")
	r.disk.PowerLoss(rand.New(rand.NewPCG(1, 1)))
	if got := r.image("."); got != "a=unsynced-more" {
		t.Errorf("after the power loss the disk holds %q", got)
	}
}

// Goal: the same seed leaves the same image. Method: random operations, then a
// power loss, twice per seed; and different seeds leave more than one image.
func TestPowerLossIsDeterministic(t *testing.T) {
	images := map[string]bool{}
	for seed := range uint64(20) {
		first, second := randomImage(t, seed), randomImage(t, seed)
		if first != second {
			t.Fatalf("seed %d leaves %q and %q", seed, first, second)
		}
		images[first] = true
	}
	if len(images) < 10 {
		t.Errorf("20 seeds leave %d images", len(images))
	}
}

// Goal: random operations with power losses between never break the disk, lose
// synced bytes of a durable name, or leak. Method: 300 seeds; the model knows
// what was synced, and the disk panics on links that do not add up.
func TestRandomPowerLosses(t *testing.T) {
	for seed := range uint64(300) {
		randomImage(t, seed)
	}
}

// randomImage runs random operations with power losses and crashes between, and
// returns what is left at the end.
func randomImage(t *testing.T, seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 3))
	r := newRig(t, simfs.DefaultConfig())
	r.play("mkdir d; syncdir .")
	for range 3 {
		r.randomOperations(rnd)
		r.anchor(rnd)
		if rnd.IntN(3) == 0 {
			r.disk.Crash()
		}
	}
	image := r.image(".")
	r.disk.Close()
	if live := r.pool.Live(); live != 0 {
		t.Fatalf("seed %d: %d buffers are still referred to", seed, live)
	}
	return image
}

// randomOperations are 60 on few names, so that they meet.
func (r *rig) randomOperations(rnd *rand.Rand) {
	r.Helper()
	names := []string{"a", "b", "d/a", "d/b", "e/a"}
	for step := range 60 {
		name, other := names[rnd.IntN(len(names))], names[rnd.IntN(len(names))]
		switch rnd.IntN(13) {
		case 0, 1:
			if f, err := r.fs.Create(name); err == nil {
				r.must(f.Close())
			}
		case 2, 3, 4:
			r.use(name, func(f env.File) { r.must(f.Append(r.memory(fmt.Sprintf("%s%d.", name, step)))) })
		case 5:
			r.use(name, func(f env.File) { r.must(f.Sync()) })
		case 12:
			r.use(name, func(f env.File) {
				r.must(f.Reuse())
				r.must(f.Append(r.memory(fmt.Sprintf("%s!%d.", name, step))))
			})
		case 6:
			r.use(name, func(f env.File) { r.must(f.Truncate(rnd.Int64N(f.Size() + 1))) })
		case 7:
			_ = r.fs.Remove(name) // a missing one is no change
		case 8:
			_ = r.fs.Rename(name, other)
		case 9:
			_ = r.fs.SyncDir([]string{".", "d", "e"}[rnd.IntN(3)])
		case 10:
			r.must(r.fs.MkdirAll("e"))
		default:
			_ = r.fs.Remove([]string{"d", "e"}[rnd.IntN(2)])
		}
	}
}

// anchor writes and syncs a file, loses power, and looks for it.
func (r *rig) anchor(rnd *rand.Rand) {
	r.Helper()
	if f, err := r.fs.Create("anchor"); err == nil {
		r.must(f.Close())
	}
	var want []byte
	r.use("anchor", func(f env.File) {
		r.must(f.Truncate(0))
		for i := range 3 {
			text := fmt.Sprintf("anchor %d %d;", i, rnd.IntN(1000))
			want = append(want, text...)
			r.must(f.Append(r.memory(text)))
		}
		r.must(f.Sync())
		r.must(f.Append(r.memory("tail")))
	})
	r.must(r.fs.SyncDir("."))
	r.disk.PowerLoss(rnd)
	f, err := r.fs.Open("anchor")
	r.must(err)
	b, err := f.Read(0, 1000)
	r.must(err)
	got := make([]byte, b.Len())
	r.must(b.ReadAt(got, 0))
	b.Release()
	r.must(f.Close())
	if !bytes.HasPrefix(got, want) || !bytes.HasPrefix([]byte("tail"), got[len(want):]) {
		r.Fatalf("synced %q, and the power loss leaves %q", want, got)
	}
}

func (r *rig) memory(text string) env.Buf {
	m := r.pool.Get(len(text))
	copy(m.Bytes(), text)
	return env.MemBuf(m, m.Bytes()[:len(text)])
}

// use opens a file if it exists.
func (r *rig) use(name string, fn func(env.File)) {
	r.Helper()
	if f, err := r.fs.Open(name); err == nil {
		fn(f)
		r.must(f.Close())
	}
}
