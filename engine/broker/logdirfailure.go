package broker

import (
	"fmt"
	"slices"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// logFailed remembers the first error of a log, and has whoever handles failures
// look for directories that are to go offline.
func (b *Broker) logFailed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.failure == nil {
		b.mu.failure = fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	if !b.mu.failing {
		b.mu.failing = true
		b.mu.stopped.Broadcast()
	}
}

// failureLoop takes log directories offline (ReplicaManager's
// LogDirFailureHandler): none of their partitions is led or followed here any more,
// and the controller is told, which elects others. A broker halts that has no
// directory left, or cannot tell within log.dir.failure.timeout.ms. Without a
// controller nobody else could lead, and there is no such task: logs that have
// failed answer KAFKA_STORAGE_ERROR, each for itself.
func (b *Broker) failureLoop() error {
	for b.awaitFailure() {
		offline := b.dirs.Offline()
		if len(offline) == len(b.offlineDirs()) {
			continue
		}
		b.mu.Lock()
		b.mu.offline = offline
		b.mu.Unlock()
		for _, p := range b.partitions {
			if slices.Contains(offline, p.dir) {
				p.goOffline()
				for _, f := range b.fetchers {
					f.unfollow(p)
				}
			}
		}
		if len(offline) == len(b.dirs.Roots()) || !b.tellFailure() {
			return b.halt()
		}
	}
	return nil
}

// awaitFailure waits until a log has failed. It reports whether the broker is still
// open.
func (b *Broker) awaitFailure() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.mu.failing && !b.mu.closing {
		b.mu.stopped.WaitUntil(env.Never)
	}
	b.mu.failing = false
	return !b.mu.closing
}

// offlineDirs are the log directories that have failed.
func (b *Broker) offlineDirs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.offline
}

// tellFailure sends a heartbeat, which names the directories, without waiting for
// the next one (BrokerLifecycleManager.propagateDirectoryFailure).
func (b *Broker) tellFailure() (told bool) {
	deadline := b.node.Now().Add(b.cfg.LogDirFailureTimeout)
	for {
		if _, err := b.heartbeat(&b.member.failures, liveOn); err == nil {
			return true
		}
		if b.node.Now() >= deadline || !b.pause(b.cfg.ReconnectBackoff) {
			return false
		}
	}
}

// halt stops a broker that cannot go on, as the death of its process would: the
// controller is not told, and finds out when the session is over. Close has to be
// called all the same.
func (b *Broker) halt() error { return b.stopAll() }

// assignDirs tells the controller which directory each replica is in, if there are
// several (AssignmentsManager).
func (b *Broker) assignDirs() error {
	if len(b.dirs.Roots()) == 1 {
		return nil
	}
	req := &protocol.AssignReplicasToDirsRequest{BrokerID: b.cfg.ID, BrokerEpoch: b.epoch()}
	for _, dir := range b.dirs.Roots() {
		for _, p := range b.partitions {
			if p.dir == dir {
				req.Partitions = append(req.Partitions, protocol.ReplicaDir{TopicPartition: p.TopicPartition, Dir: dir})
			}
		}
	}
	body, err := b.member.heartbeats.call(req, b.cfg.ControllerTimeout)
	if err != nil {
		return err
	}
	resp, ok := body.(*protocol.AssignReplicasToDirsResponse)
	if !ok {
		return fmt.Errorf("answered with %T", body)
	}
	return resp.Err.Err()
}

// goOffline ends what the partition is here: requests get KAFKA_STORAGE_ERROR, also
// those that wait (Partition.markOffline).
func (p *partition) goOffline() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.offline = true
	p.mu.hwRose.Broadcast()
	p.tellAllLocked(wakesFetches)
}

func (p *partition) isOffline() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.offline
}
