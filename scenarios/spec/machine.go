package spec

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"brokerlab/engine/netmodel"
	"brokerlab/scenarios/hosts"
)

// Host describes the simulated machine of each broker, and the processors of
// clients. A real run has the machine that it has.
type Host struct {
	Profile         string        // profile: a price list of CPU work, built in or a file; go
	Cores           int           // cores of a broker; 4
	ClientCores     int           // client-cores: of each producer and consumer; 4
	Memory          int64         // memory of a broker's machine; 16 GiB
	Heap            int64         // heap: what processes take of it, the rest is page cache; 1 GiB
	Disks           int           // disks of a broker, each with a log directory; 1
	FileSystem      string        // file-system: ext4 or xfs; ext4
	DirtyBackground int           // dirty-background-ratio (vm.dirty_background_ratio), in percent; 10
	DirtyLimit      int           // dirty-ratio (vm.dirty_ratio), in percent; 20
	DirtyExpire     time.Duration // dirty-expire (vm.dirty_expire_centisecs); 30 s
	DirtyWriteback  time.Duration // dirty-writeback (vm.dirty_writeback_centisecs); 5 s
	ReadAhead       int64         // read-ahead of each disk (read_ahead_kb); 128 KiB
}

// CacheBytes is the memory that pages of files may take.
func (h *Host) CacheBytes() int64 { return h.Memory - h.Heap }

// Auto stands for a figure that the profile gives.
const Auto = -1

// Network shapes what connects nodes. Fields that are Auto have the value of the
// profile.
type Network struct {
	Profile     string        // profile: one of netmodel's; local
	BytesPerSec int64         // rate: `1Gbit/s` or `125MB/s`; 0 = unlimited
	Delay       time.Duration // delay: one way
	Jitter      time.Duration // jitter: on top of the delay, at random
	Loss        float64       // loss: share of segments that are sent again
	MTU         int64         // mtu: bytes of a frame; 0 = no framing
	InFlight    int64         // in-flight: bytes that a connection holds; 4 MiB
}

// Profiles that a scenario has unless it names others.
const (
	networkLocal = "local" // links take no time
	hostGo       = hosts.Default
)

// orAuto adds the word auto for Auto, which n must not take.
func orAuto[T int64 | float64 | time.Duration](n notation[T]) notation[T] {
	inner, format := n.parse, n.format
	n.shape = n.shape.orWords(wordAuto)
	n.parse = func(text string) (T, error) {
		if text == wordAuto {
			return Auto, nil
		}
		v, err := inner(text)
		if err != nil {
			err = fmt.Errorf("%w; or write %s for what the profile has", err, wordAuto)
		}
		return v, err
	}
	n.format = func(v T) string {
		if v == Auto {
			return wordAuto
		}
		return format(v)
	}
	return n
}

// percent notates whole percents; a plain number is one, as the kernel has it.
var percent = notation[int]{
	parse: func(text string) (int, error) {
		number := strings.TrimSuffix(text, "%")
		if !allDigits(number) {
			return 0, notA(text, "a whole number of percent", "write 10%")
		}
		if err := leadingZero(number); err != nil {
			return 0, err
		}
		v, err := strconv.Atoi(number)
		if err != nil {
			return 0, fmt.Errorf("%s is out of range", text)
		}
		return v, nil
	},
	format: func(v int) string { return strconv.Itoa(v) + "%" },
	shape:  &shape{number: numberWhole, per: 1, pattern: `^[0-9]+%?$`},
}

// share notates a part of the whole in percent, with a fraction.
var share = notation[float64]{
	parse: func(text string) (float64, error) {
		number, isShare := strings.CutSuffix(text, "%")
		if !isNumber(number, true) {
			return 0, notA(text, "a share", "write 0.01%")
		}
		if !isShare {
			return 0, fmt.Errorf("%s needs a unit: write %s%%", text, text)
		}
		if err := leadingZero(number); err != nil {
			return 0, err
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is too large", text)
		}
		return v / 100, nil
	},
	format: formatShare,
	shape:  &shape{pattern: `^[0-9]+(\.[0-9]+)?%$`},
}

// formatShare gives the shortest percentage that reads as v.
func formatShare(v float64) string {
	for digits := 0; digits <= 20; digits++ {
		text := strconv.FormatFloat(v*100, 'f', digits, 64)
		if back, err := strconv.ParseFloat(text, 64); err == nil && back/100 == v {
			if digits > 0 {
				text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
			}
			return text + "%"
		}
	}
	return strconv.FormatFloat(v*100, 'f', -1, 64) + "%"
}

