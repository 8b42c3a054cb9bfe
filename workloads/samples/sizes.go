package samples

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"brokerlab/workloads/payload"
)

// Limits of a list of sizes.
const (
	sizesMax      = 1_000_000
	sizeLineBytes = 1024
	sizeErrorsMax = 20 // that are told of at once
)

// ReadSizes reads a list of sizes: a line for each, with its bytes and, behind a comma,
// a semicolon, a tab or spaces, its weight, which is 1 if there is none. Empty lines,
// lines that begin with # and a first line without a number are passed over. The error
// holds every fault (up to 20), each after name and line.
func ReadSizes(name string, r io.Reader) ([]payload.Weighted, error) {
	var list []payload.Weighted
	var errs []error
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, sizeLineBytes), sizeLineBytes)
	number, first := 0, true
	fail := func(err error) { errs = append(errs, fmt.Errorf("%s:%d: %w", name, number, err)) }
	for len(errs) < sizeErrorsMax && lines.Scan() {
		number++
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" || text[0] == '#' {
			continue
		}
		w, err := sizeOf(text)
		if err != nil && first && !strings.ContainsAny(text, "0123456789") {
			first = false // names of columns
			continue
		}
		first = false
		if err == nil && len(list) == sizesMax {
			err = fmt.Errorf("is the line after %d sizes: no more fit", sizesMax)
		}
		if err != nil {
			fail(err)
			continue
		}
		list = append(list, w)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("is longer than %d bytes", sizeLineBytes)
		}
		number++
		fail(err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	sum := 0.0
	for _, w := range list {
		sum += w.Weight
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil, &Error{Name: name, Err: errors.New("there is no size in it that has a weight")}
	}
	return merged(list), nil
}

// sizeOf reads one line.
func sizeOf(text string) (payload.Weighted, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",;\t ", r) })
	if len(fields) == 0 || len(fields) > 2 {
		return payload.Weighted{}, fmt.Errorf("%q is not a size and a weight: write 1024,0.25", text)
	}
	bytes, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || bytes < 0 || bytes > payload.SizeMax {
		return payload.Weighted{}, fmt.Errorf("%q is not a size of 0 to %d bytes", fields[0], payload.SizeMax)
	}
	w := payload.Weighted{Bytes: int(bytes), Weight: 1}
	if len(fields) == 2 {
		w.Weight, err = strconv.ParseFloat(fields[1], 64)
		if err != nil || !(w.Weight >= 0) || w.Weight > 1e100 {
			return payload.Weighted{}, fmt.Errorf("%q is not a weight", fields[1])
		}
	}
	return w, nil
}
