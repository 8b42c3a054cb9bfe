package pagecache

import (
	"math/bits"
	"time"

	"brokerlab/engine/env"
)

// The constants of mm/page-writeback.c. Rates are pages per second, as there.
const (
	ratioShift        = 10                     // RATELIMIT_CALC_SHIFT: a ratio of 1 is 1 << ratioShift
	bandwidthInterval = 200 * time.Millisecond // BANDWIDTH_INTERVAL
	pauseMax          = 200 * time.Millisecond // MAX_PAUSE
	bandwidthInitial  = 100 << 20 / PageBytes  // INIT_BW
	pollPages         = 32                     // DIRTY_POLL_THRESH: 128 KiB
	// bandwidthPeriod is what the estimate looks back on: 3 s, rounded up to a
	// power of two jiffies of 1 ms.
	bandwidthPeriod = 4096 * time.Millisecond
)

// ratioPolynomial is 1 + ((setpoint - dirty) / (limit - setpoint))^3, between 0
// and 2, scaled by ratioShift (pos_ratio_polynom).
func ratioPolynomial(setpoint, dirty, limit int64) int64 {
	x := ((setpoint - dirty) << ratioShift) / ((limit - setpoint) | 1)
	ratio := x
	ratio = ratio * x >> ratioShift
	ratio = ratio * x >> ratioShift
	ratio += 1 << ratioShift
	return min(max(ratio, 0), 2<<ratioShift)
}

// Dirtier is what one process has dirtied since it last paused. Linux keeps it by
// thread, and credits the time since the last pause; this model does not see
// threads, and the rate limit follows what is dirtied all the same.
type Dirtier struct{ bytes int64 }

// Dirtied adds to what must be paid by a pause.
func (d *Dirtier) Dirtied(bytes int64) { d.bytes += bytes }

// throttle is the estimate of a volume's bandwidth and the rate limit of those
// who write to it.
type throttle struct {
	since        env.Time // of the counts below
	writtenStamp int64
	dirtiedStamp int64
	written      int64 // pages, ever
	dirtied      int64
	bandwidth    int64 // of the last period
	average      int64 // smoothed once more
	rateLimit    int64 // of one writer (dirty_ratelimit)
	balanced     int64 // balanced_dirty_ratelimit
}

func newThrottle() throttle {
	return throttle{bandwidth: bandwidthInitial, average: bandwidthInitial,
		rateLimit: bandwidthInitial, balanced: bandwidthInitial}
}

// dirtyState is what the decisions look at, in pages.
type dirtyState struct {
	dirty, limit, freeRun int64 // of the machine
	own, ownLimit         int64 // of the volume
}

func (v *Volume) dirtyState(now env.Time) dirtyState {
	c := v.cache
	limit := c.limits.HardBytes / PageBytes
	return dirtyState{
		dirty:    (c.dirtyBytes + c.writebackBytes) / PageBytes,
		limit:    limit,
		freeRun:  c.limits.FreeRunBytes / PageBytes,
		own:      (v.stats.DirtyBytes + v.stats.WritebackBytes) / PageBytes,
		ownLimit: c.share(now, v, limit),
	}
}

// positionRatio says by how much writers may exceed the rate limit, or must stay
// below it, to lead the dirty pages to their set point (wb_position_ratio).
func positionRatio(s dirtyState, average int64) int64 {
	if s.dirty >= s.limit {
		return 0
	}
	setpoint := (s.freeRun + s.limit) / 2
	ratio := ratioPolynomial(setpoint, s.dirty, s.limit)
	ownLimit := max(min(s.ownLimit, s.limit), (s.limit-s.dirty)/8)
	x := (ownLimit << 16) / (s.limit | 1)
	ownSetpoint := setpoint * x >> 16
	width := (s.limit - ownLimit + 8*average) * x >> 16
	zero := ownSetpoint + width
	if s.own < zero-width/4 {
		ratio = ratio * (zero - s.own) / ((zero - ownSetpoint) | 1)
	} else {
		ratio /= 4
	}
	if reserve := ownLimit / 2; s.own < reserve { // or the device runs dry
		if s.own > reserve/8 {
			ratio = ratio * reserve / s.own
		} else {
			ratio *= 8
		}
	}
	return ratio
}

// Balance says how long a writer that has dirtied pages must pause now; 0 for not
// at all (balance_dirty_pages). After a pause it is asked again.
func (v *Volume) Balance(now env.Time, d *Dirtier) time.Duration {
	s := v.dirtyState(now)
	if s.dirty <= s.freeRun {
		d.bytes = 0
		return 0
	}
	v.kick(now)
	ratio := positionRatio(s, v.throttle.average)
	v.throttle.update(now, &s, ratio)
	limit := v.throttle.rateLimit
	rate := limit * ratio >> ratioShift
	most := v.longestPause(s.own)
	if rate == 0 {
		return v.pause(most)
	}
	pages := d.bytes / PageBytes
	pause := time.Duration(pages) * time.Second / time.Duration(rate)
	if pause < shortestPause(most, limit, rate) {
		return 0
	}
	if pause > most {
		d.bytes -= int64(most) * rate / int64(time.Second) * PageBytes
		return v.pause(most)
	}
	d.bytes = 0
	return v.pause(pause)
}

