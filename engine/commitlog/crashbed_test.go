package commitlog_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/crashimage"
	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

var (
	crashRuns = flag.Int("crash-runs", 5, "how many images of an instant are walked where not all are")
	crashDeep = flag.Int("crash-deep", 1, "how many recoveries, of those with different ends, are cut again")
)

// watchedFS calls before each operation that changes what the disk holds.
type watchedFS struct {
	env.FS
	before func(op string)
}

func (f *watchedFS) Create(name string) (env.File, error) {
	f.before("create " + name)
	return f.file(f.FS.Create(name))(name)
}

func (f *watchedFS) Open(name string) (env.File, error) { return f.file(f.FS.Open(name))(name) }

func (f *watchedFS) file(file env.File, err error) func(name string) (env.File, error) {
	return func(name string) (env.File, error) {
		if err != nil {
			return nil, err
		}
		return &watchedFile{File: file, name: name, before: f.before}, nil
	}
}

func (f *watchedFS) Remove(name string) error {
	f.before("remove " + name)
	return f.FS.Remove(name)
}

func (f *watchedFS) Rename(from, to string) error {
	f.before("rename " + from)
	return f.FS.Rename(from, to)
}

func (f *watchedFS) MkdirAll(name string) error {
	f.before("mkdir " + name)
	return f.FS.MkdirAll(name)
}

func (f *watchedFS) SyncDir(name string) error {
	f.before("syncdir " + name)
	return f.FS.SyncDir(name)
}

type watchedFile struct {
	env.File
	name   string
	before func(op string)
}

func (f *watchedFile) Append(b env.Buf) error {
	f.before("append " + f.name)
	return f.File.Append(b)
}

func (f *watchedFile) Truncate(size int64) error {
	f.before("truncate " + f.name)
	return f.File.Truncate(size)
}

func (f *watchedFile) Reuse() error {
	f.before("reuse " + f.name)
	return f.File.Reuse()
}

func (f *watchedFile) Sync() error {
	f.before("sync " + f.name)
	return f.File.Sync()
}

// crashes walks the images of one history.
type crashes struct {
	*testing.T
	*crashesSeen
	cfg    commitlog.Config
	images [2]crashimage.Images // by depth
	todo   []*crashImage
	cuts   int
	deep   int // recoveries that were cut again
	lives  int // how often a log was opened on an image
}

// crashesSeen is what histories of the same settings share: many begin alike.
type crashesSeen struct {
	// seen are the images, by their digests, and what recovery makes of each, which does not
	// depend on what was promised.
	seen map[[sha256.Size]byte]*crashImage
	// recovered are the disks, by their digests, that recovery left.
	recovered map[[sha256.Size]byte]bool
}

// crashImage is a disk after a power loss.
type crashImage struct {
	disk   *simfs.Disk
	want   []promised
	depth  int // 0: of the history, 1: of a recovery or of what follows it
	opened bool
	start  int64 // of the log that recovery finds
	got    []modelBatch
	mark   int64 // the high watermark in its file
}

// keeps says what an image that was opened does not keep of what was promised.
func (i *crashImage) keeps(p promise) error {
	switch marks := p.now().marks; {
	case !p.admits(i.start, i.got):
		return p.refuse(i.start, i.got)
	case !slices.Contains(marks, i.mark):
		return fmt.Errorf("the high watermark is %d, promised was one of %d", i.mark, marks)
	}
	return nil
}

// promised is what an image has to hold, and where it comes from.
type promised struct {
	promise
	key    [sha256.Size]byte
	origin string
}

func newCrashesSeen() *crashesSeen {
	return &crashesSeen{seen: map[[sha256.Size]byte]*crashImage{}, recovered: map[[sha256.Size]byte]bool{}}
}

func newCrashes(t *testing.T, cfg commitlog.Config, runsMax int) *crashes {
	c := &crashes{T: t, cfg: cfg, crashesSeen: newCrashesSeen()}
	for depth, runsMax := range []int{runsMax, *crashRuns} {
		c.images[depth] = crashimage.Images{Reduce: crashLengths(cfg), RunsMax: runsMax, Draws: runsMax, Seed: 1}
	}
	return c
}

