package replica

// EpochEnd is a leader epoch and the offset behind its last record in a log.
// Offset -1 is not known.
type EpochEnd struct {
	Epoch  int32
	Offset int64
}

// Divergence is what a follower knows when the leader says that their logs part
// (KIP-101, KIP-279).
type Divergence struct {
	// Leader is the leader's answer: its largest epoch that is not above the
	// follower's last one, and where it ends.
	Leader EpochEnd
	// Own is the follower's largest epoch that is not above Leader.Epoch; epoch -1 if
	// it has none.
	Own           EpochEnd
	OwnEnd        int64 // the follower's log end offset
	HighWatermark int64 // the follower's
}

// TruncateTo is the offset that the follower cuts its log to
// (AbstractFetcherThread.getOffsetTruncationState). The logs may differ still: if
// the follower does not know the leader's epoch, it cuts to the end of the one
// before, and learns from its next fetch how to go on.
func (d Divergence) TruncateTo() int64 {
	switch {
	case d.Leader.Offset < 0:
		return d.HighWatermark
	case d.Own.Epoch < 0:
		return min(d.Leader.Offset, d.OwnEnd)
	case d.Own.Epoch != d.Leader.Epoch:
		return min(d.Own.Offset, d.OwnEnd)
	default:
		return min(d.Own.Offset, d.Leader.Offset, d.OwnEnd)
	}
}
