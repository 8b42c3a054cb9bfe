package run

import (
	"cmp"
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/results"
)

// Parts of the processor's work, of a simulated and of a real run.
const (
	partRecords    = "records" // put into batches, taken out, looked at, acknowledged
	partChecksum   = "checksum"
	partCopy       = "copy"
	partCompress   = "compress"
	partDecompress = "decompress"
	partRequests   = "requests" // built, parsed, handled
	partNetwork    = "network"
	partFiles      = "file system calls"
)

// partOf is what an operation counts as. Waking a task takes time, but no core.
var partOf = [env.OpCount]string{
	env.OpRecordEncode: partRecords, env.OpRecordDecode: partRecords, env.OpRecordCheck: partRecords,
	env.OpRecordAck: partRecords, env.OpCRC: partChecksum, env.OpCopy: partCopy,
	env.OpRequest: partRequests, env.OpHandle: partRequests, env.OpSyscall: partFiles, env.OpAppend: partFiles,
	env.OpCompressGzip: partCompress, env.OpCompressSnappy: partCompress, env.OpCompressLZ4: partCompress,
	env.OpCompressZstd: partCompress, env.OpDecompressGzip: partDecompress, env.OpDecompressSnappy: partDecompress,
	env.OpDecompressLZ4: partDecompress, env.OpDecompressZstd: partDecompress,
	env.OpSend: partNetwork, env.OpReceive: partNetwork,
}

// charged is the processor time of a simulated node so far, by operation.
type charged [env.OpCount]time.Duration

// cpuParts is what was charged in the measured window, of brokers and clients apart,
// the largest parts first.
func (m *meter) cpuParts() []results.CPUPart {
	from, to := m.window()
	if to == nil {
		return nil
	}
	type key struct{ side, name string }
	spent := map[key]time.Duration{}
	for i := range to.nodes {
		a, b := &from.nodes[i], &to.nodes[i]
		if b.charged == nil || a.charged == nil {
			continue
		}
		side := results.SideBrokers
		if b.client {
			side = results.SideClients
		}
		for op, name := range partOf {
			spent[key{side, name}] += b.charged[op] - a.charged[op]
		}
	}
	var parts []results.CPUPart
	for k, d := range spent {
		if d > 0 {
			parts = append(parts, results.CPUPart{Side: k.side, Name: k.name, Seconds: d.Seconds()})
		}
	}
	sortParts(parts)
	return parts
}

// sortParts puts the parts of each side together, the largest first.
func sortParts(parts []results.CPUPart) {
	slices.SortFunc(parts, func(a, b results.CPUPart) int {
		return cmp.Or(cmp.Compare(a.Side, b.Side), cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Name, b.Name))
	})
}
