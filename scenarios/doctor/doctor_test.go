package doctor

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the findings that the tests expect")

// trees reads the files of a machine, and those that are others a second later.
func trees(t *testing.T, name string) (before, after fstest.MapFS) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	before, after = fstest.MapFS{}, fstest.MapFS{}
	for _, f := range archive.Files {
		file := &fstest.MapFile{Data: f.Data}
		if later, ok := strings.CutPrefix(f.Name, "after/"); ok {
			after[later] = file
			continue
		}
		before[f.Name], after[f.Name] = file, file
	}
	return before, after
}

// moving is a file system that is another one after a while.
type moving struct{ now fs.FS }

func (m *moving) Open(name string) (fs.File, error) { return m.now.Open(name) }

func examine(t *testing.T, name string, m Machine) []Check {
	t.Helper()
	before, after := trees(t, name)
	root := &moving{before}
	m.Root, m.OS = root, "linux"
	m.Wait = func(time.Duration) { root.now = after }
	return Examine(m)
}

var calm = Live{LateP50: 20 * time.Microsecond, LateP99: 80 * time.Microsecond, Step: 30, Cost: 40}

// Goal: what is found of a machine stays as it is. Method: recorded and written trees of /proc and /sys, whose
// findings are compared with testdata.
func TestExamine(t *testing.T) {
	for _, row := range []struct {
		name    string
		machine Machine
	}{
		{"virtual", Machine{Live: calm, Dir: Directory{Existing: "/srv/logs", FreeBytes: 70 * gib, Kind: "ext4"}}},
		{"laptop", Machine{Live: Live{LateP99: 2 * time.Millisecond, Step: 1000, Cost: 900},
			Dir: Directory{Existing: "/data two/logs", FreeBytes: 3 * gib, Kind: "ext4"}}},
		{"container", Machine{Live: calm, Dir: Directory{Existing: "/logs", FreeBytes: gib / 2, Kind: "overlay"}}},
	} {
		var got strings.Builder
		for _, c := range examine(t, row.name, row.machine) {
			fmt.Fprintf(&got, "%s | %s | %s | %s | %s\n", c.Level, c.Name, c.Value, c.Effect, c.Advice)
		}
		path := filepath.Join("testdata", row.name+".txt")
		if *rewrite {
			if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.name, diff)
		}
	}
}

// Goal: each level is the one that a reader of the findings would choose. Method: look some up by machine.
func TestLevels(t *testing.T) {
	laptop := examine(t, "laptop", Machine{Live: Live{Cost: 900}, PID: 4242,
		Dir: Directory{Existing: "/home", FreeBytes: 100 * gib, Kind: "btrfs"}})
	container := examine(t, "container", Machine{Live: calm, Dir: Directory{Existing: "/logs", FreeBytes: 70 * gib}})
	tmpfs := examine(t, "container", Machine{Live: calm, Dir: Directory{Existing: "/logs", Kind: "tmpfs",
		KindFault: "tmpfs lives in memory: not a disk"}})
	nothing := Examine(Machine{Root: fstest.MapFS{}, OS: "darwin", Wait: func(time.Duration) {}, Live: calm})
	for _, row := range []struct {
		why    string
		checks []Check
		name   string
		want   Level
	}{
		{"a battery that empties", laptop, "power", Bad},
		{"governors that differ", laptop, "governor", Note},
		{"pages that are swapped now", laptop, "swap", Bad},
		{"memory that is all but gone", laptop, "memory", Bad},
		{"btrfs", laptop, "file system", Note},
		{"compression of the mount", laptop, "mount options", Note},
		{"a clock that costs a system call", laptop, "clock source", Bad},
		{"load that is our own", laptop, "other load", Good},
		{"a quota", container, "container", Bad},
		{"a quiet server", container, "other load", Good},
		{"an overlay", container, "file system", Note},
		{"room", container, "free space", Good},
		{"a file system in memory", tmpfs, "file system", Bad},
		{"another system", nothing, "governor", Unknown},
	} {
		i := slices.IndexFunc(row.checks, func(c Check) bool { return c.Name == row.name })
		if i < 0 || row.checks[i].Level != row.want {
			t.Errorf("%s: %+v", row.why, row.checks)
		}
	}
	if Worst(laptop) != Bad || Worst(nothing) != Good {
		t.Errorf("worst %s and %s", Worst(laptop), Worst(nothing))
	}
}

