// Package cluster decides which brokers hold which partitions, and which of them
// lead. It is pure: a plan is a function of the brokers and topics, and the
// controller's decisions one of what it was told and when. It sends nothing and
// keeps nothing on disk.
package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"brokerlab/engine/protocol"
)

// Broker is one broker's id and the address that it listens on.
type Broker struct {
	ID     int32
	Addr   string
	Fenced bool // it may neither lead nor be in sync: the controller does not hear of it
}

// Topic says how a topic is cut and copied.
type Topic struct {
	Name              string
	Partitions        int
	ReplicationFactor int
}

// Partition is one partition's place in the cluster. Replicas begins with the
// preferred leader; ISR is the set of in-sync replicas.
type Partition = protocol.PartitionState

// NoLeader is the leader of a partition that has none.
const NoLeader int32 = -1

// Plan is the state of a cluster: what Assign made, or what the controller has
// made of it since. It is never changed, so that nodes may share it.
type Plan struct {
	Version    int64       // rises with what the controller changes; 0 as assigned
	Brokers    []Broker    // sorted by id
	Partitions []Partition // sorted by topic and partition
}

// Assign spreads the partitions of the topics over the brokers as Kafka's
// AdminUtils.assignReplicasToBrokers does without racks and with start index 0:
// leaders go round, and followers stand one step further apart with each round,
// so that the partitions of a failed broker fall to all of the others. A topic goes
// on where the one before it ended; Kafka begins it anywhere, at random.
func Assign(brokers []Broker, topics []Topic) (*Plan, error) {
	plan := &Plan{Brokers: append([]Broker(nil), brokers...)}
	sort.Slice(plan.Brokers, func(i, j int) bool { return plan.Brokers[i].ID < plan.Brokers[j].ID })
	for i := 1; i < len(plan.Brokers); i++ {
		if plan.Brokers[i].ID == plan.Brokers[i-1].ID {
			return nil, fmt.Errorf("cluster: two brokers have id %d", plan.Brokers[i].ID)
		}
	}
	begin := 0
	for _, t := range topics {
		if t.Partitions < 1 {
			return nil, fmt.Errorf("cluster: topic %q has %d partitions", t.Name, t.Partitions)
		}
		if t.ReplicationFactor < 1 || t.ReplicationFactor > len(brokers) {
			return nil, fmt.Errorf("cluster: topic %q: replication factor %d on %d brokers",
				t.Name, t.ReplicationFactor, len(brokers))
		}
		for p := range t.Partitions {
			replicas := plan.replicas(begin+p, t.ReplicationFactor)
			plan.Partitions = append(plan.Partitions, Partition{
				TopicPartition: protocol.TopicPartition{Topic: t.Name, Partition: int32(p)},
				Leader:         replicas[0], Replicas: replicas, ISR: replicas,
			})
		}
		begin += t.Partitions
	}
	sort.SliceStable(plan.Partitions, func(i, j int) bool {
		a, b := plan.Partitions[i], plan.Partitions[j]
		return a.Topic < b.Topic || a.Topic == b.Topic && a.Partition < b.Partition
	})
	return plan, nil
}

func (p *Plan) replicas(partition, factor int) []int32 {
	count := len(p.Brokers)
	first := partition % count
	shift := partition / count
	out := make([]int32, 0, factor)
	out = append(out, p.Brokers[first].ID)
	for j := range factor - 1 {
		step := 1 + (shift+j)%(count-1)
		out = append(out, p.Brokers[(first+step)%count].ID)
	}
	return out
}

// Addr returns the address of a broker.
func (p *Plan) Addr(id int32) (addr string, ok bool) {
	for _, b := range p.Brokers {
		if b.ID == id {
			return b.Addr, true
		}
	}
	return "", false
}

// Partition returns a partition; ok is false if there is none of that name.
func (p *Plan) Partition(tp protocol.TopicPartition) (part *Partition, ok bool) {
	i, ok := find(p.Partitions, tp)
	if !ok {
		return nil, false
	}
	return &p.Partitions[i], true
}

func find(partitions []Partition, tp protocol.TopicPartition) (index int, ok bool) {
	return slices.BinarySearchFunc(partitions, tp, func(p Partition, tp protocol.TopicPartition) int {
		if c := strings.Compare(p.Topic, tp.Topic); c != 0 {
			return c
		}
		return cmp.Compare(p.Partition, tp.Partition)
	})
}

// Has reports whether there is such a partition.
func (p *Plan) Has(tp protocol.TopicPartition) bool {
	_, ok := find(p.Partitions, tp)
	return ok
}

// Updated is the plan after news of the controller. Partitions that the plan does
// not have are left out: none are made after Assign.
func (p *Plan) Updated(news *protocol.MetadataLogResponse) *Plan {
	next := &Plan{Version: news.Version, Partitions: slices.Clone(p.Partitions)}
	for _, b := range news.Brokers {
		next.Brokers = append(next.Brokers, Broker{ID: b.ID, Addr: b.Addr, Fenced: b.Fenced})
	}
	for i := range news.Partitions {
		if at, ok := find(next.Partitions, news.Partitions[i].TopicPartition); ok {
			next.Partitions[at] = news.Partitions[i]
		}
	}
	return next
}

// Hosted returns the partitions of which the broker holds a replica.
func (p *Plan) Hosted(id int32) []Partition {
	var out []Partition
	for _, part := range p.Partitions {
		for _, r := range part.Replicas {
			if r == id {
				out = append(out, part)
			}
		}
	}
	return out
}

// Metadata answers a metadata request; no topics means all. Brokers that are
// fenced are left out, and a partition without a leader has an error.
func (p *Plan) Metadata(topics []string) *protocol.MetadataResponse {
	resp := &protocol.MetadataResponse{ControllerID: NoLeader}
	for _, b := range p.Brokers {
		if b.Fenced {
			continue
		}
		if resp.ControllerID == NoLeader {
			resp.ControllerID = b.ID
		}
		resp.Brokers = append(resp.Brokers, protocol.BrokerMetadata{ID: b.ID, Addr: b.Addr})
	}
	if len(topics) == 0 {
		for i := range p.Partitions {
			resp.Partitions = append(resp.Partitions, metadataOf(&p.Partitions[i]))
		}
	}
	for _, t := range topics {
		first, found := find(p.Partitions, protocol.TopicPartition{Topic: t})
		for i := first; i < len(p.Partitions) && p.Partitions[i].Topic == t; i++ {
			resp.Partitions = append(resp.Partitions, metadataOf(&p.Partitions[i]))
		}
		if !found {
			resp.Partitions = append(resp.Partitions, protocol.PartitionMetadata{
				TopicPartition: protocol.TopicPartition{Topic: t, Partition: -1},
				Err:            protocol.ErrUnknownTopicOrPartition,
			})
		}
	}
	return resp
}

func metadataOf(p *Partition) protocol.PartitionMetadata {
	m := protocol.PartitionMetadata{
		TopicPartition: p.TopicPartition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
		Replicas: p.Replicas, ISR: p.ISR,
	}
	if p.Leader == NoLeader {
		m.Err = protocol.ErrLeaderNotAvailable
	}
	return m
}
