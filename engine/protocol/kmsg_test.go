package protocol

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Goal: bodies that the controller takes have the bytes that Kafka's take. Method:
// the same messages as another implementation of the protocol writes them.
func TestBodyBytesAreThoseOfKmsg(t *testing.T) {
	dirs := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for n := range len(dirs) + 1 {
		want := kmsg.BrokerHeartbeatRequest{Version: 1, OfflineLogDirs: make([][16]byte, n)}
		expectSize(t, "heartbeat", &BrokerHeartbeatRequest{OfflineLogDirs: dirs[:n]}, want.AppendTo(nil))
	}
	for _, c := range []struct {
		why    string
		counts []int // replicas of topic one in each directory
	}{
		{"none", nil}, {"one directory", []int{3}}, {"two", []int{1, 2}}, {"more than one byte counts", []int{200, 1}},
	} {
		own := &AssignReplicasToDirsRequest{}
		want := kmsg.AssignReplicasToDirsRequest{}
		for i, n := range c.counts {
			topic := kmsg.NewAssignReplicasToDirsRequestDirectoryTopic()
			for _, tp := range of(one, n) {
				own.Partitions = append(own.Partitions, ReplicaDir{TopicPartition: tp, Dir: dirs[i]})
				topic.Partitions = append(topic.Partitions, kmsg.NewAssignReplicasToDirsRequestDirectoryTopicPartition())
			}
			dir := kmsg.NewAssignReplicasToDirsRequestDirectory()
			dir.Topics = append(dir.Topics, topic)
			want.Directories = append(want.Directories, dir)
		}
		expectSize(t, c.why, own, want.AppendTo(nil))
	}
	assigned := kmsg.AssignReplicasToDirsResponse{}
	expectSize(t, "assigned", &AssignReplicasToDirsResponse{}, assigned.AppendTo(nil))
	for _, n := range []int{0, 1, 150} {
		elect := kmsg.ElectLeadersRequest{Version: 2}
		elected := kmsg.ElectLeadersResponse{Version: 2}
		answer := &ElectLeadersResponse{}
		if n > 0 {
			asks, answers := kmsg.NewElectLeadersRequestTopic(), kmsg.NewElectLeadersResponseTopic()
			asks.Topic, answers.Topic = one, one
			for _, tp := range of(one, n) {
				asks.Partitions = append(asks.Partitions, tp.Partition)
				answers.Partitions = append(answers.Partitions, kmsg.NewElectLeadersResponseTopicPartition())
				answer.Partitions = append(answer.Partitions, ElectLeadersResult{TopicPartition: tp})
			}
			elect.Topics, elected.Topics = append(elect.Topics, asks), append(elected.Topics, answers)
		}
		expectSize(t, "elect", &ElectLeadersRequest{Partitions: of(one, n)}, elect.AppendTo(nil))
		expectSize(t, "elected", answer, elected.AppendTo(nil))
	}
}

func expectSize(t *testing.T, why string, body Body, wire []byte) {
	t.Helper()
	if got := body.BodyBytes(); got != len(wire) {
		t.Errorf("%T, %s: %d bytes, want %d", body, why, got, len(wire))
	}
	body.Release()
}
