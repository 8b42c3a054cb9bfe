package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/results"
)

// ombPeriod is how often the OpenMessaging Benchmark samples; its charts have that as
// the step of their axis.
const ombPeriod = 10 * time.Second

// ombLatency is the aggregate of one latency.
type ombLatency struct {
	avg, max float64
	at       [6]float64
}

// ombPercentiles are those of io.openmessaging.benchmark.TestResult, with its names.
var ombPercentiles = [6]struct {
	name string
	of   float64
}{{"50pct", 50}, {"75pct", 75}, {"95pct", 95}, {"99pct", 99}, {"999pct", 99.9}, {"9999pct", 99.99}}

// ombTicks is HdrHistogram's number of steps for each halving of the distance to
// 100 % that WorkloadGenerator asks for.
const ombTicks = 100

// ombDocument is a JSON object in the order of TestResult's fields.
type ombDocument []member

func (d *ombDocument) add(name string, value any) { *d = append(*d, member{name, value}) }

// writeOMB writes TestResult of the OpenMessaging Benchmark for each cell. The
// workload is the scenario and the driver the cell's labels, since its chart script
// puts the drivers of a workload into one chart. The measured windows of repeats
// follow each other. What differs from that benchmark:
//
//   - publishLatency runs from the intended instant, not from when the generator got
//     to a record, so it includes publishDelayLatency;
//   - publishDelayLatency is known by its greatest value and the number of late
//     records: percentiles below their share are 0, others that greatest value;
//   - publishErrorRate is the mean of the repeat in each of its samples;
//   - of groups of clients, which that benchmark does not have, producers are all of
//     them together, and each group of consumers is one of its subscriptions, of which
//     consumersPerTopic is the largest.
func writeOMB(s *source) ([]File, error) {
	names := map[string]int{}
	var files []File
	for _, cell := range s.cells {
		d, err := s.omb(cell)
		if err != nil {
			return nil, err
		}
		text, err := d.encode()
		if err != nil {
			return nil, err
		}
		// The benchmark's own: workload-driver-yyyy-MM-dd-HH-mm-ss.json.
		at := s.r.Wall.Started.UTC().Format("2006-01-02-15-04-05")
		name := fmt.Sprintf("%s-%s-%s", s.r.Scenario, slug(s.driver(cell)), at)
		names[name]++
		if n := names[name]; n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		files = append(files, File{name + ".json", text})
	}
	return files, nil
}

// driver names a cell.
func (s *source) driver(cell int) string {
	var parts []string
	for _, label := range s.r.LabelNames {
		parts = append(parts, label+"="+s.r.Cells[cell].Labels[label])
	}
	return "brokerlab " + strings.Join(parts, " ")
}

func (s *source) omb(cell int) (*ombDocument, error) {
	c := &s.r.Cells[cell]
	byName := map[string][]results.Interval{}
	all, err := s.histogramsOf(cell)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		byName[h.latency] = h.intervals
	}
	d := &ombDocument{}
	d.add("workload", s.r.Scenario)
	d.add("driver", s.driver(cell))
	d.add("messageSize", int64(meanSize(c)))
	clients := clientsOf(c)
	d.add("topics", clients.topics)
	d.add("partitions", setting(c, "topic.partitions"))
	d.add("producersPerTopic", clients.producers)
	d.add("consumersPerTopic", clients.consumers)
	periods := periodsOf(c, clients.subscriptions)
	d.addRates(periods)
	d.addSeries("publishLatency", seriesOf(periods, byName[results.Produce]))
	delays := make([]ombLatency, len(periods))
	for i := range delays {
		delays[i] = delayOf(&c.Repeats[periods[i].repeat-1].Measures)
	}
	d.addSeries("publishDelayLatency", delays)
	d.addAggregate("aggregatedPublishLatency", merged(byName[results.Produce]))
	d.addAll("aggregatedPublishDelayLatency", delayOf(&c.Measures))
	d.add("aggregatedPublishLatencyQuantiles", quantiles(byName[results.Produce]))
	d.add("aggregatedPublishDelayLatencyQuantiles", delayQuantiles(&c.Measures))
	d.addSeries("endToEndLatency", seriesOf(periods, byName[results.EndToEnd]))
	d.add("aggregatedEndToEndLatencyQuantiles", quantiles(byName[results.EndToEnd]))
	d.addAggregate("aggregatedEndToEndLatency", merged(byName[results.EndToEnd]))
	return d, nil
}

// meanSize is the bytes of a record's key and value.
func meanSize(c *results.Cell) float64 {
	if c.Sent == 0 {
		return 0
	}
	return math.Round(float64(c.BytesRecords) / float64(c.Sent))
}

