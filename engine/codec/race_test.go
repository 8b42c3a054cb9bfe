//go:build race

package codec

// raceOn says that the race detector runs: it makes the codecs some 20 times
// slower, and sync.Pool forgetful.
const raceOn = true
