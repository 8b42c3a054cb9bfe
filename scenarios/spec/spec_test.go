package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Goal: texts that cannot stand in a script are refused with a place as well.
// Method: table of sources and the whole text of the error.
func TestParseSources(t *testing.T) {
	tests := []struct {
		sentence, file, src, want string
	}{
		{"An empty file.", "a.yaml", "", "a.yaml:1:1: is empty: a scenario has at least one setting"},
		{"Comments alone.", "a.yaml", "# hello\n", "a.yaml:1:1: is empty: a scenario has at least one setting"},
		{"An empty document.", "a.yaml", "---\n", "a.yaml:1:1: is empty: a scenario has at least one setting"},
		{"Latin-1 in line 2.", "a.yaml", "seed: 1\ntitle: x\xe9\n", "a.yaml:2:9: is not UTF-8"},
		{"UTF-16.", "a.yaml", "\xff\xfes\x00", "a.yaml:1:1: is not UTF-8"},
		{"A control character.", "a.yaml", "title: \x01\n",
			"a.yaml:1:8: is not YAML: control characters are not allowed (value: 1)"},
		{"Columns count characters, not bytes.", "a.yaml", "{title: \u00e9\u00e9, sed: 1}", "a.yaml:1:13: sed: " +
			"unknown setting (did you mean seed?)"},
		{"A very long file.", "a.yaml", strings.Repeat("#", sourceBytesMax+1), "a.yaml:1:1: is longer than 1048576 bytes"},
		{"A name with capitals.", "dir/My Test.yaml", "seed: 1",
			`dir/My Test.yaml:1:1: name: "My Test" is not a scenario's name: name the file with a-z, 0-9 and - only`},
		{"No name at all.", "dir/.yaml", "seed: 1", "dir/.yaml:1:1: name: the file has no name"},
		{"A long title.", "a.yaml", "title: " + strings.Repeat("x", 201),
			"a.yaml:1:8: title: is 201 characters long; at most 200 fit"},
		{"Too many choices.", "a.yaml", "vary: {topic.partitions: [" + strings.Repeat("1,", choicesMax) + "1]}",
			"a.yaml:1:26: vary.topic.partitions: has 101 choices; at most 100 fit"},
	}
	for _, tt := range tests {
		f, err := Parse(tt.file, []byte(tt.src))
		if err == nil || f != nil {
			t.Errorf("%s no error, file %v", tt.sentence, f)
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sentence, diff)
		}
	}
}

// Goal: files that are unusual and right are read. Method: table of sources
// and one setting of each.
func TestParseGood(t *testing.T) {
	tests := []struct {
		sentence, src string
		got           func(*Scenario) any
		want          any
	}{
		{"The title is the name by default.", "seed: 2", func(s *Scenario) any { return s.Title }, "a-1"},
		{"The name is the file's.", "seed: 2", func(s *Scenario) any { return s.Name }, "a-1"},
		{"A byte order mark is skipped.", "\ufeffseed: 3", func(s *Scenario) any { return s.Seed }, uint64(3)},
		{"Line ends of another system.", "seed: 3\r\nrepeat: 4\r\n", func(s *Scenario) any { return s.Repeat }, 4},
		{"An explicit end.", "seed: 3\n...\n", func(s *Scenario) any { return s.Seed }, uint64(3)},
		{"The largest seed.", "seed: 18446744073709551615", func(s *Scenario) any { return s.Seed }, uint64(1<<64 - 1)},
		{"A folded question is one line.", "question: >\n  a\n  b\n", func(s *Scenario) any { return s.Question }, "a b"},
		{"JSON is YAML.", `{"load": {"rate": "2/s"}}`, func(s *Scenario) any { return s.Load.Rate }, 2.0},
		{"Kafka's -1.", "producers: {acks: -1}", func(s *Scenario) any { return s.Producers.Acks }, "all"},
		{"A negative level.", "producers: {compression.zstd.level: -5}",
			func(s *Scenario) any { return s.Producers.ZstdLevel }, -5},
		{"flush.ms never, in words.", "topic: {flush.ms: never}",
			func(s *Scenario) any { return s.Topic.FlushMs }, time.Duration(0)},
	}
	for _, tt := range tests {
		f, err := Parse("some/dir/a-1.yaml", []byte(tt.src))
		if err != nil {
			t.Errorf("%s %v", tt.sentence, err)
			continue
		}
		if got := tt.got(&f.Base); got != tt.want {
			t.Errorf("%s got %v, want %v", tt.sentence, got, tt.want)
		}
	}
}

