package run

import (
	"fmt"
	"time"

	"brokerlab/scenarios/spec"
)

// networkProfile is what network.profile stands for.
type networkProfile struct {
	name        string
	bytesPerSec int64 // 0: no limit
	delay       time.Duration
}

// networkProfiles are the networks that spec.NetworkProfiles names. Delays are half
// of the round trips that are recalled for racks with the kernel's TCP: 100 to 200
// us with 1 GbE, 30 to 80 with 10 GbE, 20 to 50 with 25 GbE.
var networkProfiles = []networkProfile{
	{name: spec.NetworkNone},
	{name: "1gbe", bytesPerSec: 125_000_000, delay: 75 * time.Microsecond},
	{name: "10gbe", bytesPerSec: 1_250_000_000, delay: 25 * time.Microsecond},
	{name: "25gbe", bytesPerSec: 3_125_000_000, delay: 15 * time.Microsecond},
}

// resolved is the network with the profile's figures where it has none of its own.
func resolved(n spec.Network) (spec.Network, error) {
	for _, p := range networkProfiles {
		if p.name != n.Profile {
			continue
		}
		if n.BytesPerSec == spec.Auto {
			n.BytesPerSec = p.bytesPerSec
		}
		if n.Delay == spec.Auto {
			n.Delay = p.delay
		}
		return n, nil
	}
	return n, fmt.Errorf("network.profile %q is not built in", n.Profile)
}
