package simworld

import "brokerlab/engine/env"

// Block parks the running task until wake is called, by a callback (World.At) or
// by another task. It is how a task waits for a model (a disk, say) that is made
// of callbacks. First the task pays its debt; then start runs, in the task, and
// tells the model whom to wake. A wake-up costs the price of every wake-up, unless
// it comes within start: then nothing was waited for. The instant of a wake-up is
// the kernel's: work that the waker was charged and has not paid does not count.
//
// wake may be called once for each Block; when the task is gone, since its node
// went down, wake does nothing. It is the same function in every Block of a task,
// so that a caller that reuses start allocates nothing.
func (w *World) Block(start func(wake func())) {
	t := w.cur
	if t == &w.outside {
		panic("simworld: Block was called outside of a task")
	}
	if t.node.down {
		t.node.refuse()
	}
	w.pay(t)
	if t.wakeUp == nil {
		t.wakeUp = func() { w.wakeBlocked(t) }
	}
	t.blocked = true
	start(t.wakeUp)
	if !t.blocked {
		return
	}
	t.kind = waitIO
	w.park(t, env.Never)
}

func (w *World) wakeBlocked(t *task) {
	if t.dead || t.killed {
		return
	}
	if !t.blocked {
		panic("simworld: task " + t.path() + " was woken twice in one Block, or after it")
	}
	t.blocked = false
	if t != w.cur { // else it is still in start
		w.wake(t)
	}
}
