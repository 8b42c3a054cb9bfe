package clustertest

import (
	"errors"
	"testing"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// TestMetadata: the first bootstrap address that answers is asked, and what is
// wrong is told. Method: table.
func TestMetadata(t *testing.T) {
	inWorlds(t, setup{brokers: 2, partitions: 3, replicas: 2}, func(r *rig) {
		for _, c := range []struct {
			why       string
			bootstrap []string
			topics    []string
			partition int // how many
			want      error
		}{
			{"all topics", []string{"broker-1:9092"}, nil, 3, nil},
			{"one topic", []string{"broker-2:9092"}, []string{topic}, 3, nil},
			{"the first address refuses", []string{"broker-1:1", "broker-2:9092"}, nil, 3, nil},
			{"no address answers", []string{"broker-1:1", "nobody:9092"}, nil, 0, env.ErrRefused},
			{"a topic that is not there", []string{"broker-1:9092"}, []string{"nosuch"}, 0,
				protocol.ErrUnknownTopicOrPartition},
		} {
			md, err := client.FetchMetadata(r.client, c.bootstrap, "c", c.topics, patience)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%s: %v, want %v", c.why, err, c.want)
				continue
			}
			if err == nil && (len(md.Partitions) != c.partition || len(md.Topic(topic)) != c.partition || len(md.Brokers) != 2) {
				t.Errorf("%s: %+v", c.why, md)
			}
		}
		if _, err := client.FetchMetadata(r.client, nil, "c", nil, patience); err == nil {
			t.Error("no bootstrap address is no error")
		}
	})
}

// TestListOffsets: each partition's leader is asked, a consumer sees the high
// watermark and a debugging client the log end. Method: a follower that does not
// run keeps the two apart.
func TestListOffsets(t *testing.T) {
	inWorlds(t, setup{brokers: 2, started: 1, partitions: 1, replicas: 2}, func(r *rig) {
		r.produceMany(protocol.AcksLeader, 0, 5)
		md, err := client.FetchMetadata(r.client, []string{"broker-1:9092"}, "c", nil, patience)
		if err != nil {
			t.Error(err)
			return
		}
		for _, c := range []struct {
			why     string
			replica int32
			at      int64
			tp      protocol.TopicPartition
			want    int64
			fails   bool
		}{
			{"earliest", protocol.ConsumerReplicaID, protocol.EarliestOffset, part0, 0, false},
			{"latest of a consumer", protocol.ConsumerReplicaID, protocol.LatestOffset, part0, 0, false},
			{"latest of a debugging client", protocol.DebuggingReplicaID, protocol.LatestOffset, part0, 5, false},
			{"a time of day that no record has", protocol.ConsumerReplicaID, 1_700_000_000_000, part0, -1, false},
			{"a time, of a record below no high watermark", protocol.ConsumerReplicaID, 0, part0, -1, false},
			{"a question that there is not", protocol.ConsumerReplicaID, -7, part0, 0, true},
			{"a partition that is not there", protocol.ConsumerReplicaID, protocol.LatestOffset,
				protocol.TopicPartition{Topic: topic, Partition: 7}, 0, true},
		} {
			got, err := client.ListOffsets(r.client, md, "c", c.replica, []protocol.TopicPartition{c.tp}, c.at, patience)
			if (err != nil) != c.fails || err == nil && got[0] != c.want {
				t.Errorf("%s: %v, %v, want %d", c.why, got, err, c.want)
			}
		}
	})
}
