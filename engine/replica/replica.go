// Package replica holds what the leader of a partition knows of its followers
// and decides the high watermark. It is pure: methods take what happened and
// return what follows. The in-sync set stays as it was given.
package replica

import "fmt"

// Progress is the leader's view of a partition's replicas
// (kafka.cluster.Partition and Replica). The high watermark is the smallest log
// end offset of the in-sync replicas; it never falls.
type Progress struct {
	leaderEnd     int64
	highWatermark int64
	followers     []follower
}

type follower struct {
	id     int32
	end    int64 // log end offset, known from the follower's last fetch
	inSync bool
}

// NewProgress starts a leadership. Followers count as being at offset 0 until
// they fetch, and the high watermark begins at 0 or, with no follower in sync,
// at the leader's log end offset.
func NewProgress(leader int32, replicas, isr []int32, leaderEnd int64) *Progress {
	p := &Progress{leaderEnd: leaderEnd}
	leads := false
	for _, id := range replicas {
		if id == leader {
			leads = true
			continue
		}
		f := follower{id: id}
		for _, in := range isr {
			f.inSync = f.inSync || in == id
		}
		p.followers = append(p.followers, f)
	}
	if !leads {
		panic(fmt.Sprintf("replica: leader %d is none of the replicas %v", leader, replicas))
	}
	p.advance()
	return p
}

// HighWatermark is the offset below which every in-sync replica has the log.
func (p *Progress) HighWatermark() int64 { return p.highWatermark }

// LeaderEnd is the leader's log end offset.
func (p *Progress) LeaderEnd() int64 { return p.leaderEnd }

// Appended says that the leader's log reaches to end. It reports whether the
// high watermark rose.
func (p *Progress) Appended(end int64) (rose bool) {
	if end < p.leaderEnd {
		// Two appends may report in the other order; the later one counts.
		return false
	}
	p.leaderEnd = end
	return p.advance()
}

// Moves says whether Fetched would change what is known of the follower.
func (p *Progress) Moves(id int32, offset int64) bool {
	for i := range p.followers {
		if f := &p.followers[i]; f.id == id {
			return f.end != offset
		}
	}
	return false
}

// Fetched says that a follower asked for offset, so that its log reaches there.
// It reports whether the high watermark rose. A broker that is no replica of the
// partition changes nothing.
func (p *Progress) Fetched(id int32, offset int64) (rose bool) {
	for i := range p.followers {
		f := &p.followers[i]
		if f.id != id {
			continue
		}
		f.end = offset
		return p.advance()
	}
	return false
}

func (p *Progress) advance() (rose bool) {
	low := p.leaderEnd
	for i := range p.followers {
		if f := &p.followers[i]; f.inSync && f.end < low {
			low = f.end
		}
	}
	if low <= p.highWatermark {
		return false
	}
	p.highWatermark = low
	return true
}
