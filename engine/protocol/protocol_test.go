package protocol

import (
	"fmt"
	"math"
	"testing"

	"brokerlab/engine/env"
)

// of returns partitions 0 to count-1 of the topic.
func of(topic string, count int) []TopicPartition {
	out := make([]TopicPartition, count)
	for i := range out {
		out[i] = TopicPartition{Topic: topic, Partition: int32(i)}
	}
	return out
}

const one, two = "brokerlab", "other" // the topics of the captured messages

func produceRequest(tps []TopicPartition, sizes ...int) *ProduceRequest {
	r := &ProduceRequest{Acks: AcksAll}
	for i, tp := range tps {
		r.Partitions = append(r.Partitions,
			ProducePartition{TopicPartition: tp, Records: env.LengthBuf(sizes[i%len(sizes)])})
	}
	return r
}

func produceResponse(tps []TopicPartition) *ProduceResponse {
	r := &ProduceResponse{}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, ProducePartitionResult{TopicPartition: tp})
	}
	return r
}

func fetchRequest(tps []TopicPartition) *FetchRequest {
	r := &FetchRequest{ReplicaID: ConsumerReplicaID}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, FetchPartition{TopicPartition: tp})
	}
	return r
}

func forgetting(r *FetchRequest, tps []TopicPartition) *FetchRequest {
	r.Forgotten = tps
	return r
}

func fetchResponse(tps []TopicPartition, sizes ...int) *FetchResponse {
	r := &FetchResponse{}
	for i, tp := range tps {
		r.Partitions = append(r.Partitions,
			FetchPartitionResult{TopicPartition: tp, Records: env.LengthBuf(sizes[i%len(sizes)])})
	}
	return r
}

func metadataResponse(brokers int, tps []TopicPartition, replicas int) *MetadataResponse {
	r := &MetadataResponse{ControllerID: 1}
	var ids []int32
	for id := 1; id <= brokers; id++ {
		r.Brokers = append(r.Brokers, BrokerMetadata{ID: int32(id), Addr: fmt.Sprintf("broker-%d:9092", id)})
		if id <= replicas {
			ids = append(ids, int32(id))
		}
	}
	for _, tp := range tps {
		p := PartitionMetadata{TopicPartition: tp, Leader: 1, Replicas: ids, ISR: ids}
		if tp.Partition < 0 {
			p = PartitionMetadata{TopicPartition: tp, Err: ErrUnknownTopicOrPartition}
		}
		r.Partitions = append(r.Partitions, p)
	}
	return r
}

func listOffsetsRequest(tps []TopicPartition) *ListOffsetsRequest {
	r := &ListOffsetsRequest{ReplicaID: ConsumerReplicaID}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, ListOffsetsPartition{TopicPartition: tp, Timestamp: LatestOffset})
	}
	return r
}

func listOffsetsResponse(tps []TopicPartition) *ListOffsetsResponse {
	r := &ListOffsetsResponse{}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, ListOffsetsResult{TopicPartition: tp})
	}
	return r
}

func epochsRequest(tps []TopicPartition) *OffsetsForLeaderEpochRequest {
	r := &OffsetsForLeaderEpochRequest{ReplicaID: ConsumerReplicaID}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, OffsetsForLeaderEpochPartition{TopicPartition: tp})
	}
	return r
}

func epochsResponse(tps []TopicPartition) *OffsetsForLeaderEpochResponse {
	r := &OffsetsForLeaderEpochResponse{}
	for _, tp := range tps {
		r.Partitions = append(r.Partitions, OffsetsForLeaderEpochResult{TopicPartition: tp})
	}
	return r
}

