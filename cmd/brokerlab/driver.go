package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/omb"
	"brokerlab/scenarios/spec"
)

func driverFlag() cli.Flag {
	return &cli.StringFlag{Name: "driver",
		Usage: "`FILE` driver of the OpenMessaging Benchmark for Kafka: what is named is\n" +
			"then its workloads, as they are; show prints the scenario that they make"}
}

// payloadBytesMax is more than a message of Kafka has.
const payloadBytesMax = 1 << 30

// readPayload reads a file of payloads, if there is one.
func readPayload(path string) (text []byte, ok bool) {
	if stat, err := os.Stat(path); err != nil || !stat.Mode().IsRegular() || stat.Size() > payloadBytesMax {
		return nil, false
	}
	text, err := os.ReadFile(path)
	return text, err == nil
}

// translated makes a scenario out of a workload, which its source is, and a driver of
// the OpenMessaging Benchmark.
func (s *scenario) translated(driver string) (*scenario, error) {
	text, err := readFile("driver", driver)
	if err != nil {
		return nil, err
	}
	made, err := omb.Translate(omb.Files{
		Workload: omb.Source{Name: s.arg, Text: s.source}, Driver: omb.Source{Name: driver, Text: text},
		ReadPayload: readPayload,
	})
	if err != nil {
		return nil, err
	}
	s.source, s.warnings = made.Scenario, made.Warnings
	s.file, s.cells, err = spec.Read(made.Name+".yaml", s.source, s.changed)
	var faults spec.Errors
	if errors.As(err, &faults) {
		for i := range faults { // a place in a text that the user has not seen is of no use
			if faults[i].Line > 0 {
				faults[i].File, faults[i].Line = s.arg+" with "+driver, 0
			}
		}
		return nil, faults
	}
	return s, err
}
