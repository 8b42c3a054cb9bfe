package commitlog_test

import (
	"testing"
	"time"

	"brokerlab/engine/commitlog"
)

// crashHistory is a short life of a log.
type crashHistory struct {
	says   string
	script string
	change func(c *commitlog.Config)
}

// crashHistories stay in one segment.
var crashHistories = []crashHistory{
	{"appends that are never flushed", "a a", nil},
	{"a flush between appends", "a flush a", nil},
	{"flush.messages=1", "a a", func(c *commitlog.Config) { c.FlushMessages = 1 }},
	{"flush.messages=2 with group commit", "a a", func(c *commitlog.Config) {
		c.FlushMessages, c.FlushGroupCommit = 2, true
	}},
	{"preallocate", "a flush a close", func(c *commitlog.Config) { c.Preallocate = true }},
	{"a follower's batches", "f2 flush", nil},
	{"two producers", "a7 flush a8", nil},
	{"a truncation of what was flushed", "a a flush t1 a", nil},
	{"a truncation of what was not flushed", "a a t1 a flush", nil},
	{"a truncation by epoch, and the new leader's batches", "a a flush e1 t1 f1", nil},
	{"two truncations", "a a flush e1 t1 a e2 t1 a flush", nil},
	{"an epoch without a record", "a e+ flush a", nil},
	{"a truncation to an epoch without a record", "a flush e+ t1 a", nil},
	{"a clean shutdown", "a close a", nil},
	{"a clean shutdown of nothing", "close a", nil},
	{"recovery points", "a flush points a points", nil},
	{"recovery points and a truncation", "a a flush points t1 a", nil},
	{"high watermarks", "a hw flush a hw", nil},
	{"the log begins anew further on", "a flush points s9 a flush", nil},
	{"a crash of the process in between", "a flush a crash a flush", nil},
	{"a crash of the process after a truncation", "a a flush t1 a crash a", nil},
}

// rollHistories have several segments, so that many names and files are not forced yet at
// once: their images are too many to see all of them.
var rollHistories = []crashHistory{
	{"a roll", "a a a", nil},
	{"a roll with every batch", "a a a", func(c *commitlog.Config) { c.SegmentBytes = 72 }},
	{"flush.messages=2 over a roll", "a a a a", func(c *commitlog.Config) { c.FlushMessages = 2 }},
	{"a follower's batches over a roll", "f3 flush f2", nil},
	{"two producers", "a7 a8 a7 flush a8 a8", nil},
	{"a truncation over a roll", "a a a flush t1 a a", nil},
	{"a truncation by epoch over a roll", "a a a flush e1 t1 f1 a a", nil},
	{"a truncation to the base of a segment", "a a a flush e1 t2 a a", nil},
	{"retention", "a a a a a flush d4 a", func(c *commitlog.Config) { c.RetentionBytes = 72 }},
	{"retention of all", "a a a flush d3 a", func(c *commitlog.Config) { c.RetentionInterval = time.Hour }},
	{"segment.recycle", "a a a a a flush d4 a a a", func(c *commitlog.Config) {
		c.RetentionBytes, c.SegmentRecycle = 72, true
	}},
	{"a clean shutdown", "a a a close a", nil},
	{"recovery points", "a a a flush points a a points", nil},
	{"recovery points and a truncation", "a a a a flush points e1 t1 a a", nil},
	{"the log begins anew further back", "a a a a a flush points s1 a a a", nil},
	{"a crash of the process and a roll", "a a a crash a", nil},
}

// smallest rolls after two batches of one record, and indexes each but the first.
func smallest() commitlog.Config {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.RetentionInterval = 160, 50, 0
	return cfg
}

// Goal: whatever a power loss leaves, at any instant of a log's life or of its recovery,
// recovery is right: what a flush covered is there, what is there is a prefix of what was
// appended, indexes, leader epochs and producers agree with it, opening it again changes
// nothing, and it goes on. Method: short histories; the power is cut before each operation
// of the file system; each image that the disk may then leave is opened; of some, cut again
// at each step of that and of what goes on. All images must have been seen.
func TestCrashImages(t *testing.T) { crashAll(t, crashHistories, 5000, 0) }

// Goal: the same where a log has several segments, as far as one can see: of each instant
// the first -crash-runs images in the order of the walk, and as many that are drawn.
func TestCrashImagesOverRolls(t *testing.T) { crashAll(t, rollHistories, *crashRuns, 1<<62) }

func crashAll(t *testing.T, histories []crashHistory, runsMax, boundedMax int) {
	var cuts, runs, different, lives, bounded int
	shared := map[commitlog.Config]*crashesSeen{}
	for _, row := range histories {
		t.Run(row.says, func(t *testing.T) {
			cfg := smallest()
			if row.change != nil {
				row.change(&cfg)
			}
			c := newCrashes(t, cfg, runsMax)
			if shared[cfg] == nil {
				shared[cfg] = c.crashesSeen
			}
			c.crashesSeen = shared[cfg]
			before := len(c.seen)
			c.play(row.script)
			c.recoverAll()
			of, again := &c.images[0], &c.images[1]
			t.Logf("%d cuts, %d images; %d cuts, %d images of recoveries; %d new, %d lives, %d and %d walks bounded",
				of.Walks, of.Runs, again.Walks, again.Runs, len(c.seen)-before, c.lives, of.Bounded, again.Bounded)
			if of.Bounded > boundedMax {
				t.Errorf("%d of %d walks did not see all images", of.Bounded, of.Walks)
			}
			cuts, runs, different = cuts+c.cuts, runs+of.Runs+again.Runs, different+len(c.seen)-before
			lives, bounded = lives+c.lives, bounded+of.Bounded+again.Bounded
		})
	}
	t.Logf("%d histories, %d cuts, %d images, %d different, %d lives, %d walks bounded", len(histories), cuts, runs,
		different, lives, bounded)
}
