// Package server is where a broker or a controller takes requests: it accepts
// connections, answers the requests of each one after another, and lets a limited
// number of threads work on them. It does not know what a request means, and
// promises nothing to a peer whose connection has ended.
//
//	connection task:  Recv -> network thread -> request queue -> I/O thread
//	                       -> purgatory, without a thread -> Send
//
// It is Kafka's SocketServer, RequestChannel and KafkaRequestHandlerPool. As there,
// num.io.threads requests are worked on at once, also while they wait for a disk;
// the others stand in a queue in the order in which they came; and while that holds
// queued.max.requests, the network thread that has one more waits, and with it what
// it would have received next. A request that waits for other brokers or for more
// log (DelayedProduce, DelayedFetch) holds no thread.
//
// Not as in Kafka: where a thread is free and nobody waits for one, a connection's
// own task does the thread's work, in its place. That saves two hand-overs a
// request, which would cost more than what most requests do, and changes neither
// how many run at once nor their order. Only when requests have queued up are there
// tasks of the threads' own, for as long as the queue lasts. Network threads serve
// all connections, where Kafka's have their own each, and do what comes before the
// queue: messages are handed over as they are, so that sending them is no work.
// What ends a wait in purgatory is looked up by the task that waited, where in Kafka
// the I/O thread that brought it about does so.
//
// Lock order: Server.mu; the locks of threads and memory are taken with none held.
package server

import (
	"errors"
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// Config is the limits of a server, by Kafka's names.
type Config struct {
	NetworkThreads int // num.network.threads
	IOThreads      int // num.io.threads
	QueuedRequests int // queued.max.requests: the request queue's length
	// QueuedBytes is queued.max.request.bytes: while requests of so many bytes are
	// held no other one is read; -1 = no limit. The last one that is read may go
	// beyond it.
	QueuedBytes int64
	// RequestBytesMax is socket.request.max.bytes: a larger request ends its
	// connection.
	RequestBytesMax int64
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{NetworkThreads: 3, IOThreads: 8, QueuedRequests: 500, QueuedBytes: -1, RequestBytesMax: 100 << 20}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.NetworkThreads < 1 || c.IOThreads < 1:
		return errors.New("num.network.threads and num.io.threads must be positive")
	case c.QueuedRequests < 1:
		return errors.New("queued.max.requests must be positive")
	case c.RequestBytesMax < 1:
		return errors.New("socket.request.max.bytes must be positive")
	case c.QueuedBytes > 0 && c.QueuedBytes < c.RequestBytesMax:
		return fmt.Errorf("queued.max.request.bytes %d must be at least socket.request.max.bytes %d",
			c.QueuedBytes, c.RequestBytesMax)
	case c.QueuedBytes == 0 || c.QueuedBytes < -1:
		return errors.New("queued.max.request.bytes must be positive, or -1 for no limit")
	}
	return nil
}

// Handler works on the requests of one connection, one at a time.
type Handler interface {
	// Parse is a network thread's work on a request.
	Parse(req *protocol.Request)
	// Handle is an I/O thread's. It may wait for locks and disks, and must not wait
	// for anything that takes another request.
	Handle(req *protocol.Request, received env.Time) Answer
}

// Answer is what becomes of a request.
type Answer struct {
	Body    protocol.Body // the response; nil if there is none
	Delayed Delayed       // not nil: gives the response instead of Body
	Close   bool          // there is no response, and the connection has to end
}

// Delayed is a request in purgatory.
type Delayed interface {
	// Await waits for what the request needs, and returns its response.
	Await() protocol.Body
}

// Stats counts what a server has refused.
type Stats struct {
	TooLarge int64 // requests above socket.request.max.bytes
}

// Server takes requests on one address.
type Server struct {
	node       env.Node
	cfg        Config
	newHandler func() Handler
	listener   env.Listener // nil before Listen
	tasks      *task.Group
	network    *threads
	io         *threads
	memory     *memory

	mu struct {
		env.Mutex
		closing bool
		conns   []env.Conn // accepted and not yet ended
		stats   Stats
	}
}

// New returns a server that listens nowhere yet. Each connection gets a handler of
// its own.
func New(node env.Node, cfg Config, newHandler func() Handler) *Server {
	s := &Server{node: node, cfg: cfg, newHandler: newHandler, tasks: task.NewGroup(node)}
	s.mu.Mutex = node.NewMutex()
	s.network = newThreads(node, s.tasks, "network-thread", cfg.NetworkThreads, unboundedQueue)
	s.io = newThreads(node, s.tasks, "io-thread", cfg.IOThreads, cfg.QueuedRequests)
	s.memory = newMemory(node, cfg.QueuedBytes)
	return s
}

// Listen begins to take requests.
func (s *Server) Listen(addr string) error {
	listener, err := s.node.Net().Listen(addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.listener = listener
	s.tasks.Go("acceptor", s.acceptLoop)
	return nil
}

// Close ends the listener and all connections, also those of silent peers. What
// waits in purgatory is the handlers' to wake; Wait returns when all have ended. A
// second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.mu.closing {
		s.mu.Unlock()
		return nil
	}
	s.mu.closing = true
	conns := s.mu.conns
	s.mu.conns = nil
	s.mu.Unlock()
	var err error
	if s.listener != nil {
		err = s.listener.Close()
	}
	for _, c := range conns {
		_ = c.Close() // the connection's task reports nothing either: it ends
	}
	return err
}

// Wait returns when every task of a closed server has ended.
func (s *Server) Wait() error { return s.tasks.Wait() }

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.stats
}

func (s *Server) acceptLoop() error {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return nil // the listener was closed: the server ends
		}
		if !s.adopt(conn) {
			_ = conn.Close()
			return nil
		}
		s.tasks.Go("connection", func() error {
			newExchange(s, conn).serve()
			s.drop(conn)
			return nil
		})
	}
}

func (s *Server) adopt(conn env.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closing {
		return false
	}
	s.mu.conns = append(s.mu.conns, conn)
	return true
}

func (s *Server) drop(conn env.Conn) {
	_ = conn.Close() // the peer has gone away, or learns of it
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.mu.conns {
		if c == conn {
			last := len(s.mu.conns) - 1
			s.mu.conns[i] = s.mu.conns[last]
			s.mu.conns = s.mu.conns[:last]
			return
		}
	}
}

// accepts refuses a request that is too large, and counts it
// (InvalidReceiveException). The 4 bytes of length do not count.
func (s *Server) accepts(bytes int64) bool {
	if bytes-4 <= s.cfg.RequestBytesMax {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stats.TooLarge++
	return false
}
