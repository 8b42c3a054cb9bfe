package fstest

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"

	"brokerlab/engine/env"
)

const (
	randomSeeds = 8
	randomSteps = 400
)

// modelNames is what random operations name. Few, so that they meet.
var modelNames = []string{"a", "b", "d/a", "d/b", "d/e/a"}

// modelFile is a file of the model: its bytes. Handles share it.
type modelFile struct{ content []byte }

// handle pairs an open file with its model. One file is open at most once.
type handle struct {
	file  env.File
	model *modelFile
}

// held is what an earlier Read returned, and must still be.
type held struct {
	buf   env.Buf
	want  []byte
	model *modelFile
}

// model runs random operations on a file system and on slices of bytes.
type model struct {
	*suite
	r     *rand.Rand
	names []string              // the names that exist, in no order
	files map[string]*modelFile // by name
	open  []handle
	held  []held
	seed  int // of the next pattern
}

// randomOperations compares the file system with the model after every step.
func (s *suite) randomOperations(seed uint64) {
	m := &model{suite: s, r: rand.New(rand.NewPCG(seed, 1)), files: map[string]*modelFile{}}
	s.ok(s.fs.MkdirAll("d/e"))
	steps := []func(){
		m.createStep, m.createStep, m.openStep, m.appendStep, m.appendStep, m.appendStep, m.readStep, m.readStep,
		m.truncateStep, m.reuseStep, m.renameStep, m.removeStep, m.closeStep, m.holdStep, m.checkHeldStep,
		m.syncStep, m.listStep,
	}
	for range randomSteps {
		steps[m.r.IntN(len(steps))]()
	}
	for len(m.held) > 0 {
		m.checkHeldStep()
	}
	for len(m.open) > 0 {
		m.closeStep()
	}
	m.listStep()
	slices.Sort(m.names)
	for _, name := range m.names {
		f := s.open(name)
		s.holds(f, m.files[name].content)
		s.ok(f.Close())
	}
}

func (m *model) name() string { return modelNames[m.r.IntN(len(modelNames))] }

func (m *model) isOpen(f *modelFile) bool {
	return slices.ContainsFunc(m.open, func(h handle) bool { return h.model == f })
}

// anyOpen returns an open file, or none when there is none.
func (m *model) anyOpen() (handle, bool) {
	if len(m.open) == 0 {
		return handle{}, false
	}
	return m.open[m.r.IntN(len(m.open))], true
}

func (m *model) setName(name string, f *modelFile) {
	if _, exists := m.files[name]; !exists {
		m.names = append(m.names, name)
	}
	m.files[name] = f
}

func (m *model) dropName(name string) {
	delete(m.files, name)
	m.names = slices.DeleteFunc(m.names, func(n string) bool { return n == name })
}

func (m *model) createStep() {
	name := m.name()
	f, err := m.fs.Create(name)
	if m.files[name] != nil {
		m.is(err, fs.ErrExist, "create", name)
		return
	}
	m.ok(err)
	m.setName(name, &modelFile{})
	m.open = append(m.open, handle{file: f, model: m.files[name]})
}

func (m *model) openStep() {
	name := m.name()
	want := m.files[name]
	if want != nil && m.isOpen(want) {
		return
	}
	f, err := m.fs.Open(name)
	if want == nil {
		m.is(err, fs.ErrNotExist, "open", name)
		return
	}
	m.ok(err)
	m.open = append(m.open, handle{file: f, model: want})
}

func (m *model) appendStep() {
	h, ok := m.anyOpen()
	if !ok {
		return
	}
	var parts []env.Buf
	for range m.r.IntN(4) {
		p := pattern(m.seed, m.r.IntN(1<<m.r.IntN(14)))
		m.seed++
		h.model.content = append(h.model.content, p...)
		switch m.r.IntN(3) {
		case 0:
			parts = append(parts, m.memory(p))
		case 1:
			parts = append(parts, env.StaticBuf(p))
		default:
			parts = append(parts, m.fileRange(p))
		}
	}
	m.ok(h.file.Append(env.Join(parts...)))
	if got := h.file.Size(); got != int64(len(h.model.content)) {
		m.t.Fatalf("size is %d after an append, want %d", got, len(h.model.content))
	}
}

// readStep reads a range, which may lie across or past the end.
func (m *model) readStep() {
	h, ok := m.anyOpen()
	if !ok {
		return
	}
	off, n, want := m.anyRange(h.model)
	m.same(m.read(h.file, int64(off), n), want)
}

