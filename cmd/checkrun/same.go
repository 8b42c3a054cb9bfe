package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// checkSame compares two documents byte for byte, but for members named "wall".
func checkSame(pathA, pathB string, stdout io.Writer) error {
	var rest [2][]byte
	for i, path := range []string{pathA, pathB} {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if rest[i], err = withoutWall(text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	a, b := rest[0], rest[1]
	if bytes.Equal(a, b) {
		fmt.Fprintf(stdout, "the same %d bytes outside wall\n", len(a))
		return nil
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return fmt.Errorf("%s and %s differ outside wall, first here:\n%s\n%s", pathA, pathB, around(a, at), around(b, at))
}

// around returns the text before and after a place, for a message.
func around(text []byte, at int) []byte { return text[max(0, at-80):min(len(text), at+80)] }

// withoutWall cuts the value of every member named "wall" out of a document, and
// leaves all other bytes as they are.
func withoutWall(text []byte) ([]byte, error) {
	c := &cutter{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	if err := c.value(); err != nil {
		return nil, err
	}
	if _, err := c.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return append(c.rest, text[c.kept:]...), nil
}

type cutter struct {
	text    []byte
	decoder *json.Decoder
	rest    []byte
	kept    int64 // how much of text is in rest or cut
}

// value reads one value, whatever it is.
func (c *cutter) value() error {
	token, err := c.decoder.Token()
	if err != nil {
		return err
	}
	opened, compound := token.(json.Delim)
	if !compound {
		return nil
	}
	for c.decoder.More() {
		if opened == '{' {
			if token, err = c.decoder.Token(); err != nil {
				return err
			}
			if token == "wall" {
				if err := c.cut(); err != nil {
					return err
				}
				continue
			}
		}
		if err := c.value(); err != nil {
			return err
		}
	}
	_, err = c.decoder.Token() // the closing one
	return err
}

// cut leaves the next value out.
func (c *cutter) cut() error {
	c.rest = append(c.rest, c.text[c.kept:c.decoder.InputOffset()]...)
	var value json.RawMessage
	if err := c.decoder.Decode(&value); err != nil {
		return err
	}
	c.kept = c.decoder.InputOffset()
	return nil
}
