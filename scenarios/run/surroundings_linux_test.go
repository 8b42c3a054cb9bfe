package run

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Goal: what the system tells is read, of this machine and of files of every kind;
// what it does not tell is nothing.
// Method: this machine's own figures, then made files, then an empty directory.
func TestLookAround(t *testing.T) {
	dir := t.TempDir()
	here := lookAround([]string{dir})
	if here == nil || here.busy <= 0 || here.own <= 0 || here.cores < 1 || here.freeShare <= 0 || here.freeShare > 1 {
		t.Errorf("this machine: %+v", here)
	}
	proc, sys := procRoot, sysRoot
	defer func() { procRoot, sysRoot = proc, sys }()
	procRoot, sysRoot = filepath.Join(dir, "proc"), filepath.Join(dir, "sys")
	for name, text := range map[string]string{
		"proc/stat":        "cpu  100 50 25 1000 10 5 5 40 0 0\ncpu0 100 50 25 1000 10 5 5 40 0 0\n",
		"proc/self/cgroup": "0::/a/group\n", "proc/vmstat": "pgpgin 7\npswpin 3\npswpout 4\n",
		"sys/fs/cgroup/a/group/cpu.stat":                                   "usage_usec 9\nthrottled_usec 2000000\n",
		"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
		"sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq":             "2500000\n",
		"proc/12/stat": "12 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0 0 0 300 200 0 0 20 0 1 0 30 0 0 " +
			"18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		"proc/13/stat": "13 (a (b) c) R 1 0 0 0 -1 4194304 0 0 0 0 70 30 0 0 20 0 1 0 40 0 0 " +
			"18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	made := lookAround(nil)
	if made == nil || made.busy != 1750*time.Millisecond || made.steal != 400*time.Millisecond ||
		made.heldBack != 2*time.Second || made.swapped != 7 || made.overheats != 7 || made.mhz != 2500 ||
		made.kernel != 5*time.Second || !made.kernelSeen || made.programs[program{13, "a (b) c", 40}] != time.Second {
		t.Errorf("made files: %+v", made)
	}
	procRoot = filepath.Join(dir, "nothing")
	if got := lookAround(nil); got != nil {
		t.Errorf("no files: %+v", got)
	}
}
