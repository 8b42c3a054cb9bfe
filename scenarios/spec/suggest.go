package spec

import "strings"

// DidYouMean returns the candidate that name was probably meant to be, or "" if
// none is near. Of equally near ones it returns the first.
func DidYouMean(name string, candidates []string) string {
	lower := strings.ToLower(name)
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := editDistance(lower, strings.ToLower(c)); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	if best != "" || name == "" {
		return best
	}
	for _, c := range candidates { // flush for flush.messages
		if strings.HasPrefix(c, lower+".") {
			return c
		}
	}
	return ""
}

// didYouMean is DidYouMean as the end of a message; "" if nothing is near.
func didYouMean(name string, candidates []string) string {
	if best := DidYouMean(name, candidates); best != "" {
		return " (did you mean " + best + "?)"
	}
	return ""
}

// nameBytesMax bounds what editDistance looks at: its cost is the product.
const nameBytesMax = 100

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	if len(a) > nameBytesMax || len(b) > nameBytesMax {
		return nameBytesMax
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// notHere are settings that Kafka has and this testbed does not, so that the
// message about them is not a riddle.
var notHere = []string{
	"bootstrap.servers", "cleanup.policy", "client.id", "enable.auto.commit", "group.id", "isolation.level", "log.dirs",
	"log.flush.interval.messages", "log.flush.interval.ms", "message.timestamp.type",
	"receive.buffer.bytes", "send.buffer.bytes", "session.timeout.ms",
	"transactional.id",
}
