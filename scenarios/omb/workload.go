package omb

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

// Limits of what a scenario takes (scenarios/spec).
const (
	clientsMax    = 1000
	partitionsMax = 100_000
	groupsMax     = 100
	durationMax   = 24 * time.Hour
	sizeMin       = 24
)

// keysOf are key distributors by their names; each has 10,000 keys of 10 characters
// there (KeyDistributor.java).
var keysOf = map[string]string{"NO_KEY": "none", "KEY_ROUND_ROBIN": "sequential 10000", "RANDOM_NANO": "uniform 10000"}

// translateWorkload reads what the workload asks for.
func (t *translator) translateWorkload() {
	w := t.workload
	t.clients(t.topics())
	t.records()
	rate := w.required("producerRate", 0)
	if rate == 0 {
		t.set("load.rate", "sustainable")
		t.set("load.catch-up", "true")
		t.note("producerRate 0 looks for the highest rate that brokers and consumers keep up with: so does load.rate " +
			"sustainable, in the warm-up, and then holds it. The benchmark goes on changing it, every 3 s, and its figures " +
			"are " +
			"of all that it tried. What a stall delayed is sent as soon as it can be, there and here")
	} else {
		t.set("load.rate", "%d/s", rate)
		t.set("load.catch-up", "true")
		t.note("the benchmark sends what a stall delayed as soon as it can: so does load.catch-up. Latency here counts " +
			"from when a record was due: the benchmark's publishDelayLatency and publishLatency together")
	}
	test, warmup := w.required("testDurationMinutes", 1), w.whole("warmupDurationMinutes", 1, 0)
	if most := int64(durationMax / time.Minute); test+warmup > most {
		w.fail("testDurationMinutes", "%d minutes with the warm-up are more than a scenario's %d", test+warmup, most)
		return
	}
	if rate == 0 && warmup == 0 {
		warmup = 1
		t.note("the search for the rate takes a minute of warm-up, which the benchmark has within its test")
	}
	t.set("load.warmup", "%dm", warmup)
	t.set("load.duration", "%dm", test+warmup)
	if warmup == 0 {
		t.set("load.warmup", "0s")
	}
	t.backlog(rate, test, warmup)
}

// topics are as many as there, unless there are more than producers here, each of which
// writes to one. It returns how many there are and of how many topics each stands.
func (t *translator) topics() (count, each int64) {
	w := t.workload
	topics, partitions := w.required("topics", 1), w.required("partitionsPerTopic", 1)
	if topics > partitionsMax/partitions {
		w.fail("topics", "%d topics with %d partitions each are more partitions than the %d that a scenario has at most",
			topics, partitions, partitionsMax)
		return 1, 1
	}
	each = 1
	for topics/each > clientsMax || topics%each != 0 {
		each++
	}
	count = topics / each
	if each > 1 {
		t.warn("%d topics of %d partitions are %d topics of %d partitions here, since a scenario has no more than %d "+
			"producers, each of which writes to one topic: its batches are for %d times as many partitions", topics, partitions,
			count, each*partitions, clientsMax, each)
	}
	if count > 1 {
		t.set("topic.count", "%d", count)
	}
	t.set("topic.partitions", "%d", each*partitions)
	return count, each
}

// clients are the producers and the subscriptions of all topics, each of which stands
// for several.
func (t *translator) clients(topics, each int64) {
	w := t.workload
	most := clientsMax / topics // of each
	if producers := w.required("producersPerTopic", 1) * each; producers > most {
		t.warn("%d producers are %d here: a scenario has no more; the rate is that of all together", producers*topics,
			most*topics)
		t.set("producers.count", "%d", most*topics)
	} else {
		t.set("producers.count", "%d", producers*topics)
	}
	groups := w.required("subscriptionsPerTopic", 0)
	asked := w.whole("consumerPerSubscription", 0, 0)
	consumers := min(asked, w.whole("partitionsPerTopic", 1, 1))
	if asked > consumers && groups > 0 {
		t.note("%d of the %d consumers of each topic and subscription would have no partition, and are left out",
			asked-consumers, asked)
	}
	if consumers *= each; consumers > most {
		t.warn("%d consumers of a subscription are %d here: a scenario has no more", consumers*topics, most*topics)
		consumers = most
	}
	count := consumers * topics
	if groups == 0 {
		count = 0
	}
	t.set("consumers.count", "%d", count)
	switch {
	case groups > groupsMax:
		w.fail("subscriptionsPerTopic", "%d subscriptions are more groups of consumers than the %d of a scenario", groups,
			groupsMax)
	case groups > 1 && count > 0:
		for i := range groups {
			t.groups = append(t.groups, fmt.Sprintf("sub-%03d", i))
		}
	}
}

