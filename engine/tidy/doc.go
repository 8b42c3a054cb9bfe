// Package tidy is a test of the whole module's source: the import arrows, the
// names that the engine must not use, the order that maps do not have, lengths,
// and leftovers. It exports nothing.
//
// A finding names the file, the line and what to write instead. The package does
// not judge style that gofmt, go vet and staticcheck judge already.
package tidy
