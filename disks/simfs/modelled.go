package simfs

import (
	"brokerlab/disks/device"
	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

// model is what a modelled disk has beside its names and contents: the page cache
// of its host, a journal and a device, which say when operations end.
//
// Its callbacks run outside of any task. Those of pagecache.Owner take Disk.mu, so
// that calls which may seal a transaction (Sync, SyncNames, Advance) are made
// without it.
type model struct {
	disk   *Disk
	host   *Host
	volume *pagecache.Volume
	armed  env.Time // a callback of the kernel is set for it
	fire   func()
	spare  []*wait
}

func newModel(d *Disk, h *Host, cfg DiskConfig) *model {
	dev, err := device.New(cfg.Device, cfg.Rand)
	if err != nil {
		panic("simfs: " + cfg.Name + ": " + err.Error())
	}
	fs, err := pagecache.FileSystemNamed(cfg.FileSystem)
	if err != nil {
		panic("simfs: " + cfg.Name + ": " + err.Error())
	}
	m := &model{disk: d, host: h, armed: env.Never}
	m.volume = h.cache.NewVolume(pagecache.VolumeConfig{
		Device: dev, CapacityBytes: cfg.Device.CapacityBytes, FileSystem: fs,
		WritebackDepth: cfg.Device.Queue.BackgroundDepth, Owner: m,
	})
	m.fire = func() {
		now := m.now()
		if now >= m.armed {
			m.armed = env.Never
		}
		m.volume.Advance(now)
		m.arm()
	}
	return m
}

func (m *model) now() env.Time { return m.host.kernel.Now() }

// arm sets a callback for the volume's next event, unless there is one before it.
func (m *model) arm() {
	if next := m.volume.NextEvent(); next < m.armed {
		m.armed = next
		m.host.kernel.At(next, m.fire)
	}
}

// wait is a task's wait for an operation of the page cache. They are used again, so
// that waiting allocates nothing.
type wait struct {
	op    pagecache.Op
	done  bool
	wake  func()
	start func(wake func())
}

func (m *model) takeWait() *wait {
	if last := len(m.spare) - 1; last >= 0 {
		w := m.spare[last]
		m.spare = m.spare[:last]
		return w
	}
	w := &wait{}
	w.op.Done = func() {
		w.done = true
		if wake := w.wake; wake != nil {
			w.wake = nil
			wake()
		}
	}
	w.start = func(wake func()) {
		if w.done { // since, or while the task paid for its work
			wake()
			return
		}
		w.wake = wake
	}
	return w
}

// await waits for the operation that was begun with w.op. A task that dies in it
// leaves w to the garbage collector.
func (m *model) await(w *wait) {
	m.arm()
	if !w.done {
		m.host.kernel.Block(w.start)
	}
	w.done = false
}

// systemCall is the fixed cost of an operation: that of the plain disk, or the price
// of a system call. What it was charged is paid then.
func (m *mount) systemCall() {
	if m.disk.model != nil {
		m.node.Charge(env.OpSyscall, 1)
	}
	m.node.Sleep(m.disk.cfg.MetaCost)
}

// appendModelled is Append on a modelled disk: a copy into the page cache. It waits
// if the journal is just writing the file's metadata, and it pauses when much is
// dirty.
func (f *file) appendModelled(b *env.Buf) (err error) {
	d, node := f.mount.disk, f.mount.node
	m := d.model
	node.Charge(env.OpAppend, b.Len()) // the system call is in its price
	node.Sleep(d.cfg.MetaCost)
	if *b, err = b.Load(node.Pool()); err != nil {
		return f.fail("append", err)
	}
	w := m.takeWait()
	for m.volume.Stalls(f.ino.pages, &w.op) {
		m.await(w)
	}
	m.spare = append(m.spare, w)
	if err := f.dirtyModelled(b); err != nil {
		return err
	}
	for {
		pause := m.volume.Balance(m.now(), &f.mount.dirtier)
		m.arm()
		if pause == 0 {
			return nil
		}
		node.Sleep(pause)
	}
}

func (f *file) dirtyModelled(b *env.Buf) error {
	d := f.mount.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("append"); err != nil {
		return err
	}
	off := f.ino.content.size
	n, err := f.storeLocked(b)
	if n > 0 {
		f.mount.dirtier.Dirtied(f.ino.pages.Append(d.model.now(), off, n))
	}
	return err
}

// loadModelled waits until the pages of a read are in the page cache.
func (f *file) loadModelled(off int64, bytesMax int) error {
	d := f.mount.disk
	f.mount.systemCall()
	d.mu.Lock()
	err := f.openLocked("read")
	end := min(off+int64(bytesMax), f.ino.content.size)
	d.mu.Unlock()
	if err != nil || off >= end {
		return err
	}
	m := d.model
	w := m.takeWait()
	for pos := off; ; pos = w.op.Loaded {
		if pos = f.ino.pages.Read(m.now(), &f.reads, off, end-off, pos, &w.op); pos >= end {
			break
		}
		m.await(w)
	}
	m.arm()
	m.spare = append(m.spare, w)
	return nil
}

// syncModelled waits until what the file holds now is durable.
func (f *file) syncModelled() {
	f.mount.systemCall()
	m := f.mount.disk.model
	w := m.takeWait()
	m.volume.Sync(m.now(), f.ino.pages, &w.op)
	m.await(w)
	m.spare = append(m.spare, w)
}

// syncNamesModelled waits until all changes of names so far are durable.
func (m *mount) syncNamesModelled() {
	m.systemCall()
	model := m.disk.model
	w := model.takeWait()
	model.volume.SyncNames(model.now(), &w.op)
	model.await(w)
	model.spare = append(model.spare, w)
}

// Sealed implements pagecache.Owner.
func (m *model) Sealed(sizes []pagecache.FileSize, mark int64) {
	d := m.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.mu.sealed
	s.files, s.mark = s.files[:0], mark
	for _, size := range sizes {
		ino := size.File.Ref.(*inode)
		ino.seal(size.Bytes)
		s.files = append(s.files, ino)
	}
}

// Committed implements pagecache.Owner.
func (m *model) Committed() {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.commitSealedLocked()
}
