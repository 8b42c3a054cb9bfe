package doctor

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// snapshot is the counters of one moment.
type snapshot struct {
	root fs.FS
	// cpu are the ticks of all processors together by state, in the order of
	// /proc/stat: user nice system idle iowait irq softirq steal.
	cpu       []float64
	processes map[int]process
	disks     map[string]float64 // ms that a device had requests under way, by name
	vmstat    map[string]float64
	throttled float64 // times that the cgroup used up its share of the processors
}

// process is one of /proc/[pid]/stat.
type process struct {
	name  string
	ticks float64 // of processor time, user and system
}

// cpuStates is how many states of a processor are read (proc(5)); guest time is in
// user time already.
const cpuStates = 8

// look reads the counters; what is not there is empty.
func look(root fs.FS) snapshot {
	s := snapshot{root: root, processes: map[int]process{}, disks: map[string]float64{}, vmstat: map[string]float64{}}
	for _, line := range lines(s.text("proc/stat")) {
		if fields := strings.Fields(line); len(fields) > cpuStates && fields[0] == "cpu" {
			for _, f := range fields[1 : cpuStates+1] {
				s.cpu = append(s.cpu, number(f))
			}
		}
	}
	for _, line := range lines(s.text("proc/diskstats")) {
		if f := strings.Fields(line); len(f) >= 13 {
			s.disks[f[2]] = number(f[12]) // field 10 of iostats.rst: ms spent doing I/Os
		}
	}
	for _, line := range lines(s.text("proc/vmstat")) {
		if name, value, ok := strings.Cut(line, " "); ok {
			s.vmstat[name] = number(value)
		}
	}
	s.lookAtProcesses()
	for _, file := range s.cgroupFiles("cpu", "cpu.stat") {
		for _, line := range lines(s.text(file)) {
			if value, ok := strings.CutPrefix(line, "nr_throttled "); ok {
				s.throttled = max(s.throttled, number(value))
			}
		}
	}
	return s
}

func (s *snapshot) lookAtProcesses() {
	entries, err := fs.ReadDir(s.root, "proc")
	if err != nil {
		return // then there is no machine to look at
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// pid (name) state ppid ...: the name may hold blanks and brackets.
		text := s.text("proc/" + e.Name() + "/stat")
		open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
		if open < 0 || end < open {
			continue // it has ended
		}
		if f := strings.Fields(text[end+1:]); len(f) > 12 {
			s.processes[pid] = process{name: text[open+1 : end], ticks: number(f[11]) + number(f[12])}
		}
	}
}

// text is a file's content, trimmed; "" if it cannot be read.
func (s *snapshot) text(name string) string {
	content, err := fs.ReadFile(s.root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// there says whether a file is.
func (s *snapshot) there(name string) bool {
	_, err := fs.Stat(s.root, name)
	return err == nil
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// number reads a number; 0 if it is none.
func number(text string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0
	}
	return v
}

// meminfo is a line of /proc/meminfo in bytes.
func (s *snapshot) meminfo(name string) (bytes float64, ok bool) {
	for _, line := range lines(s.text("proc/meminfo")) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			if f := strings.Fields(rest); len(f) > 0 {
				return number(f[0]) * 1024, true
			}
		}
	}
	return 0, false
}

// cgroupFiles are the paths of a file of this process's control group, of version 2
// and of version 1's controller, in the group itself and those above it: the limit of
// each holds.
func (s *snapshot) cgroupFiles(controller, name string) (files []string) {
	for _, line := range lines(s.text("proc/self/cgroup")) {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		var roots []string
		switch {
		case parts[1] == "":
			roots = []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"}
		case strings.Contains(","+parts[1]+",", ","+controller+","):
			roots = []string{"sys/fs/cgroup/" + controller, "sys/fs/cgroup/" + parts[1]}
		}
		for _, root := range roots {
			for group := parts[2]; ; group = path.Dir(group) {
				if file := path.Join(root, group, name); s.there(file) {
					files = append(files, file)
				}
				if group == "/" || group == "." || group == "" {
					break
				}
			}
		}
	}
	return files
}

// mount is a line of /proc/self/mountinfo.
type mount struct {
	device, point, kind, source string
	options                     []string // of the mount and of the file system
}

// mountOf is what is mounted where a path is.
func (s *snapshot) mountOf(at string) (m mount, ok bool) {
	for _, line := range lines(s.text("proc/self/mountinfo")) {
		before, after, found := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !found || len(f) < 6 || len(g) < 3 {
			continue
		}
		point := unescape(f[4])
		inside := point == "/" || at == point || strings.HasPrefix(at, point+"/")
		if inside && len(point) >= len(m.point) { // the last of several at one place hides the others
			options := append(strings.Split(f[5], ","), strings.Split(g[2], ",")...)
			m, ok = mount{device: f[2], point: point, kind: g[0], source: unescape(g[1]), options: options}, true
		}
	}
	return m, ok
}

// unescape reads the octal escapes of mountinfo.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}
