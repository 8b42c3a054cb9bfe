package profiles

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"brokerlab/disks/device"
	"brokerlab/disks/figures"
)

// setting is one figure of the format: its path, and how its value is read into
// a Config. read returns the value as text.
type setting struct {
	path     string
	optional bool // 0, or no, if it is not given
	read     func(*device.Config, *yaml.Node) (string, error)
}

// of makes a setting of a type of value and the field that holds it.
func of[T any](path string, parse func(string) (T, error), field func(*device.Config) *T) setting {
	return setting{path: path, read: func(c *device.Config, n *yaml.Node) (string, error) {
		if n.Kind != yaml.ScalarNode {
			return "", errors.New("must be one value")
		}
		v, err := parse(n.Value)
		if err != nil {
			return "", err
		}
		*field(c) = v
		return n.Value, nil
	}}
}

func optional(s setting) setting {
	s.optional = true
	return s
}

// settings are all figures there are.
var settings = concat(generalSettings, hardDiskSettings, ssdSettings,
	limitSettings("provisioned.total", func(c *device.Config) *device.Limit { return &c.Provisioned.Total }),
	limitSettings("provisioned.read", func(c *device.Config) *device.Limit { return &c.Provisioned.Read }),
	limitSettings("provisioned.write", func(c *device.Config) *device.Limit { return &c.Provisioned.Write }),
	provisionedSettings)

func concat(parts ...[]setting) (all []setting) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var generalSettings = []setting{
	of("capacity", figures.Size, func(c *device.Config) *int64 { return &c.CapacityBytes }),
	of("volatile-cache", yesNo, func(c *device.Config) *bool { return &c.VolatileCache }),
	of("queue.depth", integer, func(c *device.Config) *int { return &c.Queue.Depth }),
	of("queue.background-depth", integer, func(c *device.Config) *int { return &c.Queue.BackgroundDepth }),
	of("queue.background-wait-max", span, func(c *device.Config) *time.Duration { return &c.Queue.BackgroundWaitMax }),
	optional(of("queue.exclusive-flush", yesNo, func(c *device.Config) *bool { return &c.Queue.ExclusiveFlush })),
	optional(of("queue.native-fua", yesNo, func(c *device.Config) *bool { return &c.Queue.NativeFUA })),
}

var hardDiskSettings = []setting{
	of("hdd.rpm", integer, func(c *device.Config) *int { return &c.HardDisk.RPM }),
	of("hdd.heads", integer, func(c *device.Config) *int { return &c.HardDisk.Heads }),
	of("hdd.zones", integer, func(c *device.Config) *int { return &c.HardDisk.Zones }),
	of("hdd.outer-rate", rate, func(c *device.Config) *int64 { return &c.HardDisk.OuterBytesPerSec }),
	of("hdd.inner-rate", rate, func(c *device.Config) *int64 { return &c.HardDisk.InnerBytesPerSec }),
	of("hdd.seek-track", span, func(c *device.Config) *time.Duration { return &c.HardDisk.SeekTrack }),
	of("hdd.seek-average", span, func(c *device.Config) *time.Duration { return &c.HardDisk.SeekAverage }),
	of("hdd.seek-full", span, func(c *device.Config) *time.Duration { return &c.HardDisk.SeekFull }),
	of("hdd.write-settle", span, func(c *device.Config) *time.Duration { return &c.HardDisk.WriteSettle }),
	of("hdd.head-switch", span, func(c *device.Config) *time.Duration { return &c.HardDisk.HeadSwitch }),
	of("hdd.track-skew", span, func(c *device.Config) *time.Duration { return &c.HardDisk.TrackSkew }),
	of("hdd.plan-margin", span, func(c *device.Config) *time.Duration { return &c.HardDisk.PlanMargin }),
	of("hdd.command-time", span, func(c *device.Config) *time.Duration { return &c.HardDisk.CommandTime }),
	of("hdd.interface-rate", rate, func(c *device.Config) *int64 { return &c.HardDisk.InterfaceBytesPerSec }),
	optional(of("hdd.write-cache", figures.Size, func(c *device.Config) *int64 { return &c.HardDisk.WriteCacheBytes })),
	optional(of("hdd.write-cache-extents", integer, func(c *device.Config) *int { return &c.HardDisk.WriteCacheExtents })),
	of("hdd.read-segments", integer, func(c *device.Config) *int { return &c.HardDisk.ReadSegments }),
	of("hdd.read-segment", figures.Size, func(c *device.Config) *int64 { return &c.HardDisk.ReadSegmentBytes }),
	of("hdd.age-max", span, func(c *device.Config) *time.Duration { return &c.HardDisk.AgeMax }),
}

