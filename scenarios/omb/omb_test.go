package omb

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/scenarios/spec"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected parts of testdata")

// Goal: what the benchmark's files ask for is asked for, and what is not the same is
// said. Method: pairs of files in testdata, "-- workload --" and "-- driver --" in one
// text, with the whole scenario or all errors behind "-- want --".
func TestTranslate(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		given, want, _ := strings.Cut(string(src), "-- want --\n")
		workload, driver, _ := strings.Cut(given, "-- driver --\n")
		got := tell(workload, driver)
		if *rewrite {
			if err := os.WriteFile(name, []byte(given+"-- want --\n"+got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// payloads are files of 200 bytes: one line, and several.
var payloads = map[string]string{
	filepath.Join("tests", "..", "payload/line.data"): strings.Repeat("x", 200),
	"/lines.data": strings.Repeat("0123456789abcdefghi\n", 10),
}

// tell translates, and reads what came of it as the program does.
func tell(workload, driver string) string {
	made, err := Translate(Files{
		Workload: Source{"tests/My load.yaml", []byte(workload)}, Driver: Source{"kafka.yaml", []byte(driver)},
		ReadPayload: func(path string) ([]byte, bool) {
			text, ok := payloads[path]
			return []byte(text), ok
		},
	})
	if err != nil {
		return err.Error() + "\n"
	}
	out := string(made.Scenario)
	if _, _, err := spec.Read(made.Name+".yaml", made.Scenario, nil); err != nil {
		out += "-- refused --\n" + err.Error() + "\n"
	}
	return out
}

// Goal: any names of files make one of a scenario that its run folder can have. Method: table.
func TestNameOf(t *testing.T) {
	for _, row := range []struct{ workload, driver, want string }{
		{"workloads/1-topic-100b.yaml", "kafka/kafka-latency.yml", "1-topic-100b-kafka-latency"},
		{"My load (2).yaml", "K.yaml", "my-load--2-k"},
		{"\u6e2c\u8a66.yaml", "\u30c9.yaml", "omb"},
		{strings.Repeat("a", 119) + "-b.yaml", "k.yaml", strings.Repeat("a", 119)},
	} {
		if got := nameOf(row.workload, row.driver); got != row.want {
			t.Errorf("%s and %s: %q", row.workload, row.driver, got)
		}
	}
}

// Goal: properties are read as java.util.Properties reads them. Method: a table from
// the documentation of its load method.
func TestProperties(t *testing.T) {
	for _, tt := range []struct{ sentence, text, want string }{
		{"Separators of all kinds.", "a=1\nb:2\nc 3\nd\t=  4\ne=\nf", "a=1 b=2 c=3 d=4 e= f="},
		{"Comments and empty lines.", "# a=1\n  ! b=2\n\n   \n c=3 # 4", "c=3 # 4"},
		{"Lines that go on.", "a=1,\\\n    2,\\\n  3\nb=4\\\\\nc=5\\", "a=1,2,3 b=4\\ c=5"},
		{"Escapes.", `a\ b\=c=d\te\u0041\ud83d\ude00\q`, "a b=c=d\teA\U0001f600q"},
		{"Line ends of other systems.", "a=1\r\nb=2\rc=3", "a=1 b=2 c=3"},
		{"The last of one name.", "a=1\nb=2\na=3", "b=2 a=3"},
		{"No hexadecimal number.", `a=\u12x4\u1`, "a=u12x4u1"},
	} {
		var got []string
		for _, p := range properties(tt.text) {
			got = append(got, p.key+"="+p.value)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sentence, diff)
		}
	}
}

// Goal: no text of properties does harm, and what is written is read back. Method:
// arbitrary texts; and what was read, written in the plainest form, again.
func FuzzProperties(f *testing.F) {
	f.Add("a=1\nb : 2\\\n 3\n#c\n\\u0041 d")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range properties(text) {
			if p.line < 1 || p.line > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
				t.Errorf("%q is in line %d", p.key, p.line)
			}
			plain := !strings.ContainsAny(p.key+p.value, "\\\r\n") && p.key == strings.TrimLeft(p.key, "#! \t\f=:") &&
				!strings.ContainsAny(p.key, "=: \t\f") && p.key != "" && p.value == strings.TrimLeft(p.value, " \t\f")
			again := properties(p.key + "=" + p.value)
			if plain && (len(again) != 1 || again[0].key != p.key || again[0].value != p.value) {
				t.Errorf("%q=%q is read as %+v", p.key, p.value, again)
			}
		}
	})
}

// Goal: no pair of files does harm; a translation is YAML of our language, and what is
// wrong in it are single values or contradictions. Method: arbitrary texts.
func FuzzTranslate(f *testing.F) {
	f.Add("name: x\ntopics: 2\npartitionsPerTopic: 1\nmessageSize: 100\nuseRandomizedPayloads: true\n"+
		"subscriptionsPerTopic: 2\nproducersPerTopic: 1\nconsumerPerSubscription: 1\nproducerRate: 5\n"+
		"testDurationMinutes: 1", "driverClass: Kafka\nreplicationFactor: 1\nproducerConfig: |\n  acks=1\n  linger.ms=5")
	f.Fuzz(func(t *testing.T, workload, driver string) {
		made, err := Translate(Files{Workload: Source{"w.yaml", []byte(workload)}, Driver: Source{"d.yaml", []byte(driver)}})
		var faults spec.Errors
		if err != nil {
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("the error is a %T", err)
			}
			return
		}
		if _, _, err := spec.Read(made.Name+".yaml", made.Scenario, nil); err != nil {
			if !errors.As(err, &faults) {
				t.Fatalf("the error is a %T", err)
			}
			for _, e := range faults {
				if strings.Contains(e.Message, "unknown") || strings.Contains(e.Message, "not YAML") || e.Path == "" {
					t.Fatalf("%v in\n%s", e, made.Scenario)
				}
			}
		}
	})
}
