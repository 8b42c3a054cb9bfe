// Package hosts holds named price lists of processor work, one for each kind of
// machine and of broker: what an operation of the engine costs there, a codec at a
// level by batch size, and the wake-up of a task. It reads and writes them as YAML,
// strictly, and makes a simulated world's prices from one; it measures nothing
// itself, and does not say that a machine behaves as its profile.
//
// # Format
//
//	title: this engine, in Go
//	note: free text, if any
//	measured: {machine: ..., kernel: ..., go: ..., brokerlab: ..., date: ..., load: ...}
//	sources:
//	  kip-110: KIP-110, table of one batch of 3 KB
//	cpu-factor: {value: 1.2, status: fitted, source: ...}   # on all work; 1 if not given
//	operations:
//	  crc: {per-call: 20ns, per-unit: 0.07ns, status: measured}
//	  copy: {table: {1KiB: 60ns, 1MiB: 90us}, status: measured}
//	  ...
//	codecs:
//	  - {codec: zstd, implementation: klauspost, level: 3, compress: {per-call: 3us, per-unit: 4ns},
//	     decompress: {table: {1KiB: 2us, 1MiB: 700us}}, status: measured}
//	wake: {p10: 3us, p50: 5us, p90: 40us, p99: 100us, p99.9: 300us, status: measured}
//	timer-late: {p50: 500us, p99: 1.1ms, status: measured}
//
// A price is that of a call and of each unit (a byte, a record, a partition: see
// env.Op), or a table by size, with straight lines between its points. Every
// operation of Operations must be there. Every codec needs entries of each library
// that the engine has for it, or entries that name none. A level that has no entry
// costs what the next lower one does, as levels of libraries come in groups; below
// the lowest, what the lowest does. lz4's level 9 is the fast compressor and stands
// for itself only. Quantiles that are not given are those of their lower neighbour;
// p50 must be. Each figure says where it comes from, as in disks/figures.
package hosts

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brokerlab/disks/figures"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

//go:embed *.yaml
var files embed.FS

var library = figures.Library{Files: files, What: "host profile"}

// Default is the profile of this engine in Go.
const Default = "go"

// Profile is a price list with its sources.
type Profile struct {
	Name      string
	Title     string
	Note      string
	Measured  *Measured // nil if it is from literature
	Sources   []figures.Source
	CPUFactor *Factor           // on all prices but delays; nil is 1
	Ops       [env.OpCount]Cost // what Operations names; codecs are in Codecs
	Codecs    []CodecCost
	Wake      Delay
	TimerLate Delay
}

// Measured says where and when the figures were measured.
type Measured struct {
	Machine   string // processor and cores
	Kernel    string
	Go        string // version
	Brokerlab string // version
	Date      string // 2026-11-28
	Load      string // what else the machine did meanwhile
}

// Factor is a figure without unit.
type Factor struct {
	Value float64
	figures.Origin
}

// Cost is the price of an operation.
type Cost struct {
	simworld.Price
	figures.Origin
}

// CodecCost is what a codec costs at a level, by bytes before compression.
type CodecCost struct {
	Codec          codec.Type
	Implementation codec.Implementation // empty: of any
	Level          int
	Compress       simworld.Price
	Decompress     simworld.Price
	figures.Origin
}

// Delay is a delay that varies.
type Delay struct {
	simworld.Spread
	figures.Origin
}

// operation is an operation by its name in a profile.
type operation struct {
	name  string
	op    env.Op
	unit  string
	bytes bool // the unit is a byte
}

// operations are those that are not a codec's.
var operations = []operation{
	{"record-encode", env.OpRecordEncode, "byte", true},
	{"record-ack", env.OpRecordAck, "record", false},
	{"record-check", env.OpRecordCheck, "record", false},
	{"record-decode", env.OpRecordDecode, "record", false},
	{"crc", env.OpCRC, "byte", true},
	{"copy", env.OpCopy, "byte", true},
	{"append", env.OpAppend, "byte", true},
	{"request", env.OpRequest, "partition", false},
	{"handle", env.OpHandle, "partition", false},
	{"send", env.OpSend, "byte", true},
	{"receive", env.OpReceive, "byte", true},
	{"syscall", env.OpSyscall, "call", false},
}