// Goal: an override that fails leaves the file as it was. Method: compare the
// canonical text before and after a failing one of each kind.
func TestSetFailsWhole(t *testing.T) {
	f, err := Parse("a.yaml", []byte("vary: {load: {a: {load.rate: max, load.duration: 5s}, b: {load.rate: 1/s}}}"))
	if err != nil {
		t.Fatal(err)
	}
	before := string(Marshal(f))
	for _, set := range [][2]string{
		{"load.rat", "1/s"}, {"load.rate", "1"}, {"load.rate", "1/s,1/s"}, {"vary.load", "c"}, {"vary.load", "a,a"},
		{"vary.lod", "a"}, {"producers.acks", strings.Repeat("1,", 200)}, {"disk", "sim,"}, {"", ""}, {"vary.", ""},
	} {
		if err := f.Set(set[0], set[1]); err == nil {
			t.Errorf("Set(%q, %q) did not fail", set[0], set[1])
		}
		if diff := cmp.Diff(before, string(Marshal(f))); diff != "" {
			t.Errorf("Set(%q, %q) changed the file (-before +after):\n%s", set[0], set[1], diff)
		}
	}
}

// Goal: cells share nothing that one of them could change. Method: write to one
// cell's list of disks and look at the others and the base.
func TestCellsAreApart(t *testing.T) {
	f, err := Parse("a.yaml", []byte("disk: sim\nvary: {producers.acks: [0, 1]}"))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	cells[0].Scenario.Disks[0] = "dir:x"
	if cells[1].Scenario.Disks[0] != "sim" || f.Base.Disks[0] != "sim" {
		t.Errorf("disks are shared: %v, base %v", cells[1].Scenario.Disks, f.Base.Disks)
	}
}

// Goal: the language covers every field of Scenario once. Method: count its
// leaves by reflection, and set each setting to another value than its default.
func TestSettingsCoverScenario(t *testing.T) {
	leaves := 0
	var count func(reflect.Type)
	count = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i).Type
			oneSetting := f == reflect.TypeFor[Sizes]() || f == reflect.TypeFor[Keys]()
			switch {
			case f.Kind() == reflect.Struct && !oneSetting:
				count(f)
			case f != reflect.TypeFor[[]Group]():
				leaves++
			}
		}
	}
	count(reflect.TypeFor[Scenario]())
	if leaves-1 != len(settings) { // the name is the file's
		t.Errorf("Scenario has %d fields that a file can set, and the language %d settings", leaves-1, len(settings))
	}
	for i := range settings {
		st := &settings[i]
		s := Default("a")
		for _, text := range candidates(st) {
			if err := st.parse(&s, text); err != nil {
				t.Fatal(err)
			}
			if st.format(&s) != text {
				t.Errorf("%s: %s is written as %s", st.path, text, st.format(&s))
			}
		}
		changed := Default("a")
		if err := st.parse(&changed, candidates(st)[0]); err != nil {
			t.Fatal(err)
		}
		for j := range settings {
			other, plain := &settings[j], Default("a")
			if j != i && other.format(&changed) != other.format(&plain) {
				t.Errorf("%s changes %s", st.path, other.path)
			}
		}
		if s := Default("a"); cmp.Equal(s, changed) {
			t.Errorf("%s changes nothing", st.path)
		}
	}
}

// candidates are canonical texts that a setting takes, the first of them other
// than its default.
func candidates(st *setting) []string {
	defaults := Default("a")
	var out []string
	for _, text := range []string{
		"12", "77", "3s", "12KiB", "16384B", "random", "true", "false", "sync",
		"none", "zstd", "0", "1", "all", "never", "max",
		"unlimited", "123/s", "0.5/s", "7MB/s", "10Gbit/s", "70ms", "sim", "dir:/x y#z", "sim,dir:a", "a.b-C_9",
		"golang", "standard", "RoundRobinPartitioner", "cold", "xfs", "7%", "0.003%", "./a b.yaml", "modelled",
		"hdd-7200,nvme,./mine.yaml", "1gbe", "kafka-jvm", "poisson", "100/s for 3s then 0/s then 0.5/s", "./a b.csv", "stop",
		"uniform 100 to 4KiB", "file:./a b.jsonl", "like x.jsonl",
		"log-normal mean 1000 sigma 1.50 max 64KiB", "empirical ./sizes.csv", "zipf 1000 exponent 0.99", "lines",
		"sequential", "sequential 12", "field a.b", "column 3", "column 2 by tab", "uniform 12",
		"What: \"this\" 'and' - that? #1", "null", "010", "-1", "-7", "1GiB", "yes", "{a}",
		"\u00e9\u4e16",
	} {
		canonical, err := st.canonical(text)
		if err == nil && canonical != st.format(&defaults) && !slices.Contains(out, canonical) {
			out = append(out, canonical)
		}
	}
	return out
}

