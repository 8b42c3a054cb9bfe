package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
)

// Records describes what is sent.
type Records struct {
	Size    Sizes  // size of the value in bytes; auto: 1 KiB, or as a file has it
	Payload string // payload: json-logs, access-log, metrics, chat, random, zeros, modelled or file:PATH; json-logs
	Format  string // file.format: how the user's file is to be read; auto
	Corpus  string // corpus: what modelled payloads stand for; json-logs
	Key     Keys   // key; none
	Zeros   int    // zeros: percent of random values, at their end; 0
}

// PayloadModelled is the payload of records that have sizes only.
const PayloadModelled = "modelled"

// payloadFile is what the payload of records from a user's file begins with.
const payloadFile = "file:"

// SampleFile is the path of the user's file that holds the records, and whether
// there is one.
func (r *Records) SampleFile() (path string, ok bool) {
	return strings.CutPrefix(r.Payload, payloadFile)
}

// Sizes is how large records are.
type Sizes struct {
	Kind  SizeKind
	Min   int64   // of SizeUniform, in bytes
	Max   int64   // of SizeUniform and SizeLogNormal, in bytes; of SizeFixed the size
	Mean  int64   // of SizeLogNormal, in bytes
	Sigma float64 // of SizeLogNormal
	File  string  // of SizeEmpirical and SizeLike
}

// SizeKind is how sizes are distributed.
type SizeKind string

// The kinds of sizes.
const (
	SizeAuto      SizeKind = "" // sizeDefault, or those of the user's file
	SizeFixed     SizeKind = "fixed"
	SizeUniform   SizeKind = "uniform"
	SizeLogNormal SizeKind = "log-normal"
	SizeEmpirical SizeKind = "empirical" // a list of sizes with weights
	SizeLike      SizeKind = "like"      // the sizes of the records in a file
)

// sizeDefault is the size of records that nobody gave one.
const sizeDefault = 1 << 10

// FixedSize is one size of all records.
func FixedSize(bytes int64) Sizes { return Sizes{Kind: SizeFixed, Max: bytes} }

// MaxBytes is the largest value that there may be; 0: a file tells.
func (r *Records) MaxBytes() int64 {
	if _, ok := r.SampleFile(); ok || r.Size.File != "" {
		return 0
	}
	if r.Size.Kind == SizeAuto {
		return sizeDefault
	}
	return r.Size.Max
}

// MeanBytes is the mean size of a value; 0: a file tells.
func (r *Records) MeanBytes() float64 {
	switch r.Size.Kind {
	case SizeUniform:
		return float64(r.Size.Min+r.Size.Max) / 2
	case SizeLogNormal:
		if s, err := r.Size.logNormal(); err == nil {
			return s.Mean()
		}
	}
	return float64(r.MaxBytes())
}

func (s *Sizes) logNormal() (*payload.Sizes, error) {
	return payload.LogNormal(payload.LogNormalConfig{Mean: float64(s.Mean), Sigma: s.Sigma, Min: recordBytesMin,
		Max: int(s.Max)})
}

// Settled has what auto stands for, where no file tells.
func (r Records) Settled() Records {
	if _, ok := r.SampleFile(); !ok && r.Size.Kind == SizeAuto {
		r.Size = FixedSize(sizeDefault)
	}
	return r
}

var (
	recordSize = within(size, recordBytesMin, kafkaIntMax)
	ratio      = decimal(payload.SigmaMin, payload.SigmaMax)
)

const sizesHint = `write a size as 1KiB, "uniform 100 to 4KiB", "log-normal mean 1KiB sigma 1 max 64KiB", ` +
	`"empirical ./sizes.csv" or "like ./sample.jsonl"`

