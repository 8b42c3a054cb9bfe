package codec

import (
	"errors"
	"slices"
)

// Errors of decompression; test with errors.Is. Damage that a library finds has
// the library's own error.
var (
	// ErrLimit says that the output would be larger than the limit.
	ErrLimit = errors.New("output limit exceeded")
	// ErrCorrupt says that the input is not what the codec writes.
	ErrCorrupt = errors.New("corrupt input")

	errUnknown = errors.New("unknown codec")
)

// grow returns b with room for n more bytes.
func grow(b []byte, n int) []byte { return slices.Grow(b, n) }