// isFile says whether a profile's name is a path of a YAML file.
func isFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// hostProfile notates a price list: a name that is built in, or a file.
var hostProfile = notation[string]{
	parse: func(text string) (string, error) {
		if isFile(text) {
			return text, checkPath(text)
		}
		if strings.ContainsAny(text, `/\`) {
			return "", fmt.Errorf("%q is neither a host profile nor a file that ends in .yaml", text)
		}
		return oneOf(hosts.Names()...).parse(text)
	},
	format: func(s string) string { return s },
	shape:  &shape{words: hosts.Names(), pattern: `\.ya?ml$`},
}

var hostSettings = []setting{
	row("host.profile", func(s *Scenario) *string { return &s.Host.Profile }, hostProfile,
		"price list of processor work of simulated nodes: "+listed(hosts.Names())+", or a file (`./mine.yaml`) of "+
			"`brokerlab calibrate`"),
	row("host.cores", func(s *Scenario) *int { return &s.Host.Cores }, within(integer[int](), 1, coresMax),
		"cores of each simulated broker"),
	row("host.client-cores", func(s *Scenario) *int { return &s.Host.ClientCores }, within(integer[int](), 1, coresMax),
		"cores of each simulated producer and consumer"),
	row("host.memory", func(s *Scenario) *int64 { return &s.Host.Memory }, within(size, 64<<20, memoryBytesMax*16),
		"memory of a broker's machine on a modelled disk"),
	row("host.heap", func(s *Scenario) *int64 { return &s.Host.Heap }, within(size, 0, memoryBytesMax),
		"what processes take of it; the rest is page cache"),
	row("host.disks", func(s *Scenario) *int { return &s.Host.Disks }, within(integer[int](), 1, directoriesMax),
		"modelled disks of a broker, each with a log directory of its own"),
	row("host.file-system", func(s *Scenario) *string { return &s.Host.FileSystem }, oneOf("ext4", "xfs"),
		"file system on modelled disks"),
	row("host.dirty-background-ratio", func(s *Scenario) *int { return &s.Host.DirtyBackground },
		within(percent, 0, 100), "vm.dirty_background_ratio: dirty part of the page cache from which it is written back"),
	row("host.dirty-ratio", func(s *Scenario) *int { return &s.Host.DirtyLimit }, within(percent, 1, 100),
		"vm.dirty_ratio: dirty part at which writers wait"),
	row("host.dirty-expire", func(s *Scenario) *time.Duration { return &s.Host.DirtyExpire },
		within(span, 10*time.Millisecond, durationMax),
		"vm.dirty_expire_centisecs: age at which dirty pages are written back"),
	row("host.dirty-writeback", func(s *Scenario) *time.Duration { return &s.Host.DirtyWriteback },
		orWord(within(span, 10*time.Millisecond, durationMax), wordNever),
		"vm.dirty_writeback_centisecs: how often the kernel looks for such pages"),
	row("host.read-ahead", func(s *Scenario) *int64 { return &s.Host.ReadAhead }, within(size, 0, 1<<30),
		"bytes that the kernel reads ahead of a sequential reader"),
}

var networkSettings = []setting{
	row("network.profile", func(s *Scenario) *string { return &s.Network.Profile }, oneOf(netmodel.Names()...),
		"what the other settings of the network are unless given: "+listed(netmodel.Names())),
	row("network.rate", func(s *Scenario) *int64 { return &s.Network.BytesPerSec },
		orAuto(orWord(within(bytesPerSecond, 1, linkRateMax), wordUnlimited)),
		"of each node's link, in each direction, framing included; or `unlimited`"),
	row("network.delay", func(s *Scenario) *time.Duration { return &s.Network.Delay },
		orAuto(within(span, 0, delayMax)), "between two nodes, one way"),
	row("network.jitter", func(s *Scenario) *time.Duration { return &s.Network.Jitter },
		orAuto(within(span, 0, delayMax)), "of the delay, at random"),
	row("network.loss", func(s *Scenario) *float64 { return &s.Network.Loss }, orAuto(within(share, 0, 0.5)),
		"share of segments that are lost and sent again, which delays them"),
	row("network.mtu", func(s *Scenario) *int64 { return &s.Network.MTU },
		orAuto(orWord(within(size, 576, 65536), wordUnlimited)),
		"bytes of a frame, each of which costs its headers; `unlimited`: no framing"),
	row("network.in-flight", func(s *Scenario) *int64 { return &s.Network.InFlight }, within(size, 1, memoryBytesMax),
		"bytes that a connection holds before its sender blocks"),
}

// listed writes names as code, with commas.
func listed(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
