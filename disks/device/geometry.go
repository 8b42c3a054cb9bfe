package device

import (
	"math"
	"sort"
)

// geometry is where the bytes of a hard disk lie:
//
//	offset -> zone -> track -> cylinder and angle
//
// Offsets run from the outer edge inwards, through all heads of a cylinder
// before the next one. A zone is a run of cylinders whose tracks hold the same
// bytes. Each track begins skewNs of rotation later than the one before it, so
// that a transfer that goes on finds its sector after the head has switched. An
// angle is the time since a revolution began, in ns; all surfaces turn as one.
type geometry struct {
	revNs, skewNs int64
	heads         int64
	cylinders     int64
	zones         []zone
}

// zone is a run of tracks of equal size.
type zone struct {
	start      int64 // offset of its first byte
	firstTrack int64
	trackBytes int64
}

// place is where a byte is.
type place struct {
	track, cylinder int64
	angleNs         int64
	trackBytes      int64
}

// newGeometry divides the disk into zones of as many cylinders each, whose
// sequential rates fall from the outer to the inner one in equal steps. A track's
// bytes follow from its rate: it passes in a revolution, and the switch to the
// next one takes the skew.
func newGeometry(h *HardDisk, capacityBytes int64) geometry {
	const sectorBytes = 4096
	g := geometry{revNs: h.revolutionNs(), skewNs: int64(h.TrackSkew), heads: int64(h.Heads)}
	sizes := make([]int64, h.Zones)
	var sum int64
	for i := range sizes {
		inward := 0.0
		if h.Zones > 1 {
			inward = float64(i) / float64(h.Zones-1)
		}
		rate := float64(h.OuterBytesPerSec)*(1-inward) + float64(h.InnerBytesPerSec)*inward
		bytes := rate * float64(g.revNs+g.skewNs) / 1e9
		sizes[i] = max(sectorBytes, int64(math.Round(bytes/sectorBytes))*sectorBytes)
		sum += sizes[i]
	}
	perZone := max(1, int64(math.Ceil(float64(capacityBytes)/float64(sum*g.heads)))) // cylinders
	g.cylinders = perZone * int64(h.Zones)
	var start, track int64
	for _, bytes := range sizes {
		g.zones = append(g.zones, zone{start: start, firstTrack: track, trackBytes: bytes})
		start += bytes * perZone * g.heads
		track += perZone * g.heads
	}
	return g
}

// zoneOf returns the index of the zone that holds offset.
func (g *geometry) zoneOf(offset int64) int {
	return sort.Search(len(g.zones), func(i int) bool { return g.zones[i].start > offset }) - 1
}

// at returns the place of the byte at offset.
func (g *geometry) at(offset int64) place {
	z := &g.zones[g.zoneOf(offset)]
	track := z.firstTrack + (offset-z.start)/z.trackBytes
	inTrack := (offset - z.start) % z.trackBytes
	return place{
		track: track, cylinder: track / g.heads, trackBytes: z.trackBytes,
		angleNs: (track*g.skewNs + inTrack*g.revNs/z.trackBytes) % g.revNs,
	}
}

// transferNs is how long the medium takes over n > 0 bytes from offset, once the
// first of them is under the head.
func (g *geometry) transferNs(offset, n int64) int64 {
	var ns int64
	for i := g.zoneOf(offset); n > 0; i++ {
		z := &g.zones[i]
		part, last := n, i+1 == len(g.zones)
		if !last {
			part = min(n, g.zones[i+1].start-offset)
		}
		inTrack := (offset - z.start) % z.trackBytes
		crossed := (inTrack + part - 1) / z.trackBytes
		ns += part*g.revNs/z.trackBytes + crossed*g.skewNs
		offset, n = offset+part, n-part
		if n > 0 {
			ns += g.skewNs
		}
	}
	return ns
}

// passedBytes is about how many bytes pass the head in ns of a transfer at p.
func (g *geometry) passedBytes(p place, ns int64) int64 {
	return int64(float64(ns) / float64(g.revNs+g.skewNs) * float64(p.trackBytes))
}

// seekCurve is the time of a move of the arm: a + b*sqrt(d) up to a third of the
// stroke, where the arm accelerates half of the way and brakes the other half,
// and c + e*d beyond, where it has reached its speed (Ruemmler and Wilkes, An
// introduction to disk drive modeling, 1994). It goes through the three figures
// that datasheets have: one track, the average (a third of the stroke: the mean
// distance of two random cylinders), and the full stroke.
type seekCurve struct {
	a, b, c, e float64
	knee       int64 // cylinders
}

func newSeekCurve(h *HardDisk, cylinders int64) seekCurve {
	full := float64(max(cylinders-1, 2))
	third := full / 3
	track, average, stroke := float64(h.SeekTrack), float64(h.SeekAverage), float64(h.SeekFull)
	s := seekCurve{knee: int64(third)}
	if third > 1 {
		s.b = (average - track) / (math.Sqrt(third) - 1)
	}
	s.a = track - s.b
	s.e = (stroke - average) / (full - third)
	s.c = average - s.e*third
	return s
}

// ns is the time to move by a distance in cylinders.
func (s *seekCurve) ns(distance int64) int64 {
	switch {
	case distance == 0:
		return 0
	case distance <= s.knee:
		return int64(s.a + s.b*math.Sqrt(float64(distance)))
	}
	return int64(s.c + s.e*float64(distance))
}
