package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"brokerlab/scenarios/run"
)

// lookEvery is how often the console looks at a run: often enough to read along.
const lookEvery = 200 * time.Millisecond

// widthUnknown is the width of a terminal that does not tell.
const widthUnknown = 80

// How the progress of runs is told.
const (
	progressAuto  = "auto"  // a line that is written over on a terminal, nothing elsewhere
	progressPlain = "plain" // a line now and then
	progressNone  = "none"
)

// console is standard error while runs go on: notes, and progress between them. On
// a terminal progress is one line that is written over.
type console struct {
	terminal *os.File // nil if standard error is none, or is to have plain lines
	runs     string   // how their progress is told: progressPlain, progressNone; else by terminal

	mu struct {
		sync.Mutex
		out   io.Writer
		drawn int // columns of the progress line that is on the terminal
		said  time.Time
		track follower
		rest  run.Work      // besides that of the run that goes on
		stop  chan struct{} // ends the task that looks at the run
		ended chan struct{}
	}
}

func newConsole(stderr io.Writer) *console {
	c := &console{}
	c.mu.out = stderr
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		c.terminal = f
	}
	return c
}

// columnsOf is how wide the terminal is that is written to; 0 where it is none.
func columnsOf(w io.Writer) int {
	if checked, ok := w.(*checkedWriter); ok {
		w = checked.w
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// newRunConsole is a console that tells the progress of runs as asked for.
func newRunConsole(stderr io.Writer, progress string) *console {
	c := newConsole(stderr)
	c.runs = progress
	if progress == progressPlain {
		c.terminal = nil
	}
	return c
}

// quiet says that runs tell no progress.
func (c *console) quiet() bool {
	return c.runs == progressNone || c.runs != progressPlain && c.terminal == nil
}

// note writes a line.
func (c *console) note(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteLocked(line)
}

func (c *console) noteLocked(line string) {
	c.clearLocked()
	fmt.Fprintln(c.mu.out, line)
}

// clearLocked takes the progress line away. A terminal that became narrower has
// wrapped it: then its first row is further up.
func (c *console) clearLocked() {
	if c.mu.drawn > 0 {
		fmt.Fprint(c.mu.out, rowsUp(c.mu.drawn, c.width())+"\r\x1b[J")
		c.mu.drawn = 0
	}
}

// rowsUp moves the cursor from the end of a line of so many columns to its first row.
func rowsUp(columns, width int) string {
	if rows := (columns - 1) / width; rows > 0 {
		return fmt.Sprintf("\x1b[%dA", rows)
	}
	return ""
}

// width of the terminal, in columns.
func (c *console) width() int {
	width, _, err := term.GetSize(int(c.terminal.Fd()))
	if err != nil || width <= 0 {
		return widthUnknown
	}
	return width
}

// progress shows how far something is that is no run: on a terminal on the line
// that is written over, elsewhere now and then.
func (c *console) progress(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminal != nil {
		c.drawLocked(line)
		return
	}
	if now := time.Now(); now.Sub(c.mu.said) >= sayEvery {
		c.mu.said = now
		c.noteLocked(line)
	}
}

// clear takes the progress away.
func (c *console) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
}

// drawLocked writes the progress line over the one that is there. One column stays
// free: terminals wrap when the last one is written.
func (c *console) drawLocked(line string) {
	width := c.width()
	line = text.Trim(line, width-1)
	fmt.Fprint(c.mu.out, rowsUp(max(1, c.mu.drawn), width)+"\r"+line+"\x1b[J")
	c.mu.drawn = text.StringWidthWithoutEscSequences(line)
}

// begin shows the progress of a run until end; rest is the work of those before and
// after it.
func (c *console) begin(live *run.Live, rest run.Work) {
	stop, ended := make(chan struct{}), make(chan struct{})
	c.mu.Lock()
	c.mu.track, c.mu.rest, c.mu.stop, c.mu.ended = follower{}, rest, stop, ended
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
	if c.quiet() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(running) == 0 {
		if total == 0 && c.terminal != nil {
			c.drawLocked("preparing") // such as large files of records, which are looked through
		}
		return
	}
	c.mu.track.work(c.mu.rest.Plus(live.Work()))
	lines := c.mu.track.observe(now, running, ended, total)
	if c.terminal == nil {
		for _, line := range lines {
			c.noteLocked(line)
		}
		return
	}
	c.drawLocked(c.mu.track.line(c.width() - 1))
}

// end stops the progress of a run; err is how the run ended.
func (c *console) end(err error) {
	close(c.mu.stop)
	<-c.mu.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearLocked()
	if err == nil && c.terminal == nil && !c.quiet() {
		for _, line := range c.mu.track.observe(time.Now(), nil, 0, 0) {
			c.noteLocked(line)
		}
	}
}
