package protocol

import "time"

// BrokerRegistrationRequest makes a starting broker known to the controller
// (BrokerRegistration v4). Incarnation is new with each start.
type BrokerRegistrationRequest struct {
	BrokerID    int32
	Incarnation uint64
	Addr        string
}

// BodyBytes implements Body: one listener, no features, racks or directories.
func (r *BrokerRegistrationRequest) BodyBytes() int {
	b := BrokerMetadata{Addr: r.Addr}
	listener := compactBytes(9) + compactBytes(len(b.host())) + 2 + 2 + 1
	return 4 + compactBytes(22) + 16 + 1 + listener + 1 + 1 + 1 + 1 + 8 + 1
}

// Release implements Body.
func (r *BrokerRegistrationRequest) Release() {}

// BrokerRegistrationResponse gives the broker its epoch, which it names in all
// that it tells the controller.
type BrokerRegistrationResponse struct {
	Err         ErrorCode
	BrokerEpoch int64
}

// BodyBytes implements Body.
func (r *BrokerRegistrationResponse) BodyBytes() int { return 4 + 2 + 8 + 1 }

// Release implements Body.
func (r *BrokerRegistrationResponse) Release() {}

// BrokerHeartbeatRequest keeps a broker's session (BrokerHeartbeat v1).
type BrokerHeartbeatRequest struct {
	BrokerID     int32
	BrokerEpoch  int64
	Version      int64 // of the metadata that the broker has applied (CurrentMetadataOffset)
	WantShutDown bool  // the broker wants to lead nothing any more
	// OfflineLogDirs are all log directories that have failed (KIP-858), by their
	// path, where Kafka has an id of 16 bytes.
	OfflineLogDirs []string
}

// BodyBytes implements Body. The directories are a tagged field that is left out
// while there are none.
func (r *BrokerHeartbeatRequest) BodyBytes() int {
	const fixed = 4 + 8 + 8 + 1 + 1 + 1
	if n := len(r.OfflineLogDirs); n > 0 {
		list := compactLen(n) + n*dirIDBytes
		return fixed + 1 + compactLen(list-1) + list
	}
	return fixed
}

// Release implements Body.
func (r *BrokerHeartbeatRequest) Release() {}

// BrokerHeartbeatResponse says what the broker is to the cluster.
type BrokerHeartbeatResponse struct {
	Err            ErrorCode
	IsFenced       bool
	ShouldShutDown bool
}

// BodyBytes implements Body.
func (r *BrokerHeartbeatResponse) BodyBytes() int { return 4 + 2 + 1 + 1 + 1 + 1 }

// Release implements Body.
func (r *BrokerHeartbeatResponse) Release() {}

// PartitionState is a partition as the controller knows it. PartitionEpoch rises
// with every change, LeaderEpoch with every election. Leader -1 is none.
type PartitionState struct {
	TopicPartition
	Leader         int32
	LeaderEpoch    int32
	PartitionEpoch int32
	Replicas       []int32
	ISR            []int32
}

// AlterPartition asks for another in-sync set of one partition.
type AlterPartition struct {
	TopicPartition
	LeaderEpoch    int32
	PartitionEpoch int32
	NewISR         []int32
}

// AlterPartitionRequest comes from partitions' leader (AlterPartition v2).
type AlterPartitionRequest struct {
	BrokerID    int32
	BrokerEpoch int64
	Partitions  []AlterPartition
}

// topicIDBytes is the size of the topic id that is a topic's name on the wire of
// requests between brokers and the controller.
const topicIDBytes = 16

// BodyBytes implements Body.
func (r *AlterPartitionRequest) BodyBytes() int {
	return 4 + 8 + 1 + groupedByID(len(r.Partitions),
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int {
			n := len(r.Partitions[i].NewISR)
			return 4 + 4 + compactLen(n) + 4*n + 1 + 4 + 1
		})
}

// Release implements Body.
func (r *AlterPartitionRequest) Release() {}

// AlterPartitionResult is a partition's state after the change, or an error.
type AlterPartitionResult struct {
	PartitionState
	Err ErrorCode
}

// AlterPartitionResponse answers AlterPartitionRequest, in its order.
type AlterPartitionResponse struct {
	Err        ErrorCode
	Partitions []AlterPartitionResult
}

// BodyBytes implements Body.
func (r *AlterPartitionResponse) BodyBytes() int {
	return 4 + 2 + 1 + groupedByID(len(r.Partitions),
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int {
			n := len(r.Partitions[i].ISR)
			return 4 + 2 + 4 + 4 + compactLen(n) + 4*n + 1 + 4 + 1
		})
}

