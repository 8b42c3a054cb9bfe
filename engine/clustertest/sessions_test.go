package clustertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// sessionAsk is a fetch by hand in a session.
type sessionAsk struct {
	id, epoch int32
	parts     []protocol.FetchPartition
	forget    []int32
	wait      time.Duration // for one byte; 0 = the answer comes at once
	maxBytes  int32         // 0 = no limit that counts
}

// from asks for a partition from an offset.
func from(part int32, offset int64) protocol.FetchPartition {
	return protocol.FetchPartition{TopicPartition: protocol.TopicPartition{Topic: topic, Partition: part},
		CurrentLeaderEpoch: -1, FetchOffset: offset, MaxBytes: 1 << 20, LastFetchedEpoch: -1}
}

// fetchIn returns the answer, which the caller releases; nil after an error.
func fetchIn(r *rig, c *client.Conn, ask sessionAsk) *protocol.FetchResponse {
	r.t.Helper()
	req := &protocol.FetchRequest{ReplicaID: protocol.ConsumerReplicaID, MaxWait: ask.wait, MinBytes: 1,
		MaxBytes: 1 << 20, SessionID: ask.id, SessionEpoch: ask.epoch, Partitions: ask.parts}
	if ask.maxBytes > 0 {
		req.MaxBytes = ask.maxBytes
	}
	for _, part := range ask.forget {
		req.Forgotten = append(req.Forgotten, protocol.TopicPartition{Topic: topic, Partition: part})
	}
	body, err := c.Call(req, patience)
	if err != nil {
		r.t.Error(err)
		return &protocol.FetchResponse{Err: protocol.ErrUnknownServer}
	}
	return body.(*protocol.FetchResponse)
}

// told is an answer as text: "partition:records@high watermark" for each, or errors.
func told(r *rig, resp *protocol.FetchResponse) string {
	if resp.Err != protocol.ErrNone {
		return resp.Err.Error()
	}
	text := ""
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		if out.Err != protocol.ErrNone {
			text += fmt.Sprintf("%d:%v ", out.Partition, out.Err)
			continue
		}
		text += fmt.Sprintf("%d:", out.Partition)
		for _, v := range valuesOf(r.t, out.Records) {
			text += v
		}
		text += fmt.Sprintf("@%d ", out.HighWatermark)
	}
	resp.Release()
	return text
}

// put produces one record.
func put(r *rig, c *client.Conn, part int32, value string) {
	r.t.Helper()
	out, err := produceOne(r, c, protocol.AcksLeader, patience, part, batchOf(0, value))
	if err != nil || out.Err != protocol.ErrNone {
		r.t.Errorf("produce to partition %d: %v, %v", part, err, out.Err)
	}
}

// TestFetchSession: what a broker answers in a session, step by step. Method: by
// hand, one request a row, each after a record to the partitions named.
func TestFetchSession(t *testing.T) {
	none := []protocol.FetchPartition(nil)
	steps := []struct {
		says   string
		put    string // partitions that get a record first, whose value is a letter
		id     int32  // 0 = none, 1 = the session's, 2 = none that there is
		epoch  int32
		parts  []protocol.FetchPartition
		forget []int32
		want   string
		keeps  bool // the answer names the session
	}{
		{"a full request makes a session and names all", "", 0, 0,
			[]protocol.FetchPartition{from(2, 0), from(0, 0), from(1, 0)}, nil, "2:@0 0:@0 1:@0 ", true},
		{"without news the answer is empty", "", 1, 1, none, nil, "", true},
		{"a record is news", "1", 1, 2, none, nil, "1:a@1 ", true},
		{"which is given again, as the client has not moved on", "", 1, 3, none, nil, "1:a@1 ", true},
		{"behind it is nothing", "", 1, 4, []protocol.FetchPartition{from(1, 1)}, nil, "", true},
		{"an epoch that was", "", 1, 4, none, nil, "INVALID_FETCH_SESSION_EPOCH", false},
		{"an epoch that is not yet", "", 1, 6, none, nil, "INVALID_FETCH_SESSION_EPOCH", false},
		{"another session", "", 2, 5, none, nil, "FETCH_SESSION_ID_NOT_FOUND", false},
		{"these have changed nothing; a partition is forgotten", "12", 1, 5, none, []int32{1}, "2:c@1 ", true},
		{"an offset that is not there", "", 1, 6, []protocol.FetchPartition{from(2, 1), from(0, 9)}, nil,
			"0:OFFSET_OUT_OF_RANGE ", true},
		{"is an error each time", "", 1, 7, none, nil, "0:OFFSET_OUT_OF_RANGE ", true},
		{"until the client moves: then it is told again", "", 1, 8, []protocol.FetchPartition{from(0, 0)}, nil,
			"0:@0 ", true},
		{"a partition comes back", "", 1, 9, []protocol.FetchPartition{from(1, 1)}, nil, "1:b@2 ", true},
		{"one that no broker has", "", 1, 10, []protocol.FetchPartition{from(9, 0), from(1, 2)}, nil,
			"9:UNKNOWN_TOPIC_OR_PARTITION ", true},
		{"and goes", "0", 1, 11, none, []int32{9, 7}, "0:d@1 ", true},
		{"another leader epoch is an error", "", 1, 12, []protocol.FetchPartition{func() protocol.FetchPartition {
			p := from(0, 1)
			p.CurrentLeaderEpoch = 99
			return p
		}()}, nil, "0:UNKNOWN_LEADER_EPOCH ", true},
		{"without partitions the session ends", "", 1, 13, none, []int32{0, 1, 2}, "", false},
		{"and is not known", "", 1, 14, none, nil, "FETCH_SESSION_ID_NOT_FOUND", false},
		{"another one", "", 0, 0, []protocol.FetchPartition{from(0, 0)}, nil, "0:d@1 ", true},
		{"in its place one with another partition", "", 1, 0, []protocol.FetchPartition{from(1, 0)}, nil, "1:ab@2 ", true},
		{"a last request is full and makes none", "", 1, -1, []protocol.FetchPartition{from(2, 0)}, nil, "2:c@1 ", false},
		{"but ends the one it names", "", 1, 1, none, nil, "FETCH_SESSION_ID_NOT_FOUND", false},
	}
	inWorlds(t, setup{brokers: 1, partitions: 3, replicas: 1}, func(r *rig) {
		c := r.dial(0)
		defer c.Close()
		session, value := int32(0), 'a'
		for _, s := range steps {
			for _, part := range s.put {
				put(r, c, part-'0', string(value))
				value++
			}
			id := []int32{0, session, session ^ 1}[s.id]
			resp := fetchIn(r, c, sessionAsk{id: id, epoch: s.epoch, parts: s.parts, forget: s.forget})
			if s.keeps && s.epoch == 0 {
				if resp.SessionID == session {
					t.Errorf("%s: session %d goes on", s.says, session)
				}
				session = resp.SessionID
			}
			if keeps := resp.SessionID == session && session != 0; keeps != s.keeps {
				t.Errorf("%s: session %d in the answer, not %d", s.says, resp.SessionID, session)
			}
			if got := told(r, resp); got != s.want {
				t.Errorf("%s: %q, want %q", s.says, got, s.want)
			}
		}
	})
}

