package probe

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/figures"
)

// Origin is what a profile says of where it comes from, a line each.
type Origin struct {
	Title  string // of the disk
	Source string // what was measured, where, when
	Note   string // what a reader must know of it
}

// Profile is the fitted model as text that package profiles reads. Figures that a
// row shows directly are measured ones; what the model needs to show others is
// fitted; the rest is assumed and says so.
func (f *Fit) Profile(o Origin) []byte {
	w := &writer{}
	w.line("title: %s", strconv.Quote(o.Title))
	w.line("note: %s", strconv.Quote(o.Note))
	w.line("sources:")
	w.line("  probe: %s", strconv.Quote(o.Source))
	w.line("kind: %s", f.Config.Kind)
	w.line("capacity: %s", w.figure(fmt.Sprintf("%dB", f.Config.CapacityBytes), figures.Measured,
		"the free space of the file system: of the disk nothing is known"))
	w.line("volatile-cache: %s", w.figure("yes", figures.Assumed, "so that a sync has its price"))
	w.line("queue:")
	w.line("  depth: %s", w.figure(strconv.Itoa(f.Config.Queue.Depth), figures.Assumed, ""))
	w.line("  background-depth: %s", w.figure(strconv.Itoa(f.Config.Queue.BackgroundDepth), figures.Assumed, ""))
	w.line("  background-wait-max: %s", w.figure(spanText(f.Config.Queue.BackgroundWaitMax), figures.Assumed, ""))
	if f.Config.Kind == device.KindProvisioned {
		w.provisioned(&f.Config.Provisioned)
	} else {
		w.ssd(&f.Config.SSD)
	}
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// figure is a value with its origin. What is assumed has no source.
func (w *writer) figure(value string, status figures.Status, note string) string {
	text := "{value: " + value + ", status: " + string(status)
	if status != figures.Assumed {
		text += ", source: probe"
	}
	if note != "" {
		text += ", note: " + strconv.Quote(note)
	}
	return text + "}"
}

func (w *writer) provisioned(p *device.Provisioned) {
	const both = "reads and writes together get what the one that got more did alone"
	w.line("provisioned:")
	w.line("  total:")
	w.line("    iops: %s", w.figure(opsText(p.Total.OpsPerSec), figures.Derived, both))
	w.line("    rate: %s", w.figure(bytesPerSec(p.Total.BytesPerSec), figures.Derived, both))
	for _, l := range []struct {
		name  string
		limit *device.Limit
	}{{"read", &p.Read}, {"write", &p.Write}} {
		w.line("  %s:", l.name)
		w.line("    iops: %s", w.figure(opsText(l.limit.OpsPerSec), figures.Fitted,
			"random, 4 KiB, at the greatest depth"))
		w.line("    rate: %s", w.figure(bytesPerSec(l.limit.BytesPerSec), figures.Fitted, "sequential, 1 MiB"))
	}
	w.line("  read-time: %s", w.figure(spreadText(p.ReadTime), figures.Fitted, "random, 4 KiB, one at a time"))
	w.line("  write-time: %s", w.figure(spreadText(p.WriteTime), figures.Fitted, "random, 4 KiB, one at a time"))
	w.line("  flush-time: %s", w.figure(spreadText(p.FlushTime), figures.Fitted, "fdatasync after overwriting 4 KiB"))
}

func (w *writer) ssd(d *device.SSD) {
	w.line("ssd:")
	of := func(name, value string, status figures.Status, note string) {
		w.line("  %s: %s", name, w.figure(value, status, note))
	}
	of("link-rate", bytesPerSec(d.LinkBytesPerSec), figures.Fitted, "sequential reads, 1 MiB")
	of("command-time", spanText(d.CommandTime), figures.Fitted, "random reads, 4 KiB, at the greatest depth")
	of("read-latency", spanText(d.ReadLatency), figures.Assumed, "it is part of the read-time")
	of("write-latency", spanText(d.WriteLatency), figures.Fitted, "random writes, 4 KiB, one at a time")
	of("channels", strconv.Itoa(d.Channels), figures.Assumed, "")
	of("dies-per-channel", strconv.Itoa(d.DiesPerChannel), figures.Assumed, "")
	of("channel-rate", bytesPerSec(d.ChannelBytesPerSec), figures.Assumed, "the link's")
	of("stripe", fmt.Sprintf("%dB", d.StripeBytes), figures.Assumed, "")
	of("read-time", spreadText(d.ReadTime), figures.Fitted, "random, 4 KiB, one at a time")
	of("suspend-time", spanText(d.SuspendTime), figures.Assumed, "")
	of("read-streams", strconv.Itoa(d.ReadStreams), figures.Assumed, "")
	of("program-unit", fmt.Sprintf("%dB", d.ProgramBytes), figures.Assumed, "")
	of("bits-per-cell", strconv.Itoa(d.BitsPerCell), figures.Assumed, "")
	of("program-time", spreadText(d.ProgramTime), figures.Fitted, "sequential writes, 1 MiB")
	of("buffer", fmt.Sprintf("%dB", d.BufferBytes), figures.Assumed, "")
	of("buffer-hold", spanText(d.BufferHold), figures.Assumed, "")
	of("region", fmt.Sprintf("%dB", d.RegionBytes), figures.Assumed, "")
	of("over-provisioning", strconv.FormatFloat(d.OverProvisioning, 'f', -1, 64), figures.Assumed,
		"a probe is too short to see what the collection of dead pages costs")
	of("flush-time", spreadText(d.FlushTime), figures.Fitted, "fdatasync after overwriting 4 KiB")
}

// round keeps what a measurement tells.
func round(v float64) float64 {
	if v < 1000 {
		return float64(int64(v*10)) / 10
	}
	return float64(int64(v))
}

func opsText(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }

func bytesPerSec(v int64) string { return fmt.Sprintf("%dkB/s", v/1000) }

func spreadText(s device.Spread) string {
	if s.P99 <= s.P50 {
		return spanText(s.P50)
	}
	return fmt.Sprintf("{p50: %s, p99: %s}", spanText(s.P50), spanText(s.P99))
}

// spanText is a duration in ASCII, to a thousandth or a nanosecond.
func spanText(d time.Duration) string {
	digit := time.Duration(1)
	for d/digit >= 10_000 {
		digit *= 10
	}
	return strings.Replace(d.Round(digit).String(), "\u00b5", "u", 1)
}