// Operations returns the names of the operations that a profile prices, in order.
func Operations() []string {
	var names []string
	for _, o := range operations {
		names = append(names, o.name)
	}
	return names
}

// Level is the level and the library of a codec.
type Level struct {
	Level          int
	Implementation codec.Implementation
}

// Levels are the levels that a world's producers use, by codec. A codec that is
// missing has its default level and library.
type Levels map[codec.Type]Level

func (l Levels) of(t codec.Type) Level {
	level, ok := l[t]
	if !ok {
		level.Level = codec.DefaultLevel(t)
	}
	if t == codec.Gzip && level.Level == -1 {
		level.Level = 6 // zlib's own choice
	}
	if level.Implementation == "" || level.Implementation == codec.Default {
		level.Implementation = codec.Implementations(t)[0]
	}
	return level
}

// Prices is the price list of a world whose compression has these levels.
func (p *Profile) Prices(levels Levels) simworld.Prices {
	factor := 1.0
	if p.CPUFactor != nil {
		factor = p.CPUFactor.Value
	}
	prices := simworld.Prices{Wake: p.Wake.Spread, TimerLate: p.TimerLate.Spread}
	for _, o := range operations {
		prices.Ops[o.op] = scaled(p.Ops[o.op].Price, factor)
	}
	for _, t := range codec.Types() {
		compress, ok := codec.CompressOp(t)
		if !ok {
			continue
		}
		decompress, _ := codec.DecompressOp(t)
		cost := p.codecCost(t, levels.of(t))
		prices.Ops[compress], prices.Ops[decompress] = scaled(cost.Compress, factor), scaled(cost.Decompress, factor)
	}
	return prices
}

func scaled(p simworld.Price, factor float64) simworld.Price {
	p.PerCallNs *= factor
	p.PerUnitNs *= factor
	p.Table = slices.Clone(p.Table)
	for i := range p.Table {
		p.Table[i].Ns *= factor
	}
	return p
}

// codecCost is the entry that a level is priced by.
func (p *Profile) codecCost(t codec.Type, level Level) *CodecCost {
	var best, lowest *CodecCost
	for i := range p.Codecs {
		c := &p.Codecs[i]
		if c.Codec != t || c.Implementation != "" && c.Implementation != level.Implementation ||
			fastLZ4(t, c.Level) != fastLZ4(t, level.Level) {
			continue
		}
		if lowest == nil || c.Level < lowest.Level {
			lowest = c
		}
		if c.Level <= level.Level && (best == nil || c.Level > best.Level) {
			best = c
		}
	}
	if best == nil {
		best = lowest
	}
	if best == nil {
		panic(fmt.Sprintf("hosts: profile %s has no price of %v, which Parse should have found", p.Name, t))
	}
	return best
}

// fastLZ4 tells lz4's default level, which is another algorithm than its
// neighbours.
func fastLZ4(t codec.Type, level int) bool {
	return t == codec.LZ4 && level == codec.DefaultLevel(codec.LZ4)
}

// Names returns the names of the built-in profiles in order.
func Names() []string { return library.Names() }

// Text returns a built-in profile as it is written, comments included.
func Text(name string) ([]byte, error) { return library.Text(name) }

// Load returns a built-in profile by its name, or one of a file: what ends in .yaml
// or has a slash is a file. Faults of a file are figures.Errors.
func Load(nameOrPath string) (*Profile, error) {
	if strings.HasSuffix(nameOrPath, figures.Extension) || strings.ContainsAny(nameOrPath, `/\`) {
		src, err := os.ReadFile(nameOrPath)
		if err != nil {
			return nil, fmt.Errorf("host profile: %w", err)
		}
		return Parse(filepath.ToSlash(nameOrPath), src)
	}
	src, err := Text(nameOrPath)
	if err != nil {
		return nil, fmt.Errorf("%w; a file of your own ends in %s", err, figures.Extension)
	}
	p, err := Parse(nameOrPath+figures.Extension, src)
	if err != nil {
		panic("hosts: a built-in profile is wrong: " + err.Error())
	}
	return p, nil
}