// crashLengths are the lengths of torn tails that opening a log can tell apart. Of a .log:
// whole batches; a byte of the next one; its header without all of its records; and, since
// recovery looks at the size first, its fields only where a reused file has other bytes
// behind them. What an index, a time index or a snapshot is given by one Append: none of
// it, all, all but a byte; that other pieces are refused is for the tests of damaged files.
// A file beside, which is renamed when it is whole, is never read.
func crashLengths(cfg commitlog.Config) crashimage.Reduction {
	all := crashimage.Lengths(8, 12, 16, 17, 21, record.HeaderSize)
	return func(c simfs.Choice) []int64 {
		last := c.Outcomes - 1
		switch {
		case path.Ext(c.Path) == ".tmp":
			return []int64{0, last}
		case cfg.SegmentRecycle:
			return all(c)
		case c.Kind != simfs.ChoiceTail:
			return nil
		}
		out := []int64{0}
		for _, end := range c.Ends() { // of a header and of its records by turns, in a .log
			if path.Ext(c.Path) == ".log" {
				out = append(out, end, end+1)
			}
		}
		out = append(out, max(0, last-1), last)
		out = slices.DeleteFunc(out, func(n int64) bool { return n > last })
		slices.Sort(out)
		return slices.Compact(out)
	}
}

// cut enumerates what a power loss leaves of the disk now, and keeps what is new.
func (c *crashes) cut(d *simfs.Disk, p promise, origin string, depth int) {
	c.cuts++
	want := promised{promise: p.clone(), key: p.key(), origin: origin}
	c.images[depth].Each(d, func(disk *simfs.Disk, digest [sha256.Size]byte) {
		image := c.seen[digest]
		if image == nil {
			image = &crashImage{disk: disk.Clone(), depth: depth}
			c.seen[digest] = image
			c.todo = append(c.todo, image)
		}
		if slices.ContainsFunc(image.want, func(w promised) bool { return w.key == want.key }) {
			return
		}
		image.want = append(image.want, want)
		if !image.opened {
			return
		}
		if err := image.keeps(want.promise); err != nil {
			c.complain(want, "recovery", err)
		}
	})
}

// life is a process on a disk. It ends without a word.
func (c *crashes) life(d *simfs.Disk, before func(op string), body func(b *bed)) {
	c.lifeIn(simworld.New(simworld.Config{Seed: 1, Poison: true}), d, before, body)
}

func (c *crashes) lifeIn(w *simworld.World, d *simfs.Disk, before func(op string), body func(b *bed)) {
	c.lives++
	if before == nil {
		before = func(string) {}
	}
	node := w.NewNode(env.NodeConfig{Name: "broker", Mount: func(n env.Node) env.FS {
		return &watchedFS{FS: d.Mount(n), before: before}
	}})
	err := w.Run(node, func() {
		body(&bed{TB: c.T, node: node, fs: &faultFS{FS: node.FS()}, rand: rand.New(rand.NewPCG(1, 1))})
		w.Crash("broker")
	})
	if err != nil {
		c.Fatal(err)
	}
	w.Close()
	d.Crash()
}

// recoverAll opens the log on every image, those that come up meanwhile included.
func (c *crashes) recoverAll() {
	for len(c.todo) > 0 {
		image := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		c.recover(image)
		image.disk.Close()
	}
}

func (c *crashes) complain(want promised, what string, err error) {
	c.Fatalf("power lost %s: %s: %v\npromised: %v", want.origin, what, err, want.promise)
}

// recover opens the log on one image and checks what it holds. Where recovery leaves a
// disk that no other image has led to, the log is opened again and goes on; for the first
// -crash-deep of these, the power is cut again at each step of the recovery, and of what
// goes on.
func (c *crashes) recover(image *crashImage) {
	d, want := image.disk.Clone(), image.want[0]
	defer d.Close()
	c.life(d, nil, func(b *bed) {
		dirs, l, err := b.reopen(c.cfg)
		if err != nil {
			c.complain(want, "the log does not open", err)
		}
		image.opened = true
		if image.start, image.got, err = b.holds(l); err != nil {
			c.complain(want, fmt.Sprintf("after recovery, which did %v", dirs.Repairs()), err)
		}
		image.mark = dirs.HighWatermark(protocol.TopicPartition{Topic: "topic"})
		for _, want := range image.want {
			if err := image.keeps(want.promise); err != nil {
				c.complain(want, fmt.Sprintf("recovery, which did %v", dirs.Repairs()), err)
			}
		}
	})
	found, digest := exactly(image.start, image.got), d.Digest()
	found.now().marks = []int64{image.mark}
	if c.recovered[digest] {
		return
	}
	c.recovered[digest] = true
	deep := image.depth == 0 && c.deep < *crashDeep
	if deep {
		c.deep++
		c.life(image.disk, func(op string) {
			c.cut(image.disk, found, fmt.Sprintf("%s, then in recovery before %s", want.origin, op), 1)
		}, func(b *bed) {
			_, _, err := b.reopen(c.cfg)
			b.must(err)
		})
	}
	c.again(d, want, found)
	c.goOn(d, want, found, deep)
}