// Goal: the defaults run, and are those of Kafka 4.1 where it has them. Method:
// expand an empty scenario, and compare with Kafka's documentation.
func TestDefaults(t *testing.T) {
	s := Default("a")
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	kafka := map[string]string{
		"replica.fetch.max.bytes": "1048576", "replica.fetch.wait.max.ms": "500", "replica.fetch.min.bytes": "1",
		"num.replica.fetchers": "1", "replica.lag.time.max.ms": "30000", "broker.heartbeat.interval.ms": "2000",
		"broker.session.timeout.ms": "9000", "num.io.threads": "8",
		"num.network.threads": "3",
		"queued.max.requests": "500", "socket.request.max.bytes": "104857600", "auto.leader.rebalance.enable": "true",
		"leader.imbalance.check.interval.seconds": "300", "unclean.leader.election.enable": "false",
		"min.insync.replicas": "1",
		"segment.bytes":       "1073741824", "index.interval.bytes": "4096", "max.message.bytes": "1048588",
		"acks": "all", "batch.size": "16384", "linger.ms": "5", "buffer.memory": "33554432", "max.block.ms": "60000",
		"max.in.flight.requests.per.connection": "5", "max.request.size": "1048576", "compression.gzip.level": "-1",
		"compression.lz4.level": "9", "compression.zstd.level": "3", "request.timeout.ms": "30000",
		"fetch.min.bytes": "1", "fetch.max.wait.ms": "500", "fetch.max.bytes": "52428800",
		"max.partition.fetch.bytes": "1048576", "max.poll.records": "500",
	}
	for _, doc := range Reference() {
		_, name := splitPath(doc.Path)
		want, ok := kafka[name]
		if !ok {
			continue
		}
		canonical, err := settingByPath[doc.Path].canonical(want)
		if err != nil || canonical != doc.Default {
			t.Errorf("%s: default %s, Kafka has %s (%v)", doc.Path, doc.Default, want, err)
		}
		delete(kafka, name)
	}
	if len(kafka) > 0 {
		t.Errorf("settings are missing: %v", kafka)
	}
}

// Goal: Validate says what Cells says. Method: one contradiction.
func TestValidate(t *testing.T) {
	s := Default("a")
	s.Topic.ReplicationFactor = 4
	const want = "a: topic.replication.factor: replication.factor 4 needs as many brokers, and there are 3"
	if err := s.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Goal: settings that are said to be missing are. Method: look them up.
func TestNotHere(t *testing.T) {
	for i := range settings {
		if slices.Contains(notHere, settings[i].name()) {
			t.Errorf("%s is here", settings[i].path)
		}
	}
}

// Goal: near names are found and far ones are not. Method: table.
func TestDidYouMean(t *testing.T) {
	names := []string{"quickstart", "codecs", "flush-policies", "sync-vs-async"}
	tests := []struct{ sentence, name, want string }{
		{"A letter is missing.", "quikstart", "quickstart"},
		{"Two letters are swapped.", "cdoecs", "codecs"},
		{"Capitals.", "Codecs", "codecs"},
		{"One word for two.", "flushpolicies", "flush-policies"},
		{"Nothing like it.", "throughput", ""},
		{"Nothing at all.", "", ""},
		{"A very long name costs nothing.", strings.Repeat("quickstart", 1000), ""},
	}
	for _, tt := range tests {
		if got := DidYouMean(tt.name, names); got != tt.want {
			t.Errorf("%s got %q, want %q", tt.sentence, got, tt.want)
		}
	}
}

// Goal: the edit distance is the one of its definition. Method: all short words
// over two letters against the recursive definition.
func TestEditDistance(t *testing.T) {
	words := []string{""}
	for i := 0; len(words[i]) < 4; i++ {
		words = append(words, words[i]+"a", words[i]+"b")
	}
	for _, a := range words {
		for _, b := range words {
			if got, want := editDistance(a, b), slowDistance(a, b); got != want {
				t.Fatalf("editDistance(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	i, j := len(a)-1, len(b)-1
	best := min(slowDistance(a[:i], b), slowDistance(a, b[:j])) + 1
	last := slowDistance(a[:i], b[:j])
	if a[i] != b[j] {
		last++
	}
	best = min(best, last)
	if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
		best = min(best, slowDistance(a[:i-1], b[:j-1])+1)
	}
	return best
}

// Goal: results can keep every setting under its path. Method: look at the
// order and at some values.
func TestSettings(t *testing.T) {
	s := Default("a")
	var lines []string
	for _, st := range s.Settings() {
		lines = append(lines, st.Path+"="+st.Value)
	}
	got := fmt.Sprint(lines[:4], " ", len(lines), " ", lines[len(lines)-1])
	const want = "[seed=1 repeat=1 disk=dir:results/data cluster.brokers=3] 121 network.in-flight=4MiB"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