// sizes notates how large records are.
var sizes = notation[Sizes]{
	parse: func(text string) (Sizes, error) {
		word, rest, _ := strings.Cut(text, " ")
		s := Sizes{Kind: SizeKind(word)}
		var err error
		switch s.Kind {
		case wordAuto:
			if rest == "" {
				return Sizes{}, nil
			}
			return Sizes{}, notA(text, "a size", sizesHint)
		case SizeUniform:
			err = words(text, rest, arg("", recordSize, &s.Min), arg("to", recordSize, &s.Max))
			if err == nil && s.Min > s.Max {
				err = fmt.Errorf("%q has its limits the wrong way round", text)
			}
		case SizeLogNormal:
			err = words(text, rest, arg("mean", recordSize, &s.Mean), arg("sigma", ratio, &s.Sigma),
				arg("max", recordSize, &s.Max))
			if err == nil {
				if _, wrong := s.logNormal(); wrong != nil {
					err = fmt.Errorf("%q: %s", text, strings.TrimPrefix(wrong.Error(), "payload: "))
				}
			}
		case SizeEmpirical, SizeLike:
			s.File, err = rest, checkFile(rest)
		default:
			if word != text || word == "" || unicode.IsLetter([]rune(word)[0]) {
				return Sizes{}, fmt.Errorf("%q is not a size%s: %s", text, didYouMean(word, []string{string(SizeUniform),
					string(SizeLogNormal), string(SizeEmpirical), string(SizeLike), wordAuto}), sizesHint)
			}
			s = FixedSize(0)
			s.Max, err = recordSize.parse(text)
		}
		return s, err
	},
	format: func(s Sizes) string {
		switch s.Kind {
		case SizeAuto:
			return wordAuto
		case SizeUniform:
			return fmt.Sprintf("%s %s to %s", s.Kind, formatBytes(s.Min), formatBytes(s.Max))
		case SizeLogNormal:
			return fmt.Sprintf("%s mean %s sigma %s max %s", s.Kind, formatBytes(s.Mean), ratio.format(s.Sigma),
				formatBytes(s.Max))
		case SizeEmpirical, SizeLike:
			return string(s.Kind) + " " + s.File
		}
		return formatBytes(s.Max)
	},
	shape: &shape{words: []string{wordAuto}, number: numberWhole, low: recordSize.shape.low, high: recordSize.shape.high,
		pattern: `^([0-9]+(\.[0-9]+)?([kKMGT]?B|[KMGT]iB)?|(uniform|log-normal|empirical|like) .+)$`},
}

