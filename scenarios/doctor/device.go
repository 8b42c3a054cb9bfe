package doctor

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Shares of the second that the disk was busy with others.
const (
	diskBusyNote = 0.05
	diskBusyBad  = 0.30
)

// device looks at the disk below the file system.
func (e *examination) device() {
	s := &e.after
	m, _ := s.mountOf(e.machine.Dir.Existing)
	name, ok := s.blockDevice(m)
	if !ok {
		for _, check := range []string{"disk", "disk scheduler", "disk cache", "disk load"} {
			e.unknown(check, "no device of its own in /sys/block")
		}
		return
	}
	disks := s.below(name)
	e.medium(name, disks)
	e.scheduler(disks)
	e.cache(name)
	busy := 0.0
	for _, disk := range disks {
		busy = max(busy, (s.disks[disk]-e.before.disks[disk])/float64(sampleFor.Milliseconds()))
	}
	e.judge(grade(busy, diskBusyNote, diskBusyBad), "disk load", fmt.Sprintf("busy %.0f %% of a second", 100*min(1, busy)),
		"others use the disk that is measured", "stop them (iotop), or --dir on another disk")
}

// medium says what the disk is made of.
func (e *examination) medium(name string, disks []string) {
	s := &e.after
	kind := "solid state, or virtual"
	if slices.ContainsFunc(disks, func(d string) bool { return s.text("sys/block/"+d+"/queue/rotational") == "1" }) {
		kind = "rotating, or says so"
	}
	value := name
	if !slices.Equal(disks, []string{name}) {
		value += " on " + strings.Join(disks, ", ")
	}
	value += ", " + kind
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(disks, func(d string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(d, p) })
		})
	}
	switch {
	case begins("zram", "ram"):
		e.judge(Bad, "disk", name+", in memory", "it lives in memory: not a disk", "--dir on a disk of this machine")
	case begins("loop"):
		file := printable(s.text("sys/block/" + disks[0] + "/loop/backing_file"))
		e.judge(Note, "disk", strings.TrimSpace(name+", a file: "+file), "syncs and writes go through two file systems",
			"--dir on the file system that the file is on, or on a disk")
	case begins("nbd", "rbd", "drbd"):
		e.judge(Note, "disk", value, "it is a disk of another machine, and its network and neighbours are measured with it",
			"--dir on a disk of this machine, unless that is what is meant")
	default:
		e.good("disk", value)
	}
}

// scheduler looks at the order in which requests go to the disks.
func (e *examination) scheduler(disks []string) {
	var found []string
	for _, disk := range disks {
		name := e.after.text("sys/block/" + disk + "/queue/scheduler")
		if _, rest, ok := strings.Cut(name, "["); ok {
			name, _, _ = strings.Cut(rest, "]")
		}
		if name == "bfq" {
			e.judge(Note, "disk scheduler", name, "it shares the disk fairly between programs and adds delays for it",
				"echo mq-deadline > /sys/block/"+disk+"/queue/scheduler, or none on NVMe")
			return
		}
		if name != "" && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		e.unknown("disk scheduler", "the system does not tell")
		return
	}
	e.good("disk scheduler", strings.Join(found, ", "))
}

// cache looks at what a sync has to do.
func (e *examination) cache(name string) {
	switch cache := e.after.text("sys/block/" + name + "/queue/write_cache"); cache {
	case "":
		e.unknown("disk cache", "the system does not tell")
	case "write back":
		e.good("disk cache", "write back: a sync flushes it")
	default:
		e.good("disk cache", cache+": a sync need not flush, so syncs are cheap here")
	}
}

// blockDevice is the name below /sys/block of what is mounted: by its numbers, or, of
// file systems such as btrfs that have numbers of their own, by its source. Of a
// partition it is the whole device's.
func (s *snapshot) blockDevice(m mount) (name string, ok bool) {
	source, named := strings.CutPrefix(m.source, "/dev/")
	mapped, _ := strings.CutPrefix(source, "mapper/")
	return s.wholeDevice(func(dir, name string) bool {
		return s.text(dir+"/dev") == m.device && m.device != "" ||
			named && (name == source || mapped != source && s.text(dir+"/dm/name") == mapped)
	})
}

// wholeDevice is the first device below /sys/block that is so, or of which a partition is.
func (s *snapshot) wholeDevice(is func(dir, name string) bool) (name string, ok bool) {
	entries, err := fs.ReadDir(s.root, "sys/block")
	if err != nil {
		return "", false
	}
	for _, e := range entries {
		dir := "sys/block/" + e.Name()
		if is(dir, e.Name()) {
			return e.Name(), true
		}
		parts, err := fs.ReadDir(s.root, dir)
		if err != nil {
			continue
		}
		for _, p := range parts {
			if strings.HasPrefix(p.Name(), e.Name()) && is(dir+"/"+p.Name(), p.Name()) {
				return e.Name(), true
			}
		}
	}
	return "", false
}

// slavesDeep is more than anybody stacks devices.
const slavesDeep = 8

// below are the devices that a mapped one (LVM, encryption, RAID) is made of, or itself.
func (s *snapshot) below(name string) (disks []string) {
	var descend func(name string, deep int)
	descend = func(name string, deep int) {
		slaves, err := fs.ReadDir(s.root, "sys/block/"+name+"/slaves")
		if err != nil || len(slaves) == 0 || deep == slavesDeep {
			if !slices.Contains(disks, name) {
				disks = append(disks, name)
			}
			return
		}
		for _, slave := range slaves {
			whole, ok := s.wholeDevice(func(_, name string) bool { return name == slave.Name() })
			if ok {
				descend(whole, deep+1)
			}
		}
	}
	descend(name, 0)
	return disks
}