// again opens the log a second time, which must change nothing but time indexes: an entry
// that was made when a log was opened for a while is not made again by a scan.
func (c *crashes) again(d *simfs.Disk, want promised, found promise) {
	withoutTimes := func(b *bed) map[string][]byte {
		files := b.files()
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return path.Ext(name) == ".timeindex" })
		return files
	}
	c.life(d, nil, func(b *bed) {
		before := withoutTimes(b)
		dirs, l, err := b.reopen(c.cfg)
		if err == nil {
			err = b.holdsOneOf(l, found)
		}
		if err == nil && (len(dirs.Repairs()) > 0 || !maps.EqualFunc(before, withoutTimes(b), bytes.Equal)) {
			err = fmt.Errorf("it repaired %v, or changed a file", dirs.Repairs())
		}
		if err != nil {
			c.complain(want, "opened a second time", err)
		}
	})
}

// goOn appends to a recovered log, closes it, and opens it a last time.
func (c *crashes) goOn(d *simfs.Disk, want promised, p promise, deep bool) {
	c.life(d, func(op string) {
		if deep {
			c.cut(d, p, fmt.Sprintf("%s, and again after recovery before %s", want.origin, op), 1)
		}
	}, func(b *bed) {
		dirs, l, err := b.reopen(c.cfg)
		b.must(err)
		id, sequence := int64(9), int32(0)
		if n := len(p.now().batches); n > 0 {
			h, err := record.ParseHeader(p.now().batches[n-1].bytes)
			b.must(err)
			id, sequence = h.ProducerID, h.LastSequence()+1
		}
		batch, model := b.sequenced(id, sequence, 1_000_000), &model{}
		model.add(b.stamped(batch, p.now().end(), 100))
		more := p.clone()
		more.now().batches = append(more.now().batches, model.batches...)
		p = more
		if _, err := l.AppendAsLeader(100, b.buf(batch)); err != nil {
			c.complain(want, "an append to what is left", err)
		}
		b.must(dirs.Close())
		p = p.kept()
	})
	c.life(d, nil, func(b *bed) {
		dirs, l, err := b.reopen(c.cfg)
		if err == nil {
			err = b.holdsOneOf(l, p)
		}
		if err == nil && (len(dirs.Repairs()) > 0 || l.Stats().SegmentsScanned > 0) {
			err = fmt.Errorf("after a clean shutdown it repaired %v, or scanned", dirs.Repairs())
		}
		b.must(dirs.Close())
		if err = errors.Join(err, b.indexesAgree(p.now().batches, c.cfg.IndexIntervalBytes)); err != nil {
			c.complain(want, "after a clean shutdown", err)
		}
	})
}

// reopen opens the log as a broker does.
func (b *bed) reopen(cfg commitlog.Config) (*commitlog.LogDirs, *commitlog.Log, error) {
	dirs, err := commitlog.OpenLogDirs(b.node, []string{"logs"})
	if err != nil {
		return nil, nil, err
	}
	l, err := dirs.Open("topic", 0, cfg)
	return dirs, l, err
}

// player plays a script on one log.
type player struct {
	*crashes
	b       *bed
	disk    *simfs.Disk
	dirs    *commitlog.LogDirs
	log     *commitlog.Log
	want    promise
	epoch   int32
	appends int64 // so far: the time of the next one
}

// play runs the script and cuts the power before each operation of the file system that
// changes something, in each step, and at its end. The words:
//
//	a, a7       the leader appends a batch of one record, of producer 7 or another
//	f3          the follower appends 3 batches by one call
//	flush       Log.Flush
//	e5          the leader epoch is 5 from here on; e+ goes with BeginEpoch
//	t3          the log is truncated to offset 3
//	d4          retention deletes up to offset 4
//	s9          the log is emptied and starts at offset 9
//	points, hw  recovery points, high watermarks are written to their files
//	close       a clean shutdown, and the log is opened again
//	w30         30 ms pass
//	crash       the process ends, and the log is opened again
func (c *crashes) play(script string) {
	d := c.playOn(script, func(d *simfs.Disk, want promise, origin string) { c.cut(d, want, origin, 0) })
	d.Close()
}

// playOn plays a script on a new disk and calls at where play cuts the power.
func (c *crashes) playOn(script string, at func(d *simfs.Disk, want promise, origin string)) *simfs.Disk {
	d := simfs.NewDisk(simfs.DefaultConfig())
	p := &player{crashes: c, disk: d, want: exactly(0, nil)}
	for i, words := range strings.Split(script, "crash") {
		step := fmt.Sprintf("start %d", i)
		c.life(d, func(op string) { at(d, p.want, fmt.Sprintf("in %s before %s", step, op)) }, func(b *bed) {
			p.b = b
			p.open()
			for n, word := range strings.Fields(words) {
				step = fmt.Sprintf("%s (word %d)", word, n)
				p.step(word)
			}
			at(d, p.want, "at the end")
		})
	}
	return d
}

