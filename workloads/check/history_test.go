package check

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// at is an instant in seconds.
func at(seconds int) env.Time { return env.Time(time.Duration(seconds) * time.Second) }

func rec(sequence int) payload.ID { return payload.ID{Sequence: uint64(sequence)} }

// whole is a run in which all went well: producer 0 sent records 0 to 4 at seconds
// 0 to 4 to partition 0 of brokers 1 to 3, they were acknowledged at offsets 0 to 4
// by all, and reader 0 got them.
func whole() *History {
	h := &History{Settings: Settings{Acks: acksAll, Idempotent: true, MaxInFlight: 5},
		States: []State{{At: at(0), Leader: 1, ISR: []int32{1, 2, 3}}}}
	var log []Stored
	for i := range 5 {
		h.Sent = append(h.Sent, Sent{ID: rec(i), At: at(i), Outcome: Acked, Offset: int64(i)})
		h.Read = append(h.Read, Read{ID: rec(i), Offset: int64(i)})
		h.Fetched = append(h.Fetched, Fetched{At: at(i), HighWatermark: int64(i + 1), Next: int64(i + 1)})
		log = append(log, Stored{ID: rec(i)})
	}
	for broker := range int32(3) {
		h.Logs = append(h.Logs, FinalLog{Broker: broker + 1, Records: slices.Clone(log)})
	}
	return h
}

// cut ends all logs at an offset.
func (h *History) cut(end int) {
	for i := range h.Logs {
		h.Logs[i].Records = h.Logs[i].Records[:end]
	}
}

// store makes all logs hold these records of producer 0.
func (h *History) store(sequences ...int) {
	for i := range h.Logs {
		h.Logs[i].Records = nil
		for _, s := range sequences {
			h.Logs[i].Records = append(h.Logs[i].Records, Stored{ID: rec(s)})
		}
	}
}

// again stores a record a second time, under an epoch of its producer.
func (h *History) again(sequence int, epoch int16) {
	for i := range h.Logs {
		h.Logs[i].Records = append(h.Logs[i].Records, Stored{ID: rec(sequence), ProducerEpoch: epoch})
	}
	h.Read = append(h.Read, Read{ID: rec(sequence), Offset: 5})
}

func (h *History) acks(acks int16) {
	h.Settings.Acks, h.Settings.Idempotent = acks, false
	h.Read = h.Read[:3] // what was read is promised whatever acks are
	h.Fetched = nil
}

func (h *History) power(broker int32, second int) {
	h.Faults = append(h.Faults, Fault{Kind: PowerLoss, Broker: broker, At: at(second), Until: at(second)})
}

func (h *History) state(second int, leader, epoch int32, isr ...int32) {
	h.States = append(h.States, State{At: at(second), Leader: leader, LeaderEpoch: epoch, ISR: isr})
}

