package main

import (
	"fmt"
	"time"

	"brokerlab/scenarios/run"
)

// What a measured repeat takes besides its load, until some have ended: brokers start
// and stop, and every record is read back.
const (
	aroundShare = 0.3 // of its planned duration
	aroundFixed = time.Second
)

// How much of the planned time of simulated repeats must be done, and how long that
// must have taken, before a speed is taken from it.
const (
	seenShare = 0.02
	seenFor   = time.Second
)

// timeLeft says how long runs will take yet, from what their repeats are planned to last
// and how fast they went so far. Simulated repeats run several at once, at a speed that
// shows after a while; measured ones run alone, and take their planned time and what
// surrounds it. ok is false if it cannot be told yet.
func timeLeft(w run.Work) (left time.Duration, ok bool) {
	left = measuredLeft(w)
	if w.SimDone < w.SimPlanned {
		if w.SimTook < seenFor || w.SimDone.Seconds() < seenShare*w.SimPlanned.Seconds() {
			return 0, false
		}
		left += time.Duration(w.SimTook.Seconds() / w.SimDone.Seconds() * float64(w.SimPlanned-w.SimDone))
	}
	return left, left > 0
}

// measuredLeft is what measured repeats take yet: as long for their planned time as
// those that have ended.
func measuredLeft(w run.Work) time.Duration {
	planned := w.RealPlanned - w.RealEndedPlanned
	whole := time.Duration((1+aroundShare)*float64(planned)) + aroundFixed*time.Duration(w.RealTotal-w.RealEnded)
	if w.RealEndedPlanned > 0 {
		whole = time.Duration(w.RealEndedTook.Seconds() / w.RealEndedPlanned.Seconds() * float64(planned))
	}
	return max(0, whole-w.RealRunning)
}

// leftWords is a span as people say it, coarser the longer it is.
func leftWords(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%d s left", max(1, int(d.Seconds()+0.5)))
	case d < 100*time.Second:
		return fmt.Sprintf("%d s left", int(d.Round(5*time.Second).Seconds()))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min left", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h %d min left", int(d.Hours()), int(d.Minutes())%60)
}
