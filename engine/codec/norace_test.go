//go:build !race

package codec

// raceOn says that the race detector runs.
const raceOn = false
