package omb

import (
	"slices"
	"strconv"
	"strings"

	"brokerlab/scenarios/spec"
)

// brokersUnsaid are the brokers of a cluster, of which the files say nothing.
const brokersUnsaid = 3

// translateDriver reads what the driver asks for.
func (t *translator) translateDriver() {
	d := t.driver
	if class := d.text("driverClass", ""); class != "" && !strings.Contains(strings.ToLower(class), "kafka") {
		d.fail("driverClass", "%s is not the driver of Kafka, and this is a testbed of Kafka's mechanisms", class)
	}
	replicas := d.whole("replicationFactor", 1, 1)
	t.set("topic.replication.factor", "%d", replicas)
	t.set("cluster.brokers", "%d", max(brokersUnsaid, replicas))
	t.note("the files do not say how many brokers there are: %s", t.values["cluster.brokers"])
	// Kafka's own defaults, where ours differ.
	t.set("producers.compression.type", "none")
	t.properties("topicConfig", "topic")
	t.properties("commonConfig", "producers", "consumers")
	t.properties("producerConfig", "producers")
	t.properties("consumerConfig", "consumers")
}

// elsewhere are properties that say how to reach a cluster, or how a client behaves
// beside its data path, by the beginnings of their names.
var elsewhere = []string{
	"bootstrap.servers", "client.id", "client.rack", "client.dns.lookup", "security.", "sasl.", "ssl.", "metric",
	"auto.offset.reset", "enable.auto.commit", "auto.commit.interval.ms", "group.id", "group.instance.id",
	"group.protocol", "key.serializer", "value.serializer", "key.deserializer", "value.deserializer",
	"interceptor.classes", "default.api.timeout.ms", "connections.max.idle.ms", "reconnect.backoff",
	"send.buffer.bytes", "receive.buffer.bytes", "metadata.", "session.timeout.ms", "heartbeat.interval.ms",
	"max.poll.interval.ms", "partition.assignment.strategy", "isolation.level", "check.crcs",
	"allow.auto.create.topics", "exclude.internal.topics", "socket.connection.setup",
}

// neverValues are the numbers that Kafka has for what does not happen, and what says it here.
var neverValues = map[string]string{"9223372036854775807": "never", "-1": "unlimited"}

// properties gives the settings of sections what a properties text says.
func (t *translator) properties(name string, sections ...string) {
	at := t.driver.fields[name]
	for _, p := range properties(at.text) {
		line := at.line + p.line
		if !at.block {
			line = at.line
		}
		t.property(p, line, name, sections)
	}
}

func (t *translator) property(p property, line int, name string, sections []string) {
	where := func() string { return t.driver.name + ":" + strconv.Itoa(line) + ": " + p.key }
	if slices.ContainsFunc(elsewhere, func(begin string) bool { return strings.HasPrefix(p.key, begin) }) {
		t.note("%s is passed over: brokers and clients are of this testbed", where())
		return
	}
	if sections[0] == "topic" && p.key == "flush.ms" {
		t.note("%s=%s is passed over: brokers look for it every log.flush.scheduler.interval.ms, which is never unless "+
			"their own file says otherwise", where(), p.value)
		return
	}
	found := false
	for _, section := range sections {
		path := section + "." + p.key
		if !spec.IsSetting(path) || slices.Contains(ours, path) {
			continue
		}
		found = true
		value, err := kafkaValue(path, p.value)
		if err != nil {
			t.driver.errs = append(t.driver.errs, spec.Error{File: t.driver.name, Line: line, Column: 1,
				Path: name + "." + p.key, Message: err.Error()})
			continue
		}
		t.values[path] = value
	}
	if !found {
		t.warn("%s is a property that this testbed does not have, and is left out%s", where(), hintOf(p.key, sections))
	}
}

// ours are settings of a section that no property of Kafka is called.
var ours = []string{"producers.count", "producers.mode", "producers.compression.implementation", "consumers.count",
	"consumers.read", "consumers.start", "consumers.rate", "topic.name", "topic.count", "topic.partitions",
	"topic.replication.factor", "topic.flush.group.commit", "topic.flush.indexes", "topic.segment.recycle"}

// kafkaValue is a property's value in our notation.
func kafkaValue(path, value string) (string, error) {
	text := strings.TrimSpace(value)
	if path == "producers.partitioner.class" && strings.HasSuffix(text, ".RoundRobinPartitioner") {
		text = "RoundRobinPartitioner"
	}
	if word := neverValues[text]; word != "" {
		if canonical, err := spec.Canonical(path, word); err == nil {
			return canonical, nil
		}
	}
	return spec.Canonical(path, text)
}

// hintOf is a property of the sections that was probably meant.
func hintOf(key string, sections []string) string {
	var names []string
	for _, d := range spec.Reference() {
		for _, section := range sections {
			if name, ok := strings.CutPrefix(d.Path, section+"."); ok && !slices.Contains(ours, d.Path) {
				names = append(names, name)
			}
		}
	}
	if best := spec.DidYouMean(key, names); best != "" {
		return " (did you mean " + best + "?)"
	}
	return ""
}
