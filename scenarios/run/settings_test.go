package run

import (
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/scenarios/spec"
)

// Goal: a scenario accepts exactly the libraries that a codec has, and gives them
// to producers and consumers. Method: every codec with every library of any.
func TestImplementations(t *testing.T) {
	names := []codec.Implementation{codec.Default}
	for _, kind := range codec.Types() {
		names = append(names, codec.Implementations(kind)...)
	}
	for _, kind := range codec.Types() {
		for _, name := range names {
			s := spec.Default("a")
			s.Producers.Compression, s.Producers.Implementation = kind.String(), string(name)
			has := codec.CheckImplementation(kind, name) == nil
			if err := s.Validate(); (err == nil) != has {
				t.Errorf("%v by %s: the codec has it: %v; the scenario: %v", kind, name, has, err)
			}
			p, err := producerConfig(&s, 0)
			if (err == nil) != has || p.Compression != kind || p.Implementation != name {
				t.Errorf("%v by %s: producer %v by %s: %v", kind, name, p.Compression, p.Implementation, err)
			}
			c, err := consumerConfig(&s, "a")
			if (err == nil) != has || c.Codec != kind || c.Implementation != name {
				t.Errorf("%v by %s: consumer %v by %s: %v", kind, name, c.Codec, c.Implementation, err)
			}
		}
	}
	for _, name := range names {
		src := "producers: {compression.implementation: " + string(name) + "}"
		f, err := spec.Parse("a.yaml", []byte(src))
		if err != nil || f.Base.Producers.Implementation != string(name) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// Goal: both libraries of a codec carry records from end to end. Method: a tiny
// simulated run of each.
func TestRunImplementations(t *testing.T) {
	skipUnderRace(t)
	for _, kind := range []codec.Type{codec.Gzip, codec.Snappy} {
		for _, name := range codec.Implementations(kind) {
			out, err := execute(t, tiny, DiskSim, func(f *spec.File) {
				for _, set := range [][2]string{
					{"vary.load", "full speed"}, {"load.max-bytes", "500kB"}, {"load.duration", "200ms"},
					{"producers.compression.type", kind.String()}, {"producers.compression.implementation", string(name)},
				} {
					if err := f.Set(set[0], set[1]); err != nil {
						t.Fatal(err)
					}
				}
			})
			if err != nil {
				t.Fatalf("%v by %s: %v", kind, name, err)
			}
			if len(out.Result.Cells) != 1 {
				t.Errorf("%v by %s: %d cells", kind, name, len(out.Result.Cells))
			}
			for i := range out.Result.Cells {
				checkCell(t, &out.Result.Cells[i])
			}
		}
	}
}
