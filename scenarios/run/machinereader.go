package run

import (
	"runtime"

	"brokerlab/engine/env"
)

// machineName is the node that stands for all of a real run: its brokers and clients
// share one process.
const machineName = "machine"

// machineReader reads the counters of this process and this machine.
type machineReader struct {
	devices []deviceID
	limits  cacheReading // thresholds, as they were at the beginning
}

// deviceID is a block device, as the system numbers it.
type deviceID struct {
	name         string // of the directory that is on it: disk-1
	major, minor uint32
}

// newMachineReader reads the devices of directories; those that are not on a block
// device, or where the system has no counters, are left out.
func newMachineReader(dirs []string) *machineReader {
	return &machineReader{devices: devicesOf(dirs), limits: dirtyLimits()}
}

func (m *machineReader) read(now env.Time) reading {
	cpu := cpuNow()
	n := nodeReading{name: machineName, cores: runtime.NumCPU(), worked: cpu.total, cpu: cpu.ok,
		disks: readDevices(m.devices)}
	if dirty, ok := dirtyBytes(); ok {
		c := m.limits
		c.dirty = dirty
		n.cache = &c
	}
	return reading{at: now, nodes: []nodeReading{n}}
}