// payloads notates what records hold.
var payloads = func() notation[string] {
	n := oneOf(append(payloadNames(), PayloadModelled)...)
	n.shape = &shape{words: n.shape.words, pattern: "^" + payloadFile}
	inner := n.parse
	n.parse = func(text string) (string, error) {
		if path, ok := strings.CutPrefix(text, payloadFile); ok {
			return text, checkFile(path)
		}
		v, err := inner(text)
		switch {
		case err == nil:
		case strings.ContainsAny(text, `/\`) || strings.HasPrefix(text, "."):
			err = fmt.Errorf("%q is not a payload: write file:%s for the records of a file", text, text)
		default:
			err = fmt.Errorf("%w; or write file:PATH", err)
		}
		return v, err
	}
	return n
}()

// payloadNames are those that are built in.
func payloadNames() []string {
	var names []string
	for _, kind := range payload.Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// checkFile says what is wrong with the path of a file with records or sizes.
func checkFile(name string) error {
	if name == "" || strings.TrimSpace(name) != name || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%q is not a path that a scenario can name", name)
	}
	return nil
}

// Keys is which keys records have.
type Keys struct {
	Kind     string // of workloads/keys, or KeyField or KeyColumn
	Count    int64
	Exponent float64 // of Zipf's law
	Path     string  // of KeyField
	Column   int     // of KeyColumn, from 1
	Divider  string  // of KeyColumn: space, comma or tab
}

// Kinds of keys that a record's content tells.
const (
	KeyField  = "field"  // of a JSON object
	KeyColumn = "column" // of a line
)

const (
	columnMax = 10_000
	keysHint  = `write none, "uniform 1000", "zipf 1000000 exponent 0.99", sequential, "sequential 1000", ` +
		`"field user.id", "column 3" or "column 3 by comma"`
)

var (
	dividers = []string{"space", "comma", "tab"}
	keyCount = within(integer[int64](), 1, keys.CountMax)
	exponent = decimal(0, keys.ExponentMax)
)

// Bytes is the length of a key; of one that the content tells 0.
func (k *Keys) Bytes() int64 {
	if k.Kind == KeyField || k.Kind == KeyColumn {
		return 0
	}
	cfg := keys.Config{Kind: keys.Kind(k.Kind), Count: uint64(k.Count)}
	return int64(cfg.Bytes())
}

// recordKeys notates keys.
var recordKeys = notation[Keys]{
	parse: func(text string) (Keys, error) {
		word, rest, more := strings.Cut(text, " ")
		k := Keys{Kind: word}
		var err error
		switch word {
		case string(keys.None):
			if more {
				err = notA(text, "a key", keysHint)
			}
		case string(keys.Uniform):
			err = words(text, rest, arg("", keyCount, &k.Count))
		case string(keys.Zipf):
			err = words(text, rest, arg("", keyCount, &k.Count), arg("exponent", exponent, &k.Exponent))
		case string(keys.Sequential):
			if more {
				err = words(text, rest, arg("", keyCount, &k.Count))
			}
		case KeyField:
			k.Path = rest
			err = keys.CheckPath(rest)
		case KeyColumn:
			number := arg("", within(integer[int](), 1, columnMax), &k.Column)
			if k.Divider = dividers[0]; strings.Contains(rest, " ") {
				err = words(text, rest, number, arg("by", oneOf(dividers...), &k.Divider))
			} else {
				err = words(text, rest, number)
			}
		default:
			err = fmt.Errorf("%q is not a key%s: %s", text, didYouMean(word, []string{string(keys.None),
				string(keys.Uniform), string(keys.Zipf), string(keys.Sequential), KeyField, KeyColumn}), keysHint)
		}
		return k, err
	},
	format: func(k Keys) string {
		switch {
		case k.Kind == string(keys.Zipf):
			return fmt.Sprintf("%s %d exponent %s", k.Kind, k.Count, exponent.format(k.Exponent))
		case k.Kind == KeyField:
			return k.Kind + " " + k.Path
		case k.Kind == KeyColumn:
			text := k.Kind + " " + strconv.Itoa(k.Column)
			if k.Divider != dividers[0] {
				text += " by " + k.Divider
			}
			return text
		case k.Count > 0:
			return fmt.Sprintf("%s %d", k.Kind, k.Count)
		}
		return k.Kind
	},
	shape: &shape{words: []string{string(keys.None), string(keys.Sequential)},
		pattern: `^(uniform|zipf|sequential|field|column) .+`},
}

// argument is a word and a value behind it.
type argument struct {
	name  string
	parse func(text string) error
}

func arg[T any](name string, n notation[T], to *T) argument {
	return argument{name, func(text string) (err error) {
		*to, err = n.parse(text)
		return err
	}}
}

// words reads the arguments of a text, which are the rest of it, in their order and with
// one space between all words.
func words(text, rest string, args ...argument) error {
	var parts []string
	if rest != "" {
		parts = strings.Split(rest, " ")
	}
	for _, a := range args {
		if a.name != "" {
			if len(parts) == 0 || parts[0] != a.name {
				return fmt.Errorf("%q lacks %q and a value behind it", text, a.name)
			}
			parts = parts[1:]
		}
		if len(parts) == 0 {
			return fmt.Errorf("%q lacks a value at its end", text)
		}
		if err := a.parse(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		return fmt.Errorf("%q has %q too many at its end", text, strings.Join(parts, " "))
	}
	return nil
}

// decimal notates numbers with a fraction.
func decimal(lo, hi float64) notation[float64] {
	format := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	return within(notation[float64]{
		parse: func(text string) (float64, error) {
			if !isNumber(text, true) {
				return 0, notA(text, "a number", "")
			}
			if err := leadingZero(text); err != nil {
				return 0, err
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsInf(v, 0) {
				return 0, fmt.Errorf("%s is out of range", text)
			}
			return v, nil
		},
		format: format,
	}, lo, hi)
}

// recordSettings are those of records:.
var recordSettings = []setting{
	row("records.size", func(s *Scenario) *Sizes { return &s.Records.Size }, sizes,
		"bytes of a record's value: one size, `uniform 100 to 4KiB`, `log-normal mean 1KiB sigma 1 max 64KiB` (sigma of "+
			"the logarithm; what would be larger than max is drawn anew), `empirical ./sizes.csv` (lines of a size and a "+
			"weight) or `like ./sample.jsonl` (as the records of a file); `auto`: 1KiB, or as the payload's file has them"),
	row("records.payload", func(s *Scenario) *string { return &s.Records.Payload }, payloads,
		"what the values hold: "+listed(payloadNames())+", or `file:PATH`, the records of a file of yours as they are, "+
			"from its beginning again at its end; `modelled`: nothing, batches carry the sizes that those of records.corpus "+
			"would have (simulated disks only)"),
	row("records.file.format", func(s *Scenario) *string { return &s.Records.Format }, oneOf(formatNames...),
		"how a file of records is read: `lines`, `json-array` (its elements), `length-delimited` (4 bytes big-endian before "+
			"each), `varint-delimited` (as protobuf has it); `auto`: by its beginning"),
	row("records.corpus", func(s *Scenario) *string { return &s.Records.Corpus }, oneOf(payloadNames()...),
		"what `modelled` values stand for"),
	row("records.zeros", func(s *Scenario) *int { return &s.Records.Zeros }, within(percent, 0, 100),
		"of `random`: share of a value, at its end, that is zeros, as in the OpenMessaging Benchmark's randomized payloads"),
	row("records.key", func(s *Scenario) *Keys { return &s.Records.Key }, recordKeys,
		"`none`; `uniform 1000` and `zipf 1000 exponent 0.99`: of so many keys; `sequential`: one after the other, "+
			"`sequential 1000` begins anew; `field user.id`: of the JSON that a record holds; `column 3`, `column 3 by comma` "+
			"or `by tab`: of its first line"),
}

// formatNames are the formats of files with records.
var formatNames = []string{wordAuto, "lines", "json-array", "length-delimited", "varint-delimited"}

// recordContradictions are about records: alone.
var recordContradictions = []contradiction{
	{[]string{"records.size", "records.payload"}, func(s *Scenario) string {
		path, isFile := s.Records.SampleFile()
		if !isFile || s.Records.Size.Kind == SizeAuto {
			return ""
		}
		return fmt.Sprintf("the records of %s are sent as they are: leave size out, or write %s", path, wordAuto)
	}},
	{[]string{"records.zeros", "records.payload", "records.corpus"}, func(s *Scenario) string {
		kind := s.Records.Payload
		if kind == PayloadModelled {
			kind = s.Records.Corpus
		}
		if s.Records.Zeros == 0 || kind == string(payload.Random) {
			return ""
		}
		return "zeros are of random values, and these are " + kind
	}},
	{[]string{"records.file.format", "records.payload"}, func(s *Scenario) string {
		_, isFile := s.Records.SampleFile()
		if isFile || s.Records.Format == wordAuto || s.Records.Size.Kind == SizeLike {
			return ""
		}
		return fmt.Sprintf("no file is read: payload is %s and size is %s", s.Records.Payload, sizes.format(s.Records.Size))
	}},
	{[]string{"records.key", "records.payload"}, func(s *Scenario) string {
		_, isFile := s.Records.SampleFile()
		payloadIs, kind := s.Records.Payload, s.Records.Key.Kind
		switch {
		case payloadIs == PayloadModelled && (kind == KeyField || kind == KeyColumn):
			return fmt.Sprintf("%s records hold nothing: they have no %s", PayloadModelled, kind)
		case kind == KeyField && !isFile && payloadIs != string(payload.JSONLogs):
			return fmt.Sprintf("payload %s is not JSON: it has no field %s", payloadIs, s.Records.Key.Path)
		case kind == KeyColumn && !isFile && payloadIs != string(payload.AccessLog):
			return fmt.Sprintf("payload %s is not lines of columns", payloadIs)
		}
		return ""
	}},
}
