// Command peerbench puts what a Go user could pick today beside this engine: each
// writes records as fast as it can into the same directory, in turns with the
// engine, in one run. Each peer does something that the engine does not (TCP,
// acknowledgements per record) or leaves out something that the engine does; the
// table says what. It is a module of its own, so that the engine does not depend
// on its peers. It is no test and judges nobody: the settings are one choice each.
//
//	peerbench [--dir D] [--time T] [--rounds N] [--only TEXT] [--kafka JARS]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/cmd/bench/plain"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/protocol"
)

// session is what all peers of a run share.
type session struct {
	dir      string
	span     time.Duration
	kafka    string // directory of Apache Kafka's jars; "" = without
	patience measure.Patience
	fresh    int
}

// peer is one program or library with one setting.
type peer struct {
	name    string
	differs string // from the engine's path
	synced  bool   // an acknowledged record is on disk
	ours    bool   // not a peer: the engine, or the plain loop
	run     func(s *session, recordBytes int) (perSec float64, err error)
}

// The engine with one producer is what peers are compared with.
const (
	oursUnsynced = "brokerlab, 1 producer, batches of 128 KiB"
	oursSynced   = "brokerlab, 1 producer, fsync per batch of 1 MiB"
)

var peers = append([]peer{
	{name: "write(2), rolling files", differs: "no path at all: the bytes", ours: true, run: rollingWrite},
	{name: oursUnsynced, differs: "links in memory, acks per batch", ours: true, run: ours(1, false)},
	{name: "brokerlab, 2 producers, batches of 128 KiB", differs: "links in memory, acks per batch", ours: true,
		run: ours(2, false)},
	{name: "write(2) + fdatasync of 1 MiB", differs: "no path at all: the bytes", synced: true, ours: true,
		run: writeSync},
	{name: oursSynced, differs: "links in memory, acks per batch", synced: true, ours: true,
		run: ours(1, true)},
}, others...)

// sizes are the records', in bytes.
var sizes = []int{100, 1024}

func main() {
	var s session
	dir := flag.String("dir", "", "directory on the disk to measure (default: the one for temporary files)")
	only := flag.String("only", "", "peers whose name contains this, and the engine")
	rounds := flag.Int("rounds", 3, "measurements of each, in turns")
	flag.DurationVar(&s.span, "time", 1500*time.Millisecond, "time of one measurement")
	flag.StringVar(&s.kafka, "kafka", "", "directory of Apache Kafka's jars; without it, Apache Kafka is left out")
	flag.DurationVar(&s.patience.Left, "patience", time.Minute,
		"how long to wait, in all, for others to leave the processor alone")
	flag.Parse()
	if err := run(&s, *dir, *only, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "peerbench:", err)
		os.Exit(1)
	}
}

func run(s *session, dir, only string, rounds int) (err error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if s.dir, err = os.MkdirTemp(dir, "peerbench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	var chosen []peer
	for _, p := range peers {
		if strings.Contains(p.name, only) || p.ours {
			chosen = append(chosen, p)
		}
	}
	if s.kafka != "" {
		broker, err := startKafka(s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, broker.stop()) }()
		chosen = append(chosen, broker.peer())
	}
	rates := make(map[string][][]float64) // of each peer, by size
	for round := range rounds {
		for _, p := range chosen {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, rounds, p.name)
			if rates[p.name] == nil {
				rates[p.name] = make([][]float64, len(sizes))
			}
			for i, size := range sizes {
				perSec, err := p.run(s, size)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				rates[p.name][i] = append(rates[p.name][i], perSec)
			}
		}
	}
	print(chosen, rates, rounds)
	return nil
}

// print writes the table, unsynced peers first.
func print(chosen []peer, rates map[string][][]float64, rounds int) {
	for _, synced := range []bool{false, true} {
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		t.Style().Format.Header = 0
		title, base := "not synced", rates[oursUnsynced]
		if synced {
			title, base = "on disk when acknowledged", rates[oursSynced]
		}
		t.AppendHeader(table.Row{title + ", thousand records/s", "100 B", "min..max", "ahead", "1 KiB", "min..max", "ahead",
			"what it does otherwise"})
		for _, p := range chosen {
			if p.synced != synced {
				continue
			}
			row := table.Row{p.name}
			for i := range sizes {
				rate, own := measure.SpreadOf(rates[p.name][i]), measure.SpreadOf(base[i])
				row = append(row, number(rate.Median/1e3), number(rate.Min/1e3)+".."+number(rate.Max/1e3),
					number(own.Median/rate.Median))
			}
			t.AppendRow(append(row, p.differs))
		}
		fmt.Println(t.Render())
	}
	fmt.Printf("medians of %d rounds in turns; ahead: %q or %q divided by the row\n", rounds, oursUnsynced, oursSynced)
}

func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

// freshDir is an empty directory for one measurement.
func (s *session) freshDir() (string, error) {
	s.fresh++
	dir := fmt.Sprintf("%s/%d", s.dir, s.fresh)
	return dir, os.Mkdir(dir, 0o755)
}

// warmBytes is the memory that one measurement may fill.
const warmBytes = 1500 << 20

// settle waits for the machine and backs the memory that follows.
func (s *session) settle() {
	s.patience.Quiet()
	measure.Warm(warmBytes)
}

func rollingWrite(s *session, recordBytes int) (float64, error) {
	const bytes = 1 << 30
	s.settle()
	took, err := plain.RollingWrite(s.dir, bytes)
	return bytes / took.Seconds() / float64(recordBytes), err
}

func writeSync(s *session, recordBytes int) (float64, error) {
	const piece = 1 << 20
	s.settle()
	n, took, err := plain.AppendSync(s.dir, piece, s.span)
	return float64(n) * piece / took.Seconds() / float64(recordBytes), err
}

// ours is the engine's whole path, after a block that fills its pools.
func ours(producers int, synced bool) func(*session, int) (float64, error) {
	return func(s *session, recordBytes int) (perSec float64, err error) {
		const blockBytes = 512 << 20
		cfg := path.Config{Dir: s.dir, Brokers: 1, Partitions: 2 * producers, Replicas: 1, Clients: producers}
		load := path.Load{Producers: producers, Step: 1, RecordBytes: recordBytes, BatchBytes: 128 << 10,
			Acks: protocol.AcksLeader, Span: s.span, Records: int64(blockBytes / recordBytes)}
		if synced {
			load.BatchBytes = 1_000_000 // below max.request.size
			cfg.Log = func(c *commitlog.Config) { c.FlushMessages = 1 }
		}
		err = path.Run(cfg, func(c *path.Cluster) error {
			s.settle()
			if _, err := c.Produce(load); err != nil {
				return err
			}
			for i := range producers {
				if err := c.Recycle(i); err != nil {
					return err
				}
			}
			s.settle()
			load.First = producers
			got, err := c.Produce(load)
			perSec = got.PerSec()
			return err
		})
		return perSec, err
	}
}
