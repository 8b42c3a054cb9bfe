package server

import (
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// exchange is one connection and the request of it that is worked on: like Kafka,
// which mutes a connection from a request to its response, it has one at a time.
type exchange struct {
	s       *Server
	conn    env.Conn
	handler Handler

	request  *protocol.Request
	bytes    int64
	received env.Time
	answer   Answer

	parsing  *job
	handling *job
	begins   bool // the connection's own task has an I/O thread's place
}

func newExchange(s *Server, conn env.Conn) *exchange {
	x := &exchange{s: s, conn: conn, handler: s.newHandler()}
	x.parsing, x.handling = s.network.newJob(x.parse), s.io.newJob(x.handle)
	return x
}

// serve answers a connection's requests one after another until it ends.
func (x *exchange) serve() {
	for {
		m, err := x.conn.Recv(env.Never)
		if err != nil {
			return // the client or this server closed it
		}
		req, ok := m.(*protocol.Request)
		bytes := int64(m.WireBytes())
		if !ok || !x.s.accepts(bytes) {
			m.Release()
			return // not a client, or none that keeps to the limits: Kafka closes the connection too
		}
		x.request, x.bytes = req, bytes
		if !x.answerOne() {
			return
		}
	}
}

// answerOne has the request worked on and sends the response. It reports whether
// the connection goes on.
func (x *exchange) answerOne() (goOn bool) {
	x.s.memory.take(x.bytes)
	x.s.network.run(x.parsing)
	if x.begins {
		x.handle()
		x.s.io.next()
	} else {
		x.s.io.await(x.handling)
	}
	id, a := x.request.CorrelationID, x.answer
	x.request, x.answer = nil, Answer{}
	if a.Delayed != nil {
		a.Body = a.Delayed.Await()
	}
	if a.Close || a.Body == nil {
		return !a.Close
	}
	resp := &protocol.Response{CorrelationID: id, Body: a.Body}
	x.s.node.Charge(env.OpSend, resp.WireBytes())
	return x.conn.Send(resp) == nil
}

// parse is a network thread's job. It keeps the thread while the request queue is
// full (RequestChannel.sendRequest).
func (x *exchange) parse() {
	x.received = x.s.node.Now()
	x.s.node.Charge(env.OpReceive, int(x.bytes))
	x.handler.Parse(x.request)
	x.begins = x.s.io.enter(x.handling)
}

// handle is an I/O thread's job. The memory of a request returns to the pool when
// it is done, not when it is answered (KafkaRequestHandler.run; Kafka gives that of
// requests without records back before they are queued, which are small).
func (x *exchange) handle() {
	x.answer = x.handler.Handle(x.request, x.received)
	x.request.Release()
	x.s.memory.give(x.bytes)
}
