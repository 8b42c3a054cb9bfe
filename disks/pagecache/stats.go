package pagecache

import (
	"time"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// VolumeStats are the figures of one disk.
type VolumeStats struct {
	Stats
	Device         device.Stats
	Commits        int64
	CommitTime     time.Duration // from their begin to the last block, summed
	BandwidthBytes int64         // what write-back is thought to do in a second
}

// Stats returns the figures of the disk.
func (v *Volume) Stats(now env.Time) VolumeStats {
	if v.dev.NextEvent() > now {
		v.dev.Advance(now, v.advancing) // nothing is due; its sums come up to now
	}
	return VolumeStats{Stats: v.stats, Device: v.dev.Stats(), Commits: v.commits, CommitTime: v.commitSum,
		BandwidthBytes: v.BandwidthBytes()}
}
