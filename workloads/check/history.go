package check

import (
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// History is all that is known of a run from outside: what clients were told, what
// was done to the cluster, and what the replicas hold when all of it is healed. It
// is small enough to be kept whole, so that Judge can say what Kafka promises of
// each record; Checker is for runs that are not.
type History struct {
	Settings Settings
	Sent     []Sent     // in the order of each producer's calls
	Read     []Read     // in the order of each reader's responses
	Fetched  []Fetched  // in the order of each reader's responses
	Faults   []Fault    // by instant
	States   []State    // by instant
	Logs     []FinalLog // of every replica of every partition
}

// Settings are those that Kafka's promises depend on.
type Settings struct {
	Acks        int16
	Idempotent  bool // enable.idempotence
	MaxInFlight int  // max.in.flight.requests.per.connection
	// Forced says that all brokers force each batch before it counts as written
	// (flush.messages=1).
	Forced bool
}

// Kafka's numbers of acks.
const (
	acksAll  int16 = -1
	acksNone int16 = 0
)

// Outcome is what a producer was told of a record.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota
	Acked
	Refused // it may have been written all the same
)

// Sent is one record that was given to a producer.
type Sent struct {
	payload.ID
	At        env.Time // of the call
	Outcome   Outcome
	Partition int32 // of one that was acknowledged
	Offset    int64 // likewise; -1 with acks=0
}

// Read is one record that a reader got.
type Read struct {
	payload.ID
	Reader    int
	Partition int32
	Offset    int64
}

// Fetched is what a leader told a reader with a response.
type Fetched struct {
	Reader        int
	Partition     int32
	At            env.Time
	LeaderEpoch   int32 // that the reader asked for and the leader confirmed
	HighWatermark int64
	Next          int64 // the offset after the last record of the response; 0 if it has none
}

// FaultKind is what was done to a broker, or to links.
type FaultKind uint8

// The kinds of faults.
const (
	Crash     FaultKind = iota // the process died, the page cache did not
	PowerLoss                  // what was not forced may be gone
	Shutdown                   // a clean end
	LinkFault                  // any of broken, slow or reset
)

// Fault is one of them.
type Fault struct {
	Kind   FaultKind
	Broker int32 // 0 for links
	At     env.Time
	Until  env.Time // when the link was healed, or the broker ran again
}

// State is what the cluster says of a partition, until its next state.
type State struct {
	Partition   int32
	At          env.Time
	Leader      int32 // below 0: none
	LeaderEpoch int32
	ISR         []int32
}

// FinalLog is one replica's log at the end, from offset 0 on.
type FinalLog struct {
	Partition int32
	Broker    int32
	Records   []Stored
	// Unreadable says what is wrong with the bytes behind Records; "" if nothing is.
	Unreadable string
}

// Stored is one record of a log.
type Stored struct {
	payload.ID
	LeaderEpoch   int32
	ProducerEpoch int16
}

// Kind names what Kafka promises not to happen.
type Kind string

// The kinds of violations.
const (
	Lost        Kind = "lost"
	Vanished    Kind = "vanished" // read by a consumer, and not there at the end
	Duplicated  Kind = "duplicated"
	Reordered   Kind = "reordered"
	TwoValues   Kind = "two values"
	FallenHW    Kind = "high watermark fell"
	BeyondHW    Kind = "beyond the high watermark"
	Differing   Kind = "replicas differ"
	Unreadable  Kind = "unreadable"
	NeverSent   Kind = "never sent"
	NeverRead   Kind = "never read"
	Misreported Kind = "misreported" // the history contradicts itself: the test is wrong, not the cluster
)

// Excuse names why Kafka does not promise what was missed.
type Excuse string

// The excuses.
const (
	// KIP966: the last replica in sync loses what it had not forced when its power
	// fails, and leads again when it is back (without eligible leader replicas).
	KIP966    Excuse = "lost as KIP-966 describes"
	AllCopies Excuse = "lost with every copy in sync"
	Unclean   Excuse = "lost by an unclean election"
	AcksOne   Excuse = "lost as acks=1 allows"
	AcksNone  Excuse = "lost as acks=0 allows"
	// Forgotten: snapshots of producers hold only the last batch of each, so that a
	// broker that restarted takes an older one, whose answer was lost, for a gap. The
	// producer begins a new epoch, under which it sends again what is there already.
	Forgotten     Excuse = "duplicated as a restarted broker forgets batches"
	NotIdempotent Excuse = "duplicated as producers without idempotence do"
	ManyInFlight  Excuse = "reordered as retries of many in flight do"
	LostBefore    Excuse = "reordered where records were lost"
	RestartedHW   Excuse = "high watermark of a leader that restarted"
)

// Finding is one violation.
type Finding struct {
	Kind Kind
	Text string // a sentence
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s", f.Kind, f.Text) }

// Pardon is what Kafka does not promise either, and happened.
type Pardon struct {
	Excuse  Excuse
	Count   int
	Example string // with the facts that make it so
}

func (p Pardon) String() string {
	return fmt.Sprintf("%s: %d, such as %s", p.Excuse, p.Count, p.Example)
}

// Verdict is what a history shows.
type Verdict struct {
	Violations []Finding
	Pardons    []Pardon // in the order in which they were first met
	Acked      int
	Refused    int
	Read       int
}

// Pardoned is how often an excuse was needed.
func (v *Verdict) Pardoned(e Excuse) int {
	for _, p := range v.Pardons {
		if p.Excuse == e {
			return p.Count
		}
	}
	return 0
}

// Merge adds the pardons of another verdict.
func (v *Verdict) Merge(pardons []Pardon) {
	for _, p := range pardons {
		v.pardonTimes(p)
	}
}

func (v *Verdict) violate(k Kind, format string, args ...any) {
	v.Violations = append(v.Violations, Finding{k, fmt.Sprintf(format, args...)})
}

func (v *Verdict) pardon(e Excuse, format string, args ...any) {
	v.pardonTimes(Pardon{e, 1, fmt.Sprintf(format, args...)})
}

func (v *Verdict) pardonTimes(p Pardon) {
	for i := range v.Pardons {
		if v.Pardons[i].Excuse == p.Excuse {
			v.Pardons[i].Count += p.Count
			return
		}
	}
	v.Pardons = append(v.Pardons, p)
}