// Release implements Body.
func (r *AlterPartitionResponse) Release() {}

// MetadataLogRequest asks the controller for what has changed since a version,
// and waits for it. Kafka's brokers fetch the records of the metadata log; this
// asks for the states that these records end in, and has the size of that fetch.
type MetadataLogRequest struct {
	BrokerID int32
	Version  int64 // what the broker has; 0 = nothing
	MaxWait  time.Duration
}

// BodyBytes implements Body: a Fetch of one partition.
func (r *MetadataLogRequest) BodyBytes() int { return 28 + 1 + topicIDBytes + 1 + 33 + 1 }

// Release implements Body.
func (r *MetadataLogRequest) Release() {}

// BrokerState is a broker as the controller knows it.
type BrokerState struct {
	BrokerMetadata
	Fenced bool // may not lead or be in sync
}

// MetadataLogResponse holds all brokers and the partitions that have changed.
type MetadataLogResponse struct {
	Version    int64
	Brokers    []BrokerState
	Partitions []PartitionState
}

// BodyBytes implements Body: a fetch response with a batch of one
// PartitionChangeRecord for each partition.
func (r *MetadataLogResponse) BodyBytes() int {
	n := 4 + 2 + 4 + 1 + 1 + topicIDBytes + 1 + 36 + 1
	if len(r.Partitions) == 0 {
		return n
	}
	n += 61
	for i := range r.Partitions {
		n += 35 + 4*len(r.Partitions[i].ISR) + 4*len(r.Partitions[i].Replicas)
	}
	return n
}

// Release implements Body.
func (r *MetadataLogResponse) Release() {}

// dirIDBytes is the size of the id that is a log directory's path on the wire.
const dirIDBytes = 16

// ReplicaDir says in which log directory of a broker its replica is.
type ReplicaDir struct {
	TopicPartition
	Dir string
}

// AssignReplicasToDirsRequest tells the controller where the replicas of a broker
// are that has several log directories (AssignReplicasToDirs v0). Those of one
// directory and topic stand side by side.
type AssignReplicasToDirsRequest struct {
	BrokerID    int32
	BrokerEpoch int64
	Partitions  []ReplicaDir
}

// BodyBytes implements Body.
func (r *AssignReplicasToDirsRequest) BodyBytes() int {
	size, dirs := 0, 0
	for i := 0; i < len(r.Partitions); dirs++ {
		first := i
		for ; i < len(r.Partitions) && r.Partitions[i].Dir == r.Partitions[first].Dir; i++ {
		}
		size += dirIDBytes + 1 + groupedByID(i-first,
			func(n int) string { return r.Partitions[first+n].Topic }, func(int) int { return 5 })
	}
	return 4 + 8 + compactLen(dirs) + size + 1
}

// Release implements Body.
func (r *AssignReplicasToDirsRequest) Release() {}

// AssignReplicasToDirsResponse answers AssignReplicasToDirsRequest. Kafka's has an
// error for each partition besides, which a controller that knows the broker does
// not use.
type AssignReplicasToDirsResponse struct{ Err ErrorCode }

// BodyBytes implements Body.
func (r *AssignReplicasToDirsResponse) BodyBytes() int { return 4 + 2 + 1 + 1 }

// Release implements Body.
func (r *AssignReplicasToDirsResponse) Release() {}

// ElectLeadersRequest asks the controller to give partitions back to their
// preferred leaders (ElectLeaders v2, PREFERRED). None means all.
type ElectLeadersRequest struct{ Partitions []TopicPartition }

// BodyBytes implements Body.
func (r *ElectLeadersRequest) BodyBytes() int {
	return 1 + grouped(len(r.Partitions), 1, func(i int) string { return r.Partitions[i].Topic },
		func(int) int { return 4 }) + 4 + 1
}

// Release implements Body.
func (r *ElectLeadersRequest) Release() {}

// ElectLeadersResult says what became of one partition.
type ElectLeadersResult struct {
	TopicPartition
	Err ErrorCode
}

// ElectLeadersResponse answers ElectLeadersRequest.
type ElectLeadersResponse struct{ Partitions []ElectLeadersResult }

// BodyBytes implements Body: error messages are null.
func (r *ElectLeadersResponse) BodyBytes() int {
	return 4 + 2 + grouped(len(r.Partitions), 1, func(i int) string { return r.Partitions[i].Topic },
		func(int) int { return 4 + 2 + 1 + 1 }) + 1
}

// Release implements Body.
func (r *ElectLeadersResponse) Release() {}
