// Package env is the only door between the engine and the world it runs in.
//
// The engine is written once. It never touches time, goroutines, files or
// sockets by itself: it asks its Node. In the real world (engine/realworld) a
// node is goroutines and files; in the simulated world (engine/simworld) it is
// coroutines that a kernel resumes one at a time on a virtual clock.
//
// Engine code waits in four ways and no more: Sleep, Lock, WaitUntil and I/O
// (FS and Net). It has no go statement, channel, select, sync or context.
//
// The package promises nothing about cost: what an operation takes is the
// world's affair. What every world must keep is written on the methods here and
// checked by env/envtest.
package env

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Time is an instant in nanoseconds since the world began.
type Time int64

// Never is the instant that does not arrive: a deadline of Never is no deadline.
const Never Time = 1<<63 - 1

// Add returns t+d, and Never for Never or on overflow.
func (t Time) Add(d time.Duration) Time {
	if t == Never || d > 0 && t > Never-Time(d) {
		return Never
	}
	return t + Time(d)
}

// Sub returns the span from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Errors of the boundary. Worlds wrap them with the operation and its subject;
// test with errors.Is.
var (
	// ErrTimeout says that a deadline passed before the operation was done.
	ErrTimeout = errors.New("deadline passed")
	// ErrClosed says that this side has closed the object.
	ErrClosed = errors.New("closed")
	// ErrReset says that the peer closed the connection or crashed.
	ErrReset = errors.New("connection reset by peer")
	// ErrRefused says that nobody listens on the address.
	ErrRefused = errors.New("connection refused")
	// ErrInUse says that parts of a Buf still refer to the file.
	ErrInUse = errors.New("file is in use")
	// ErrNoSpace says that the disk is full.
	ErrNoSpace = errors.New("no space left on device")
)

// Node is what one process (a broker, a client machine) may ask of its world.
// All methods may be called from any task of the node.
type Node interface {
	// Name is the node's name, unique in its world.
	Name() string
	// Now is the monotonic clock. One clock serves all nodes of a world.
	Now() Time
	// Wall is the time of day, for record timestamps and retention. In the
	// simulated world it starts at 2026-01-01 00:00:00 UTC.
	Wall() time.Time
	// Sleep waits for d; it returns at once if d <= 0.
	Sleep(d time.Duration)
	// Go starts a task that belongs to this node and dies with it.
	Go(name string, fn func())
	// NewMutex returns an unlocked mutex for tasks of this node.
	NewMutex() Mutex
	// NewCond returns a condition variable on mu, which came from NewMutex of
	// the same node.
	NewCond(mu Mutex) Cond
	// Charge names CPU work of size n (the unit is the Op's). The simulated
	// world prices it; the real world spends its own CPU and does nothing here.
	Charge(op Op, n int)
	// Rand returns a generator seeded by the world's seed, the node's name and
	// the stream's name. It is not safe for use by two tasks at once.
	Rand(stream string) *rand.Rand
	// Pool is where the node's buffers come from.
	Pool() *Pool
	// FS is the node's storage.
	FS() FS
	// Net is the node's network.
	Net() Net
}

// Mutex is a lock that tasks of one node share. Locks barge, as sync.Mutex does.
type Mutex interface {
	Lock()
	Unlock()
}

// Cond is a condition variable whose waits can time out.
type Cond interface {
	// WaitUntil releases the mutex, waits for a wake-up or the deadline, and
	// takes the mutex again. It reports whether it was woken: false means that
	// the deadline passed. Wakers hold the mutex when they signal.
	WaitUntil(deadline Time) (woken bool)
	// Signal wakes the task that has waited longest, if any. Hold the mutex.
	Signal()
	// Broadcast wakes every waiting task. Hold the mutex.
	Broadcast()
}

// NodeConfig describes a node to its world.
type NodeConfig struct {
	// Name is unique in the world; addresses on the network start with it.
	Name string
	// Cores is the number of processor cores that Charge queues for in the
	// simulated world. 0 means 4. The real world ignores it.
	Cores int
	// Mount returns the node's file system. It is called once, by NewNode, and
	// may keep the node to wait on it. nil means that FS() returns nil.
	Mount func(Node) FS
}

// World makes nodes and runs them. Tests and runs are written against it so
// that the same body runs in both worlds.
type World interface {
	// NewNode adds a node. Its name must be new.
	NewNode(cfg NodeConfig) Node
	// Run starts main as a task of node n and returns after main and every other
	// task of every node has ended. In the simulated world it drives the
	// kernel, and an error names the tasks that block for ever.
	Run(n Node, main func()) error
}

// Op names CPU work for Node.Charge. Prices are the world's, as data.
type Op uint8

// The work that the engine can name, with the unit of Charge's n.
const (
	OpRecordEncode     Op = iota // one record put into a batch; n = its bytes
	OpRecordDecode               // records taken out of a batch; n = records
	OpCRC                        // CRC-32C; n = bytes
	OpCopy                       // memory copied; n = bytes
	OpRequest                    // one request or response built or parsed; n = partitions in it
	OpSyscall                    // system calls that have no operation of their own; n = calls
	OpCompressGzip               // n = bytes before compression, as are the next three
	OpCompressSnappy             //
	OpCompressLZ4                //
	OpCompressZstd               //
	OpDecompressGzip             // n = bytes after decompression, as are the next three
	OpDecompressSnappy           //
	OpDecompressLZ4              //
	OpDecompressZstd             //
	OpRecordCheck                // records looked at by a broker, one by one; n = records
	OpRecordAck                  // records whose outcome is told to who sent them; n = records
	OpHandle                     // one request worked on by a broker, apart from what is charged elsewhere; n = partitions
	OpSend                       // one message handed to the network; n = its bytes
	OpReceive                    // one message taken from the network; n = its bytes
	OpAppend                     // one write to a file, into the page cache; n = bytes
	OpCount                      // how many there are
)
