// Package clustertest holds the tests of brokers, producers and consumers
// together, in both worlds. It has no other code: it stands beside them because
// each of their tests needs all three.
package clustertest
