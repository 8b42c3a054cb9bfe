package producer

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// The values of Config.Partitioner (partitioner.class).
const (
	// DefaultPartitioner is Kafka's built-in one: by the key, and without a key
	// sticky, to partitions whose queues are short (KIP-794).
	DefaultPartitioner = ""
	// RoundRobinPartitioner takes one partition after the other for each record,
	// whatever its key.
	RoundRobinPartitioner = "RoundRobinPartitioner"
)

// topicState is a topic's partitions and the one that records without a
// partition and a key stick to (BuiltInPartitioner, KIP-794).
type topicState struct {
	name       string
	partitions []*partitionQueue
	queues     *queueLengths // of the partitions
	sticky     int
	stuckBytes int    // appended to the sticky partition since it was chosen
	turn       uint32 // of the round robin
	adaptive   bool   // partitioner.adaptive.partitioning.enable
	random     *rand.Rand
}

// partitionLocked chooses the record's partition; -1 is the sticky one, which may
// change until the record is in a batch.
func (p *Producer) partitionLocked(r *Record) (t *topicState, partition int32, err error) {
	for i := range p.mu.topics {
		if p.mu.topics[i].name == r.Topic {
			t = &p.mu.topics[i]
			break
		}
	}
	switch {
	case t == nil:
		return nil, 0, fmt.Errorf("unknown topic %q", r.Topic)
	case r.Partition >= int32(len(t.partitions)):
		return nil, 0, fmt.Errorf("topic %q has %d partitions, not partition %d", r.Topic, len(t.partitions), r.Partition)
	case r.Partition >= 0:
		return t, r.Partition, nil
	case p.cfg.Partitioner == RoundRobinPartitioner:
		return t, t.nextTurn(), nil
	case r.Key != nil && !p.cfg.IgnoreKeys:
		return t, partitionForKey(r.Key, len(t.partitions)), nil
	default:
		return t, -1, nil
	}
}

// queue is a partition's queue; that of the sticky one for -1.
func (t *topicState) queue(partition int32) *partitionQueue {
	if partition < 0 {
		return t.partitions[t.sticky]
	}
	return t.partitions[partition]
}

// nextTurn goes round the partitions that have a leader, and round all if none has
// (RoundRobinPartitioner.partition).
func (t *topicState) nextTurn() int32 {
	led, turn := t.led(), int(t.turn&math.MaxInt32)
	t.turn++
	if led == 0 {
		return int32(turn % len(t.partitions))
	}
	return int32(t.nthLed(turn % led))
}

// led counts the partitions that have a leader.
func (t *topicState) led() (count int) {
	if t.queues != nil {
		return len(t.partitions) - t.queues.leaderless
	}
	for _, q := range t.partitions {
		if q.broker != noBroker {
			count++
		}
	}
	return count
}

// nthLed is the index of one of the partitions that have a leader.
func (t *topicState) nthLed(n int) int {
	if t.led() == len(t.partitions) {
		return n
	}
	for i, q := range t.partitions {
		if q.broker == noBroker {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	panic(fmt.Sprintf("producer: topic %q has fewer partitions with a leader than were counted", t.name))
}

// appended counts bytes for the sticky partition and chooses another one after
// batch.size of them, once the batch is full, or after twice as many
// (BuiltInPartitioner.updatePartitionInfo).
func (t *topicState) appended(bytes, batchSize int, batchFull bool) {
	t.stuckBytes += bytes
	if t.stuckBytes >= batchSize && batchFull || t.stuckBytes >= 2*batchSize {
		t.stickTo()
	}
}

// changed chooses another partition, if it is due, before a batch is begun: no
// batch of the old one is left half full then (RecordAccumulator.partitionChanged).
func (t *topicState) changed(batchSize int) bool {
	if t.stuckBytes < batchSize {
		return false
	}
	t.stickTo()
	return true
}

// stickTo chooses the next sticky partition (BuiltInPartitioner.nextPartition).
func (t *topicState) stickTo() {
	t.stuckBytes = 0
	switch led := t.led(); {
	case led == 0:
		t.sticky = t.random.IntN(len(t.partitions))
	case t.adaptive && len(t.partitions) > 1:
		t.sticky = t.byLoad()
	default:
		t.sticky = t.nthLed(t.random.IntN(led))
	}
}

// byLoad chooses among the partitions with a leader: one with a shorter queue is
// more likely. The weight is the longest queue plus 1, less the partition's own
// (BuiltInPartitioner.updatePartitionLoadStats).
func (t *topicState) byLoad() int {
	if at, ok := t.byLoadOfMany(); ok {
		return at
	}
	longest, sum, count := 0, 0, 0
	for _, q := range t.partitions {
		if q.broker == noBroker {
			continue
		}
		longest = max(longest, len(q.batches))
		sum += len(q.batches)
		count++
	}
	pick := t.random.IntN(count*(longest+1) - sum)
	for i, q := range t.partitions {
		if q.broker == noBroker {
			continue
		}
		if pick -= longest + 1 - len(q.batches); pick < 0 {
			return i
		}
	}
	panic("producer: the weights of the partitions do not add up")
}

// queueLengths is how long the queues of a topic's partitions are, so that nobody
// has to look at all of them. It is a core of its own: accumulator.count tells it.
type queueLengths struct {
	byLength   []int // partitions by the length of their queue, the empty ones left out
	longest    int
	leaderless int // partitions
}

// changed notes that a queue has another length.
func (l *queueLengths) changed(from, to int) {
	for to >= len(l.byLength) {
		l.byLength = append(l.byLength, 0)
	}
	if from > 0 {
		l.byLength[from]--
	}
	if to > 0 {
		l.byLength[to]++
	}
	l.longest = max(l.longest, to)
	for l.longest > 0 && l.byLength[l.longest] == 0 {
		l.longest--
	}
}

const (
	// manyPartitions is from when on a partition is drawn rather than looked for.
	manyPartitions = 64
	// drawsMax is how often that is tried.
	drawsMax = 32
)

// byLoadOfMany chooses as byLoad does, from the same weights, without a look at every
// partition: it draws one, and takes it by a chance that is its weight's share of the
// largest that there may be. It gives up if no partition was taken, or some have no
// leader.
func (t *topicState) byLoadOfMany() (at int, ok bool) {
	if t.queues == nil || t.queues.leaderless > 0 || len(t.partitions) < manyPartitions {
		return 0, false
	}
	most := t.queues.longest + 1
	for range drawsMax {
		at = t.random.IntN(len(t.partitions))
		if t.random.IntN(most) >= len(t.partitions[at].batches) {
			return at, true
		}
	}
	return 0, false
}

// partitionForKey is where records with a key go (BuiltInPartitioner.partitionForKey).
func partitionForKey(key []byte, partitions int) int32 {
	return int32(murmur2(key)&math.MaxInt32) % int32(partitions)
}

// murmur2 is MurmurHash2 with the seed that Kafka uses (Utils.murmur2).
func murmur2(data []byte) uint32 {
	const (
		seed       = 0x9747b28c
		multiplier = 0x5bd1e995
		shift      = 24
	)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * multiplier
		k ^= k >> shift
		h = h*multiplier ^ k*multiplier
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * multiplier
	}
	h = (h ^ h>>13) * multiplier
	return h ^ h>>15
}