// judgeCases are changes to a run in which all went well; findings are written as
// "kind" and pardons as "excuse xcount".
var judgeCases = []struct {
	why    string
	change func(h *History)
	want   []string
}{
	{"all went well", func(*History) {}, nil},
	{"what was refused may be there", func(h *History) { h.Sent[4].Outcome = Refused }, nil},
	{"or not", func(h *History) { h.Sent[4].Outcome = Refused; h.Read = h.Read[:4]; h.cut(4) }, nil},
	{"acknowledged and gone, and nothing happened", func(h *History) { h.Read = h.Read[:4]; h.cut(4) },
		[]string{"lost"}},
	{"acknowledged and gone, after crashes alone", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		for b := range int32(3) {
			h.Faults = append(h.Faults, Fault{Kind: Crash, Broker: b + 1, At: at(9)})
		}
	}, []string{"lost"}},
	{"acknowledged at one offset and at another", func(h *History) { h.Read = nil; h.store(0, 1, 2, 4) },
		[]string{"lost", "lost", "never read"}},
	{"read and gone", func(h *History) { h.Sent[4].Outcome = Refused; h.cut(4) }, []string{"vanished"}},
	{"one of two in sync lost power", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.state(5, 1, 0, 1, 2)
		h.power(2, 6)
	}, []string{"lost"}},
	{"all in sync lost power", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.state(5, 1, 0, 1, 2)
		h.power(2, 6)
		h.power(1, 7)
	}, []string{"lost with every copy in sync x1"}},
	{"all in sync lost power, and everything is forced", func(h *History) {
		h.Settings.Forced = true
		h.Read = h.Read[:4]
		h.cut(4)
		for b := range int32(3) {
			h.power(b+1, 9)
		}
	}, []string{"lost"}},
	{"all lost power before it was sent", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		for b := range int32(3) {
			h.power(b+1, 2)
		}
	}, []string{"lost"}},
	{"the last one in sync lost power: KIP-966", func(h *History) {
		h.cut(4)
		h.state(5, 1, 0, 1)
		h.power(1, 6)
		h.state(7, -1, 1, 1)
		h.state(8, 1, 2, 1)
	}, []string{"lost as KIP-966 describes x2"}},
	{"it lost power, and was in sync with another when it was back", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.power(1, 5)
		h.state(6, 2, 1, 2, 3)
		h.state(7, 2, 1, 2, 3, 1)
		h.state(8, 1, 2, 1)
	}, []string{"lost"}},
	{"an unclean election", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.state(5, 1, 0, 1)
		h.state(6, 2, 1, 2)
	}, []string{"lost by an unclean election x1"}},
	{"an unclean election of which the old leader did not know yet", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.state(1, 1, 0, 1)
		h.state(2, 2, 1, 2)
		h.state(5, 2, 1, 2, 1)
	}, []string{"lost by an unclean election x1"}},
	{"an unclean election long before", func(h *History) {
		h.Read = h.Read[:4]
		h.cut(4)
		h.state(1, 1, 0, 1)
		h.state(2, 2, 1, 2)
		h.state(3, 2, 1, 2, 1)
	}, []string{"lost"}},
	{"acks=1 and nothing happened", func(h *History) { h.acks(1); h.cut(3) }, []string{"lost", "lost"}},
	{"acks=1 and a follower lost power", func(h *History) { h.acks(1); h.cut(3); h.power(2, 9) },
		[]string{"lost", "lost"}},
	{"acks=1 and another leader", func(h *History) { h.acks(1); h.cut(3); h.state(6, 2, 1, 2, 3) },
		[]string{"lost as acks=1 allows x2"}},
	{"acks=1 and another leader before, but the old one was back in sync", func(h *History) {
		h.acks(1)
		h.cut(3)
		h.state(1, 2, 1, 2, 3)
		h.state(2, 2, 1, 2, 3, 1)
	}, []string{"lost", "lost"}},
	{"acks=1 and a preferred leader that came back between them", func(h *History) {
		h.acks(1)
		h.cut(3)
		h.state(3, 2, 1, 1, 2, 3)
	}, []string{"lost as acks=1 allows x1", "lost"}},
	{"acks=1 and the leader lost power before the second of them", func(h *History) {
		h.acks(1)
		h.cut(3)
		h.power(1, 3)
	}, []string{"lost as acks=1 allows x1", "lost"}},
	{"acks=1, another leader, and what was lost had been read", func(h *History) {
		h.acks(1)
		h.cut(2)
		h.state(6, 2, 1, 2, 3)
	}, []string{"lost as acks=1 allows x3", "vanished"}},
	{"acks=0 and nothing happened", func(h *History) { h.acks(0); h.cut(3) }, []string{"lost", "lost"}},
	{"acks=0 and a link that broke", func(h *History) {
		h.acks(0)
		h.cut(3)
		h.Faults = []Fault{{Kind: LinkFault, At: at(2), Until: at(3)}}
	}, []string{"lost as acks=0 allows x2"}},
	{"acks=0 and a link that was whole again before", func(h *History) {
		h.acks(0)
		h.cut(3)
		h.Faults = []Fault{{Kind: LinkFault, At: at(1), Until: at(1)}}
	}, []string{"lost", "lost"}},
	{"there twice, with idempotence", func(h *History) {
		h.store(0, 1, 2, 3, 4, 2)
		h.Read = append(h.Read, Read{ID: rec(2), Offset: 5})
	}, []string{"duplicated"}},
	{"there twice, under two epochs, and no broker restarted since", func(h *History) {
		h.again(2, 1)
		h.Faults = []Fault{{Kind: Shutdown, Broker: 1, Until: at(1)}, {Kind: Shutdown, Broker: 9, Until: at(9)}}
	}, []string{"duplicated"}},
	{"there twice, under two epochs, and a broker restarted", func(h *History) {
		h.again(2, 1)
		h.Faults = []Fault{{Kind: Shutdown, Broker: 1, At: at(1), Until: at(9)}}
	}, []string{"duplicated as a restarted broker forgets batches x1"}},
	{"there twice, under one epoch, and a broker restarted", func(h *History) {
		h.again(2, 0)
		h.Faults = []Fault{{Kind: Shutdown, Broker: 1, At: at(1), Until: at(9)}}
	}, []string{"duplicated"}},
	{"there twice, without", func(h *History) {
		h.Settings.Idempotent = false
		h.store(0, 1, 2, 3, 4, 2)
		h.Read = append(h.Read, Read{ID: rec(2), Offset: 5})
	}, []string{"duplicated as producers without idempotence do x1"}},
	{"in another order, with idempotence", func(h *History) { h.swap(); h.store(0, 1, 3, 2, 4) }, []string{"reordered"}},
	{"in another order, without, one in flight", func(h *History) {
		h.Settings.Idempotent, h.Settings.MaxInFlight = false, 1
		h.swap()
		h.store(0, 1, 3, 2, 4)
	}, []string{"reordered"}},
	{"in another order, without, many in flight", func(h *History) {
		h.Settings.Idempotent = false
		h.swap()
		h.store(0, 1, 3, 2, 4)
	}, []string{"reordered as retries of many in flight do x1"}},
	{"a refused one comes late, without, one in flight", func(h *History) {
		h.Settings.Idempotent, h.Settings.MaxInFlight = false, 1
		h.swap()
		h.Sent[2].Outcome = Refused
		h.store(0, 1, 3, 2, 4)
	}, nil},
	{"the high watermark falls", func(h *History) { h.Fetched = append(h.Fetched, Fetched{At: at(9), HighWatermark: 4}) },
		[]string{"high watermark fell"}},
	{"the high watermark of the next leader is lower", func(h *History) {
		h.Fetched = append(h.Fetched, Fetched{At: at(9), HighWatermark: 4, LeaderEpoch: 1})
	}, nil},
	{"the high watermark of a leader that restarted is lower", func(h *History) {
		h.Fetched = append(h.Fetched, Fetched{At: at(9), HighWatermark: 4})
		h.Faults = []Fault{{Kind: Crash, Broker: 1, At: at(7), Until: at(8)}}
	}, []string{"high watermark of a leader that restarted x1"}},
	{"a record from beyond the high watermark", func(h *History) { h.Fetched[2].HighWatermark = 2 },
		[]string{"beyond the high watermark"}},
	{"an offset with two values", func(h *History) { h.Read = append(h.Read, Read{ID: rec(1), Offset: 3}) },
		[]string{"two values"}},
	{"a replica that ends early", func(h *History) { h.Logs[2].Records = h.Logs[2].Records[:4] },
		[]string{"replicas differ"}},
	{"a replica with another leader epoch", func(h *History) { h.Logs[1].Records[2].LeaderEpoch = 1 },
		[]string{"replicas differ"}},
	{"a replica that cannot be read", func(h *History) { h.Logs[1].Unreadable = "no batch" }, []string{"unreadable"}},
	{"a record that nobody sent, in the logs and read", func(h *History) {
		h.Sent = h.Sent[:4]
	}, []string{"never sent", "never sent"}},
	{"a record that the reader did not get", func(h *History) { h.Read = h.Read[:4] }, []string{"never read"}},
	{"a record that one of two readers did not get", func(h *History) {
		h.Read = append(h.Read, Read{ID: rec(0), Reader: 1})
	}, []string{"never read"}},
	{"a record that the test sent twice", func(h *History) { h.Sent = append(h.Sent, h.Sent[4]) },
		[]string{"misreported"}},
}

