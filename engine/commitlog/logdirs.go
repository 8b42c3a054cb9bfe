package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strconv"

	"brokerlab/engine/env"
)

// Files at the root of a log directory, by Kafka's names.
const (
	recoveryPointsName = "recovery-point-offset-checkpoint"
	cleanShutdownName  = ".kafka_cleanshutdown"
	// cleanShutdownText is what Kafka 4 writes into it.
	cleanShutdownText = `{"version":0,"brokerEpoch":-1}`
)

// LogDirs is the log directories of one broker (log.dirs): Kafka's LogManager.
// It places each partition's log in one of them, knows how its last life ended,
// and keeps at the root of each directory
//
//	recovery-point-offset-checkpoint  for each log, below which offset all is flushed
//	replication-offset-checkpoint     the high watermark of each log, for its broker
//	.kafka_cleanshutdown              only after a clean shutdown, while none runs
//
// so that opening a log scans no more than it must. Kafka's other two files there
// are not written: log-start-offset-checkpoint (a log starts where its first
// segment does, since there are no DeleteRecords) and meta.properties.
//
// Lock order: LogDirs.mu and Log.writer, then logDir.file, then Log.mu.
type LogDirs struct {
	node env.Node
	dirs []*logDir

	mu struct {
		env.Mutex
		closed bool
	}
}

// logDir is one of the directories.
type logDir struct {
	node  env.Node
	root  string
	clean bool             // it ended by a clean shutdown
	past  map[string]int64 // recovery points of the life before, by partitionName
	// pastHW are the high watermarks of the life before, by partitionName.
	pastHW         map[string]int64
	highWatermarks string // content of their file, as far as this life wrote it
	// partitions are the names of the directories in it, as they were listed once and
	// made since. Guarded by LogDirs.mu.
	partitions map[string]bool

	// file is held while the recovery points are collected and written.
	file struct {
		env.Mutex
		logs []*openLog // by name
	}
}

// openLog is a log that was opened through LogDirs.
type openLog struct {
	topic     string
	partition int32
	log       *Log
	written   int64 // its recovery point in the file
}

func partitionName(topic string, partition int32) string {
	return fmt.Sprintf("%s-%d", topic, partition)
}

// OpenLogDirs opens the log directories, which it makes if need be, and takes
// away the mark of a clean shutdown: should the broker crash from here on, it was
// none. Two paths of one directory are not found out.
func OpenLogDirs(node env.Node, roots []string) (*LogDirs, error) {
	if len(roots) == 0 {
		return nil, errors.New("open log directories: none is given")
	}
	d := &LogDirs{node: node}
	d.mu.Mutex = node.NewMutex()
	for _, root := range roots {
		dir := &logDir{node: node, root: path.Clean(root)}
		dir.file.Mutex = node.NewMutex()
		if err := dir.open(); err != nil {
			return nil, fmt.Errorf("open log directory %s: %w", root, err)
		}
		d.dirs = append(d.dirs, dir)
	}
	return d, nil
}

// open learns how the last life ended.
func (d *logDir) open() error {
	fsys := d.node.FS()
	if err := fsys.MkdirAll(d.root); err != nil {
		return err
	}
	entries, err := fsys.List(d.root)
	if err != nil {
		return err
	}
	d.partitions = make(map[string]bool)
	for _, e := range entries {
		if e.Dir {
			d.partitions[e.Name] = true
		}
	}
	if d.past, err = readOffsets(d.node, path.Join(d.root, recoveryPointsName)); err != nil {
		return err
	}
	if d.pastHW, err = readOffsets(d.node, path.Join(d.root, highWatermarksName)); err != nil {
		return err
	}
	err = fsys.Remove(path.Join(d.root, cleanShutdownName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d.clean = err == nil
	if err == nil {
		// Kafka does not force this; a power loss may then bring the mark back.
		err = fsys.SyncDir(d.root)
	}
	return err
}

// readOffsets reads Kafka's OffsetCheckpointFile. None, or one that is not what it
// should be, says nothing: then logs are scanned from their start, and high
// watermarks begin there.
func readOffsets(node env.Node, name string) (map[string]int64, error) {
	text, err := readSmall(node, name)
	var lines [][]string
	if err == nil {
		lines, err = parseCheckpoint(text, 3)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errMalformed) || errors.Is(err, env.ErrNoBytes) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(lines))
	for _, f := range lines {
		offset, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil || offset < 0 {
			return nil, nil
		}
		out[f[0]+"-"+f[1]] = offset
	}
	return out, nil
}

// CleanShutdown says whether the last life of every directory ended by Close.
func (d *LogDirs) CleanShutdown() bool {
	for _, dir := range d.dirs {
		if !dir.clean {
			return false
		}
	}
	return true
}

// Open opens the log of a partition where it is, or makes it in the directory
// that holds the fewest partitions, the first of these (Kafka's
// LogManager.nextLogDirs). After a clean shutdown nothing of it is scanned, else
// the segments that reach beyond its recovery point.
func (d *LogDirs) Open(topic string, partition int32, cfg Config) (*Log, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return nil, fmt.Errorf("open log %s: %w", partitionName(topic, partition), env.ErrClosed)
	}
	name := partitionName(topic, partition)
	dir := d.placeLocked(name)
	past := Past{CleanShutdown: dir.clean, RecoveryPoint: dir.past[name]}
	l, err := OpenAfter(d.node, path.Join(dir.root, name), cfg, past)
	if err != nil {
		return nil, err
	}
	l.writer.truncated = dir.truncated
	dir.add(&openLog{topic: topic, partition: partition, log: l, written: dir.past[name]})
	return l, nil
}

