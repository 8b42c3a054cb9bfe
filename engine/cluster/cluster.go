// Package cluster decides which brokers hold which partitions. It is pure: a
// plan is a function of the brokers and topics. It does not elect leaders: the
// first replica of a partition leads it from epoch 0 on.
package cluster

import (
	"fmt"
	"slices"
	"sort"

	"brokerlab/engine/protocol"
)

// Broker is one broker's id and the address that it listens on.
type Broker struct {
	ID   int32
	Addr string
}

// Topic says how a topic is cut and copied.
type Topic struct {
	Name              string
	Partitions        int
	ReplicationFactor int
}

// Partition is one partition's place in the cluster. Replicas begins with the
// preferred leader; ISR is the set of in-sync replicas.
type Partition struct {
	protocol.TopicPartition
	Leader      int32
	LeaderEpoch int32
	Replicas    []int32
	ISR         []int32
}

// Plan is the state that all brokers of a cluster start from. It is not changed
// after Assign, so that nodes may share it.
type Plan struct {
	Brokers    []Broker
	Partitions []Partition // sorted by topic and partition
}

// Assign spreads the partitions of the topics over the brokers as Kafka's
// AdminUtils.assignReplicasToBrokers does without racks and with start index 0:
// leaders go round, and followers stand one step further apart with each round,
// so that the partitions of a failed broker fall to all of the others.
func Assign(brokers []Broker, topics []Topic) (*Plan, error) {
	plan := &Plan{Brokers: append([]Broker(nil), brokers...)}
	sort.Slice(plan.Brokers, func(i, j int) bool { return plan.Brokers[i].ID < plan.Brokers[j].ID })
	for i := 1; i < len(plan.Brokers); i++ {
		if plan.Brokers[i].ID == plan.Brokers[i-1].ID {
			return nil, fmt.Errorf("cluster: two brokers have id %d", plan.Brokers[i].ID)
		}
	}
	for _, t := range topics {
		if t.Partitions < 1 {
			return nil, fmt.Errorf("cluster: topic %q has %d partitions", t.Name, t.Partitions)
		}
		if t.ReplicationFactor < 1 || t.ReplicationFactor > len(brokers) {
			return nil, fmt.Errorf("cluster: topic %q: replication factor %d on %d brokers",
				t.Name, t.ReplicationFactor, len(brokers))
		}
		for p := range t.Partitions {
			replicas := plan.replicas(p, t.ReplicationFactor)
			plan.Partitions = append(plan.Partitions, Partition{
				TopicPartition: protocol.TopicPartition{Topic: t.Name, Partition: int32(p)},
				Leader:         replicas[0], Replicas: replicas, ISR: replicas,
			})
		}
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

// Has reports whether there is such a partition.
func (p *Plan) Has(tp protocol.TopicPartition) bool {
	return slices.ContainsFunc(p.Partitions, func(q Partition) bool { return q.TopicPartition == tp })
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

// Metadata answers a metadata request; no topics means all.
func (p *Plan) Metadata(topics []string) *protocol.MetadataResponse {
	resp := &protocol.MetadataResponse{ControllerID: p.Brokers[0].ID}
	for _, b := range p.Brokers {
		resp.Brokers = append(resp.Brokers, protocol.BrokerMetadata{ID: b.ID, Addr: b.Addr})
	}
	if len(topics) == 0 {
		for i := range p.Partitions {
			resp.Partitions = append(resp.Partitions, p.Partitions[i].metadata())
		}
	}
	for _, t := range topics {
		found := false
		for i := range p.Partitions {
			if p.Partitions[i].Topic == t {
				resp.Partitions = append(resp.Partitions, p.Partitions[i].metadata())
				found = true
			}
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

func (p *Partition) metadata() protocol.PartitionMetadata {
	return protocol.PartitionMetadata{
		TopicPartition: p.TopicPartition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
		Replicas: p.Replicas, ISR: p.ISR,
	}
}