// Goal: disks are found below what is stacked on them, and what is no disk of this machine is said. Method:
// trees of /sys/block for each kind of mount; a check and how its value begins.
func TestDevices(t *testing.T) {
	block := map[string]string{
		"sda/dev": "8:0", "sda/sda2/dev": "8:2", "sda/queue/rotational": "1", "sda/queue/scheduler": "none [bfq]",
		"nvme0n1/dev": "259:0", "nvme0n1/queue/rotational": "0", "nvme0n1/queue/scheduler": "[none] kyber",
		"dm-0/dev": "253:0", "dm-0/dm/name": "vg-logs", "dm-0/slaves/sda2/dev": "8:2", "dm-0/slaves/dm-1/dev": "253:1",
		"dm-0/queue/write_cache": "write back", "dm-1/dev": "253:1", "dm-1/dm/name": "crypt",
		"dm-1/slaves/nvme0n1/dev": "259:0", "loop3/dev": "7:3", "loop3/loop/backing_file": "/srv/a.img",
		"zram0/dev": "253:9", "nbd0/dev": "43:0", "dm-7/dev": "253:7", "dm-7/slaves/dm-7/dev": "253:7",
	}
	stat := "8 0 sda 1 0 8 0 1 0 8 0 0 %d 0\n259 0 nvme0n1 1 0 8 0 1 0 8 0 0 10 0\n253 0 dm-0 1 0 8 0 1 0 8 0 0 10 0\n"
	for _, row := range []struct {
		why, mount, check string
		want              Level
		value             string
	}{
		{"a partition", "8:2 / / rw - ext4 /dev/sda2 rw", "disk", Good, "sda, rotating"},
		{"a solid state", "259:0 / / rw - ext4 /dev/nvme0n1 rw", "disk", Good, "nvme0n1, solid state"},
		{"its scheduler", "259:0 / / rw - ext4 /dev/nvme0n1 rw", "disk scheduler", Good, "none"},
		{"it rests", "259:0 / / rw - ext4 /dev/nvme0n1 rw", "disk load", Good, "busy 0 %"},
		{"a volume on two disks", "253:0 / / rw - xfs /dev/mapper/vg-logs rw", "disk", Good,
			"dm-0 on nvme0n1, sda, rotating"},
		{"the scheduler below it", "253:0 / / rw - xfs /dev/mapper/vg-logs rw", "disk scheduler", Note, "bfq"},
		{"what others do to a disk below it", "253:0 / / rw - xfs /dev/mapper/vg-logs rw", "disk load", Bad, "busy 50 %"},
		{"btrfs has numbers of its own", "0:44 / / rw - btrfs /dev/mapper/crypt rw", "disk", Good, "dm-1 on nvme0n1, solid"},
		{"btrfs on a partition", "0:44 / / rw - btrfs /dev/sda2 rw", "disk", Good, "sda, rotating"},
		{"a file", "7:3 / / rw - ext4 /dev/loop3 rw", "disk", Note, "loop3, a file: /srv/a.img"},
		{"memory", "253:9 / / rw - ext4 /dev/zram0 rw", "disk", Bad, "zram0, in memory"},
		{"another machine's", "43:0 / / rw - ext4 /dev/nbd0 rw", "disk", Note, "nbd0, "},
		{"one that is its own", "253:7 / / rw - ext4 /dev/mapper/x rw", "disk", Good, "dm-7, "},
		{"a share of files", "0:50 / / rw - nfs4 server:/a rw", "disk", Unknown, "no device of its own"},
	} {
		before := fstest.MapFS{"proc/self/mountinfo": {Data: []byte("30 1 " + row.mount)},
			"proc/diskstats": {Data: fmt.Appendf(nil, stat, 1000)}}
		for name, text := range block {
			before["sys/block/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
		after := maps.Clone(before)
		after["proc/diskstats"] = &fstest.MapFile{Data: fmt.Appendf(nil, stat, 1500)}
		root := &moving{before}
		checks := Examine(Machine{Root: root, OS: "linux", Wait: func(time.Duration) { root.now = after }, Live: calm,
			Dir: Directory{Existing: "/srv"}})
		i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == row.check })
		if c := checks[i]; c.Level != row.want || !strings.HasPrefix(c.Value, row.value) {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
}

// Goal: what is told of the machine is this program's part of it, and nothing is made of a mouse. Method: small
// trees; a check and how its value begins.
func TestOddMachines(t *testing.T) {
	arm := "processor : 0\nFeatures : fp asimd\n"
	for _, row := range []struct {
		why   string
		files map[string]string
		dir   Directory
		check string
		want  Level
		value string
	}{
		{"processors of others", map[string]string{"sys/devices/system/cpu/online": "0-63",
			"proc/self/status": "Name:\tx\nCpus_allowed_list:\t4-5,8\n"}, Directory{}, "cores", Note, "3 of 64 are for this"},
		{"all processors", map[string]string{"sys/devices/system/cpu/online": "0-7",
			"proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-7\n"}, Directory{}, "cores", Good, "8"},
		{"a list that is none", map[string]string{"sys/devices/system/cpu/online": "5-2,x,-,999999999999"}, Directory{},
			"cores", Unknown, "no processors"},
		{"a quota beyond the cpuset", map[string]string{"sys/devices/system/cpu/online": "0-63",
			"proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-3\n", "proc/self/cgroup": "0::/",
			"sys/fs/cgroup/cpu.max": "800000 100000"}, Directory{}, "container", Good, "no limit"},
		{"a large quota", map[string]string{"sys/devices/system/cpu/online": "0-255", "proc/self/cgroup": "0::/",
			"sys/fs/cgroup/cpu.max": "12800000 100000"}, Directory{}, "container", Bad, "128.0 of 256 processors"},
		{"memory beside a quota", map[string]string{"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "50000 100000",
			"sys/fs/cgroup/memory.max": "1073741824"}, Directory{}, "container memory", Note, "limit of 1.0 GiB"},
		{"the battery of a mouse", map[string]string{"sys/class/power_supply/hid/type": "Battery",
			"sys/class/power_supply/hid/scope": "Device", "sys/class/power_supply/hid/status": "Discharging"}, Directory{},
			"power", Good, "not on"},
		{"a clock of another make that costs little", map[string]string{
			"sys/devices/system/clocksource/clocksource0/current_clocksource": "timebase"}, Directory{}, "clock source", Good,
			"timebase"},
		{"an ARM machine in the cloud", map[string]string{"proc/cpuinfo": arm, "sys/class/dmi/id/sys_vendor": "Amazon EC2",
			"sys/class/dmi/id/product_name": "c7g.large"}, Directory{}, "virtual machine", Note, "Amazon EC2 c7g.large"},
		{"an ARM machine of metal", map[string]string{"proc/cpuinfo": arm, "sys/class/dmi/id/sys_vendor": "Amazon EC2",
			"sys/class/dmi/id/product_name": "c7g.metal"}, Directory{}, "virtual machine", Unknown, "the system does not"},
		{"a full disk", nil, Directory{Existing: "/d", Full: true}, "free space", Bad, "0 MiB in /d"},
		{"one that does not tell", nil, Directory{Existing: "/d"}, "free space", Unknown, "the system does not"},
		{"an overlay's options", map[string]string{"proc/self/mountinfo": "1 2 0:9 / / rw,relatime - overlay overlay " +
			"rw,lowerdir=/a:/b,upperdir=/c,workdir=/d,xino=off"}, Directory{Existing: "/d"}, "mount options", Good,
			"rw,relatime,xino=off"},
	} {
		root := fstest.MapFS{}
		for name, text := range row.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		checks := Examine(Machine{Root: root, OS: "linux", Wait: func(time.Duration) {}, Live: calm, Dir: row.dir})
		i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == row.check })
		if c := checks[i]; c.Level != row.want || !strings.HasPrefix(c.Value, row.value) {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
}

// Goal: this machine can be looked at, and nothing is left to be said. Method: examine it without the second.
func TestThis(t *testing.T) {
	m := This(filepath.Join(t.TempDir(), "not", "there"))
	m.Wait = func(time.Duration) {}
	checks := Examine(m)
	if len(checks) < 20 || m.Live.Cost <= 0 || m.Live.Step <= 0 {
		t.Errorf("%d checks, %+v", len(checks), m.Live)
	}
	for _, c := range checks {
		if c.Name == "" || c.Value == "" || (c.Level == Note || c.Level == Bad) == (c.Effect == "" || c.Advice == "") {
			t.Errorf("%+v", c)
		}
	}
}

// FuzzExamine: whatever files hold, there are checks and no panic.
func FuzzExamine(f *testing.F) {
	f.Add("cpu 1 2 3 4 5 6 7 8 9 10", "1 2 3:4 / / rw - ext4 /dev/x rw", "0::/a", "some avg10=1 x")
	f.Fuzz(func(t *testing.T, stat, mounts, groups, pressure string) {
		root := fstest.MapFS{"proc/stat": {Data: []byte(stat)}, "proc/self/mountinfo": {Data: []byte(mounts)},
			"proc/self/cgroup": {Data: []byte(groups)}, "proc/pressure/io": {Data: []byte(pressure)},
			"proc/7/stat": {Data: []byte(stat)}, "proc/self/limits": {Data: []byte(stat)},
			"proc/diskstats": {Data: []byte(stat)}, "proc/meminfo": {Data: []byte(stat)}}
		if checks := Examine(Machine{Root: root, OS: "linux", Wait: func(time.Duration) {}}); len(checks) < 20 {
			t.Errorf("%d checks", len(checks))
		}
	})
}
