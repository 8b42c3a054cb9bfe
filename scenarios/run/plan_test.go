package run

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/datadir"
)

// Goal: a run that would fill more of a file system than it may is refused, over however many
// directories it spreads, and one with room is planned with what is free, counted once. Method:
// rates that write 70 % and 90 % of what is free, into one directory and into two.
func TestPlanRoom(t *testing.T) {
	root := t.TempDir()
	one := filepath.Join(root, "a")
	free := datadir.Free(root)
	if free == 0 {
		t.Skip("the system does not say what is free")
	}
	for _, disk := range []string{"dir:" + one, "dir:" + one + ":" + filepath.Join(root, "b")} {
		for _, row := range []struct {
			share float64
			fits  bool
		}{{0.7, true}, {0.9, false}} {
			const seconds, size = 10_000, 1024
			text := fmt.Sprintf("disk: %s\ncluster: {brokers: 1}\ntopic: {partitions: 1, replication.factor: 1}\n"+
				"records: {size: %d}\nload: {warmup: 0s, duration: %ds, rate: %.0f/s}\n", disk, size, seconds,
				row.share*float64(free)/seconds/size)
			file := parsed(t, text)
			plan, err := DryRun(file, Options{})
			var usage *UsageError
			switch {
			case row.fits && err != nil:
				t.Errorf("%s, %.0f %%: %v", disk, 100*row.share, err)
			case row.fits && plan.Disks[0].FreeBytes > free+free/2:
				t.Errorf("%s: %d bytes are free, the plan says %d", disk, free, plan.Disks[0].FreeBytes)
			case !row.fits && (!errors.As(err, &usage) || !strings.Contains(err.Error(), "it may fill 80 %")):
				t.Errorf("%s, %.0f %%: error %v", disk, 100*row.share, err)
			}
		}
	}
}

// Goal: the work of a scenario before it begins is that of all its cells, disks and repeats, and adds up
// with that of others. Method: two cells, three times on a real and a simulated disk.
func TestPlannedWork(t *testing.T) {
	file := parsed(t, tiny+"repeat: 3\ndisk: [sim, 'dir:data']\n")
	cells, err := file.Cells()
	if err != nil {
		t.Fatal(err)
	}
	for i := range cells {
		cells[i].Scenario.Load.Duration = time.Second
	}
	w := PlannedWork(file, cells)
	if want := (Work{SimPlanned: 6 * time.Second, RealTotal: 6, RealPlanned: 6 * time.Second}); w != want {
		t.Errorf("%+v, want %+v", w, want)
	}
	if want := (Work{SimPlanned: 12 * time.Second, RealTotal: 12, RealPlanned: 12 * time.Second}); w.Plus(w) != want {
		t.Errorf("twice: %+v, want %+v", w.Plus(w), want)
	}
	if w.Over() != (Work{}) {
		t.Errorf("over: %+v", w.Over())
	}
}

// Goal: what bounds a reading leaves room for what the producers of all groups hold, and
// load.max-bytes ends the load alone. Method: two groups, and their buffers taken from the room.
func TestRoomOfReading(t *testing.T) {
	cell := firstCell(t, `
topic: {replication.factor: 2}
load: {max-bytes: 10MB}
producers: {groups: {few: {count: 1, buffer.memory: 3MB}, many: {count: 4, buffer.memory: 5MB}}}
`)
	shared := (&repeat{s: &cell.Scenario}).newShared(100e6)
	if shared.DiskLimit != 10e6 || shared.RoomLimit != 100e6-2*(3e6+4*5e6) {
		t.Errorf("the load ends at %d bytes, the reading at %d", shared.DiskLimit, shared.RoomLimit)
	}
}
