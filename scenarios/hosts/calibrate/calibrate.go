// Package calibrate measures on this machine what the engine's own operations take,
// and makes a host profile of it. Work is measured as processor time of one thread,
// so that a neighbour does not count as work; it is the lower quartile of rounds
// that are interleaved, since what disturbs only ever adds. Wake-ups and timers are
// wall time, and a busy machine shows in them: Measured.Load says how busy it was.
package calibrate

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"brokerlab/disks/figures"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
	"brokerlab/results"
	"brokerlab/scenarios/hosts"
)

// Options say how long to measure, and what stands in the profile beside figures.
type Options struct {
	Name     string // of the profile
	Machine  results.Machine
	Version  results.Version
	Dir      string // for the files of a log, which are removed; "" is the system's for temporary files
	Rounds   int
	Sample   time.Duration // processor time of one sample
	CallMax  time.Duration // a size whose call takes longer is left out, but for a codec's first
	Sizes    []int         // of batches before compression
	Records  int           // of one sample of the produce path
	Trips    int           // round trips of one sample
	Wakes    int           // paced round trips that wake-ups are taken from
	Timers   int
	Progress func(what string, share float64)
	Stopped  func() bool // is asked again and again; true ends the calibration with ErrStopped
}

// ErrStopped says that a calibration was stopped: there is no profile.
var ErrStopped = errors.New("stopped")

// DefaultOptions take under a minute where a core is free.
func DefaultOptions() Options {
	return Options{Name: "host", Rounds: 7, Sample: time.Millisecond, CallMax: 30 * time.Millisecond,
		Sizes:   []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20},
		Records: 20_000, Trips: 2000, Wakes: 5000, Timers: 400,
		Progress: func(string, float64) {}, Stopped: func() bool { return false }}
}

// QuickOptions take under ten seconds.
func QuickOptions() Options {
	o := DefaultOptions()
	o.Rounds, o.Sample, o.CallMax = 3, 400*time.Microsecond, 8*time.Millisecond
	o.Sizes = []int{256, 1 << 10, 16 << 10, 256 << 10}
	o.Records, o.Trips, o.Wakes, o.Timers = 5000, 500, 1200, 80
	return o
}

// BusyShare is the share of all cores above which others disturb what is measured.
const BusyShare = 0.1

// Run measures. busy is the share of the machine's cores that others used
// meanwhile, -1 if the system does not say.
func Run(o Options) (p *hosts.Profile, busy float64, err error) {
	dir, err := os.MkdirTemp(o.Dir, "brokerlab-calibrate-")
	if err != nil {
		return nil, 0, fmt.Errorf("calibrate: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	meter := startMeter()
	c := &calibration{o: o, dir: dir, costs: map[string]float64{}}
	if err := c.measure(); err != nil {
		return nil, 0, fmt.Errorf("calibrate: %w", err)
	}
	busy = meter.others()
	p = c.profile()
	p.Measured.Load = loadText(busy)
	return p, busy, nil
}

func loadText(busy float64) string {
	switch {
	case busy < 0:
		return "unknown"
	case busy <= BusyShare:
		return fmt.Sprintf("quiet: others used %.0f %% of the cores", 100*busy)
	}
	return fmt.Sprintf("busy: others used %.0f %% of the cores", 100*busy)
}

// calibration is one run.
type calibration struct {
	o        Options
	dir      string
	probes   []*probe
	costs    map[string]float64 // ns of a call, by the name of its probe
	codecs   []codecProbes
	wakes    []time.Duration
	timers   []time.Duration
	recordsB [2]int // bytes that are charged of the two kinds of records
}

// probe is one operation of one size.
type probe struct {
	name    string
	measure func() (ns float64, err error) // of one call
	samples []float64
}

// lowerQuartile is the figure of a probe.
func (p *probe) lowerQuartile() float64 {
	slices.Sort(p.samples)
	return p.samples[(len(p.samples)-1)/4]
}

// measure runs all probes, round after round.
func (c *calibration) measure() error {
	if err := c.prepareMemory(); err != nil {
		return err
	}
	closeFiles, err := c.prepareFiles()
	if err != nil {
		return err
	}
	defer closeFiles()
	if err := c.prepareCodecs(); err != nil {
		return err
	}
	for round := range c.o.Rounds {
		for i, p := range c.probes {
			if i%16 == 0 {
				done := float64(round) + float64(i)/float64(len(c.probes))
				c.o.Progress(fmt.Sprintf("round %d of %d: %s", round+1, c.o.Rounds, p.name), done/float64(c.o.Rounds+1))
			}
			if c.o.Stopped() {
				return ErrStopped
			}
			ns, err := p.measure()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			p.samples = append(p.samples, ns)
		}
	}
	for _, p := range c.probes {
		c.costs[p.name] = p.lowerQuartile()
	}
	c.o.Progress("requests through a broker, wake-ups, timers", float64(c.o.Rounds)/float64(c.o.Rounds+1))
	return c.measurePath()
}

// loop makes a probe of a function, which is called as often as a sample takes.
func (c *calibration) loop(name string, call func() error) {
	calls := 0
	c.probes = append(c.probes, &probe{name: name, measure: func() (float64, error) {
		if calls == 0 { // the first time tells how often, and warms up
			var err error
			if calls, err = c.callsPerSample(call); err != nil {
				return 0, err
			}
		}
		return timed(calls, call)
	}})
}

func (c *calibration) callsPerSample(call func() error) (calls int, err error) {
	for calls = 1; ; calls *= 2 {
		ns, err := timed(calls, call)
		if err != nil {
			return 0, err
		}
		if total := ns * float64(calls); total*2 > float64(c.o.Sample) {
			return max(1, int(float64(calls)*float64(c.o.Sample)/math.Max(total, 1))), nil
		}
	}
}

// timed is the processor time of one of so many calls, in ns.
func timed(calls int, call func() error) (float64, error) {
	release := holdThread()
	defer release()
	before := threadTime()
	for range calls {
		if err := call(); err != nil {
			return 0, err
		}
	}
	return float64(threadTime()-before) / float64(calls), nil
}

// digits are those that a figure keeps.
const digits = 3

// round keeps the leading digits of a figure, so that it can be read.
func round(ns float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(math.Max(ns, 0), 'e', digits-1, 64), 64)
	if err != nil {
		panic("calibrate: a formatted figure does not parse: " + err.Error())
	}
	return v
}

// table makes the price of the probes of one operation by size. A time that is
// below that of a smaller size is noise, and takes that one.
func (c *calibration) table(sizes []int, name func(size int) string) (price simworld.Price) {
	last := 0.0
	for _, size := range sizes {
		ns, ok := c.costs[name(size)]
		if !ok {
			break
		}
		last = math.Max(last, round(ns))
		price.Table = append(price.Table, simworld.Point{Size: size, Ns: last})
	}
	return price
}

// spread takes the quantiles of delays of which less is the delay's own.
func spread(all []time.Duration, less time.Duration) simworld.Spread {
	slices.Sort(all)
	at := func(share float64) time.Duration {
		d := max(0, all[int(share*float64(len(all)-1))]-less)
		return time.Duration(round(float64(d)))
	}
	return simworld.Spread{P10: at(0.1), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999)}
}

