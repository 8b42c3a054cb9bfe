package calibrate

import (
	"fmt"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/scenarios/hosts"
	"brokerlab/workloads/payload"
)

// corpusValueBytes is the size of the values that codecs compress.
const corpusValueBytes = 1000

// corpusBytes is how much of them there is, so that a batch is not always the same.
const corpusBytes = 4 << 20

// levelsOf are the levels of a codec that differ in this engine: its zstd has four.
func levelsOf(t codec.Type) (levels []int) {
	switch t {
	case codec.Snappy:
		return []int{0}
	case codec.Zstd:
		return []int{1, 3, 6, 10}
	}
	for level := 1; codec.CheckLevel(t, level) == nil; level++ {
		levels = append(levels, level)
	}
	return levels
}

// codecProbes are those of a library at a level.
type codecProbes struct {
	codec codec.Type
	impl  codec.Implementation
	level int
	sizes []int
}

func (v *codecProbes) name(what string, size int) string {
	return fmt.Sprintf("%s of %d bytes with %v %d of %s", what, size, v.codec, v.level, v.impl)
}

const (
	compressing   = "compression"
	decompressing = "decompression"
)

func (v *codecProbes) cost(c *calibration) hosts.CodecCost {
	return hosts.CodecCost{Codec: v.codec, Implementation: v.impl, Level: v.level, Origin: measured,
		Compress:   c.table(v.sizes, func(size int) string { return v.name(compressing, size) }),
		Decompress: c.table(v.sizes, func(size int) string { return v.name(decompressing, size) }),
	}
}

// prepareCodecs makes the probes of all libraries, levels and sizes.
func (c *calibration) prepareCodecs() error {
	source, err := payload.New(payload.Config{Kind: payload.JSONLogs, Size: corpusValueBytes, Seed: 1})
	if err != nil {
		return err
	}
	_, corpus := batchOf(source, corpusBytes/corpusValueBytes)
	for _, t := range codec.Types() {
		for _, impl := range codec.Implementations(t) {
			for _, level := range levelsOf(t) {
				v := codecProbes{codec: t, impl: impl, level: level}
				if err := c.prepareCodec(&v, corpus); err != nil {
					return err
				}
				c.codecs = append(c.codecs, v)
			}
		}
	}
	return nil
}

// prepareCodec makes the probes of one level. Sizes at which a call would take too
// long are left out: the price goes on beyond the last one as before it.
func (c *calibration) prepareCodec(v *codecProbes, corpus []byte) error {
	compressor, err := codec.NewCompressorOf(v.codec, v.level, v.impl)
	if err != nil {
		return err
	}
	decompressor := codec.NewDecompressor(len(corpus))
	if err := decompressor.Use(v.codec, v.impl); err != nil {
		return err
	}
	var out, plain []byte
	perByte := 0.0
	for i, size := range c.o.Sizes {
		if i > 0 && perByte*float64(size) > float64(c.o.CallMax/time.Nanosecond) {
			break
		}
		next := walk(corpus, size)
		compress := func() (err error) {
			out, err = compressor.Append(out[:0], next())
			return err
		}
		var packed [][]byte
		for range min(8, len(corpus)/size) {
			if err := compress(); err != nil {
				return err
			}
			packed = append(packed, append([]byte{}, out...))
		}
		ns, err := timed(1, compress)
		if err != nil {
			return err
		}
		perByte = ns / float64(size)
		v.sizes = append(v.sizes, size)
		c.loop(v.name(compressing, size), compress)
		turn := 0
		c.loop(v.name(decompressing, size), func() (err error) {
			turn++
			plain, err = decompressor.Append(plain[:0], v.codec, packed[turn%len(packed)])
			return err
		})
	}
	return nil
}