// placeLocked says in which directory a log is or has to be, and counts it there.
func (d *LogDirs) placeLocked(name string) *logDir {
	least := d.dirs[0]
	for _, dir := range d.dirs {
		if dir.partitions[name] {
			return dir
		}
		if len(dir.partitions) < len(least.partitions) {
			least = dir
		}
	}
	least.partitions[name] = true
	return least
}

func (d *logDir) add(o *openLog) {
	d.file.Lock()
	defer d.file.Unlock()
	logs := d.file.logs
	i := sort.Search(len(logs), func(i int) bool {
		at := logs[i]
		return at.topic > o.topic || at.topic == o.topic && at.partition > o.partition
	})
	logs = append(logs, nil)
	copy(logs[i+1:], logs[i:])
	logs[i] = o
	d.file.logs = logs
}

// Checkpoint writes the recovery points of all logs (Kafka does it every
// log.flush.offset.checkpoint.interval.ms). Those of a directory with a log that
// failed stay what they are.
func (d *LogDirs) Checkpoint() error {
	for _, dir := range d.dirs {
		if dir.offline() {
			continue
		}
		if err := dir.checkpoint(); err != nil {
			return fmt.Errorf("checkpoint %s: %w", dir.root, err)
		}
	}
	return nil
}

func (d *logDir) checkpoint() error {
	d.file.Lock()
	defer d.file.Unlock()
	return d.writeLocked()
}

// truncated is what a log calls when offsets were taken back: what the file says
// of it must not be above its recovery point when they are given out again
// (Kafka's LogManager.truncateTo).
func (d *logDir) truncated(l *Log) error {
	d.file.Lock()
	defer d.file.Unlock()
	for _, o := range d.file.logs {
		if o.log == l && o.written > l.RecoveryPoint() {
			return d.writeLocked()
		}
	}
	return nil
}

// writeLocked writes the recovery points unless the file has them.
func (d *logDir) writeLocked() error {
	points := make([]int64, len(d.file.logs))
	lines := make([]string, len(d.file.logs))
	same := true
	for i, o := range d.file.logs {
		points[i] = o.log.RecoveryPoint()
		lines[i] = fmt.Sprintf("%s %d %d", o.topic, o.partition, points[i])
		same = same && points[i] == o.written
	}
	if same {
		return nil
	}
	if err := replaceFile(d.node, path.Join(d.root, recoveryPointsName), checkpointText(lines)); err != nil {
		return err
	}
	for i, o := range d.file.logs {
		o.written = points[i]
	}
	return nil
}

// Close closes the logs, writes their recovery points and marks the directories
// as cleanly shut down. A directory with a log that failed gets no mark; that
// log's error was told when it failed, and is not told again. A second Close does
// nothing.
func (d *LogDirs) Close() error {
	return d.end(func(dir *logDir) error {
		var errs []error
		clean := true
		for _, o := range dir.logs() {
			err := o.log.Close()
			clean = clean && err == nil
			if !errors.Is(err, ErrFailed) {
				errs = append(errs, err)
			}
		}
		if clean {
			errs = append(errs, dir.checkpoint(), dir.mark())
		}
		return errors.Join(errs...)
	})
}

// Remove closes and deletes the logs that were opened, and the files at the
// roots of the directories; the directories themselves stay. Logs are not forced
// to disk before.
func (d *LogDirs) Remove() error {
	return d.end(func(dir *logDir) error {
		var errs []error
		for _, o := range dir.logs() {
			if err := o.log.Remove(); !errors.Is(err, ErrFailed) {
				errs = append(errs, err)
			}
		}
		for _, name := range []string{recoveryPointsName, recoveryPointsName + ".tmp", highWatermarksName,
			highWatermarksName + ".tmp"} {
			errs = append(errs, removeIfThere(dir.node.FS(), path.Join(dir.root, name)))
		}
		return errors.Join(errs...)
	})
}

func (d *LogDirs) end(each func(*logDir) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return nil
	}
	d.mu.closed = true
	var errs []error
	for _, dir := range d.dirs {
		errs = append(errs, each(dir))
	}
	return errors.Join(errs...)
}

// logs are the logs that are open now; more may be opened meanwhile.
func (d *logDir) logs() []*openLog {
	d.file.Lock()
	defer d.file.Unlock()
	return slices.Clone(d.file.logs)
}

// mark writes the file that says that all was flushed and closed.
func (d *logDir) mark() error {
	return replaceFile(d.node, path.Join(d.root, cleanShutdownName), []byte(cleanShutdownText))
}
