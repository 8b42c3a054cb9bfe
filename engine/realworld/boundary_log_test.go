package realworld_test

import (
	"os"
	"sync"

	"brokerlab/engine/env"
)

// directLog is a group-commit log on sync and os.
type directLog struct {
	mu             sync.Mutex
	dirty, written *sync.Cond
	pending, spare []byte
	next, done     int64
	bytes          int
	closed         bool
	ended          sync.WaitGroup
	file           *os.File
	force          func(*os.File) error
}

func openDirectLog(f *os.File, force func(*os.File) error) *directLog {
	l := &directLog{file: f, force: force}
	l.pending, l.spare = make([]byte, 0, batchBytes), make([]byte, 0, batchBytes)
	l.dirty, l.written = sync.NewCond(&l.mu), sync.NewCond(&l.mu)
	l.ended.Go(l.writeLoop)
	return l
}

func (l *directLog) append(record []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, record...)
	offset := l.next
	l.next++
	l.dirty.Signal()
	for l.done <= offset {
		l.written.Wait()
	}
}

func (l *directLog) writeLoop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.pending) == 0 && !l.closed {
			l.dirty.Wait()
		}
		if len(l.pending) == 0 {
			return
		}
		batch, upTo := l.pending, l.next
		l.pending = l.spare
		l.bytes += len(batch)
		if l.bytes >= segmentBytes {
			l.bytes = 0
			if err := (&osFile{f: l.file}).Truncate(0); err != nil {
				panic(err)
			}
		}
		l.mu.Unlock()
		_, err := l.file.Write(batch)
		if err == nil {
			err = l.force(l.file)
		}
		l.mu.Lock()
		if err != nil {
			panic(err)
		}
		l.done, l.spare = upTo, batch[:0]
		l.written.Broadcast()
	}
}

func (l *directLog) close() {
	l.mu.Lock()
	l.closed = true
	l.dirty.Signal()
	l.mu.Unlock()
	l.ended.Wait()
}

// boundaryLog is the same log on env.
type boundaryLog struct {
	node           env.Node
	mu             env.Mutex
	dirty, written env.Cond
	pending        *env.Mem
	used           int
	next, done     int64
	bytes          int
	closed, ended  bool
	file           env.File
}

func openBoundaryLog(n env.Node, f env.File) *boundaryLog {
	l := &boundaryLog{node: n, file: f, mu: n.NewMutex(), pending: n.Pool().Get(batchBytes)}
	l.dirty, l.written = n.NewCond(l.mu), n.NewCond(l.mu)
	n.Go("writer", l.writeLoop)
	return l
}

func (l *boundaryLog) append(record []byte) {
	l.node.Charge(env.OpRecordEncode, len(record))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used += copy(l.pending.Bytes()[l.used:], record)
	offset := l.next
	l.next++
	l.dirty.Signal()
	for l.done <= offset {
		l.written.WaitUntil(env.Never)
	}
}

func (l *boundaryLog) writeLoop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.used == 0 && !l.closed {
			l.dirty.WaitUntil(env.Never)
		}
		if l.used == 0 {
			l.ended = true
			l.pending.Release()
			l.written.Broadcast()
			return
		}
		batch, upTo := env.MemBuf(l.pending, l.pending.Bytes()[:l.used]), l.next
		l.bytes += l.used
		l.pending, l.used = l.node.Pool().Get(batchBytes), 0
		if l.bytes >= segmentBytes {
			l.bytes = 0
			if err := l.file.Truncate(0); err != nil {
				panic(err)
			}
		}
		l.mu.Unlock()
		err := l.file.Append(batch)
		if err == nil {
			err = l.file.Sync()
		}
		l.mu.Lock()
		if err != nil {
			panic(err)
		}
		l.done = upTo
		l.written.Broadcast()
	}
}

func (l *boundaryLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.dirty.Signal()
	for !l.ended {
		l.written.WaitUntil(env.Never)
	}
}
