package env

import "time"

// FS is a node's storage. Paths are slash-separated and relative to the file
// system's root. Errors wrap fs.ErrNotExist, fs.ErrExist, fs.ErrPermission and
// ErrNoSpace where these fit, and name the operation and the path.
type FS interface {
	// Create makes an empty file for appending; an existing file is fs.ErrExist.
	Create(path string) (File, error)
	// Open opens an existing file for reading and appending at its end.
	Open(path string) (File, error)
	// Remove removes a file or an empty directory. Open files and FileRange
	// parts of a removed file stay readable until they are closed and released.
	Remove(path string) error
	// Rename gives a file a new name and replaces a file of that name.
	Rename(from, to string) error
	// MkdirAll makes a directory and its parents; it is no error if they exist.
	MkdirAll(path string) error
	// List returns the entries of a directory, sorted by name.
	List(dir string) ([]DirEntry, error)
	// SyncDir makes the names in a directory (created, renamed, removed entries)
	// survive a power loss. Before it they may or may not.
	SyncDir(dir string) error
	// Free returns the bytes that can still be written.
	Free() (bytes int64, err error)
}

// DirEntry is one name in a directory.
type DirEntry struct {
	Name  string
	Dir   bool
	Bytes int64 // size of a file; 0 for a directory
}

// File is an append-only file. One Append or Truncate at a time; Read runs
// beside Append, below a size that an earlier Append has published. Sync covers
// the Appends that had returned when it was called.
type File interface {
	// Append writes b at the end of the file and takes the reference over, also
	// when it fails. After an error the size of the file is what Size says:
	// part of b may have been written.
	Append(b Buf) error
	// Read returns up to max bytes from off as file-range, memory or
	// length-only parts; fewer at the end of the file, and none past it. The
	// bytes of a file-range part are read when it is loaded (Buf.Load).
	Read(off int64, max int) (Buf, error)
	// Truncate cuts the file to size, which is at most its size, and gives back
	// what Allocate reserved and what a life before Reuse left beyond it.
	Truncate(size int64) error
	// Reuse begins a new life of the file: its size is 0, and Appends write over the
	// old bytes from the start, which need no new room on the disk for it. Old bytes
	// beyond the size are never read through this handle, but they stay in the file:
	// whoever opens it again, also after a crash or a power loss, finds them behind
	// the new ones. The file must not be open twice, and nothing else may run on it.
	// What was read before stays readable: where it would not, Reuse is ErrInUse and
	// changes nothing.
	Reuse() error
	// Allocate reserves room on the disk, so that Appends up to size bytes of the
	// file need no more of it. Size stays. A system that cannot does nothing; too
	// little room is ErrNoSpace. One Append, Truncate or Allocate at a time.
	Allocate(size int64) error
	// Sync forces the file's data to stable storage (fdatasync).
	Sync() error
	// DropCache drops the file's pages from the system's page cache, so that the
	// next read of them is one of the device. Only pages that are clean go: Sync
	// first. Bytes and size stay, and Bufs that were read stay readable. A system
	// that cannot, and one that models no cache, does nothing; a page that is in use
	// meanwhile may stay.
	DropCache() error
	// Size is the file's length in bytes.
	Size() int64
	// Close closes the file. It does not sync.
	Close() error
}

// Net is a node's network.
type Net interface {
	// Listen opens an address of this node, "name" or "name:port".
	Listen(addr string) (Listener, error)
	// Dial connects to an address. Nobody listening is ErrRefused.
	Dial(addr string, timeout time.Duration) (Conn, error)
	// Connect is Dial in two steps, so that another task can end the wait. It does
	// not wait; the timeout begins.
	Connect(addr string, timeout time.Duration) Connecting
}

// Connecting is a connection that is being made.
type Connecting interface {
	// Wait returns the connection, ErrRefused, ErrTimeout, or ErrClosed after
	// Close. It is called once.
	Wait() (Conn, error)
	// Close ends Wait, and closes the connection that it has returned.
	Close() error
}

// Listener accepts connections.
type Listener interface {
	// Accept waits for a connection. After Close it returns ErrClosed.
	Accept() (Conn, error)
	// Close stops listening. Connections that were not accepted are reset.
	Close() error
}

// Conn is an ordered, reliable connection for messages. One task may Send while
// another one Recvs; each by one task at a time.
type Conn interface {
	// Send queues m for the peer and takes it over, also when it fails. It
	// blocks while the link holds its limit of bytes in flight.
	Send(m Message) error
	// Recv returns the next message, ErrTimeout at the deadline, ErrReset after
	// the peer closed and all that it sent was received, ErrClosed after Close.
	Recv(deadline Time) (Message, error)
	// Close closes both directions. The peer still receives what was sent.
	// Messages that this side did not receive are released. Blocked calls of
	// this side return ErrClosed.
	Close() error
}

// Arriver is a Message that wants to know when its last byte reached the receiver's
// node, where it may wait for Recv. The world tells it once, before Recv returns it.
type Arriver interface {
	Message
	Arrived(at Time)
}

// Message is a typed request or response.
type Message interface {
	// WireBytes is the message's size on the wire in Kafka's encoding.
	WireBytes() int
	// Release drops the references that the message holds. The receiver calls
	// it, or the world if the message cannot be delivered.
	Release()
}