// TestFetchSessionWaits: a request in a session waits for a record of any of its
// partitions, and for no other. Method: by hand; another task produces to a
// partition that was forgotten, and then to one that was not named for long.
func TestFetchSessionWaits(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 3, replicas: 1}, func(r *rig) {
		c, other := r.dial(0), r.dial(0)
		defer c.Close()
		defer other.Close()
		first := fetchIn(r, c, sessionAsk{parts: []protocol.FetchPartition{from(0, 0), from(1, 0), from(2, 0)}})
		first.Release()
		for epoch := int32(1); epoch <= 3; epoch++ {
			tasks := task.NewGroup(r.client)
			tasks.Go("produce", func() error {
				r.pass(ms)
				put(r, other, 1, "x")
				r.pass(ms)
				put(r, other, 2, string('a'+epoch))
				return nil
			})
			ask := sessionAsk{id: first.SessionID, epoch: epoch, wait: patience}
			if epoch == 1 {
				ask.forget = []int32{1}
			} else {
				ask.parts = []protocol.FetchPartition{from(2, int64(epoch-1))}
			}
			want := fmt.Sprintf("2:%c@%d ", 'a'+epoch, epoch)
			if got := told(r, fetchIn(r, c, ask)); got != want {
				t.Errorf("epoch %d: %q, want %q", epoch, got, want)
			}
			if err := tasks.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestFetchSessionSuperseded: a request that comes while the one before waits, on
// another connection, ends it with an error, and gets its answer. Method: by hand.
// The second asks again while it comes before the first.
func TestFetchSessionSuperseded(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		c, other := r.dial(0), r.dial(0)
		defer c.Close()
		defer other.Close()
		full := fetchIn(r, c, sessionAsk{parts: []protocol.FetchPartition{from(0, 0)}})
		full.Release()
		tasks := task.NewGroup(r.client)
		tasks.Go("first", func() error {
			if got := told(r, fetchIn(r, c, sessionAsk{id: full.SessionID, epoch: 1, wait: patience})); got !=
				"INVALID_FETCH_SESSION_EPOCH" {
				t.Errorf("the request that waited got %q", got)
			}
			return nil
		})
		got := "INVALID_FETCH_SESSION_EPOCH"
		for range 100_000 {
			if got = told(r, fetchIn(r, other, sessionAsk{id: full.SessionID, epoch: 2})); got == "" {
				break
			}
		}
		if got != "" {
			t.Errorf("the request after it got %q", got)
		}
		if err := tasks.Wait(); err != nil {
			t.Error(err)
		}
		put(r, c, 0, "x")
		if got := told(r, fetchIn(r, c, sessionAsk{id: full.SessionID, epoch: 3})); got != "0:x@1 " {
			t.Errorf("afterwards the session gives %q", got)
		}
	})
}

