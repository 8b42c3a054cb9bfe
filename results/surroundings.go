package results

// Surroundings is what else happened in the machine in the measured window of a real
// repeat, as far as the system tells: what would be in its figures and is not its own.
// Times of processors are those of all cores together.
type Surroundings struct {
	Seconds float64 `json:"seconds"` // of the window
	Cores   int     `json:"cores"`
	// OthersCPUS is what other programs used; threads of the kernel, which write back
	// pages of this one, are left out, and so are interrupts.
	OthersCPUS float64 `json:"others_cpu_s"`
	// KernelAmongThem says that threads of the kernel could not be told from programs, as
	// in a container that does not see them.
	KernelAmongThem bool `json:"kernel_among_them,omitempty"`
	// Busiest names the other program that used most of it, BusiestCPUS says how much;
	// "" where none did, or it ended before it could be seen.
	Busiest     string  `json:"busiest,omitempty"`
	BusiestCPUS float64 `json:"busiest_cpu_s,omitempty"`
	// StealS is the time in which a core of a virtual machine wanted to run, and the
	// host ran something else.
	StealS float64 `json:"steal_s"`
	// HeldBackS is the time for which the control group's limit of processor time (as
	// containers have) held this process back.
	HeldBackS float64 `json:"held_back_s"`
	// SwappedPages were moved between memory and swap, both directions, whosever.
	SwappedPages int64 `json:"swapped_pages"`
	// ClockStepNS is by how much the wall clock went on more (or less) than the
	// monotonic one that latencies are measured with.
	ClockStepNS int64 `json:"clock_step_ns"`
	// SuspendedNS is for how long the machine slept: its clocks stood still.
	SuspendedNS int64 `json:"suspended_ns"`
	// Overheated counts how often a core was slowed down because it was too hot.
	Overheated int64 `json:"overheated"`
	// FrequencyLowMHz and FrequencyHighMHz are the least and the greatest of the
	// fastest core's clock, once a second; 0 where the system does not tell.
	FrequencyLowMHz  float64 `json:"frequency_low_mhz,omitempty"`
	FrequencyHighMHz float64 `json:"frequency_high_mhz,omitempty"`
	// FreeShare is the free part of the fullest file system with data, at the end of the
	// window; 0 where the system does not tell.
	FreeShare float64 `json:"free_share,omitempty"`
}
