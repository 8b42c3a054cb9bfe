package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"brokerlab/scenarios/run"
)

// lookEvery is how often the console looks at a run: often enough to read along.
const lookEvery = 200 * time.Millisecond

// widthUnknown is the width of a terminal that does not tell.
const widthUnknown = 80

// console is standard error while runs go on: notes, and progress between them. On
// a terminal progress is one line that is written over; elsewhere it is a line
// now and then.
type console struct {
	terminal *os.File // nil if standard error is none

	mu struct {
		sync.Mutex
		out   io.Writer
		drawn bool // a progress line is on the terminal
		said  time.Time
		track follower
		stop  chan struct{} // ends the task that looks at the run
		ended chan struct{}
	}
}

func newConsole(stderr io.Writer) *console {
	c := &console{}
	c.mu.out = stderr
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.terminal = f
	}
	return c
}

// note writes a line.
func (c *console) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteLocked(text)
}

func (c *console) noteLocked(text string) {
	c.clearLocked()
	fmt.Fprintln(c.mu.out, text)
}

func (c *console) clearLocked() {
	if c.mu.drawn {
		fmt.Fprint(c.mu.out, "\r\x1b[K")
		c.mu.drawn = false
	}
}

// progress shows how far something is that is no run: on a terminal on the line
// that is written over, elsewhere now and then.
func (c *console) progress(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminal != nil {
		c.drawLocked(text)
		return
	}
	if now := time.Now(); now.Sub(c.mu.said) >= sayEvery {
		c.mu.said = now
		c.noteLocked(text)
	}
}

// clear takes the progress away.
func (c *console) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
}

func (c *console) drawLocked(text string) {
	width, _, err := term.GetSize(int(c.terminal.Fd()))
	if err != nil || width <= 0 {
		width = widthUnknown
	}
	// One column stays free: terminals wrap when the last one is written.
	fmt.Fprint(c.mu.out, "\r"+cut(text, width-1)+"\x1b[K")
	c.mu.drawn = true
}

// begin shows the progress of a run until end.
func (c *console) begin(live *run.Live) {
	stop, ended := make(chan struct{}), make(chan struct{})
	c.mu.Lock()
	c.mu.track, c.mu.stop, c.mu.ended = follower{}, stop, ended
	c.mu.Unlock()
	go func() {
		defer close(ended)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				c.look(live, now)
			}
		}
	}()
}

func (c *console) look(live *run.Live, now time.Time) {
	running, ended, total := live.Statuses()
	if len(running) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := c.mu.track.observe(now, running, ended, total)
	if c.terminal == nil {
		for _, line := range lines {
			c.noteLocked(line)
		}
		return
	}
	c.drawLocked(c.mu.track.line())
}

// end stops the progress of a run; err is how the run ended.
func (c *console) end(err error) {
	close(c.mu.stop)
	<-c.mu.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
	if err == nil && c.terminal == nil {
		for _, line := range c.mu.track.observe(time.Now(), nil, 0, 0) {
			c.noteLocked(line)
		}
	}
}

// cut shortens a text to so many characters.
func cut(text string, characters int) string {
	runes := []rune(text)
	if len(runes) <= characters {
		return text
	}
	return string(runes[:max(0, characters)])
}