// Goal: each kind of violation is found and named, and what Kafka does not promise
// is not one, but named too. Method: the table.
func TestJudge(t *testing.T) {
	for _, c := range judgeCases {
		t.Run(c.why, func(t *testing.T) {
			h := whole()
			c.change(h)
			v := Judge(h)
			var got []string
			for _, p := range v.Pardons {
				got = append(got, fmt.Sprintf("%s x%d", p.Excuse, p.Count))
			}
			for _, f := range v.Violations {
				got = append(got, string(f.Kind))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q:\n%v\n%v", got, c.want, v.Violations, v.Pardons)
			}
		})
	}
}

// swap exchanges where records 2 and 3 were acknowledged and read.
func (h *History) swap() {
	h.Sent[2].Offset, h.Sent[3].Offset = 3, 2
	h.Read[2].ID, h.Read[3].ID = rec(3), rec(2)
}

// Goal: partitions are judged apart, each by its own leader's log, and a verdict
// says how much it rests on. Method: two partitions of which one has lost.
func TestJudgePartitions(t *testing.T) {
	h := whole()
	for i := range 3 {
		id := payload.ID{Producer: 1, Sequence: uint64(i)}
		h.Sent = append(h.Sent, Sent{ID: id, Outcome: Acked, Partition: 7, Offset: int64(i)})
	}
	h.Logs = append(h.Logs, FinalLog{Partition: 7, Broker: 2, Records: []Stored{{ID: payload.ID{Producer: 1}}}})
	h.Read = append(h.Read, Read{ID: payload.ID{Producer: 1}, Partition: 7})
	v := Judge(h)
	if len(v.Violations) != 2 || v.Violations[0].Kind != Lost || v.Acked != 8 || v.Read != 6 || v.Refused != 0 {
		t.Errorf("%+v", v)
	}
	var sum Verdict
	for range 2 {
		sum.Merge([]Pardon{{KIP966, 3, "a"}, {Unclean, 1, "b"}})
	}
	if sum.Pardoned(KIP966) != 6 || sum.Pardoned(Unclean) != 2 || sum.Pardoned(AcksOne) != 0 ||
		sum.Pardons[0].Example != "a" {
		t.Errorf("%+v", sum)
	}
}
