package samples

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Format is how a file holds its records.
type Format string

// The formats.
const (
	// Auto looks at the file's beginning.
	Auto Format = "auto"
	// Lines end with \n or \r\n; empty ones are no records.
	Lines Format = "lines"
	// JSONArray is the elements of one array, each a record of its own text.
	JSONArray Format = "json-array"
	// LengthDelimited has a length of 4 bytes, big-endian, before each record.
	LengthDelimited Format = "length-delimited"
	// VarintDelimited has a length as protobuf writes it before each record.
	VarintDelimited Format = "varint-delimited"
)

// Formats are all formats that a file can be in.
func Formats() []Format { return []Format{Lines, JSONArray, LengthDelimited, VarintDelimited} }

// RecordBytesMax is the largest record that is read.
const RecordBytesMax = 16 << 20

// placed is what is wrong at a place of a buffer.
type placed struct {
	at int
	error
}

func wrongAt(at int, format string, args ...any) error {
	return &placed{at, fmt.Errorf(format, args...)}
}

// errMore says that a frame goes on behind what was given.
var errMore = errors.New("more")

// frame is a record at the beginning of a buffer: buf[from:to], and where the next
// frame begins. There is none at the end of the file: from < 0.
type frame struct{ from, to, next int }

var none = frame{from: -1}

// splitters find the first frame of a buffer, which begins with a frame or at the end
// of the file. last says that the file ends with the buffer. The error is errMore, or
// what is wrong.
var splitters = map[Format]func(buf []byte, last bool) (frame, error){
	Lines: splitLine, JSONArray: splitElement, LengthDelimited: splitLength, VarintDelimited: splitVarint,
}

func splitLine(buf []byte, last bool) (frame, error) {
	at := 0
	for { // over empty lines
		end := bytes.IndexByte(buf[at:], '\n')
		next := at + end + 1
		if end < 0 {
			if !last {
				return none, errMore
			}
			if end, next = len(buf)-at, len(buf); end == 0 {
				return none, nil
			}
		}
		to := at + end
		if end > 0 && buf[to-1] == '\r' {
			to--
		}
		if to > at {
			return frame{at, to, next}, nil
		}
		at = next
	}
}

func splitLength(buf []byte, last bool) (frame, error) {
	if len(buf) == 0 && last {
		return none, nil
	}
	if len(buf) < 4 {
		return cut(last, "the file ends within a length")
	}
	return delimited(buf, 4, uint64(binary.BigEndian.Uint32(buf)), last)
}

func splitVarint(buf []byte, last bool) (frame, error) {
	if len(buf) == 0 && last {
		return none, nil
	}
	length, n := binary.Uvarint(buf)
	switch {
	case n < 0:
		return none, errors.New("a length has more than 64 bits")
	case n == 0 && len(buf) < binary.MaxVarintLen64:
		return cut(last, "the file ends within a length")
	}
	return delimited(buf, n, length, last)
}

func delimited(buf []byte, from int, length uint64, last bool) (frame, error) {
	if length > RecordBytesMax {
		return none, fmt.Errorf("a length of %d bytes is more than a record may have, %d", length, RecordBytesMax)
	}
	to := from + int(length)
	if to > len(buf) {
		return cut(last, fmt.Sprintf("the file ends within a record of %d bytes", length))
	}
	return frame{from, to, to}, nil
}

func cut(last bool, message string) (frame, error) {
	if last {
		return none, errors.New(message)
	}
	return none, errMore
}

// splitElement begins at the bracket that opens the array, at an element, or at the
// bracket that closes the array.
func splitElement(buf []byte, last bool) (frame, error) {
	const unended = "the file ends within the array"
	at := spaces(buf, 0)
	if at == len(buf) {
		return cut(last, unended)
	}
	if buf[at] == ']' {
		if rest := spaces(buf, at+1); rest < len(buf) {
			return none, wrongAt(rest, "%q follows the array's end", buf[rest:rest+1])
		}
		if !last {
			return none, errMore
		}
		return none, nil
	}
	to, err := skipValue(buf, at)
	if errors.Is(err, errMore) && last {
		return none, errors.New("the file ends within an element of the array")
	}
	if err != nil {
		return none, err
	}
	next := spaces(buf, to)
	switch {
	case next == len(buf):
		return cut(last, unended)
	case buf[next] == ']':
		return frame{at, to, next}, nil
	case buf[next] != ',':
		return none, wrongAt(next, "%q follows an element of the array, not a comma", buf[next:next+1])
	}
	if next = spaces(buf, next+1); next == len(buf) {
		return cut(last, unended)
	}
	if buf[next] == ']' {
		return none, wrongAt(next, "no element follows a comma of the array")
	}
	return frame{at, to, next}, nil
}