// TestFetchSessionSlots: a client that gets no session is served as well. Method: a
// broker with one slot, or none, and three full requests.
func TestFetchSessionSlots(t *testing.T) {
	for _, slots := range []int{0, 1} {
		s := setup{brokers: 1, partitions: 1, replicas: 1, broker: func(c *broker.Config) { c.FetchSessions = slots }}
		inWorlds(t, s, func(r *rig) {
			c := r.dial(0)
			defer c.Close()
			put(r, c, 0, "x")
			sessions := 0
			for range 3 {
				resp := fetchIn(r, c, sessionAsk{parts: []protocol.FetchPartition{from(0, 0)}})
				if resp.SessionID != protocol.NoFetchSession {
					sessions++
				}
				if got := told(r, resp); got != "0:x@1 " {
					t.Errorf("%d slots: got %q", slots, got)
				}
			}
			if sessions != slots {
				t.Errorf("%d sessions in %d slots", sessions, slots)
			}
		})
	}
}

// TestFetchSessionGivesWhatFullFetchesGive: a session answers with what a full fetch
// of the same partitions finds, less what the client knows. Method: random records,
// moves, partitions that leave and come, in the session; after each a full fetch
// without one.
func TestFetchSessionGivesWhatFullFetchesGive(t *testing.T) {
	const partitions, steps = 5, 120
	inWorlds(t, setup{brokers: 1, partitions: partitions, replicas: 1}, func(r *rig) {
		c, rng := r.dial(0), rand.New(rand.NewPCG(5, 5))
		defer c.Close()
		var session client.FetchSession[int]
		in := make(map[int32]protocol.FetchPartition)
		knows := make(map[int32]int64) // high watermarks
		for step := range steps {
			for range rng.IntN(4) {
				part := rng.Int32N(partitions)
				switch rng.IntN(6) {
				case 0:
					delete(in, part)
					session.Forget(from(part, 0).TopicPartition)
				case 1, 2:
					in[part] = from(part, rng.Int64N(6))
					session.Set(in[part], 0)
				default:
					put(r, c, part, fmt.Sprint(step, " "))
				}
			}
			var req protocol.FetchRequest
			session.Fill(&req)
			if session.Len() == 0 {
				session = client.FetchSession[int]{}
				continue
			}
			for _, tp := range req.Forgotten {
				delete(knows, tp.Partition)
			}
			ask := sessionAsk{id: req.SessionID, epoch: req.SessionEpoch, parts: req.Partitions}
			for _, tp := range req.Forgotten {
				ask.forget = append(ask.forget, tp.Partition)
			}
			resp := fetchIn(r, c, ask)
			if !session.Answered(resp) {
				t.Fatalf("step %d: %v", step, resp.Err)
			}
			got := make(map[int32]string)
			for i := range resp.Partitions {
				one := &protocol.FetchResponse{Partitions: resp.Partitions[i : i+1]}
				got[resp.Partitions[i].Partition] = told(r, one)
			}
			var all []protocol.FetchPartition
			for part := range int32(partitions) {
				if p, ok := in[part]; ok {
					all = append(all, p)
				}
			}
			full := fetchIn(r, c, sessionAsk{epoch: protocol.FinalFetchEpoch, parts: all})
			for i := range full.Partitions {
				out := &full.Partitions[i]
				hw, known := knows[out.Partition]
				news := req.IsFull() || out.Records.Len() > 0 || out.Err != protocol.ErrNone || !known || hw != out.HighWatermark
				if knows[out.Partition] = out.HighWatermark; out.Err != protocol.ErrNone {
					delete(knows, out.Partition)
				}
				part := out.Partition
				want := told(r, &protocol.FetchResponse{Partitions: full.Partitions[i : i+1]})
				if given, ok := got[part]; ok != news || news && given != want {
					t.Fatalf("step %d, partition %d: the session gives %q (%v), a full fetch %q, news %v",
						step, part, given, ok, want, news)
				}
			}
		}
	})
}

// TestFetchSessionServesAll: where a response has room for one partition only, each
// has its turn. Method: four partitions with records without end for the client,
// which does not move on; how often each comes.
func TestFetchSessionServesAll(t *testing.T) {
	const partitions, rounds = 4, 10
	inWorlds(t, setup{brokers: 1, partitions: partitions, replicas: 1}, func(r *rig) {
		c := r.dial(0)
		defer c.Close()
		var parts []protocol.FetchPartition
		for part := range int32(partitions) {
			put(r, c, part, "x")
			parts = append(parts, from(part, 0))
		}
		resp := fetchIn(r, c, sessionAsk{parts: parts, maxBytes: 1})
		resp.Release()
		var times [partitions]int
		for epoch := range int32(partitions * rounds) {
			put(r, c, 0, "y") // news that must not bring it forward
			out := fetchIn(r, c, sessionAsk{id: resp.SessionID, epoch: epoch + 1, maxBytes: 1})
			for i := range out.Partitions {
				if out.Partitions[i].Records.Len() > 0 {
					times[out.Partitions[i].Partition]++
				}
			}
			out.Release()
		}
		for part, n := range times {
			if n != rounds {
				t.Errorf("partition %d came %d times in %d responses", part, n, partitions*rounds)
			}
		}
	})
}