func (p *player) open() {
	p.Helper()
	var err error
	p.dirs, p.log, err = p.b.reopen(p.cfg)
	p.b.must(err)
}

// number is what follows the letter of a word; 0 if nothing does.
func (p *player) number(word string) int64 {
	p.Helper()
	if len(word) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(word[1:], 10, 64)
	p.b.must(err)
	return n
}

func (p *player) step(word string) {
	p.Helper()
	b := p.b
	switch {
	case word == "flush":
		b.must(p.log.Flush())
		p.want = p.want.kept()
	case word[0] == 'w':
		b.node.Sleep(time.Duration(p.number(word)) * time.Millisecond)
	case word == "points":
		b.must(p.dirs.Checkpoint())
	case word == "hw":
		end := p.log.EndOffset()
		p.want = p.want.clone()
		p.want.now().marks = append(p.want.now().marks, end)
		b.must(p.dirs.CheckpointHighWatermarks(func(protocol.TopicPartition) int64 { return end }))
		p.want = p.want.clone()
		p.want.now().marks = []int64{end}
		if p.want.now().floor == 0 { // the first flush forces the names of the directories above
			p.want.now().marks = []int64{0, end}
		}
	case word == "close":
		b.must(p.dirs.Close())
		p.want = p.want.kept()
		p.open()
	case word == "e+":
		p.epoch++
		b.must(p.log.BeginEpoch(p.epoch))
	case word[0] == 'e':
		p.epoch = int32(p.number(word))
	case word[0] == 'a':
		batch := p.next(max(7, p.number(word)))
		a, err := p.log.AppendAsLeader(p.epoch, b.buf(batch))
		b.must(err)
		if a.Flushed != 0 {
			p.want = p.want.kept()
		}
	case word[0] == 'f':
		var parts []env.Buf
		for range p.number(word) {
			p.next(7)
			stamped := p.want.now().batches[len(p.want.now().batches)-1].bytes
			parts = append(parts, env.StaticBuf(stamped[:record.HeaderSize]), env.StaticBuf(stamped[record.HeaderSize:]))
		}
		a, err := p.log.AppendAsFollower(env.Join(parts...))
		b.must(err)
		if a.Flushed != 0 {
			p.want = p.want.kept()
		}
	case word[0] == 't':
		p.want = p.want.truncated(p.number(word))
		b.must(p.log.Truncate(p.number(word)))
	default:
		p.restart(word)
	}
}

// restart moves the log's start.
func (p *player) restart(word string) {
	p.Helper()
	offset := p.number(word)
	next := p.want.clone()
	v := next.now()
	switch word[0] {
	case 'd':
		for _, x := range v.batches {
			if x.base > slices.Max(v.starts) && x.base <= offset {
				v.starts = append(v.starts, x.base)
			}
		}
		if !slices.Contains(v.starts, offset) {
			v.starts = append(v.starts, offset)
		}
		p.want = next
		_, err := p.log.DeleteOldSegments(p.log.EndOffset())
		p.b.must(err)
		if got := p.log.StartOffset(); got != offset {
			p.Fatalf("%s: the log starts at %d", word, got)
		}
		p.want = next.clone()
		v = p.want.now()
		v.starts, v.floor = []int64{offset}, max(v.floor, offset)
	case 's':
		for i := range next {
			next[i].floor, next[i].anywhere = 0, true
		}
		p.want = append(next, version{starts: []int64{0, offset}, marks: v.marks})
		p.b.must(p.log.TruncateFullyAndStartAt(offset))
	default:
		p.Fatalf("no word %q", word)
	}
}

// next makes the next batch of a producer, and notes that the log may hold it.
func (p *player) next(id int64) []byte {
	p.Helper()
	v := p.want.now()
	sequence := int32(0)
	for _, x := range slices.Backward(v.batches) {
		h, err := record.ParseHeader(x.bytes)
		p.b.must(err)
		if h.ProducerID == id {
			sequence = h.LastSequence() + 1
			break
		}
	}
	p.appends++
	batch := p.b.sequenced(id, sequence, p.appends)
	m := &model{}
	m.add(p.b.stamped(batch, v.end(), p.epoch))
	p.want = p.want.clone()
	v = p.want.now()
	v.batches = append(v.batches, m.batches...)
	return bytes.Clone(batch)
}