var ssdSettings = []setting{
	of("ssd.link-rate", rate, func(c *device.Config) *int64 { return &c.SSD.LinkBytesPerSec }),
	optional(of("ssd.half-duplex", yesNo, func(c *device.Config) *bool { return &c.SSD.HalfDuplex })),
	of("ssd.command-time", span, func(c *device.Config) *time.Duration { return &c.SSD.CommandTime }),
	of("ssd.read-latency", span, func(c *device.Config) *time.Duration { return &c.SSD.ReadLatency }),
	of("ssd.write-latency", span, func(c *device.Config) *time.Duration { return &c.SSD.WriteLatency }),
	of("ssd.channels", integer, func(c *device.Config) *int { return &c.SSD.Channels }),
	of("ssd.dies-per-channel", integer, func(c *device.Config) *int { return &c.SSD.DiesPerChannel }),
	of("ssd.channel-rate", rate, func(c *device.Config) *int64 { return &c.SSD.ChannelBytesPerSec }),
	of("ssd.stripe", figures.Size, func(c *device.Config) *int64 { return &c.SSD.StripeBytes }),
	spread("ssd.read-time", func(c *device.Config) *device.Spread { return &c.SSD.ReadTime }),
	of("ssd.suspend-time", span, func(c *device.Config) *time.Duration { return &c.SSD.SuspendTime }),
	of("ssd.read-streams", integer, func(c *device.Config) *int { return &c.SSD.ReadStreams }),
	of("ssd.program-unit", figures.Size, func(c *device.Config) *int64 { return &c.SSD.ProgramBytes }),
	of("ssd.bits-per-cell", integer, func(c *device.Config) *int { return &c.SSD.BitsPerCell }),
	spread("ssd.program-time", func(c *device.Config) *device.Spread { return &c.SSD.ProgramTime }),
	optional(spread("ssd.fast-program-time", func(c *device.Config) *device.Spread { return &c.SSD.FastProgramTime })),
	optional(of("ssd.fast-cache", figures.Size, func(c *device.Config) *int64 { return &c.SSD.FastCacheBytes })),
	optional(of("ssd.fold-rate", rate, func(c *device.Config) *int64 { return &c.SSD.FoldBytesPerSec })),
	optional(of("ssd.fold-after", span, func(c *device.Config) *time.Duration { return &c.SSD.FoldAfter })),
	of("ssd.buffer", figures.Size, func(c *device.Config) *int64 { return &c.SSD.BufferBytes }),
	of("ssd.buffer-hold", span, func(c *device.Config) *time.Duration { return &c.SSD.BufferHold }),
	of("ssd.region", figures.Size, func(c *device.Config) *int64 { return &c.SSD.RegionBytes }),
	of("ssd.over-provisioning", number, func(c *device.Config) *float64 { return &c.SSD.OverProvisioning }),
	optional(spread("ssd.flush-time", func(c *device.Config) *device.Spread { return &c.SSD.FlushTime })),
	optional(spread("ssd.fua-time", func(c *device.Config) *device.Spread { return &c.SSD.FUATime })),
}

func limitSettings(path string, limit func(*device.Config) *device.Limit) []setting {
	return []setting{
		optional(of(path+".iops", number, func(c *device.Config) *float64 { return &limit(c).OpsPerSec })),
		optional(of(path+".io-bytes", figures.Size, func(c *device.Config) *int64 { return &limit(c).OpBytes })),
		optional(of(path+".rate", rate, func(c *device.Config) *int64 { return &limit(c).BytesPerSec })),
		optional(of(path+".burst", span, func(c *device.Config) *time.Duration { return &limit(c).Burst })),
	}
}

var provisionedSettings = []setting{
	spread("provisioned.read-time", func(c *device.Config) *device.Spread { return &c.Provisioned.ReadTime }),
	spread("provisioned.write-time", func(c *device.Config) *device.Spread { return &c.Provisioned.WriteTime }),
	optional(spread("provisioned.flush-time", func(c *device.Config) *device.Spread { return &c.Provisioned.FlushTime })),
}

// spread makes a setting of a duration, or of a mapping of p50 and p99.
func spread(path string, field func(*device.Config) *device.Spread) setting {
	fixed := of(path, span, func(c *device.Config) *time.Duration { return &field(c).P50 })
	return setting{path: path, read: func(c *device.Config, n *yaml.Node) (string, error) {
		*field(c) = device.Spread{}
		if n.Kind != yaml.MappingNode {
			return fixed.read(c, n)
		}
		if len(n.Content) != 4 || n.Content[0].Value != "p50" || n.Content[2].Value != "p99" {
			return "", errors.New("must be a duration, or a mapping of p50 and p99")
		}
		low, err := span(n.Content[1].Value)
		if err != nil {
			return "", err
		}
		high, err := span(n.Content[3].Value)
		if err != nil {
			return "", err
		}
		*field(c) = device.Spread{P50: low, P99: high}
		return fmt.Sprintf("p50 %s, p99 %s", n.Content[1].Value, n.Content[3].Value), nil
	}}
}

func yesNo(text string) (bool, error) {
	if text != "yes" && text != "no" {
		return false, fmt.Errorf("%q is neither yes nor no", text)
	}
	return text == "yes", nil
}

func integer(text string) (int, error) {
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil || len(text) > 1 && text[0] == '0' {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return int(v), nil
}

func number(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

func span(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration: write 8.2ms", text)
	}
	return d, nil
}

// rate reads bytes per second with a unit.
func rate(text string) (int64, error) {
	amount, ok := strings.CutSuffix(text, "/s")
	v, err := figures.Size(amount)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q is not a rate: write 175MB/s", text)
	}
	return v, nil
}
