package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Time limits of the browser: to answer one command, and to end by itself.
const (
	browserAnswers = 60 * time.Second
	browserEnds    = 10 * time.Second
)

// browserFlags keep Chromium to the page: no window, no service of its maker's, nothing
// left behind. It runs as root in containers, where its sandbox cannot.
var browserFlags = []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
	"--remote-debugging-pipe"}

// browser is a Chromium that is told what to do through a pair of pipes, by the DevTools
// protocol: JSON texts that end in a zero byte. (chromedp speaks it too, and would make
// a build compile half a million generated lines for the ten commands that are used.)
type browser struct {
	command *exec.Cmd
	to      *os.File
	from    *bufio.Reader
	stderr  bytes.Buffer
	session string
	last    int
	events  []event // since they were last taken
	expired *time.Timer
}

// event is what the browser says unasked.
type event struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// startBrowser runs a Chromium with an empty profile and opens an empty page in it.
func startBrowser(path, profile string) (*browser, error) {
	theirRead, ourWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ourRead, theirWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b := &browser{to: ourWrite, from: bufio.NewReader(ourRead)}
	b.command = exec.Command(path, append(browserFlags, "--user-data-dir="+profile)...)
	b.command.ExtraFiles = []*os.File{theirRead, theirWrite} // descriptors 3 and 4
	b.command.Stderr = &b.stderr
	if err := b.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	b.expired = time.AfterFunc(browserAnswers, func() { b.command.Process.Kill() })
	if err := errors.Join(theirRead.Close(), theirWrite.Close(), b.openPage()); err != nil {
		return nil, b.died(err)
	}
	return b, nil
}

// openPage opens an empty page, which further commands are about.
func (b *browser) openPage() error {
	var target struct{ TargetID string }
	if err := b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	err := b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	if err != nil {
		return err
	}
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
		if err := b.do(domain+".enable", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// died ends a browser that is of no use, and adds the last that it said to why.
func (b *browser) died(err error) error {
	_ = b.command.Process.Kill() // it may have ended by itself
	_ = b.command.Wait()
	b.expired.Stop()
	lines := strings.Split(strings.TrimSpace(b.stderr.String()), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// do sends a command and waits for its answer; events meanwhile are kept.
func (b *browser) do(method string, params, answer any) error {
	b.expired.Reset(browserAnswers)
	b.last++
	text, err := json.Marshal(map[string]any{"id": b.last, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		text, err = json.Marshal(map[string]any{"id": b.last, "method": method, "params": params})
	}
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return fmt.Errorf("tell the browser %s: %w", method, err)
	}
	for {
		var message struct {
			event
			ID     int             `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := b.next(&message); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case message.ID == 0:
			b.events = append(b.events, message.event)
		case message.ID != b.last:
			return fmt.Errorf("%s: the browser answered command %d, not %d", method, message.ID, b.last)
		case message.Error != nil:
			return fmt.Errorf("%s: %s", method, message.Error.Message)
		case answer != nil:
			return json.Unmarshal(message.Result, answer)
		default:
			return nil
		}
	}
}

func (b *browser) next(to any) error {
	text, err := b.from.ReadBytes(0)
	if errors.Is(err, io.EOF) {
		return errors.New("the browser ended or did not answer in time")
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text[:len(text)-1], to)
}

// open loads a page and waits until all that belongs to it is there.
func (b *browser) open(url string) error {
	b.events = nil
	if err := b.do("Page.navigate", map[string]any{"url": url}, nil); err != nil {
		return err
	}
	for {
		for _, e := range b.events {
			if e.Method == "Page.loadEventFired" {
				return nil
			}
		}
		var e event
		if err := b.next(&e); err != nil {
			return fmt.Errorf("load %s: %w", url, err)
		}
		b.events = append(b.events, e)
	}
}

// ask evaluates an expression in the page.
func (b *browser) ask(expression string, answer any) error {
	var result struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := b.do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true},
		&result)
	if err != nil {
		return err
	}
	if e := result.ExceptionDetails; e != nil {
		return fmt.Errorf("look at the page: %s %s", e.Text, e.Exception.Description)
	}
	return json.Unmarshal(result.Result.Value, answer)
}

// close ends the browser.
func (b *browser) close() error {
	b.session = ""
	err := b.do("Browser.close", nil, nil)
	b.expired.Reset(browserEnds)
	_ = b.command.Wait() // it is ended by us: how does not matter
	b.expired.Stop()
	return err
}

// findBrowser is the Chromium of Debian's package, or what was named.
func findBrowser(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium: install it (apt-get install chromium), or name one with --chromium")
}

// fileURL is the address of a file.
func fileURL(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(whole)}).String(), nil
}
