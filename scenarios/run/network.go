package run

import (
	"brokerlab/engine/netmodel"
	"brokerlab/scenarios/spec"
)

// networkOf is the profile of a scenario's network with the figures that the scenario
// has itself.
func networkOf(n *spec.Network) (netmodel.Config, error) {
	p, err := netmodel.Profile(n.Profile)
	if err != nil {
		return netmodel.Config{}, err
	}
	cfg := p.Config
	cfg.InFlightBytes = n.InFlight
	if n.BytesPerSec != spec.Auto {
		cfg.BytesPerSec = n.BytesPerSec
	}
	if n.Delay != spec.Auto {
		cfg.Delay = n.Delay
	}
	if n.Jitter != spec.Auto {
		cfg.Jitter = n.Jitter
	}
	if n.Loss != spec.Auto {
		cfg.Loss = n.Loss
	}
	if n.MTU != spec.Auto {
		cfg.MTU = int(n.MTU)
	}
	return cfg, cfg.Validate()
}
