package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// kafka is a running Apache Kafka: one node, broker and controller (KRaft).
type kafka struct {
	jars    string
	dir     string
	addr    string
	server  *exec.Cmd
	output  *os.File
	stopped chan error
}

const (
	kafkaStartMax = 60 * time.Second
	clusterID     = "MkU3OEVBNTcwNTJENDM2Qg" // any 16 bytes in base64
)

// startKafka formats a log directory and starts a node with Kafka's own settings.
func startKafka(s *session) (_ *kafka, err error) {
	dir, err := s.freshDir()
	if err != nil {
		return nil, err
	}
	broker, controller, err := freePorts()
	if err != nil {
		return nil, err
	}
	k := &kafka{jars: s.kafka, dir: dir, addr: fmt.Sprintf("127.0.0.1:%d", broker), stopped: make(chan error, 1)}
	settings := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s
offsets.topic.replication.factor=1
`, broker, controller, filepath.Join(dir, "logs"))
	file := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil {
		return nil, err
	}
	out, err := k.java("kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("format Kafka's storage: %w\n%s", err, out)
	}
	if k.output, err = os.Create(filepath.Join(dir, "server.out")); err != nil {
		return nil, err
	}
	k.server = k.java("kafka.Kafka", file)
	k.server.Stdout, k.server.Stderr = k.output, k.output
	if err := k.server.Start(); err != nil {
		return nil, err
	}
	go func() { k.stopped <- k.server.Wait() }()
	if err := k.awaitStart(); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

// java runs a class with the heap that Kafka's scripts give to a server.
func (k *kafka) java(class string, args ...string) *exec.Cmd {
	options := []string{"-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-cp", filepath.Join(k.jars, "*"), class}
	return exec.Command("java", append(options, args...)...)
}

// freePorts are two ports that nobody listens on now.
func freePorts() (a, b int, err error) {
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, 0, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports[0], ports[1], nil
}

// awaitStart returns when the node takes connections.
func (k *kafka) awaitStart() error {
	ctx, cancel := context.WithTimeout(context.Background(), kafkaStartMax)
	defer cancel()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", k.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-k.stopped:
			k.stopped <- err
			text, _ := os.ReadFile(k.output.Name())
			return fmt.Errorf("node of Kafka ended: %v\n%s", err, text)
		case <-ctx.Done():
			return fmt.Errorf("node of Kafka does not listen after %v", kafkaStartMax)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the node and removes what it wrote.
func (k *kafka) stop() error {
	err := k.server.Process.Kill() // nobody needs its logs
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-k.stopped
	return errors.Join(err, k.output.Close(), os.RemoveAll(k.dir))
}

func (k *kafka) peer() peer {
	return peer{name: "Apache Kafka 4.1.0, 1 producer", run: k.produce,
		differs: "loopback TCP, two processes of Java, its own producer-perf-test; acks=1, batches of 128 KiB"}
}

// perfRate is the total of kafka-producer-perf-test's last line.
var perfRate = regexp.MustCompile(`(\d+) records sent, ([0-9.]+) records/sec`)

// produce runs Kafka's own load generator. Records are enough for some 10 s, so
// that Java's compilation is a small part.
func (k *kafka) produce(s *session, recordBytes int) (float64, error) {
	const volume = 2 << 30
	s.settle()
	records := volume / (recordBytes + 400) // a small record costs more than its bytes
	cmd := k.java("org.apache.kafka.tools.ProducerPerformance", "--topic", "bench",
		"--num-records", strconv.Itoa(records), "--record-size", strconv.Itoa(recordBytes),
		"--throughput", "-1", "--producer-props",
		"bootstrap.servers="+k.addr, "acks=1", "batch.size=131072", "linger.ms=5")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	lines := perfRate.FindAllStringSubmatch(stdout.String(), -1)
	if len(lines) == 0 {
		return 0, fmt.Errorf("no rate in what Kafka's load generator printed:\n%s", stdout.String())
	}
	return strconv.ParseFloat(lines[len(lines)-1][2], 64)
}
