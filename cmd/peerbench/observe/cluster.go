package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// cluster is a running Apache Kafka in KRaft mode; its first node is the controller too.
type cluster struct {
	jars    string
	dir     string
	nodes   []*node
	brokers string // addresses, as bootstrap.servers takes them
}

type node struct {
	addr    string
	process *exec.Cmd
	output  *os.File
}

const (
	startMax  = 90 * time.Second
	clusterID = "MkU3OEVBNTcwNTJENDM2Qg" // any 16 bytes in base64
)

// java runs a class with the heap that Kafka's scripts give to a server.
func java(jars, class string, args ...string) *exec.Cmd {
	options := []string{"-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-cp", filepath.Join(jars, "*"), class}
	return exec.Command("java", append(options, args...)...)
}

// startCluster formats one log directory per node and starts the nodes with Kafka's
// own settings.
func startCluster(jars, parent string, count int) (_ *cluster, err error) {
	dir, err := os.MkdirTemp(parent, "kafka-")
	if err != nil {
		return nil, err
	}
	c := &cluster{jars: jars, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	ports, err := freePorts(count + 1)
	if err != nil {
		return nil, err
	}
	controller := ports[count]
	var addrs []string
	for i := range count {
		addrs = append(addrs, fmt.Sprintf("127.0.0.1:%d", ports[i]))
		if err := c.startNode(i, ports[i], controller, count); err != nil {
			return nil, err
		}
	}
	c.brokers = strings.Join(addrs, ",")
	for _, n := range c.nodes {
		if err := n.await(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) startNode(index, port, controller, count int) error {
	home := filepath.Join(c.dir, fmt.Sprint(index+1))
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	roles, listeners := "broker", fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", port)
	if index == 0 {
		roles = "broker,controller"
		listeners += fmt.Sprintf(",CONTROLLER://127.0.0.1:%d", controller)
	}
	text := fmt.Sprintf("process.roles=%s\nnode.id=%d\ncontroller.quorum.voters=1@127.0.0.1:%d\nlisteners=%s\n"+
		"controller.listener.names=CONTROLLER\nlog.dirs=%s\noffsets.topic.replication.factor=%d\n",
		roles, index+1, controller, listeners, filepath.Join(home, "logs"), count)
	file := filepath.Join(home, "server.properties")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	format := java(c.jars, "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", file)
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("format storage: %w\n%s", err, out)
	}
	output, err := os.Create(filepath.Join(home, "server.out"))
	if err != nil {
		return err
	}
	n := &node{addr: fmt.Sprintf("127.0.0.1:%d", port), output: output, process: java(c.jars, "kafka.Kafka", file)}
	n.process.Stdout, n.process.Stderr = output, output
	if err := n.process.Start(); err != nil {
		return errors.Join(err, output.Close())
	}
	c.nodes = append(c.nodes, n)
	return nil
}

// freePorts are ports that nobody listens on now.
func freePorts(count int) ([]int, error) {
	var ports []int
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// await returns when the node takes connections.
func (n *node) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", n.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(n.output.Name())
			return fmt.Errorf("a node does not listen after %v\n%s", startMax, text)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// createTopic creates the setting's topic and returns its name.
func (c *cluster) createTopic(s setting) (string, error) {
	args := []string{"--bootstrap-server", c.brokers, "--create", "--topic", s.name,
		"--partitions", fmt.Sprint(s.partitions), "--replication-factor", fmt.Sprint(s.replicas)}
	if s.flushEach {
		args = append(args, "--config", "flush.messages=1")
	}
	if s.replicas > 1 {
		args = append(args, "--config", "min.insync.replicas=2")
	}
	out, err := java(c.jars, "org.apache.kafka.tools.TopicCommand", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("create topic: %w\n%s", err, out)
	}
	return s.name, nil
}

// stop ends the nodes that it started and removes what they wrote.
func (c *cluster) stop() error {
	var errs []error
	for _, n := range c.nodes {
		if err := n.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		_ = n.process.Wait() // killed: its status says nothing
		errs = append(errs, n.output.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
