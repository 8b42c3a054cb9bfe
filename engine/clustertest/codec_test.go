package clustertest

import (
	"brokerlab/engine/codec"
	"brokerlab/engine/producer"
)

// compressed sets a codec with its default level.
func compressed(name string) func(*producer.Config) {
	return func(c *producer.Config) {
		kind, err := codec.Parse(name)
		if err != nil {
			panic(err)
		}
		c.Compression, c.Level = kind, codec.DefaultLevel(kind)
	}
}
