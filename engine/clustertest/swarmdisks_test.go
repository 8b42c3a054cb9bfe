package clustertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/profiles"
	"brokerlab/disks/simfs"
	"brokerlab/engine/simworld"
)

// TestSwarmOnModelledDisks: what Kafka promises is kept also where crashes and power
// losses meet write-back, commits of a journal and drives' caches that are under way.
// Method: as TestSwarm, on hard disks and flash drives, protected and not, with little
// memory and eager write-back; seeds in which something is ill anyway, since a hard disk
// may be too slow for the plan's timeouts, and power is lost; one for each 100 of TestSwarm.
func TestSwarmOnModelledDisks(t *testing.T) {
	seedsEach := max(1, int(*swarmSeeds/100))
	if raceEnabled {
		seedsEach = 1
	}
	for _, row := range []struct{ profile, fs string }{{"hdd-7200", "ext4"}, {"nvme", "xfs"}, {"nvme-plp", "ext4"}} {
		t.Run(row.profile+" "+row.fs, func(t *testing.T) {
			t.Parallel()
			profile, err := profiles.Load(row.profile)
			if err != nil {
				t.Fatal(err)
			}
			total := &swarmTotal{}
			for seed, done := uint64(0), 0; done < seedsEach && !t.Failed(); seed++ {
				if plan := newSwarmPlan(seed); !plan.losesPower() {
					continue
				}
				done++
				place := swarmPlace{disk: func(i int, w *simworld.World) *simfs.Disk {
					host := simfs.DefaultHostConfig()
					host.MemoryBytes = 4 << 20
					host.DirtyExpire, host.DirtyWriteback = 300*time.Millisecond, 50*time.Millisecond
					return simfs.NewHost(w, host).NewDisk(simfs.DiskConfig{
						Name: fmt.Sprint(i), Device: profile.Config, FileSystem: row.fs, Rand: rand.New(rand.NewPCG(seed, uint64(i)))})
				}}
				out := swarmOn(t, seed, place)
				total.add(out)
				if done == 1 && swarmOn(t, seed, place).hash != out.hash {
					t.Errorf("seed %d: another run has another hash", seed)
				}
			}
			t.Logf("%d seeds: %v", seedsEach, total)
			if seedsEach > 3 && total.acked < 100*seedsEach {
				t.Errorf("%d records were acknowledged: they show nothing", total.acked)
			}
		})
	}
}

// losesPower says whether a broker may lose power in the plan.
func (p *swarmPlan) losesPower() bool {
	for _, i := range p.ills {
		if i == powerLosses {
			return true
		}
	}
	return false
}