var measured = figures.Origin{Status: figures.Measured}

// profile puts the figures together.
func (c *calibration) profile() *hosts.Profile {
	o := &c.o
	p := &hosts.Profile{Name: o.Name, Title: o.Name + ", measured by brokerlab calibrate",
		Note: "processor time of one thread, the lower quartile of interleaved rounds; codecs on log lines in JSON",
		Measured: &hosts.Measured{
			Machine:   fmt.Sprintf("%s, %d cores", o.Machine.CPU, o.Machine.Cores),
			Kernel:    o.Machine.Kernel,
			Go:        o.Version.Go,
			Brokerlab: strings.TrimSpace(o.Version.Brokerlab + " " + o.Version.Commit),
			Date:      time.Now().UTC().Format(time.DateOnly),
		}}
	set := func(op env.Op, price simworld.Price, note string) {
		p.Ops[op] = hosts.Cost{Price: price, Origin: figures.Origin{Status: figures.Measured, Note: note}}
	}
	line := func(perCall, perUnit float64) simworld.Price {
		return simworld.Price{PerCallNs: round(perCall), PerUnitNs: round(perUnit)}
	}
	set(env.OpCRC, c.table(memorySizes, crcName), "")
	set(env.OpCopy, c.table(memorySizes, copyName), "in reused memory")
	set(env.OpAppend, c.table(appendSizes, appendName), "a write to the page cache, whose pages were in use before")
	set(env.OpSyscall, line(0, c.costs[syscallName]), "a read of one byte from the page cache")
	set(env.OpRecordCheck, line(0, c.costs[checkName]/probeRecords), "")
	set(env.OpRecordDecode, line(0, c.costs[decodeName]/probeRecords), "with what the load generator does of each")
	set(env.OpRecordAck, line(0, c.costs[ackName]/probeRecords), "what the load generator does of each")
	perCall, perByte := c.recordEncode()
	set(env.OpRecordEncode, line(perCall, perByte),
		"what the load generator does for each and a call of Send, less copies and CRCs")
	message, request, handle := c.requests()
	set(env.OpSend, line(message, 0), "half a message through memory, with the change of tasks")
	set(env.OpReceive, line(message, 0), "the other half")
	set(env.OpRequest, line(request.call, request.partition), "a quarter of a request for offsets and its answer")
	set(env.OpHandle, line(handle.call, handle.partition),
		"a produce round trip of one record, less all that has a price of its own")
	for i := range c.codecs {
		p.Codecs = append(p.Codecs, c.codecs[i].cost(c))
	}
	p.Wake = hosts.Delay{Spread: spread(c.wakes, time.Duration(2*message)), Origin: figures.Origin{
		Status: figures.Measured,
		Note:   "a message between two tasks of one process every half millisecond, less its processor time"}}
	p.TimerLate = hosts.Delay{Spread: spread(c.timers, 0), Origin: measured}
	return p
}