func spaces(buf []byte, at int) int {
	for at < len(buf) && (buf[at] == ' ' || buf[at] == '\n' || buf[at] == '\r' || buf[at] == '\t') {
		at++
	}
	return at
}

// skipValue returns where the JSON value at a place ends. It looks at brackets and
// strings; what is between them may be anything.
func skipValue(buf []byte, at int) (end int, err error) {
	depth := 0
	for from := at; at < len(buf); at++ {
		switch c := buf[at]; c {
		case '"':
			if at = skipString(buf, at); at < 0 {
				return 0, errMore
			}
		case '{', '[':
			depth++
		case '}', ']', ',', ' ', '\n', '\r', '\t':
			if depth == 0 { // a number or a word has ended
				if at == from {
					return 0, wrongAt(at, "%q is where an element of the array should be", buf[at:at+1])
				}
				return at, nil
			}
			if c == '}' || c == ']' {
				depth--
			}
		default:
			continue
		}
		if depth == 0 {
			return at + 1, nil
		}
	}
	return 0, errMore
}

// skipString returns where the quote is that ends a string, or -1.
func skipString(buf []byte, at int) int {
	for at++; at < len(buf); {
		end := bytes.IndexByte(buf[at:], '"')
		if end < 0 {
			return -1
		}
		back := 0
		for back < end && buf[at+end-1-back] == '\\' {
			back++
		}
		at += end + 1
		if back%2 == 0 {
			return at - 1
		}
	}
	return -1
}

// begin is where the first frame of a file begins, given the file's beginning.
func begin(f Format, head []byte) (int, error) {
	at := 0
	if f == Lines || f == JSONArray {
		at = len(head) - len(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))) // a byte order mark
	}
	if f != JSONArray {
		return at, nil
	}
	at = spaces(head, at)
	if at == len(head) || head[at] != '[' {
		return 0, errors.New("no array begins at the file's beginning")
	}
	return at + 1, nil
}

// framesLooked is how many frames of a binary file must be whole to tell its format.
const framesLooked = 16

// detect tells a file's format by its beginning. whole says that it is the whole file.
func detect(head []byte, whole bool) (Format, error) {
	for _, packed := range []struct{ magic, name string }{
		{"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"PK\x03\x04", "zip"}, {"BZh", "bzip2"}, {"\xfd7zXZ", "xz"},
		{"PAR1", "parquet"}, {"Obj\x01", "avro"}, {"\x04\x22\x4d\x18", "lz4"},
	} {
		if bytes.HasPrefix(head, []byte(packed.magic)) {
			return "", fmt.Errorf("is a %s file: unpack it into lines, a JSON array or length-delimited records first",
				packed.name)
		}
	}
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if isText(text, whole) {
		if at := spaces(text, 0); at < len(text) && text[at] == '[' && !linesOfJSON(text[at:]) {
			return JSONArray, nil
		}
		return Lines, nil
	}
	// A length of 4 bytes begins with 0 for all records below 16 MiB; a varint does only
	// for a record of nothing.
	found := VarintDelimited
	if head[0] == 0 {
		found = LengthDelimited
	}
	if !framesFit(found, head, whole) {
		return "", ErrUnknown
	}
	return found, nil
}

// ErrUnknown is of a file whose format cannot be told.
var ErrUnknown = errors.New("is neither text nor records with their lengths before them")

// textSure is how many bytes without one that no text has are text in whatever encoding:
// of other files one byte in nine is such a one.
const textSure = 256

// isText says whether a file's beginning is text: UTF-8, or at least without bytes
// that no text has.
func isText(head []byte, whole bool) bool {
	strange := 0
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 && (whole || len(head)-i >= utf8.UTFMax) {
			strange++
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\x1b' {
			return false
		}
		i += n
	}
	return strange <= len(head)/50 || len(head) >= textSure
}

// linesOfJSON says whether text that begins with a bracket is a line that is an array
// of its own, with another one behind it.
func linesOfJSON(text []byte) bool {
	line, rest, more := bytes.Cut(text, []byte("\n"))
	end, err := skipValue(line, 0)
	rest = bytes.TrimLeft(rest, " \r\n\t")
	return more && err == nil && spaces(line, end) == len(line) && len(rest) > 0 && rest[0] == '['
}

// framesFit says whether a file's beginning can be frames of a format.
func framesFit(f Format, head []byte, whole bool) bool {
	at, filled := 0, 0
	for range framesLooked {
		fr, err := splitters[f](head[at:], whole)
		if err != nil {
			return errors.Is(err, errMore) && filled > 0
		}
		if fr.from < 0 {
			break
		}
		if fr.to > fr.from {
			filled++
		}
		at += fr.next
	}
	return filled > 0
}