func (v *Volume) pause(d time.Duration) time.Duration {
	for _, s := range []*Stats{&v.stats, &v.cache.stats} {
		s.Throttled += d
		s.Pauses++
		s.PauseMax = max(s.PauseMax, d)
	}
	return d
}

// longestPause keeps the device from running dry: an eighth of the time that the
// volume's dirty pages take to write (wb_max_pause).
func (v *Volume) longestPause(own int64) time.Duration {
	t := time.Duration(own) * 128 * time.Millisecond / time.Duration(v.throttle.average+128)
	return min(t+time.Millisecond, pauseMax)
}

// shortestPause is what a writer does not bother to pause for; it writes on
// (wb_min_pause).
func shortestPause(most time.Duration, limit, rate int64) time.Duration {
	t := 10 * time.Millisecond
	if more := bits.Len64(uint64(limit)) - bits.Len64(uint64(rate)); more > 0 {
		t += time.Duration(more) * 10 * time.Second / 1024
	}
	t = min(t, time.Millisecond+most/2)
	pages := limit * int64(t) / int64(time.Second)
	if pages >= pollPages {
		return time.Millisecond + t/2
	}
	if pages = limit * int64(most) / int64(time.Second); pages > pollPages {
		return most * pollPages / time.Duration(pages)
	}
	return most
}

// update follows the device's bandwidth and the writers' rate, every 200 ms
// (__wb_update_bandwidth).
func (t *throttle) update(now env.Time, s *dirtyState, ratio int64) {
	elapsed := now.Sub(t.since)
	if elapsed < bandwidthInterval {
		return
	}
	if s != nil {
		t.updateLimit(s, ratio, elapsed)
	}
	t.updateBandwidth(elapsed)
	t.since, t.writtenStamp, t.dirtiedStamp = now, t.written, t.dirtied
}

// updateLimit is wb_update_dirty_ratelimit: the limit goes towards the rate at which
// what is dirtied would be what is written, in small steps.
func (t *throttle) updateLimit(s *dirtyState, ratio int64, elapsed time.Duration) {
	dirtyRate := (t.dirtied - t.dirtiedStamp) * int64(time.Second) / int64(elapsed)
	rate := t.rateLimit*ratio>>ratioShift + 1
	balanced := min(rate*t.average/(dirtyRate|1), t.average)
	step := int64(0)
	if setpoint := (s.freeRun + s.limit) / 2; s.dirty < setpoint {
		if x := min(t.balanced, balanced, rate); t.rateLimit < x {
			step = x - t.rateLimit
		}
	} else if x := max(t.balanced, balanced, rate); t.rateLimit > x {
		step = t.rateLimit - x
	}
	if shift := t.rateLimit / (2*step + 1); shift < 64 {
		step = (step>>shift + 7) / 8
	} else {
		step = 0
	}
	if t.rateLimit < balanced {
		t.rateLimit += step
	} else {
		t.rateLimit -= step
	}
	t.rateLimit = max(t.rateLimit, 1)
	t.balanced = balanced
}

// updateBandwidth is wb_update_write_bandwidth.
func (t *throttle) updateBandwidth(elapsed time.Duration) {
	written := t.written - t.writtenStamp
	if elapsed > bandwidthPeriod {
		t.bandwidth = max(1, written*int64(time.Second)/int64(elapsed))
		t.average = t.bandwidth
		return
	}
	const periodMillis = int64(bandwidthPeriod / time.Millisecond)
	left := periodMillis - int64(elapsed/time.Millisecond)
	old := t.bandwidth
	now := (written*1000 + old*left) / periodMillis
	if t.average > old && old >= now {
		t.average -= (t.average - old) >> 3
	}
	if t.average < old && old <= now {
		t.average += (old - t.average) >> 3
	}
	t.average = max(1, t.average)
	t.bandwidth = now
}

// rest forgets the time in which nothing was written (wb_bandwidth_estimate_start).
func (t *throttle) rest(now env.Time) {
	if now.Sub(t.since) >= bandwidthInterval {
		t.since, t.writtenStamp, t.dirtiedStamp = now, t.written, t.dirtied
	}
}

// BandwidthBytes is the estimate of what the volume can write in a second.
func (v *Volume) BandwidthBytes() int64 { return v.throttle.average * PageBytes }
