package protocol

import "math/bits"

// compactLen is the size of the length field of a compact array or string: an
// unsigned varint of one more than the length.
func compactLen(length int) int { return (bits.Len32(uint32(length)+1) + 6) / 7 }

// compactBytes is the size of a compact string or of compact bytes.
func compactBytes(length int) int { return compactLen(length) + length }

// grouped is the size of an array of topics that hold arrays of partitions.
// Besides its name and its partitions a topic takes topicBytes.
func grouped(partitions, topicBytes int, topicOf func(i int) string, partitionBytes func(i int) int) int {
	size, topics := 0, 0
	for i := 0; i < partitions; topics++ {
		first, name := i, topicOf(i)
		for ; i < partitions && topicOf(i) == name; i++ {
			size += partitionBytes(i)
		}
		size += compactBytes(len(name)) + topicBytes + compactLen(i-first)
	}
	return compactLen(topics) + size
}

// groupedByID is grouped where topics go by their id instead of their name.
func groupedByID(partitions int, topicOf func(i int) string, partitionBytes func(i int) int) int {
	size, topics := 0, 0
	for i := 0; i < partitions; topics++ {
		first, name := i, topicOf(i)
		for ; i < partitions && topicOf(i) == name; i++ {
			size += partitionBytes(i)
		}
		size += topicIDBytes + 1 + compactLen(i-first)
	}
	return compactLen(topics) + size
}
