package check

import "math/bits"

// A chunk holds 8192 records in 1 KiB, which is a size class of Go's allocator.
const (
	chunkBits  = 1 << 13
	chunkWords = chunkBits / 64
)

type chunk [chunkWords]uint64

// bitmap is a set of sequences. Chunks without a member do not exist.
type bitmap struct{ chunks []*chunk }

// set adds a sequence and reports whether it was there.
func (b *bitmap) set(sequence uint64) (was bool) {
	index := sequence / chunkBits
	if index >= uint64(len(b.chunks)) || b.chunks[index] == nil {
		b.add(index)
	}
	word := &b.chunks[index][sequence%chunkBits/64]
	bit := uint64(1) << (sequence % 64)
	was = *word&bit != 0
	*word |= bit
	return was
}

func (b *bitmap) add(index uint64) {
	for index >= uint64(len(b.chunks)) {
		b.chunks = append(b.chunks, nil)
	}
	b.chunks[index] = new(chunk)
}

// has reports whether a sequence is there.
func (b *bitmap) has(sequence uint64) bool {
	return b.word(sequence/64)>>(sequence%64)&1 != 0
}

// word returns 64 members, those from index * 64 on.
func (b *bitmap) word(index uint64) uint64 {
	at := index / chunkWords
	if at >= uint64(len(b.chunks)) || b.chunks[at] == nil {
		return 0
	}
	return b.chunks[at][index%chunkWords]
}

// words is how many words there are, absent chunks included.
func (b *bitmap) words() uint64 { return uint64(len(b.chunks)) * chunkWords }

// count is how many members there are.
func (b *bitmap) count() int64 {
	n := 0
	for _, c := range b.chunks {
		if c == nil {
			continue
		}
		for _, word := range c {
			n += bits.OnesCount64(word)
		}
	}
	return int64(n)
}
