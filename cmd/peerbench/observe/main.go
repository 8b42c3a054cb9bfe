// Command observe runs Apache Kafka on this machine and measures it with Kafka's own
// producer performance tool, in settings that match published rows as far as one
// machine can: what brokerlab validate-model shows beside its predictions. The tool
// runs twice in one Java machine, and the second run counts. Besides what the tool
// prints, it tells the processor time per record by kind of thread, and how much of
// the processors others took meanwhile. It needs java, jcmd and Linux.
//
//	observe --kafka JARS --dir D [--only TEXT]
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

func main() {
	jars := flag.String("kafka", "", "directory of Apache Kafka's jars, as cmd/peerbench/kafka/fetch.sh prints it")
	dir := flag.String("dir", "", "directory on the disk to measure")
	only := flag.String("only", "", "settings whose name contains this")
	source := flag.String("twice", "observe/Twice.java", "the program that runs the tool twice")
	flag.Parse()
	if err := run(*jars, *dir, *only, *source); err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}

func run(jars, dir, only, source string) error {
	fmt.Printf("%s, %d processors\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU())
	for count := 1; count <= 3; count += 2 {
		var chosen []setting
		for _, s := range settings {
			if s.brokers == count && strings.Contains(s.name, only) {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == 0 {
			continue
		}
		if err := measureAll(chosen, jars, dir, source); err != nil {
			return err
		}
	}
	return nil
}

// measureAll measures settings that take as many brokers, on one cluster.
func measureAll(chosen []setting, jars, dir, source string) (err error) {
	c, err := startCluster(jars, dir, chosen[0].brokers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	for _, s := range chosen {
		if err := measure(c, s, source); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// measure runs the tool on a setting and prints what it said and what it took.
func measure(c *cluster, s setting, source string) (err error) {
	topic, err := c.createTopic(s)
	if err != nil {
		return err
	}
	args := append([]string{strconv.Itoa(s.warmUp), "--topic", topic, "--num-records", strconv.Itoa(s.records),
		"--record-size", strconv.Itoa(s.recordSize), "--throughput", strconv.Itoa(s.perSec), "--print-metrics",
		"--producer-props", "bootstrap.servers=" + c.brokers}, s.props...)
	tool := java(c.jars, source, args...)
	stdin, err := tool.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := tool.StdoutPipe()
	if err != nil {
		return err
	}
	tool.Stderr = os.Stderr
	if err := tool.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tool.Wait()) }()
	roles := map[int]string{tool.Process.Pid: "client"}
	for _, n := range c.nodes {
		roles[n.process.Process.Pid] = "broker"
	}
	fmt.Printf("\n%s (like %s): %d brokers, %d partitions, replication %d, flush each append %v\n  %s\n",
		s.name, s.like, s.brokers, s.partitions, s.replicas, s.flushEach, strings.Join(args, " "))
	return follow(bufio.NewScanner(stdout), stdin, roles, s)
}

// follow copies what the tool prints in its second run and reads the processors around it.
func follow(lines *bufio.Scanner, stdin io.WriteCloser, roles map[int]string, s setting) error {
	var before reading
	measured := false
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "=== warm":
			var err error
			if before, err = read(roles); err != nil {
				return err
			}
			measured = true
			if _, err := io.WriteString(stdin, "\n"); err != nil {
				return err
			}
		case line == "=== done":
			after, err := read(roles)
			if err != nil {
				return err
			}
			printProcessors(before, after, s)
			if _, err := io.WriteString(stdin, "\n"); err != nil {
				return err
			}
		case measured && wanted(line):
			fmt.Println("  " + line)
		}
	}
	return lines.Err()
}

// metrics of the producer that say how batches formed.
var metrics = []string{"batch-size-avg", "records-per-request-avg", "request-latency-avg", "request-rate",
	"record-queue-time-avg", "bufferpool-wait-ratio"}

func wanted(line string) bool {
	if strings.Contains(line, "records sent") {
		return true
	}
	if !strings.HasPrefix(line, "producer-metrics:") {
		return false
	}
	for _, metric := range metrics {
		if strings.HasPrefix(line, "producer-metrics:"+metric) {
			return true
		}
	}
	return false
}

func printProcessors(before, after reading, s setting) {
	span := after.at.Sub(before.at)
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / span.Seconds() / float64(runtime.NumCPU()) }
	own := after.own - before.own
	fmt.Printf("  processors over %.1f s: %.1f %% measured, %.1f %% others\n",
		span.Seconds(), share(own), share(after.busy-before.busy-own))
	var kinds []string
	for kind := range after.threads {
		if (after.threads[kind] - before.threads[kind]).Seconds() > 0.002*span.Seconds() {
			kinds = append(kinds, kind)
		}
	}
	sort.Strings(kinds)
	for _, kind := range kinds {
		spent := after.threads[kind] - before.threads[kind]
		fmt.Printf("  %8.1f ms/s %8.0f ns/record  %s\n", 1000*spent.Seconds()/span.Seconds(),
			float64(spent)/float64(s.records), filepath.Base(kind))
	}
}
