package arrival

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a recorded curve.
const (
	RecordedBytesMax = 64 << 20
	rowsMax          = 1 << 20
	rowErrorsMax     = 20 // that are told of at once
)

// epochMillis: a plain number from here on counts milliseconds, as that of a time of
// day since 1973 does. In seconds it would be the year 5138.
const epochMillis = 1e11

// ReadRecorded reads a rate curve that was recorded: lines of a time and a rate, from
// which the rate holds until the next line. The last one lasts as long as the one
// before it.
//
//	time,rate           a header is optional, and so are lines that begin with #
//	0,1500              seconds, of any origin; or milliseconds since 1970
//	60,1480.5/s         records per second, with or without the unit
//	2m,0                or durations
//	                    or times of day: 2026-01-01T12:00:00Z, 2026-01-01 12:00:00
//
// Columns end at commas; or at semicolons or tabs, where the first line has these and
// no comma. The error holds every fault (up to 20), each after name and line.
func ReadRecorded(name string, src io.Reader) ([]Piece, error) {
	text, err := io.ReadAll(io.LimitReader(src, RecordedBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > RecordedBytesMax:
		return nil, fmt.Errorf("%s: is longer than %d bytes", name, RecordedBytesMax)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%s: is not UTF-8", name)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.Comment, in.TrimLeadingSpace, in.ReuseRecord = -1, '#', true, true
	in.Comma = separator(text)
	c := recorded{name: name}
	for len(c.errs) < rowErrorsMax {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			c.fail(broken.Line, "%v", broken.Err)
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := in.FieldPos(0)
		c.row(line, fields)
	}
	return c.pieces()
}

// separator of columns: that of the first line that is not empty and no comment.
func separator(text []byte) rune {
	var line []byte
	for rest := text; len(rest) > 0 && (len(bytes.TrimSpace(line)) == 0 || line[0] == '#'); {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	for _, sep := range []rune{',', ';', '\t'} {
		if bytes.ContainsRune(line, sep) {
			return sep
		}
	}
	return ','
}

// recorded is a curve that is being read.
type recorded struct {
	name  string
	rows  int // read, the header included
	times []moment
	rates []float64
	errs  []error
}

// moment is a time as it was written.
type moment struct {
	since time.Duration // of a number or a duration
	day   time.Time     // of a time of day
}

func (m moment) sub(o moment) (span time.Duration, ok bool) {
	if m.day.IsZero() != o.day.IsZero() {
		return 0, false
	}
	if m.day.IsZero() {
		span = m.since - o.since
		return span, (m.since < o.since) == (span < 0) // no overflow
	}
	return m.day.Sub(o.day), true
}

func (c *recorded) fail(line int, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s:%d: %s", c.name, line, fmt.Sprintf(format, args...)))
}

func (c *recorded) row(line int, fields []string) {
	c.rows++
	if len(fields) != 2 {
		c.fail(line, "has %d columns: a time and a rate are wanted", len(fields))
		return
	}
	at, timeErr := parseMoment(strings.TrimSpace(fields[0]))
	rate, rateErr := parseRate(strings.TrimSpace(fields[1]))
	if c.rows == 1 && timeErr != nil && rateErr != nil {
		return // a header
	}
	if timeErr != nil {
		c.fail(line, "%v", timeErr)
	}
	if rateErr != nil {
		c.fail(line, "%v", rateErr)
	}
	if timeErr != nil {
		return
	}
	if n := len(c.times); n > 0 {
		switch gap, ok := at.sub(c.times[n-1]); {
		case !ok:
			c.fail(line, "the time %s is written in another way than that of the line before", fields[0])
			return
		case gap <= 0:
			c.fail(line, "the time %s is not after that of the line before", fields[0])
			return
		}
		if whole, ok := at.sub(c.times[0]); !ok || whole > PieceMax/2 {
			c.fail(line, "the curve is longer than %v", PieceMax/2)
		}
	}
	if len(c.times) == rowsMax {
		c.fail(line, "has more than %d rows", rowsMax)
		return
	}
	c.times, c.rates = append(c.times, at), append(c.rates, rate)
}

// pieces are what the rows make.
func (c *recorded) pieces() ([]Piece, error) {
	if len(c.errs) > 0 {
		if len(c.errs) >= rowErrorsMax {
			c.errs = append(c.errs[:rowErrorsMax], fmt.Errorf("%s: and maybe more", c.name))
		}
		return nil, errors.Join(c.errs...)
	}
	if len(c.times) < 2 {
		return nil, fmt.Errorf("%s: has %d rows with a time and a rate: two make a curve", c.name, len(c.times))
	}
	out := make([]Piece, len(c.times))
	for i := range out {
		from, to := i, i+1
		if to == len(c.times) {
			from, to = i-1, i
		}
		length, _ := c.times[to].sub(c.times[from])
		out[i] = Piece{Length: length, From: c.rates[i], To: c.rates[i]}
	}
	return out, nil
}

// dayLayouts are times of day, as RFC 3339, Grafana and spreadsheets write them.
var dayLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04"}

func parseMoment(text string) (moment, error) {
	wrong := fmt.Errorf("%q is not a time: write seconds, a duration such as 1m30s, or 2026-01-01T12:00:00Z", text)
	if v, err := strconv.ParseFloat(text, 64); err == nil && plain(text) {
		unit := "s"
		if v >= epochMillis {
			unit = "ms"
		}
		d, err := time.ParseDuration(text + unit)
		if err != nil {
			return moment{}, wrong
		}
		return moment{since: d}, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return moment{since: d}, nil
	}
	for _, layout := range dayLayouts {
		if day, err := time.Parse(layout, text); err == nil && !day.IsZero() {
			return moment{day: day}, nil
		}
	}
	return moment{}, wrong
}

// plain says whether a number is one without an exponent.
func plain(text string) bool { return strings.Trim(text, "0123456789.-+") == "" }

func parseRate(text string) (float64, error) {
	number := strings.TrimSpace(strings.TrimSuffix(text, "/s"))
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.Trim(number, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("%q is not a rate: write records per second, such as 1500 or 1500/s", text)
	}
	if !(v >= 0 && v <= RateMax) {
		return 0, fmt.Errorf("a rate of %s is not within 0 and %v records/s", text, RateMax)
	}
	return v, nil
}
