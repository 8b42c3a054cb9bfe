package cluster

import (
	"fmt"
	"strings"
	"testing"

	"brokerlab/engine/protocol"
)

func brokers(n int) []Broker {
	out := make([]Broker, n)
	for i := range out {
		out[i] = Broker{ID: int32(i + 1), Addr: fmt.Sprintf("broker-%d:9092", i+1)}
	}
	return out
}

// Goal: replicas are placed as Kafka places them. Method: its own example from
// the comment of AdminUtils (10 partitions, 3 replicas, 5 brokers), start index 0.
func TestAssignAsKafkaDoes(t *testing.T) {
	plan, err := Assign(brokers(5), []Topic{{"t", 10, 3}})
	if err != nil {
		t.Fatal(err)
	}
	want := "[1 2 3] [2 3 4] [3 4 5] [4 5 1] [5 1 2] [1 3 4] [2 4 5] [3 5 1] [4 1 2] [5 2 3]"
	var got []string
	for _, p := range plan.Partitions {
		got = append(got, fmt.Sprint(p.Replicas))
	}
	if g := strings.Join(got, " "); g != want {
		t.Errorf("replicas\n got %s\nwant %s", g, want)
	}
}

// Goal: whatever the sizes, a partition's replicas are different brokers and
// leaders are spread evenly. Method: all small sizes.
func TestAssignIsEven(t *testing.T) {
	for n := 1; n <= 7; n++ {
		for factor := 1; factor <= n; factor++ {
			plan, err := Assign(brokers(n), []Topic{{"t", 3 * n, factor}})
			if err != nil {
				t.Fatal(err)
			}
			leads := make([]int, n+1)
			for _, p := range plan.Partitions {
				seen := make([]bool, n+1)
				for _, r := range p.Replicas {
					if seen[r] {
						t.Fatalf("%d brokers: partition %d has replicas %v", n, p.Partition, p.Replicas)
					}
					seen[r] = true
				}
				leads[p.Leader]++
			}
			for id := 1; id <= n; id++ {
				if leads[id] != 3 {
					t.Errorf("%d brokers, factor %d: broker %d leads %d of %d", n, factor, id, leads[id], 3*n)
				}
			}
		}
	}
}

// Goal: impossible plans are errors that name what is wrong. Method: table.
func TestAssignErrors(t *testing.T) {
	for _, c := range []struct {
		why     string
		brokers []Broker
		topic   Topic
		want    string
	}{
		{"more replicas than brokers", brokers(3), Topic{"t", 1, 5}, "replication factor 5 on 3 brokers"},
		{"no replica", brokers(3), Topic{"t", 1, 0}, "replication factor 0"},
		{"no partition", brokers(3), Topic{"t", 0, 1}, "has 0 partitions"},
		{"one id twice", []Broker{{ID: 1}, {ID: 1}}, Topic{"t", 1, 1}, "two brokers have id 1"},
	} {
		_, err := Assign(c.brokers, []Topic{c.topic})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.why, err, c.want)
		}
	}
}

// Goal: topics of one partition do not all fall to the first broker. Method: count leaders.
func TestAssignManyTopics(t *testing.T) {
	plan, err := Assign(brokers(3), []Topic{{"a", 1, 2}, {"b", 1, 2}, {"c", 1, 2}, {"d", 2, 2}, {"e", 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	leads := map[int32]int{}
	for _, p := range plan.Partitions {
		leads[p.Leader]++
	}
	if leads[1] != 2 || leads[2] != 2 || leads[3] != 2 {
		t.Errorf("leaders %v, want 2 of each broker", leads)
	}
}

// Goal: metadata names the topics that were asked for, and unknown ones by an
// error. Method: one of each.
func TestMetadata(t *testing.T) {
	plan, err := Assign(brokers(3), []Topic{{"b", 2, 1}, {"a", 3, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if all := plan.Metadata(nil); len(all.Partitions) != 5 || len(all.Brokers) != 3 || all.Partitions[0].Topic != "a" {
		t.Errorf("all topics: %+v", all)
	}
	some := plan.Metadata([]string{"b", "nosuch"})
	if len(some.Partitions) != 3 || some.Partitions[2].Err != protocol.ErrUnknownTopicOrPartition {
		t.Errorf("some topics: %+v", some)
	}
	if hosted := plan.Hosted(2); len(hosted) != 2 || hosted[0].Partition != 2 || hosted[1].Topic != "b" {
		t.Errorf("broker 2 hosts %+v, want a-2 and b-1", hosted)
	}
}