// Goal: bodies take the bytes that Kafka's take. Method: the sizes that
// kafka-clients 4.1.0 computed for the same messages (Message.size); those about
// leader epochs are what kmsg v1.15.0 encodes.
func TestBodyBytesAreKafkas(t *testing.T) {
	mixed := append(of(one, 2), of(two, 1)...)
	unknown := []TopicPartition{{Topic: two, Partition: -1}}
	tests := []struct {
		says string
		body Body
		want int
	}{
		{"a batch of no bytes", produceRequest(of(one, 1), 0), 27},
		{"the longest batch with one byte of length", produceRequest(of(one, 1), 126), 153},
		{"the shortest with two", produceRequest(of(one, 1), 127), 155},
		{"the longest with two", produceRequest(of(one, 1), 16382), 16410},
		{"the shortest with three", produceRequest(of(one, 1), 16383), 16412},
		{"the longest with three", produceRequest(of(one, 1), 2097150), 2097179},
		{"the shortest with four", produceRequest(of(one, 1), 2097151), 2097181},
		{"batches of three partitions", produceRequest(of(one, 3), 16000, 61, 200), 16302},
		{"batches of two topics", produceRequest(mixed, 500, 600, 700), 1850},
		{"more partitions than one byte counts", produceRequest(of(one, 130), 61), 8732},
		{"a produced batch's answer", produceResponse(of(one, 1)), 51},
		{"answers of three partitions", produceResponse(of(one, 3)), 117},
		{"answers of two topics", produceResponse(mixed), 125},
		{"as many answers as one byte counts", produceResponse(of(one, 126)), 4176},
		{"one more", produceResponse(of(one, 127)), 4210},
		{"a fetch of nothing", fetchRequest(nil), 29},
		{"a fetch of a partition", fetchRequest(of(one, 1)), 74},
		{"a fetch of three", fetchRequest(of(one, 3)), 140},
		{"a fetch of two topics", fetchRequest(mixed), 148},
		{"a fetch of many partitions", fetchRequest(of(one, 127)), 4233},
		{"a fetch that forgets a partition", forgetting(fetchRequest(nil), of(one, 1)), 45},
		{"one of two that forgets many, of two topics",
			forgetting(fetchRequest(of(one, 2)), append(of(one, 130), of(two, 1)...)), 652},
		{"a session's error", &FetchResponse{Err: ErrInvalidFetchSessionEpoch, SessionID: 77}, 12},
		{"nothing fetched", fetchResponse(of(one, 1), 0), 61},
		{"126 bytes fetched", fetchResponse(of(one, 1), 126), 187},
		{"127 bytes fetched", fetchResponse(of(one, 1), 127), 189},
		{"16 KiB fetched", fetchResponse(of(one, 1), 16384), 16447},
		{"2 MiB fetched, less a byte", fetchResponse(of(one, 1), 2097151), 2097215},
		{"three partitions fetched", fetchResponse(of(one, 3), 1048576, 0, 61), 1048774},
		{"two topics fetched", fetchResponse(mixed, 500, 600, 700), 1946},
		{"many partitions fetched", fetchResponse(of(one, 130), 61), 12765},
		{"metadata of all topics", &MetadataRequest{}, 4},
		{"metadata of one topic", &MetadataRequest{Topics: []string{one}}, 31},
		{"metadata of two topics", &MetadataRequest{Topics: []string{one, two}}, 54},
		{"an empty cluster", metadataResponse(0, nil, 0), 12},
		{"three brokers, six partitions", metadataResponse(3, of(one, 6), 1), 260},
		{"the same with three replicas", metadataResponse(3, of(one, 6), 3), 356},
		{"a topic that is not known", metadataResponse(1, unknown, 0), 62},
		{"that one and many partitions", metadataResponse(3, append(unknown, of(one, 130)...), 3), 5596},
		{"the offset of a partition", listOffsetsRequest(of(one, 1)), 36},
		{"the offsets of three", listOffsetsRequest(of(one, 3)), 70},
		{"the offsets of two topics", listOffsetsRequest(mixed), 78},
		{"an offset", listOffsetsResponse(of(one, 1)), 45},
		{"three offsets", listOffsetsResponse(of(one, 3)), 99},
		{"offsets of two topics", listOffsetsResponse(mixed), 107},
		{"where an epoch ends", epochsRequest(of(one, 1)), 31},
		{"where three end", epochsRequest(of(one, 3)), 57},
		{"there it ends", epochsResponse(of(one, 1)), 37},
		{"there they end", epochsResponse(of(one, 3)), 75},
	}
	for _, test := range tests {
		if got := test.body.BodyBytes(); got != test.want {
			t.Errorf("%T, %s: %d bytes, Kafka has %d", test.body, test.says, got, test.want)
		}
		test.body.Release()
	}
}

