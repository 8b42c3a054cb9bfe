package commitlog_test

import (
	"path"
	"strings"
	"testing"

	"brokerlab/disks/simfs"
)

// leaves plays a script (see crashes.play) and returns the log that recovery finds after a
// power loss that undoes whatever truncation it can undo, and loses nothing else.
func leaves(t *testing.T, script string) (got []modelBatch) {
	t.Helper()
	c := newCrashes(t, smallest(), 1)
	d := c.playOn(script, func(*simfs.Disk, promise, string) {})
	d.PowerLossBy(func(c simfs.Choice) int64 {
		if c.Kind == simfs.ChoiceTail {
			return c.Outcomes - 1
		}
		return 0
	})
	c.life(d, nil, func(b *bed) {
		_, l, err := b.reopen(c.cfg)
		b.must(err)
		if _, got, err = b.holds(l); err != nil {
			t.Error(err)
		}
	})
	d.Close()
	return got
}

// Goal: a truncation that a power loss could undo never comes back in front of a segment
// that began after it. Method: batches that are flushed, a truncation, others of the same
// offsets up to a roll and beyond; the power loss undoes what it can; the log is that
// before the truncation or that after it, and its epochs are those of its batches. A crash of
// the process in between must not make the new one forget what is not forced.
func TestTruncationIsForcedBeforeARoll(t *testing.T) {
	for _, row := range []struct{ script, want string }{
		{"a a flush e1 t1 a", "[0-1/0 1-2/0]"},
		{"a a flush e1 t1 a a", "[0-1/0 1-2/1 2-3/1]"},
		{"a a a flush e1 t1 f1 a a", "[0-1/0 1-2/1 2-3/1 3-4/1]"},
		{"a a a a flush points e1 t1 a a", "[0-1/0 1-2/1 2-3/1]"},
		{"a a flush e1 t1 a crash a", "[0-1/0 1-2/1 2-3/1]"},
		{"a a a flush e1 t2 a", "[0-1/0 1-2/0 2-3/0]"},
	} {
		if got := leaves(t, row.script); describe(got) != row.want {
			t.Errorf("%s: the log is %s, want %s", row.script, describe(got), row.want)
		}
	}
}

// Goal: a power loss while a log is emptied, to begin anew elsewhere, leaves no gap in it.
// Method: a log of three segments below its recovery point is emptied; the power loss
// keeps the removal of the middle one alone.
func TestEmptiedLogHasNoGap(t *testing.T) {
	c := newCrashes(t, smallest(), 1)
	var left *simfs.Disk
	d := c.playOn("a a a a a flush points s1", func(d *simfs.Disk, _ promise, origin string) {
		if strings.HasPrefix(origin, "in s1") && strings.HasSuffix(origin, "before syncdir logs/topic-0") && left == nil {
			left = d.Clone()
		}
	})
	d.Close()
	left.PowerLossBy(func(c simfs.Choice) int64 {
		if c.Kind == simfs.ChoiceName && path.Base(c.Path) != logFile(2) {
			return 1
		}
		return 0
	})
	c.life(left, nil, func(b *bed) {
		_, l, err := b.reopen(c.cfg)
		b.must(err)
		if _, got, err := b.holds(l); err != nil || describe(got) != "[0-1/0 1-2/0]" {
			t.Errorf("the log is %s: %v", describe(got), err)
		}
	})
	left.Close()
}
