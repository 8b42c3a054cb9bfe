package spec

import (
	"fmt"
	"slices"
	"strings"
)

// implementationNames are the libraries that do a codec's work. Which codec has
// which is engine/codec's; a test of scenarios/run holds the two together.
var implementationNames = []string{wordDefault, "golang", "klauspost", "pierrec", "standard"}

// implementationsOf returns the libraries of a codec.
func implementationsOf(compression string) []string {
	switch compression {
	case "gzip":
		return []string{wordDefault, "klauspost", "standard"}
	case "snappy":
		return []string{wordDefault, "golang", "klauspost"}
	case "lz4":
		return []string{wordDefault, "pierrec"}
	case "zstd":
		return []string{wordDefault, "klauspost"}
	default:
		return []string{wordDefault}
	}
}

func implementationMissing(s *Scenario) string {
	p := &s.Producers
	known := implementationsOf(p.Compression)
	if slices.Contains(known, p.Implementation) {
		return ""
	}
	return fmt.Sprintf("compression.type %s has no compression.implementation %s: it has %s",
		p.Compression, p.Implementation, strings.Join(known, ", "))
}
