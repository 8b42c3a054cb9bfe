package protocol

import (
	"time"

	"brokerlab/engine/env"
)

// Stage is a point on a batch's way. Batches carry the instant of each, so that
// latency can be split by stage. All nodes of a world share one clock. Stamps travel
// beside the fields of the protocol and are in no WireBytes; a peer that is not ours
// leaves those of the broker at 0.
type Stage int

// The stages, in the order in which a batch passes them; one that is full is
// compressed before the sender takes it, any other one after that.
const (
	StageCreated    Stage = iota // first record put into the producer's batch
	StageClosed                  // batch takes no more records: it is full, or the sender takes it
	StageTaken                   // batch taken by the sender for the first time
	StageDrained                 // and for the last: later than StageTaken if it is sent again
	StageCompressed              // batch compressed and sealed
	StageSent                    // request handed to the network
	StageArrived                 // request at the broker's node
	StageReceived                // request taken up by a network thread of the broker
	StageHandled                 // and by an I/O thread: it stood in the request queue between
	StageValidated               // batch checked by the leader
	StageAppended                // bytes in the leader's log
	StageFlushed                 // flush that the append had to wait for; 0 if none
	StageWritten                 // all batches of the request in the leader's logs
	StageReplicated              // high watermark passed the batch; 0 if not waited for
	StageAnswered                // response ready: with acks=all, all batches of it are replicated
	StageAcked                   // response taken up by the producer
	StageCount
)

// Stamps are the instants of a batch's stages; 0 where a stage was not passed.
type Stamps [StageCount]env.Time

// BatchTimes are the instants of a batch in its leader's log.
type BatchTimes struct {
	BaseOffset int64
	NextOffset int64
	Bytes      int // in the log
	// Stamps are those up to StageFlushed, and in StageReplicated when consumers could
	// read the batch.
	Stamps Stamps
	// Flushing is how much of the time from StageHandled to the end of the batch's own
	// append was forced flushes: those of batches before it in the request too.
	Flushing time.Duration
}

// Written is when the batch's own append had ended, with its flush if it had one.
func (t *BatchTimes) Written() env.Time {
	return max(t.Stamps[StageAppended], t.Stamps[StageFlushed])
}