// records are size, content and keys.
func (t *translator) records() {
	w := t.workload
	faults := len(w.errs)
	size := w.required("messageSize", 1)
	if size < sizeMin && len(w.errs) == faults {
		w.fail("messageSize", "%d bytes are too few: a record here has %d at least, which say who sent it and when", size,
			sizeMin)
	}
	distributor := w.text("keyDistributor", "NO_KEY")
	key, ok := keysOf[distributor]
	if !ok {
		t.warn("keyDistributor %s is not one of NO_KEY, KEY_ROUND_ROBIN and RANDOM_NANO: records have no keys, as there",
			distributor)
		key = "none"
	}
	if key != "none" {
		t.set("records.key", "%s", key)
		t.note("keys have 8 characters (key-0000), and 10 in the benchmark, which each of its load threads gives to the " +
			"producers that it has")
	}
	t.set("records.size", "%d", size)
	faults = len(w.errs)
	if w.flag("useRandomizedPayloads") {
		t.randomized(size)
	} else if len(w.errs) == faults {
		t.payloadFile(size)
	}
}

// payloadFile is the one message that is sent again and again.
func (t *translator) payloadFile(size int64) {
	w := t.workload
	path := w.text("payloadFile", "")
	if path == "" {
		w.fail("payloadFile", "is missing, and useRandomizedPayloads is not true: there is nothing to send")
		return
	}
	tried := []string{path}
	if !filepath.IsAbs(path) {
		folder := filepath.Dir(t.files.Workload.Name)
		tried = append(tried, filepath.Join(folder, path), filepath.Join(folder, "..", path))
	}
	for _, at := range tried {
		text, ok := t.files.readPayload(at)
		if !ok {
			continue
		}
		if int64(len(text)) != size {
			w.fail("payloadFile", "%s has %d bytes, and messageSize is %d: the benchmark refuses it too", at, len(text), size)
			return
		}
		delete(t.values, "records.size")
		t.set("records.payload", "file:%s", filepath.ToSlash(at))
		t.set("records.file.format", "lines")
		if lines := bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n")) + 1; lines > 1 || text[len(text)-1] == '\n' {
			t.warn("payloadFile %s has %d lines, each of which is a record here, without its line end: the benchmark sends all "+
				"of the file as one message", at, lines)
		}
		return
	}
	t.set("records.payload", "random")
	t.warn("payloadFile %s was not found: records are %d random bytes, which do not compress; the benchmark's own files "+
		"are one message that repeats, which compresses as nothing real does", path, size)
}

// randomized are payloads of which a part is random and the rest zeros.
func (t *translator) randomized(size int64) {
	w := t.workload
	ratio, pool := w.share("randomBytesRatio", 0), w.whole("randomizedPayloadPoolSize", 0, 0)
	switch percent := int(math.Round(100 * (1 - ratio))); percent {
	case 100:
		t.set("records.payload", "zeros")
	default:
		t.set("records.payload", "random")
		if percent > 0 {
			t.set("records.zeros", "%d%%", percent)
		}
	}
	if pool > 0 {
		t.note("the benchmark sends %d randomized payloads over and over, which a batch of more than these %d bytes would "+
			"find; here no two are alike", pool, pool*size)
	}
}

// backlog is a load that builds a backlog first, which consumers then read.
func (t *translator) backlog(rate, test, warmup int64) {
	w := t.workload
	size := w.whole("consumerBacklogSizeGB", 0, 0)
	ratio := w.share("backlogDrainRatio", 1)
	if size == 0 {
		return
	}
	if rate == 0 {
		w.fail("consumerBacklogSizeGB", "a backlog needs a producerRate above 0, in the benchmark too")
		return
	}
	groups := max(1, w.whole("subscriptionsPerTopic", 1, 0))
	after := max(1, size<<30/groups) // it counts the backlogs of all subscriptions together
	t.set("consumers.read", "backlog")
	t.set("load.read.after", "%d", after)
	t.set("load.read.rate", "same")
	t.set("load.read.ratio", "%d%%", max(1, int(math.Round(100*ratio))))
	build := time.Duration(float64(after) / float64(rate*w.whole("messageSize", 1, 1)) * float64(time.Second))
	if time.Duration(warmup)*time.Minute > build*3/4 {
		t.set("load.warmup", "%s", (build / 2).Round(100*time.Millisecond))
		t.warn("the warm-up is cut to half of the %s in which the backlog is built: here it is part of the backlog, and the "+
			"benchmark's consumers read it before", build.Round(time.Second))
	}
	length := min(durationMax, time.Duration(test+warmup)*time.Minute+(2*build).Round(time.Second))
	t.set("load.duration", "%s", length)
	t.set("load.read.limit", "%s", min(durationMax, 10*time.Minute+4*build.Round(time.Second)))
	t.note("consumers begin when the backlog is built, which takes %s at this rate, and producers go on; the benchmark "+
		"goes on for testDurationMinutes after the backlog was read, and this run ends", build.Round(time.Second))
}
