package commitlog

import (
	"fmt"
	"path"

	"brokerlab/engine/protocol"
)

// highWatermarksName is Kafka's file of high watermarks, at the root of each log
// directory.
const highWatermarksName = "replication-offset-checkpoint"

// CheckpointHighWatermarks writes the high watermarks of the open logs, in each
// directory those of its logs (ReplicaManager.checkpointHighWatermarks). A file
// that says so already is left alone, and so is that of a directory with a log that
// failed. One task at a time.
func (d *LogDirs) CheckpointHighWatermarks(of func(protocol.TopicPartition) int64) error {
	for _, dir := range d.dirs {
		if dir.offline() {
			continue
		}
		logs := dir.logs()
		lines := make([]string, len(logs))
		for i, o := range logs {
			tp := protocol.TopicPartition{Topic: o.topic, Partition: o.partition}
			lines[i] = fmt.Sprintf("%s %d %d", o.topic, o.partition, of(tp))
		}
		text := checkpointText(lines)
		if string(text) == dir.highWatermarks {
			continue
		}
		if err := replaceFile(d.node, path.Join(dir.root, highWatermarksName), text); err != nil {
			return fmt.Errorf("checkpoint high watermarks in %s: %w", dir.root, err)
		}
		dir.highWatermarks = string(text)
	}
	return nil
}

// HighWatermark is what the last life of the broker wrote of a log's high
// watermark; 0 if it wrote nothing.
func (d *LogDirs) HighWatermark(tp protocol.TopicPartition) int64 {
	for _, dir := range d.dirs {
		if hw, ok := dir.pastHW[partitionName(tp.Topic, tp.Partition)]; ok {
			return hw
		}
	}
	return 0
}
