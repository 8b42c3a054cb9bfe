package commitlog

import "brokerlab/engine/protocol"

// Offline takes every directory offline in which a log has failed, all other logs
// of it too (LogManager.handleLogDirFailure): what one file's failure says about a
// disk is said about all of them. It returns the paths of all directories that are
// offline by now.
func (d *LogDirs) Offline() (roots []string) {
	for _, dir := range d.dirs {
		logs := dir.logs()
		var cause error
		for _, o := range logs {
			if err := o.log.failure(); err != nil && cause == nil {
				cause = err
			}
		}
		if cause == nil {
			continue
		}
		for _, o := range logs {
			o.log.failWith(cause)
		}
		roots = append(roots, dir.root)
	}
	return roots
}

// Roots are the paths of the directories.
func (d *LogDirs) Roots() (roots []string) {
	for _, dir := range d.dirs {
		roots = append(roots, dir.root)
	}
	return roots
}

// DirOf is the path of the directory that an open log is in; "" if there is none.
func (d *LogDirs) DirOf(tp protocol.TopicPartition) (root string) {
	for _, dir := range d.dirs {
		for _, o := range dir.logs() {
			if o.topic == tp.Topic && o.partition == tp.Partition {
				return dir.root
			}
		}
	}
	return ""
}

// offline says whether a log of the directory has failed.
func (d *logDir) offline() bool {
	for _, o := range d.logs() {
		if o.log.failure() != nil {
			return true
		}
	}
	return false
}

// failWith makes the log useless for what another one of its directory failed of.
func (l *Log) failWith(failed error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.failed == nil {
		l.mu.failed = failed
	}
	l.mu.group.flushed.Broadcast()
}

// failure is why the log takes no more calls; nil if it has not failed.
func (l *Log) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.failed
}
