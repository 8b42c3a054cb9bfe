package path

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/engine/consumer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// pollMax is how long a poll may wait: longer means that the path is stuck.
const pollMax = 10 * time.Second

// Consume reads a partition of so many records from its beginning to its end,
// again and again for a while, with one consumer after another, and looks at
// each record's value. The time to connect is in it.
func (c *Cluster) Consume(partition int, records int64, span time.Duration) (Produced, error) {
	var out Produced
	for out.Usage.Elapsed < span {
		if err := c.consumeOnce(partition, records, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (c *Cluster) consumeOnce(partition int, records int64, out *Produced) (err error) {
	node := c.clients[0]
	cfg := consumer.DefaultConfig()
	cfg.Bootstrap = []string{bootstrap}
	watch := measure.Start()
	reader, err := consumer.New(node, cfg, []consumer.Assignment{{
		TopicPartition: protocol.TopicPartition{Topic: topic, Partition: int32(partition)},
		Offset:         protocol.EarliestOffset,
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	bytes := 0
	look := func(_ protocol.TopicPartition, r *record.Record) { bytes += len(r.Value) }
	for got := int64(0); got < records; {
		n, err := reader.Poll(node.Now().Add(pollMax), look)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("no record for %v, after %d of %d", pollMax, got, records)
		}
		got += int64(n)
	}
	out.Usage.Add(watch.Stop())
	out.Records += records
	return nil
}
