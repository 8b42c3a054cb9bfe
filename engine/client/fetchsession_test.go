package client

import (
	"math/rand/v2"
	"slices"
	"testing"

	"brokerlab/engine/protocol"
)

// leader is a broker that keeps one session as KIP-227 says, and no more.
type leader struct {
	id, epoch int32
	have      map[int32]protocol.FetchPartition
}

// answer takes a request and answers with what keep and lose say: a session or
// none, or that the session is lost.
func (l *leader) answer(t *testing.T, r *protocol.FetchRequest, keep, lose bool) *protocol.FetchResponse {
	if r.IsFull() {
		l.have = make(map[int32]protocol.FetchPartition)
	} else if lose || r.SessionID != l.id {
		l.id = protocol.NoFetchSession
		return &protocol.FetchResponse{Err: protocol.ErrFetchSessionIDNotFound}
	} else if r.SessionEpoch != l.epoch {
		t.Fatalf("epoch %d comes after %d", r.SessionEpoch, l.epoch-1)
	}
	resp := &protocol.FetchResponse{}
	for _, in := range r.Partitions {
		if have, ok := l.have[in.Partition]; ok && have == in {
			t.Fatalf("partition %d is told again as it was", in.Partition)
		}
		l.have[in.Partition] = in
	}
	for _, tp := range r.Forgotten {
		if _, ok := l.have[tp.Partition]; !ok || r.IsFull() {
			t.Fatalf("partition %d is forgotten and was not there", tp.Partition)
		}
		delete(l.have, tp.Partition)
	}
	for part := range int32(20) {
		if in, ok := l.have[part]; ok && (r.IsFull() || part%3 == 0) {
			resp.Partitions = append(resp.Partitions, protocol.FetchPartitionResult{TopicPartition: in.TopicPartition})
		}
	}
	switch {
	case r.SessionEpoch != protocol.InitialFetchEpoch:
		l.epoch = protocol.NextFetchEpoch(l.epoch)
	case keep:
		l.id, l.epoch = l.id+1, 1
	default:
		l.id = protocol.NoFetchSession
	}
	resp.SessionID = l.id
	return resp
}

// Goal: after each request the broker has the partitions that the client fetches,
// from where it does, and was told of nothing twice. Method: random partitions set
// and forgotten, brokers that keep a session, refuse one or lose it, and requests
// that get no answer.
func TestFetchSessionKeepsUp(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var s FetchSession[int64]
		l := &leader{}
		want := make(map[int32]protocol.FetchPartition)
		incremental := 0
		for range 500 {
			for range rng.IntN(5) {
				tp := protocol.TopicPartition{Topic: "t", Partition: rng.Int32N(20)}
				if rng.IntN(3) == 0 {
					s.Forget(tp)
					delete(want, tp.Partition)
				} else {
					in := protocol.FetchPartition{TopicPartition: tp, FetchOffset: rng.Int64N(3)}
					s.Set(in, in.FetchOffset)
					want[tp.Partition] = in
				}
			}
			if rng.IntN(5) == 0 {
				s.ForgetUnless(func(offset int64) bool { return offset < 2 })
				for part := range int32(20) {
					if in, ok := want[part]; ok && in.FetchOffset == 2 {
						delete(want, part)
					}
				}
			}
			var r protocol.FetchRequest
			s.Fill(&r)
			if s.Len() != len(want) || r.IsFull() && len(r.Partitions) != len(want) {
				t.Fatalf("seed %d: %d partitions, %d in the request, want %d", seed, s.Len(), len(r.Partitions), len(want))
			}
			if !r.IsFull() {
				incremental++
			}
			resp := l.answer(t, &r, rng.IntN(4) > 0, rng.IntN(20) == 0)
			if rng.IntN(20) == 0 {
				s.Reset()
				continue
			}
			if ok := s.Answered(resp); ok != (resp.Err == protocol.ErrNone) {
				t.Fatalf("seed %d: answered %v to %v", seed, ok, resp.Err)
			}
			if resp.Err != protocol.ErrNone {
				continue
			}
			for part := range int32(20) {
				in, ok := want[part]
				of, has := s.Get(protocol.TopicPartition{Topic: "t", Partition: part})
				if have, told := l.have[part]; told != ok || has != ok || have != in || of != in.FetchOffset {
					t.Fatalf("seed %d: partition %d: the broker has %+v, the client %d, want %+v", seed, part, have, of, in)
				}
			}
		}
		if incremental < 100 {
			t.Errorf("seed %d: only %d requests in a session", seed, incremental)
		}
	}
}

