package omb

import (
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
	topics := w.required("topics", 1)
	partitions := w.required("partitionsPerTopic", 1)
	if all := topics * partitions; all > partitionsMax {
		w.fail("topics", "%d topics with %d partitions each are %d partitions, and a scenario has at most %d", topics,
			partitions, all, partitionsMax)
	} else {
		t.set("topic.partitions", "%d", all)
	}
	if topics > 1 {
		t.warn("%d topics of %d partitions are one topic of %d partitions here: a broker's work is by partition, but each "+
			"producer and consumer is of all topics", topics, partitions, topics*partitions)
	}
	t.clients(topics)
	t.records()
	rate := w.required("producerRate", 0)
	if rate == 0 {
		t.set("load.rate", "max")
		t.warn("producerRate 0 is full speed here: the benchmark looks for the highest rate that consumers keep up with; " +
			"to look for one that meets a goal, vary load.rate and give goals")
	} else {
		t.set("load.rate", "%d/s", rate)
		t.set("load.catch-up", "true")
		t.note("the benchmark sends what a stall delayed as soon as it can: so does load.catch-up")
	}
	test, warmup := w.required("testDurationMinutes", 1), w.whole("warmupDurationMinutes", 1, 0)
	if most := int64(durationMax / time.Minute); test+warmup > most {
		w.fail("testDurationMinutes", "%d minutes with the warm-up are more than a scenario's %d", test+warmup, most)
		return
	}
	t.set("load.warmup", "%dm", warmup)
	t.set("load.duration", "%dm", test+warmup)
	if warmup == 0 {
		t.set("load.warmup", "0s")
	}
	t.backlog(rate, test, warmup)
}

// clients are the producers and the subscriptions of all topics.
func (t *translator) clients(topics int64) {
	w := t.workload
	producers := w.required("producersPerTopic", 1) * topics
	if producers > clientsMax {
		t.warn("%d producers are %d here: a scenario has no more; the rate is that of all together", producers, clientsMax)
		producers = clientsMax
	}
	t.set("producers.count", "%d", producers)
	groups := w.required("subscriptionsPerTopic", 0)
	count := w.whole("consumerPerSubscription", 0, 0) * topics
	if count > clientsMax {
		t.warn("%d consumers of a subscription are %d here: a scenario has no more", count, clientsMax)
		count = clientsMax
	}
	if all := topics * w.whole("partitionsPerTopic", 1, 1); count > all {
		t.note("%d of %d consumers of a subscription would have no partition, and are left out", count-all, count)
		count = all
	}
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
	}
	t.set("records.size", "%d", size)
	path := w.text("payloadFile", "")
	faults = len(w.errs)
	if w.flag("useRandomizedPayloads") {
		t.randomized(size)
		return
	}
	if path == "" && len(w.errs) == faults {
		w.fail("payloadFile", "is missing, and useRandomizedPayloads is not true: there is nothing to send")
		return
	}
	tried := []string{path}
	if !filepath.IsAbs(path) {
		folder := filepath.Dir(t.files.Workload.Name)
		tried = append(tried, filepath.Join(folder, path), filepath.Join(folder, "..", path))
	}
	for _, at := range tried {
		if t.files.Exists != nil && t.files.Exists(at) {
			delete(t.values, "records.size")
			t.set("records.payload", "file:%s", filepath.ToSlash(at))
			t.set("records.file.format", "lines")
			t.note("every message is the content of payloadFile there, whose size must be messageSize; here a record is a " +
				"line of it")
			return
		}
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
	length := min(durationMax, time.Duration(test+warmup)*time.Minute+(2*build).Round(time.Second))
	t.set("load.duration", "%s", length)
	t.set("load.read.limit", "%s", min(durationMax, 10*time.Minute+4*build.Round(time.Second)))
	t.note("consumers begin when the backlog is built, which takes %s at this rate, and producers go on; the benchmark "+
		"goes on for testDurationMinutes after the backlog was read, and this run ends", build.Round(time.Second))
}
