package broker

import (
	"brokerlab/engine/env"
)

// fetchWait is where one connection's fetch waits for any of its partitions
// (DelayedFetch in Kafka's purgatory).
type fetchWait struct {
	mu struct {
		env.Mutex
		woken bool
		rise  env.Cond
	}
}

func newFetchWait(node env.Node) *fetchWait {
	w := &fetchWait{}
	w.mu.Mutex = node.NewMutex()
	w.mu.rise = node.NewCond(w.mu.Mutex)
	return w
}

func (w *fetchWait) wake() {
	w.mu.Lock()
	if !w.mu.woken {
		w.mu.woken = true
		w.mu.rise.Signal()
	}
	w.mu.Unlock()
}

// wait returns at a wake-up, also one since the last wait, or at the deadline.
func (w *fetchWait) wait(deadline env.Time) {
	w.mu.Lock()
	for !w.mu.woken && w.mu.rise.WaitUntil(deadline) {
	}
	w.mu.woken = false
	w.mu.Unlock()
}

// watch adds a waiting fetch: a follower's waits for more log, a consumer's for
// a higher high watermark.
func (p *partition) watch(w *fetchWait, follower bool) {
	list := p.watchers(follower)
	p.mu.Lock()
	*list = append(*list, w)
	p.mu.Unlock()
}

func (p *partition) unwatch(w *fetchWait, follower bool) {
	list := p.watchers(follower)
	p.mu.Lock()
	for i, have := range *list {
		if have == w {
			last := len(*list) - 1
			(*list)[i] = (*list)[last]
			*list = (*list)[:last]
			break
		}
	}
	p.mu.Unlock()
}

func (p *partition) watchers(follower bool) *[]*fetchWait {
	if follower {
		return &p.mu.onAppend
	}
	return &p.mu.onHW
}

func wakeAll(ws []*fetchWait) {
	for _, w := range ws {
		w.wake()
	}
}

// appended tells the leader's partition that its log reaches to end.
func (p *partition) appended(end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress.Appended(end) {
		p.hwRoseLocked()
	}
	wakeAll(p.mu.onAppend)
}

// fetched tells the leader's partition how far a follower's log reaches. If that
// is news it waits for the log's lock, which an append holds also while it
// flushes: Kafka raises the high watermark under that lock
// (UnifiedLog.maybeIncrementHighWatermark), so that a follower's fetch waits for
// the leader's disk.
func (p *partition) fetched(id int32, offset int64) {
	p.mu.Lock()
	news := p.mu.progress.Moves(id, offset)
	p.mu.Unlock()
	if !news {
		return
	}
	p.log.AwaitAppend()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress.Fetched(id, offset) {
		p.hwRoseLocked()
	}
}

func (p *partition) hwRoseLocked() {
	p.mu.hwRose.Broadcast()
	wakeAll(p.mu.onHW)
}

// followed sets the high watermark that the leader told a follower; no higher
// than the follower's own log, and lower than before if the leader says so
// (UnifiedLog.maybeUpdateHighWatermark).
func (p *partition) followed(leaderHW int64) {
	end := p.log.EndOffset()
	p.mu.Lock()
	p.mu.hw = min(leaderHW, end)
	p.mu.Unlock()
}

// highWatermark is the offset below which consumers may read.
func (p *partition) highWatermark() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.leader {
		return p.mu.progress.HighWatermark()
	}
	return p.mu.hw
}

// waitReplicated waits until the high watermark has reached offset, and reports
// whether it has. False means the deadline or the end of the broker.
func (p *partition) waitReplicated(offset int64, deadline env.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.mu.progress.HighWatermark() < offset {
		if p.mu.closing || !p.mu.hwRose.WaitUntil(deadline) {
			return p.mu.progress.HighWatermark() >= offset
		}
	}
	return true
}

// stop wakes whatever waits on the partition.
func (p *partition) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.closing = true
	p.mu.hwRose.Broadcast()
	wakeAll(p.mu.onAppend)
	wakeAll(p.mu.onHW)
}