// Goal: session epochs follow each other as Kafka's do (FetchMetadata.nextEpoch), and
// a request is full where Kafka's is. Method: a table.
func TestFetchEpochs(t *testing.T) {
	tests := []struct {
		epoch, next int32
		full        bool
	}{
		{InitialFetchEpoch, 1, true}, {1, 2, false}, {math.MaxInt32 - 1, math.MaxInt32, false},
		{math.MaxInt32, 1, false}, {FinalFetchEpoch, FinalFetchEpoch, true},
	}
	for _, test := range tests {
		r := FetchRequest{SessionEpoch: test.epoch}
		if next := NextFetchEpoch(test.epoch); next != test.next || r.IsFull() != test.full {
			t.Errorf("epoch %d: next %d, full %v, want %d, %v", test.epoch, next, r.IsFull(), test.next, test.full)
		}
	}
}

// Goal: headers take the bytes that Kafka's take: 4 of length, and versions 2 and
// 1, of which kafka-clients says 21 (client id producer-1) and 5. Method: both
// around the smallest bodies.
func TestHeaderBytesAreKafkas(t *testing.T) {
	body := &MetadataRequest{}
	request := Request{ClientID: "producer-1", Body: body}
	if got, want := request.WireBytes(), 4+21+body.BodyBytes(); got != want {
		t.Errorf("a request takes %d bytes, not %d", got, want)
	}
	response := Response{Body: body}
	if got, want := response.WireBytes(), 4+5+body.BodyBytes(); got != want {
		t.Errorf("a response takes %d bytes, not %d", got, want)
	}
}

// Goal: errors have Kafka's numbers and names, and are retriable where Kafka's
// are. Method: the table that Errors.values() of kafka-clients 4.1.0 gave.
func TestErrorsAreKafkas(t *testing.T) {
	tests := []struct {
		code      ErrorCode
		number    int16
		name      string
		retriable bool
	}{
		{ErrUnknownServer, -1, "UNKNOWN_SERVER_ERROR", false},
		{ErrNone, 0, "NONE", false},
		{ErrOffsetOutOfRange, 1, "OFFSET_OUT_OF_RANGE", false},
		{ErrCorruptMessage, 2, "CORRUPT_MESSAGE", true},
		{ErrUnknownTopicOrPartition, 3, "UNKNOWN_TOPIC_OR_PARTITION", true},
		{ErrNotLeaderOrFollower, 6, "NOT_LEADER_OR_FOLLOWER", true},
		{ErrRequestTimedOut, 7, "REQUEST_TIMED_OUT", true},
		{ErrMessageTooLarge, 10, "MESSAGE_TOO_LARGE", false},
		{ErrNotEnoughReplicas, 19, "NOT_ENOUGH_REPLICAS", true},
		{ErrInvalidRequiredAcks, 21, "INVALID_REQUIRED_ACKS", false},
		{ErrInvalidRequest, 42, "INVALID_REQUEST", false},
		{ErrStorage, 56, "KAFKA_STORAGE_ERROR", true},
		{ErrFetchSessionIDNotFound, 70, "FETCH_SESSION_ID_NOT_FOUND", true},
		{ErrInvalidFetchSessionEpoch, 71, "INVALID_FETCH_SESSION_EPOCH", true},
		{ErrFencedLeaderEpoch, 74, "FENCED_LEADER_EPOCH", true},
		{ErrUnknownLeaderEpoch, 75, "UNKNOWN_LEADER_EPOCH", true},
		{ErrInvalidRecord, 87, "INVALID_RECORD", false},
	}
	for _, test := range tests {
		if int16(test.code) != test.number || test.code.Error() != test.name || test.code.Retriable() != test.retriable {
			t.Errorf("%s is number %d, retriable %v; Kafka's %s is %d, %v", test.code.Error(), int16(test.code),
				test.code.Retriable(), test.name, test.number, test.retriable)
		}
	}
	if ErrNone.Err() != nil || ErrInvalidRecord.Err() != error(ErrInvalidRecord) {
		t.Error("ErrNone is an error, or another code is none")
	}
}
