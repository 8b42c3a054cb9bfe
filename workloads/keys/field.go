package keys

import (
	"bytes"
	"fmt"
	"strings"
)

// Path is the way to a field of a JSON object: the names of objects from the outside
// in, and places from 0 on in arrays.
type Path [][]byte

// pathMax bounds a path's names.
const pathMax = 16

// CheckPath says what is wrong with a path as it is written, user.id or items.0.sku.
func CheckPath(text string) error {
	names := strings.Split(text, ".")
	if len(names) > pathMax {
		return fmt.Errorf("%q names more than %d fields", text, pathMax)
	}
	for _, name := range names {
		if name == "" || strings.TrimSpace(name) != name || strings.ContainsAny(name, "\"\\") {
			return fmt.Errorf("%q is not the way to a field: write user.id", text)
		}
	}
	return nil
}

// NewPath reads a path.
func NewPath(text string) (Path, error) {
	if err := CheckPath(text); err != nil {
		return nil, err
	}
	return bytes.Split([]byte(text), []byte(".")), nil
}

// String is the path as it is written.
func (p Path) String() string { return string(bytes.Join(p, []byte("."))) }

// Of is the field's value in the JSON object or array at the beginning of value: of a
// string what is between its quotes, as it is written, of anything else its text. A
// null, and a field that is not there, is no key. What is behind the field is not
// looked at. It allocates nothing.
func (p Path) Of(value []byte) (key []byte, ok bool) {
	s := scanner{text: value}
	for _, name := range p {
		if !s.enter(name) {
			return nil, false
		}
	}
	from := s.skipSpace()
	if !s.skipValue() {
		return nil, false
	}
	key = value[from:s.at]
	switch {
	case key[0] == '"':
		return key[1 : len(key)-1], true
	case bytes.Equal(key, []byte("null")):
		return nil, false
	}
	return key, true
}

// scanner walks through JSON. It looks at what it needs to find its way: whether the
// text is JSON in all its parts is not its matter.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) skipSpace() int {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
			continue
		}
		break
	}
	return s.at
}

// take steps over a character, if it is the next one that is no space.
func (s *scanner) take(c byte) bool {
	if s.skipSpace() < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// enter goes to the value of a name, or of a place of an array.
func (s *scanner) enter(name []byte) bool {
	if s.take('[') {
		return s.enterPlace(name)
	}
	if !s.take('{') {
		return false
	}
	for {
		s.skipSpace()
		from := s.at + 1
		if !s.skipString() {
			return false
		}
		found := bytes.Equal(s.text[from:s.at-1], name)
		if !s.take(':') {
			return false
		}
		if found {
			return true
		}
		if !s.skipValue() || !s.take(',') {
			return false
		}
	}
}

func (s *scanner) enterPlace(name []byte) bool {
	place := 0
	for _, c := range name {
		if c < '0' || c > '9' || place > 1<<30 {
			return false
		}
		place = 10*place + int(c-'0')
	}
	for ; place > 0; place-- {
		if !s.skipValue() || !s.take(',') {
			return false
		}
	}
	return true
}

// skipString steps over a string, from its quote on.
func (s *scanner) skipString() bool {
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		return false
	}
	for at := s.at + 1; at < len(s.text); at++ {
		switch s.text[at] {
		case '\\':
			at++
		case '"':
			s.at = at + 1
			return true
		}
	}
	return false
}

// skipValue steps over a value that ends within the text.
func (s *scanner) skipValue() bool {
	if s.skipSpace() >= len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"':
		return s.skipString()
	case '{', '[':
		return s.skipNested()
	}
	from := s.at
	for s.at < len(s.text) && !endsScalar(s.text[s.at]) {
		s.at++
	}
	return s.at > from && s.at < len(s.text) // a scalar that the text ends with may be cut
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ']', '}', ':', ' ', '\t', '\n', '\r', '"', '{', '[':
		return true
	}
	return false
}

// skipNested steps over an object or an array: its brackets are balanced.
func (s *scanner) skipNested() bool {
	depth := 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '"':
			if !s.skipString() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
				return true
			}
		}
		s.at++
	}
	return false
}

// Column is a column of lines.
type Column struct {
	Number int // from 1
	// Divider is a comma, a tab or a space, which stands for a run of spaces. Quotes
	// hold together what is in them, but not where tabs divide; brackets do where
	// spaces divide, as in logs of web servers. A quote within quotes is doubled where
	// commas divide (RFC 4180), and has a backslash before it where spaces do (Apache's
	// mod_log_config).
	Divider byte
}

// Of is the column's text in the first line of value, without its quotes or brackets.
// It allocates nothing.
func (c Column) Of(value []byte) (key []byte, ok bool) {
	if end := bytes.IndexByte(value, '\n'); end >= 0 {
		value = value[:end]
	}
	value = bytes.TrimSuffix(value, []byte("\r"))
	for n := 1; ; n++ {
		if c.Divider == ' ' {
			value = bytes.TrimLeft(value, " ")
		}
		end := c.end(value)
		if n == c.Number {
			key = c.unwrapped(value[:end])
			return key, len(key) > 0
		}
		if end >= len(value) {
			return nil, false
		}
		value = value[end+1:]
	}
}

// end is where the first column ends.
func (c Column) end(line []byte) int {
	until := byte(0)
	if len(line) > 0 && c.Divider != '\t' {
		switch {
		case line[0] == '"':
			until = '"'
		case line[0] == '[' && c.Divider == ' ':
			until = ']'
		}
	}
	from := 0
	if until != 0 {
		from = c.closed(line, until)
	}
	if end := bytes.IndexByte(line[from:], c.Divider); end >= 0 {
		return from + end
	}
	return len(line)
}

// closed is where what the first byte opens has been closed; 0 if nothing closes it.
func (c Column) closed(line []byte, until byte) int {
	for at := 1; at < len(line); at++ {
		switch {
		case c.Divider == ' ' && until == '"' && line[at] == '\\':
			at++
		case line[at] != until:
		case c.Divider == ',' && at+1 < len(line) && line[at+1] == until:
			at++
		default:
			return at + 1
		}
	}
	return 0
}

func (c Column) unwrapped(column []byte) []byte {
	n := len(column)
	if n < 2 || c.Divider == '\t' {
		return column
	}
	first, last := column[0], column[n-1]
	if first == '"' && last == '"' || c.Divider == ' ' && first == '[' && last == ']' {
		return column[1 : n-1]
	}
	return column
}
