package codec

import (
	"fmt"
	"slices"
	"strings"
)

// Implementation is a library that does a codec's work, by the name of the
// people who wrote it. All libraries of a codec write what all of them read; the
// zero value means Default.
type Implementation string

// The implementations.
const (
	// Default is the first of a codec's implementations.
	Default Implementation = "default"
	// Golang is the Go project's snappy. It gives the same bytes on every kind of
	// processor, and those are mostly the bytes of snappy's own C++, which Kafka
	// uses: sizes are Kafka's.
	Golang Implementation = "golang"
	// Klauspost is klauspost/compress. Its snappy is s2's; what that writes
	// differs between processors with and without its assembly.
	Klauspost Implementation = "klauspost"
	// Pierrec is pierrec/lz4, lz4's only one.
	Pierrec Implementation = "pierrec"
	// Standard is Go's standard library. Its gzip reader allocates for long
	// codes, a few hundred bytes a block, also in steady state.
	Standard Implementation = "standard"
)

// implementations holds the default of each codec first.
var implementations = [...][]Implementation{
	None:   nil,
	Gzip:   {Klauspost, Standard},
	Snappy: {Golang, Klauspost},
	LZ4:    {Pierrec},
	Zstd:   {Klauspost},
}

// Implementations returns the implementations of a codec, the default one first;
// nothing for None, which has only Default.
func Implementations(t Type) []Implementation {
	if !t.known() {
		return nil
	}
	return slices.Clone(implementations[t])
}

// CheckImplementation returns an error if the codec has no such implementation.
// Default and the zero value are always right.
func CheckImplementation(t Type, impl Implementation) error {
	_, err := resolve(t, impl)
	return err
}

// resolve returns the implementation that is meant: none of the two defaults,
// except for None.
func resolve(t Type, impl Implementation) (Implementation, error) {
	if !t.known() {
		return "", fmt.Errorf("codec: unknown %v", t)
	}
	all := implementations[t]
	switch {
	case impl == Default || impl == "":
		if len(all) == 0 {
			return Default, nil
		}
		return all[0], nil
	case slices.Contains(all, impl):
		return impl, nil
	}
	want := make([]string, 0, len(all)+1)
	for _, i := range append([]Implementation{Default}, all...) {
		want = append(want, string(i))
	}
	return "", fmt.Errorf("codec: %v implementation %q is none of %s", t, string(impl), strings.Join(want, ", "))
}
