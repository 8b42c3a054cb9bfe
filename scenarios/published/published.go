// Package published holds benchmarks that others published: each row as a
// scenario file that replays it, and what was observed then. It also holds what
// Apache Kafka itself did on one of our machines in settings of that kind. It is
// data: it runs nothing and judges nothing (see scenarios/validate).
package published

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

//go:embed *.yaml observed/*.yaml
var files embed.FS

const extension = ".yaml"

// Table is one published benchmark.
type Table struct {
	ID      string   `yaml:"id"`
	Title   string   `yaml:"title"`
	Sources []string `yaml:"sources"`
	Rows    []Row    `yaml:"rows"`
}

// Row is one measurement of a benchmark.
type Row struct {
	ID          string `yaml:"id"`
	Setting     string `yaml:"setting"`      // what ran, in a few words
	RecordBytes int64  `yaml:"record-bytes"` // of a value, as published
	// Payload is the throughput as printed, with its unit; empty if it was not.
	Payload string `yaml:"payload"`
	// Like names the setting of Here that is the same as far as one machine allows.
	Like string `yaml:"like"`
	// Saturated rows were offered more than they took: their latencies are lower
	// bounds, since waits before a send that blocked are in none of them.
	Saturated bool     `yaml:"saturated"`
	Figures   []Figure `yaml:"figures"`
}

// Figure is one quantity that was observed: records/s, or milliseconds.
type Figure struct {
	Quantity   string  `yaml:"quantity"`
	Value      float64 `yaml:"value"`
	Resolution float64 `yaml:"resolution"` // step in which it was printed; 0: as it is
}

// Here is Apache Kafka observed on one of our machines.
type Here struct {
	Date     string    `yaml:"date"`
	Machine  string    `yaml:"machine"`
	Disk     string    `yaml:"disk"`
	Versions string    `yaml:"versions"`
	Notes    []string  `yaml:"notes"`
	Settings []Setting `yaml:"settings"`
}

// Setting is one run of Kafka's own producer performance tool.
type Setting struct {
	Name    string `yaml:"name"`
	Cluster string `yaml:"cluster"` // brokers, partitions, replication, flushes
	Tool    string `yaml:"tool"`    // options of the measured run
	Seconds int    `yaml:"seconds"` // of the measured run
	// Intervals are the records/s of its windows of 5 s.
	Intervals []float64 `yaml:"intervals"`
	Figures   []Figure  `yaml:"figures"`
	// Request is how batches formed, from the producer's own metrics.
	Request Request `yaml:"request"`
	// CPU is processor time per record in ns by process and thread.
	CPU map[string]float64 `yaml:"cpu-ns-per-record"`
	// Others is the share of both processors that other processes took, in percent.
	Others float64 `yaml:"others-percent"`
}

// Request is what the producer's metrics said.
type Request struct {
	Records   float64 `yaml:"records"`    // per request
	PerSec    float64 `yaml:"per-s"`      // requests
	LatencyMS float64 `yaml:"latency-ms"` // of a request
	BatchSize float64 `yaml:"batch-bytes"`
}

// Name is the name of the scenario file that replays a row of a table.
func Name(table, row string) string { return table + "-" + row }

// Names are those of all scenario files, in order.
func Names() []string {
	dir, err := files.ReadDir(".")
	if err != nil {
		panic("published: the embedded directory cannot be read: " + err.Error())
	}
	var names []string
	for _, f := range dir {
		if name, ok := strings.CutSuffix(f.Name(), extension); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Source is the text of a scenario file.
func Source(name string) ([]byte, error) { return files.ReadFile(name + extension) }

// Tables are the published benchmarks.
func Tables() ([]Table, error) {
	var all struct {
		Tables []Table `yaml:"tables"`
	}
	err := load("observed/published.yaml", &all)
	return all.Tables, err
}

// Observed is what Apache Kafka did here.
func Observed() (*Here, error) {
	here := &Here{}
	return here, load("observed/here.yaml", here)
}

func load(name string, out any) error {
	src, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	if err := yaml.Load(src, out, yaml.WithKnownFields()); err != nil {
		return fmt.Errorf("published: %s: %w", name, err)
	}
	return nil
}

// Find returns the setting of that name.
func (h *Here) Find(name string) (*Setting, bool) {
	for i := range h.Settings {
		if h.Settings[i].Name == name {
			return &h.Settings[i], true
		}
	}
	return nil, false
}

// Figure returns the value of a quantity, if it was observed.
func (s *Setting) Figure(quantity string) (float64, bool) {
	for _, f := range s.Figures {
		if f.Quantity == quantity {
			return f.Value, true
		}
	}
	return 0, false
}

// units of printed rates, in bytes. Benchmarks of Kafka print MiB/s as "MB/s":
// the files say which it is.
var units = map[string]float64{"MB/s": 1e6, "MiB/s": 1 << 20}

// BytesPerSec reads a printed rate such as "78.3 MiB/s".
func BytesPerSec(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, " ")
	factor, known := units[unit]
	if !known {
		return 0, fmt.Errorf("published: the rate %q has an unknown unit: MB/s is 10^6 bytes/s, MiB/s 2^20", text)
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("published: the rate %q is no number", text)
	}
	return v * factor, nil
}