func (m *model) anyRange(f *modelFile) (off, n int, want []byte) {
	size := len(f.content)
	off, n = m.r.IntN(size+10), m.r.IntN(size+10)
	return off, n, f.content[min(off, size):min(off+n, size)]
}

func (m *model) truncateStep() {
	h, ok := m.anyOpen()
	if !ok {
		return
	}
	size := m.r.IntN(len(h.model.content) + 1)
	for i := len(m.held) - 1; i >= 0; i-- { // what they hold may go away
		if m.held[i].model == h.model {
			m.held[i].buf.Release()
			m.held = slices.Delete(m.held, i, i+1)
		}
	}
	m.ok(h.file.Truncate(int64(size)))
	h.model.content = h.model.content[:size:size]
	m.holds(h.file, h.model.content)
}

// reuseStep begins a new life of a file, and cuts what is left of the old one before
// it may be opened again.
func (m *model) reuseStep() {
	h, ok := m.anyOpen()
	if !ok || slices.ContainsFunc(m.held, func(x held) bool { return x.model == h.model }) {
		return
	}
	m.ok(h.file.Reuse())
	p := pattern(m.seed, m.r.IntN(5000))
	m.seed++
	m.ok(h.file.Append(m.memory(p)))
	m.holds(h.file, p)
	m.ok(h.file.Truncate(int64(len(p))))
	h.model.content = p
}

func (m *model) renameStep() {
	from, to := m.name(), m.name()
	err := m.fs.Rename(from, to)
	f := m.files[from]
	if f == nil {
		m.is(err, fs.ErrNotExist, "rename", from)
		return
	}
	m.ok(err)
	m.dropName(from)
	m.setName(to, f)
}

func (m *model) removeStep() {
	name := m.name()
	err := m.fs.Remove(name)
	if m.files[name] == nil {
		m.is(err, fs.ErrNotExist, "remove", name)
		return
	}
	m.ok(err)
	m.dropName(name)
}

func (m *model) closeStep() {
	if len(m.open) == 0 {
		return
	}
	i := m.r.IntN(len(m.open))
	m.holds(m.open[i].file, m.open[i].model.content)
	m.ok(m.open[i].file.Close())
	m.open = slices.Delete(m.open, i, i+1)
}

func (m *model) holdStep() {
	h, ok := m.anyOpen()
	if !ok {
		return
	}
	off, n, want := m.anyRange(h.model)
	b, err := h.file.Read(int64(off), n)
	m.ok(err)
	m.held = append(m.held, held{buf: b, want: bytes.Clone(want), model: h.model})
}

func (m *model) checkHeldStep() {
	if len(m.held) == 0 {
		return
	}
	i := m.r.IntN(len(m.held))
	h := m.held[i]
	m.held = slices.Delete(m.held, i, i+1)
	if h.buf.Len() > 2 {
		m.same(m.take(h.buf.Slice(1, h.buf.Len()-2)), h.want[1:len(h.want)-1])
	}
	m.same(m.take(h.buf), h.want)
}

func (m *model) syncStep() {
	if h, ok := m.anyOpen(); ok {
		m.ok(h.file.Sync())
		m.ok(h.file.DropCache())
	}
	m.ok(m.fs.SyncDir([]string{".", "d", "d/e"}[m.r.IntN(3)]))
}

func (m *model) listStep() {
	for _, dir := range []string{".", "d", "d/e"} {
		var want []string
		if dir != "d/e" {
			want = append(want, map[string]string{".": "d/", "d": "e/"}[dir])
		}
		for _, name := range m.names {
			at := strings.LastIndexByte(name, '/')
			if parent := name[:max(at, 0)]; parent == dir || parent == "" && dir == "." {
				want = append(want, fmt.Sprintf("%s %d", name[at+1:], len(m.files[name].content)))
			}
		}
		slices.Sort(want)
		entries, err := m.fs.List(dir)
		m.ok(err)
		var got []string
		for _, e := range entries {
			if e.Dir {
				got = append(got, e.Name+"/")
			} else {
				got = append(got, fmt.Sprintf("%s %d", e.Name, e.Bytes))
			}
		}
		if !slices.Equal(got, want) {
			m.t.Fatalf("entries of %s are %q, want %q", dir, got, want)
		}
	}
}
