package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// reading is what the processors and threads had done at an instant.
type reading struct {
	at      time.Time
	busy    time.Duration            // of the whole machine
	own     time.Duration            // of the Java machines that are measured
	threads map[string]time.Duration // by role and kind of thread
}

const tick = 10 * time.Millisecond // of /proc: USER_HZ is 100 on Linux

// read takes a reading. roles names the processes' roles by their ids.
func read(roles map[int]string) (reading, error) {
	r := reading{at: time.Now(), threads: make(map[string]time.Duration)}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return r, err
	}
	fields := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	for _, i := range []int{1, 2, 3, 6, 7} { // user, nice, system, irq, softirq
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return r, err
		}
		r.busy += time.Duration(n) * tick
	}
	for pid, role := range roles {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return r, err
		}
		after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, i := range []int{11, 12} { // utime and stime: fields 14 and 15 of the whole line
			n, err := strconv.Atoi(after[i])
			if err != nil {
				return r, err
			}
			r.own += time.Duration(n) * tick
			r.threads[role+": all"] += time.Duration(n) * tick
		}
		if err := r.addThreads(pid, role); err != nil {
			return r, err
		}
	}
	return r, nil
}

var (
	threadLine = regexp.MustCompile(`(?m)^"([^"]+)".* cpu=([0-9.]+)ms`)
	numbers    = regexp.MustCompile(`[-#]?[0-9]+`)
)

// addThreads adds the processor time of a Java machine's threads by kind.
func (r *reading) addThreads(pid int, role string) error {
	out, err := exec.Command("jcmd", strconv.Itoa(pid), "Thread.print").Output()
	if err != nil {
		return fmt.Errorf("jcmd Thread.print: %w", err)
	}
	for _, match := range threadLine.FindAllStringSubmatch(string(out), -1) {
		ms, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return err
		}
		kind := role + ": " + numbers.ReplaceAllString(match[1], "")
		r.threads[kind] += time.Duration(ms * float64(time.Millisecond))
	}
	return nil
}