// setting is a number among a cell's settings; 0 where it is none.
func setting(c *results.Cell, path string) int64 {
	n, err := strconv.ParseInt(c.Config[path], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// clients are those of a cell as the benchmark counts them: of each topic.
type clients struct{ topics, producers, consumers, subscriptions int64 }

func clientsOf(c *results.Cell) (n clients) {
	for i := range c.Groups {
		switch g := &c.Groups[i]; g.Kind {
		case results.GroupProducers:
			n.producers += int64(g.Clients)
		case results.GroupConsumers:
			n.consumers, n.subscriptions = max(n.consumers, int64(g.Clients)), n.subscriptions+1
		}
	}
	if n.producers == 0 {
		n.producers = setting(c, "producers.count")
	}
	if n.subscriptions == 0 {
		n.consumers = setting(c, "consumers.count")
		n.subscriptions = min(1, n.consumers)
	}
	n.topics = max(1, setting(c, "topic.count"))
	n.producers, n.consumers = n.producers/n.topics, n.consumers/n.topics
	return n
}

// period is a sample of one repeat: rates, and the records that subscriptions had not
// consumed at its end.
type period struct {
	repeat      int // counts from 1
	start, end  float64
	acked, took float64 // records/s
	errorRate   float64
	backlog     int64
}

// periodsOf cuts the measured windows into samples; the last one of a repeat may be
// shorter.
func periodsOf(c *results.Cell, subscriptions int64) (all []period) {
	for i := range c.Repeats {
		r := &c.Repeats[i]
		var acked, consumed, length float64
		var total, taken int64
		var p *period
		whole := 0.0
		for _, second := range r.Seconds {
			whole += second.Length
		}
		for _, second := range r.Seconds {
			total, taken = total+second.Acked, taken+second.Consumed
			if !second.Measured() {
				continue
			}
			if p == nil || length >= ombPeriod.Seconds()-1e-9 {
				all = append(all, period{repeat: i + 1, start: second.At})
				p, acked, consumed, length = &all[len(all)-1], 0, 0, 0
				if whole > 0 {
					p.errorRate = float64(r.Failed) / whole
				}
			}
			acked, consumed, length = acked+float64(second.Acked), consumed+float64(second.Consumed), length+second.Length
			p.end, p.backlog = second.At+second.Length, max(0, subscriptions*total-taken)
			if length > 0 {
				p.acked, p.took = acked/length, consumed/length
			}
		}
	}
	return all
}

func (d *ombDocument) addRates(periods []period) {
	var publish, failed, consume []float64
	backlog := []int64{}
	for _, p := range periods {
		publish, failed, consume = append(publish, p.acked), append(failed, p.errorRate), append(consume, p.took)
		backlog = append(backlog, p.backlog)
	}
	d.add("publishRate", orEmpty(publish))
	d.add("publishErrorRate", orEmpty(failed))
	d.add("consumeRate", orEmpty(consume))
	d.add("backlog", backlog)
}

func orEmpty(values []float64) []float64 { return append([]float64{}, values...) }

// seriesOf summarises the intervals that begin in each period, in ms.
func seriesOf(periods []period, hs []results.Interval) []ombLatency {
	all := make([]ombLatency, len(periods))
	for i, p := range periods {
		within := slices.DeleteFunc(slices.Clone(hs), func(h results.Interval) bool {
			at := h.Start.Seconds()
			return h.Repeat != p.repeat || at < p.start-1e-3 || at >= p.end-1e-3
		})
		all[i] = aggregate(merged(within))
	}
	return all
}

func merged(hs []results.Interval) *hdrhistogram.Histogram {
	h, _ := results.Measured(hs)
	return h
}

// aggregate summarises a histogram of nanoseconds, in ms; zeros if it is empty, as
// the benchmark has them.
func aggregate(h *hdrhistogram.Histogram) (l ombLatency) {
	if h.TotalCount() == 0 {
		return l
	}
	l.avg, l.max = h.Mean()/1e6, float64(h.Max())/1e6
	for i, p := range ombPercentiles {
		l.at[i] = float64(h.ValueAtPercentile(p.of)) / 1e6
	}
	return l
}

// delayOf bounds how late records were sent, in whole us: see writeOMB.
func delayOf(m *results.Measures) (l ombLatency) {
	l.max = math.Ceil(float64(m.LateMax) / 1e3)
	share := 0.0
	if m.Sent > 0 {
		share = float64(m.Late) / float64(m.Sent)
	}
	l.avg = math.Round(share * l.max)
	for i, p := range ombPercentiles {
		if 1-p.of/100 < share {
			l.at[i] = l.max
		}
	}
	return l
}

// addSeries adds the eight lists of a latency.
func (d *ombDocument) addSeries(name string, all []ombLatency) {
	column := func(of func(ombLatency) float64) []float64 {
		values := make([]float64, len(all))
		for i, l := range all {
			values[i] = of(l)
		}
		return values
	}
	d.add(name+"Avg", column(func(l ombLatency) float64 { return l.avg }))
	for i, p := range ombPercentiles {
		d.add(name+p.name, column(func(l ombLatency) float64 { return l.at[i] }))
	}
	d.add(name+"Max", column(func(l ombLatency) float64 { return l.max }))
}

func (d *ombDocument) addAggregate(name string, h *hdrhistogram.Histogram) {
	d.addAll(name, aggregate(h))
}

// addAll adds the eight figures of a latency.
func (d *ombDocument) addAll(name string, l ombLatency) {
	d.add(name+"Avg", l.avg)
	for i, p := range ombPercentiles {
		d.add(name+p.name, l.at[i])
	}
	d.add(name+"Max", l.max)
}

// quantiles are the points of the percentile axis, by percentile, in ms.
func quantiles(hs []results.Interval) ombDocument {
	points := ombDocument{}
	h := merged(hs)
	if h.TotalCount() == 0 {
		return points
	}
	for _, b := range h.CumulativeDistributionWithTicks(ombTicks) {
		name := javaDouble(b.Quantile)
		if len(points) > 0 && points[len(points)-1].name == name {
			points = points[:len(points)-1]
		}
		points.add(name, float64(b.ValueAt)/1e6)
	}
	return points
}

func delayQuantiles(m *results.Measures) ombDocument {
	l := delayOf(m)
	points := ombDocument{}
	for i, p := range ombPercentiles {
		points.add(javaDouble(p.of), l.at[i])
	}
	points.add(javaDouble(100), l.max)
	return points
}

// javaDouble writes a number as Java's Double.toString does within 1e-3 to 1e7: with
// a fraction, always.
func javaDouble(v float64) string {
	text := number(v)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// MarshalJSON keeps the order of members.
func (d ombDocument) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (d *ombDocument) encode() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return append(text, '\n'), nil
}
