package spec

import (
	"fmt"
	"strconv"
)

// AllPartitions is how many partitions all topics have.
func (t *Topic) AllPartitions() int { return t.Count * t.Partitions }

// Names are the names of all topics.
func (t *Topic) Names() []string {
	names := make([]string, t.Count)
	for i := range names {
		names[i] = t.NameOf(i)
	}
	return names
}

// NameOf is the name of a topic by its number: "orders", or of ten topics "orders-0" to
// "orders-9", so that names sort as they are numbered.
func (t *Topic) NameOf(index int) string {
	if t.Count == 1 {
		return t.Name
	}
	return fmt.Sprintf("%s-%0*d", t.Name, len(strconv.Itoa(t.Count-1)), index)
}