// Goal: what the client makes of each answer, as FetchSessionHandler does. Method: a
// session of two partitions at epoch 1 and an answer; what the next request names.
func TestFetchSessionAnswers(t *testing.T) {
	a, b := protocol.TopicPartition{Topic: "t"}, protocol.TopicPartition{Topic: "t", Partition: 1}
	of := func(id int32, tps ...protocol.TopicPartition) *protocol.FetchResponse {
		r := &protocol.FetchResponse{SessionID: id}
		for _, tp := range tps {
			r.Partitions = append(r.Partitions, protocol.FetchPartitionResult{TopicPartition: tp})
		}
		return r
	}
	tests := []struct {
		says      string
		full      bool // the answer is to the first request
		resp      *protocol.FetchResponse
		ok        bool
		id, epoch int32 // of the next request
	}{
		{"a new session", true, of(5, a, b), true, 5, 1},
		{"no session", true, of(0, a, b), true, 0, 0},
		{"not all partitions in the answer to a full request", true, of(5, a), false, 0, 0},
		{"another partition than was asked for", true, of(5, a, protocol.TopicPartition{Topic: "u"}), false, 0, 0},
		{"nothing new", false, of(5), true, 5, 2},
		{"one partition", false, of(5, b), true, 5, 2},
		{"the session has ended", false, of(0, a), true, 0, 0},
		{"a partition that is not in the session", false, of(5, protocol.TopicPartition{Topic: "u"}), false, 5, 0},
		{"a session that is not known", false, &protocol.FetchResponse{Err: protocol.ErrFetchSessionIDNotFound}, false, 0, 0},
		{"another epoch", false, &protocol.FetchResponse{Err: protocol.ErrInvalidFetchSessionEpoch}, false, 5, 0},
	}
	for _, test := range tests {
		var s FetchSession[int]
		var r protocol.FetchRequest
		s.Set(protocol.FetchPartition{TopicPartition: a}, 0)
		s.Set(protocol.FetchPartition{TopicPartition: b}, 1)
		s.Fill(&r)
		if !test.full {
			s.Answered(of(5, a, b))
			s.Fill(&r)
		}
		ok := s.Answered(test.resp)
		s.Fill(&r)
		if ok != test.ok || r.SessionID != test.id || r.SessionEpoch != test.epoch {
			t.Errorf("%s: ok %v, then session %d epoch %d", test.says, ok, r.SessionID, r.SessionEpoch)
		}
	}
}

// Goal: a full request names first what has changed least lately, so that no
// partition starves at a broker without sessions. Method: three partitions, of which
// one is read on.
func TestFetchSessionOrder(t *testing.T) {
	var s FetchSession[int]
	set := func(part int32, offset int64) {
		s.Set(protocol.FetchPartition{TopicPartition: protocol.TopicPartition{Topic: "t", Partition: part},
			FetchOffset: offset}, 0)
	}
	for part := range int32(3) {
		set(part, 0)
	}
	set(0, 0)
	set(1, 7)
	var r protocol.FetchRequest
	s.Fill(&r)
	var order []int32
	for _, in := range r.Partitions {
		order = append(order, in.Partition)
	}
	if want := []int32{0, 2, 1}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
}
