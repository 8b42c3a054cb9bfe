package run

import (
	"errors"
	"fmt"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// stage is the world of one repeat.
type stage struct {
	world env.World
	// mount gives a broker's node its storage.
	mount func(broker string) func(env.Node) env.FS
	// logDirs are a broker's log directories on it.
	logDirs []string
	// hash digests a simulated run; "" for a real one.
	hash  func() string
	close func()
}

func newStage(disk string, dirs []string, seed uint64, s *spec.Scenario) (*stage, error) {
	n, err := resolved(s.Network)
	if err != nil {
		return nil, err
	}
	if Target(disk) == results.TargetReal {
		w := realworld.New(realworld.Config{Seed: seed,
			Link: realworld.Link{BytesPerSec: n.BytesPerSec, Delay: n.Delay, InFlightBytes: n.InFlight}})
		logDirs, mount := spread(dirs)
		return &stage{world: w, logDirs: logDirs, mount: mount, hash: func() string { return "" }, close: func() {}}, nil
	}
	if disk != DiskSim {
		return nil, fmt.Errorf("disk %q is neither %s nor %sPATH", disk, DiskSim, dirPrefix)
	}
	cfg := simworld.DefaultConfig()
	cfg.Seed = seed
	cfg.Link = simworld.Link{BytesPerSec: n.BytesPerSec, Delay: n.Delay, InFlightBytes: n.InFlight}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w := simworld.New(cfg)
	return &stage{
		world:   w,
		logDirs: []string{logDir},
		mount:   func(string) func(env.Node) env.FS { return simfs.NewDisk(simfs.DefaultConfig()).Mount },
		hash:    func() string { return fmt.Sprintf("%016x", w.Hash()) },
		close:   w.Close,
	}, nil
}

// join starts tasks on any nodes and waits for them from the driver's. It is the
// one place where tasks of several nodes share a lock: what drives a run stands
// outside of the machines that it drives.
type join struct {
	mu struct {
		env.Mutex
		ended   env.Cond
		running int
		errs    []error
	}
}

func newJoin(driver env.Node) *join {
	j := &join{}
	j.mu.Mutex = driver.NewMutex()
	j.mu.ended = driver.NewCond(j.mu.Mutex)
	return j
}

// start runs fn as a task of node.
func (j *join) start(node env.Node, name string, fn func() error) {
	j.mu.Lock()
	j.mu.running++
	j.mu.Unlock()
	node.Go(name, func() {
		err := fn()
		j.mu.Lock()
		defer j.mu.Unlock()
		j.mu.running--
		if err != nil {
			j.mu.errs = append(j.mu.errs, err)
		}
		j.mu.ended.Broadcast()
	})
}

// wait returns when all tasks have ended, with their errors.
func (j *join) wait() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.mu.running > 0 {
		j.mu.ended.WaitUntil(env.Never)
	}
	return errors.Join(j.mu.errs...)
}
