package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What load.arrival may be.
const (
	ArrivalConstant = "constant"
	ArrivalPoisson  = "poisson"
	ArrivalSteps    = "steps"
	ArrivalRamp     = "ramp"
	ArrivalBursts   = "bursts"
	ArrivalReplay   = "replay"
)

// What load.spacing may be.
const (
	SpacingEven    = "even"
	SpacingPoisson = "poisson"
)

// What load.curve.end may be.
const (
	CurveLoop = "loop"
	CurveStop = "stop"
)

// Load describes how and how long records are sent.
type Load struct {
	// Arrival is the process by which records come due (arrival): constant, poisson,
	// steps, ramp, bursts or replay; constant.
	Arrival string
	// Rate is records per second over all producers (rate): `max`, which is 0, `20000/s`,
	// or RateSustainable. With steps, ramp, bursts and replay it is the mean to which their rates
	// are scaled, and 0 leaves them as they are; else 0 means closed loop, at full speed.
	Rate float64
	// WarmupRate and ReadRate are the same in other phases: RateSame or RateNone too.
	WarmupRate float64 // warmup.rate; same
	ReadRate   float64 // read.rate; none

	Spacing     string        // spacing: even or poisson; even
	Steps       []Step        // steps; none
	RampFrom    float64       // ramp.from: records per second; 0
	RampTo      float64       // ramp.to; 10000
	RampLength  time.Duration // ramp.length; 0 = auto: the whole load
	BurstRate   float64       // burst.rate: records per second in a burst; 10000
	BurstBase   float64       // burst.base: and between them; 1000
	BurstLength time.Duration // burst.length; 100 ms
	BurstEvery  time.Duration // burst.every: from one burst to the next; 1 s
	Curve       string        // curve: a file with a recorded rate curve; none
	CurveEnd    string        // curve.end: loop or stop; loop
	CatchUp     bool          // catch-up: after a stall; false
	Tolerance   time.Duration // tolerance: how late records are sent without catch-up; 200 ms
	Slack       time.Duration // slack (ours): of the producers' timers; 0
	Warmup      time.Duration // warmup: cut from the measured window; 1 s
	Duration    time.Duration // duration: of the load, warm-up included; 10 s
	// MaxBytes ends the load early, once so many bytes were sent to be written to
	// all logs, replicas included; 0 means no limit. YAML: `max-bytes`. What the
	// producers hold by then is written on top.
	MaxBytes int64

	// The reading of consumers that begin after the load, and the end of all.
	ReadAfter int64         // read.after: bytes of records at which the load ends for it; 0 = never
	ReadRatio int           // read.ratio: percent of the backlog; 100
	ReadLimit time.Duration // read.limit; 10 min; 0 = unlimited
	Drain     time.Duration // drain; 2 min; 0 = unlimited
}

// Step is a constant rate for a while.
type Step struct {
	Rate   float64       // records per second
	Length time.Duration // 0: shares what the others leave of the load with those like it
}

// Curved says whether the arrival has rates of its own.
func (l *Load) Curved() bool {
	return slices.Contains([]string{ArrivalSteps, ArrivalRamp, ArrivalBursts, ArrivalReplay}, l.Arrival)
}

// Closed says whether the loop is closed: the system sets the pace.
func (l *Load) Closed() bool { return l.Rate == 0 && !l.Curved() }

// Searched says whether the rate is looked for in the warm-up.
func (l *Load) Searched() bool { return l.Rate == RateSustainable }

// Random says whether the gaps between records are those of a Poisson process.
func (l *Load) Random() bool { return l.Arrival == ArrivalPoisson || l.Spacing == SpacingPoisson }

// CurveLength is how much of the load the arrival's curve is for: what follows a
// warm-up that has a rate of its own, or all of it.
func (l *Load) CurveLength() time.Duration {
	if l.WarmupRate == RateSame {
		return l.Duration
	}
	return l.Duration - l.Warmup
}

// curveSpan is CurveLength in words.
func (l *Load) curveSpan() string {
	if l.WarmupRate == RateSame {
		return "duration " + formatSpan(l.Duration)
	}
	return "duration " + formatSpan(l.Duration) + " without its warm-up of " + formatSpan(l.Warmup)
}

// SpacedSteps returns the steps with all lengths filled in.
func (l *Load) SpacedSteps() ([]Step, error) {
	var given time.Duration
	open := 0
	for _, st := range l.Steps {
		if given += st.Length; st.Length == 0 {
			open++
		}
	}
	left := l.CurveLength() - given
	switch {
	case left < 0 || left == 0 && open > 0:
		return nil, fmt.Errorf("steps take %s, and %s leaves nothing for the last of them", formatSpan(given), l.curveSpan())
	case open == 0 && left > 0:
		return nil, fmt.Errorf("steps take %s of %s: leave out the length of one, which then takes the rest",
			formatSpan(given), l.curveSpan())
	case open > 0 && left < time.Duration(open):
		return nil, fmt.Errorf("%d steps share the %s that are left of %s", open, formatSpan(left), l.curveSpan())
	}
	out := slices.Clone(l.Steps)
	shared := 0
	for i := range out {
		if out[i].Length == 0 {
			// Cut where the share of all so far ends, so that nothing is left over.
			from, to := left*time.Duration(shared)/time.Duration(open), left*time.Duration(shared+1)/time.Duration(open)
			out[i].Length = to - from
			shared++
		}
	}
	return out, nil
}

// stepsMax bounds the steps of a load.
const stepsMax = 1000

// Words of a step.
const (
	stepsSep = " then "
	stepFor  = " for "
)

// pieceRate notates rates of a curve, which may be 0.
var pieceRate = within(perSecond, 0, rateMax)

// stepLists notates the steps of a load: 1000/s for 10s then 5000/s.
var stepLists = notation[[]Step]{
	parse: func(text string) ([]Step, error) {
		if text == wordNone {
			return nil, nil
		}
		words := strings.Split(text, stepsSep)
		if len(words) > stepsMax {
			return nil, fmt.Errorf("has %d steps; at most %d fit", len(words), stepsMax)
		}
		var out []Step
		for _, word := range words {
			st, err := parseStep(strings.TrimSpace(word))
			if err != nil {
				return nil, err
			}
			out = append(out, st)
		}
		return out, nil
	},
	format: func(steps []Step) string {
		if len(steps) == 0 {
			return wordNone
		}
		words := make([]string, len(steps))
		for i, st := range steps {
			words[i] = pieceRate.format(st.Rate)
			if st.Length > 0 {
				words[i] += stepFor + formatSpan(st.Length)
			}
		}
		return strings.Join(words, stepsSep)
	},
	shape: &shape{words: []string{wordNone}, pattern: `^[0-9].*/s`},
}

func parseStep(text string) (st Step, err error) {
	rate, length, timed := strings.Cut(text, stepFor)
	if st.Rate, err = pieceRate.parse(strings.TrimSpace(rate)); err != nil {
		return st, fmt.Errorf("%w (a step is 1000/s, or 1000/s for 10s)", err)
	}
	if timed {
		st.Length, err = within(span, time.Millisecond, durationMax).parse(strings.TrimSpace(length))
	}
	return st, err
}

// curveFile notates the path of a recorded rate curve.
var curveFile = notation[string]{
	parse: func(text string) (string, error) {
		switch {
		case text == wordNone:
			return "", nil
		case !strings.HasSuffix(strings.ToLower(text), ".csv"):
			return "", fmt.Errorf("%q is not the name of a .csv file", text)
		}
		return text, checkPath(text)
	},
	format: func(s string) string {
		if s == "" {
			return wordNone
		}
		return s
	},
	shape: &shape{words: []string{wordNone}, pattern: `\.[cC][sS][vV]$`},
}

var loadSettings = []setting{
	row("load.arrival", func(s *Scenario) *string { return &s.Load.Arrival },
		oneOf(ArrivalConstant, ArrivalPoisson, ArrivalSteps, ArrivalRamp, ArrivalBursts, ArrivalReplay),
		"how records come due: at a constant rate, as a Poisson process, by a rate curve of steps, of a ramp or of "+
			"bursts, or by one that was recorded"),
	row("load.rate", func(s *Scenario) *float64 { return &s.Load.Rate },
		phaseRate(wordSustainable),
		"records per second over all producers (of a group), sent on time whatever comes back; `max`: as fast as they "+
			"go; `sustainable`: the highest rate that brokers and consumers keep up with, looked for in the warm-up and then "+
			"held. With `steps`, `ramp`, `bursts` and `replay` their rates are scaled so that this is the mean over the load; "+
			"`max` leaves them as they are"),
	row("load.warmup.rate", func(s *Scenario) *float64 { return &s.Load.WarmupRate }, phaseRate(wordSame),
		"the same in the warm-up; `same`: that of load.rate"),
	row("load.read.rate", func(s *Scenario) *float64 { return &s.Load.ReadRate }, phaseRate(wordNone, wordSame),
		"the same after the load, while consumers read what `backlog` and `cold` left; `none`: producers have ended"),
	row("load.spacing", func(s *Scenario) *string { return &s.Load.Spacing }, oneOf(SpacingEven, SpacingPoisson),
		"gaps between the records of a rate curve: evenly apart, or those of a Poisson process of that rate"),
	listSetting(stepsSep, row("load.steps", func(s *Scenario) *[]Step { return &s.Load.Steps }, stepLists,
		"of `steps`: a list such as `[1000/s for 10s, 5000/s]`, in one line `1000/s for 10s then 5000/s`; those without "+
			"a length share what is left of the load")),
	row("load.ramp.from", func(s *Scenario) *float64 { return &s.Load.RampFrom }, pieceRate,
		"of `ramp`: the rate at the start of the load"),
	row("load.ramp.to", func(s *Scenario) *float64 { return &s.Load.RampTo }, pieceRate,
		"the rate at the end of the ramp, which goes on from there"),
	row("load.ramp.length", func(s *Scenario) *time.Duration { return &s.Load.RampLength },
		orWord(within(span, time.Millisecond, durationMax), wordAuto), "how long the ramp takes; `auto`: the whole load"),
	row("load.burst.rate", func(s *Scenario) *float64 { return &s.Load.BurstRate },
		within(perSecond, rateMin, rateMax), "of `bursts`: the rate in a burst"),
	row("load.burst.base", func(s *Scenario) *float64 { return &s.Load.BurstBase }, pieceRate,
		"and between bursts, with which the load begins"),
	row("load.burst.length", func(s *Scenario) *time.Duration { return &s.Load.BurstLength },
		within(span, time.Microsecond, durationMax), "how long a burst lasts"),
	row("load.burst.every", func(s *Scenario) *time.Duration { return &s.Load.BurstEvery },
		within(span, time.Microsecond, durationMax), "from the end of one burst to the end of the next"),
	row("load.curve", func(s *Scenario) *string { return &s.Load.Curve }, curveFile,
		"of `replay`: a CSV file (`./traffic.csv`) with a time and a rate in each line, such as `90,1500`; the run folder "+
			"keeps a copy"),
	row("load.curve.end", func(s *Scenario) *string { return &s.Load.CurveEnd }, oneOf(CurveLoop, CurveStop),
		"what follows the last line of the curve: it begins again, or nothing is sent any more"),
	row("load.catch-up", func(s *Scenario) *bool { return &s.Load.CatchUp }, flags,
		"after a stall of a producer all records that came due meanwhile are sent, however late, if need be after the "+
			"load; else those later than load.tolerance are not, which is counted (`unsent`) and said"),
	row("load.tolerance", func(s *Scenario) *time.Duration { return &s.Load.Tolerance },
		within(span, time.Millisecond, durationMax),
		"how late a record is still sent without load.catch-up; load.slack comes on top"),
	row("load.slack", func(s *Scenario) *time.Duration { return &s.Load.Slack }, within(span, 0, time.Second),
		"how long after its instant a record may be sent, with all that are due by then: large simulated loads are cheaper "+
			"so; latency counts from the instant all the same"),
	whole(row("load.warmup", func(s *Scenario) *time.Duration { return &s.Load.Warmup }, within(span, 0, durationMax),
		"start of the load that the results leave out")),
	whole(row("load.duration", func(s *Scenario) *time.Duration { return &s.Load.Duration },
		within(span, time.Millisecond, durationMax), "length of the load, warm-up included")),
	whole(row("load.max-bytes", func(s *Scenario) *int64 { return &s.Load.MaxBytes },
		orWord(within(size, 1, loadBytesMax), wordUnlimited),
		"bytes written to all logs, replicas included, after which the load ends early")),
	whole(row("load.read.after", func(s *Scenario) *int64 { return &s.Load.ReadAfter },
		orWord(within(size, 1, loadBytesMax), wordNever),
		"acknowledged bytes of records that wait for a consumer of `backlog` or `cold`, at which the load ends early and "+
			"the reading begins")),
	whole(row("load.read.ratio", func(s *Scenario) *int { return &s.Load.ReadRatio }, within(percent, 1, 100),
		"share of that backlog after which the reading has ended, whatever came since; what is left is drained")),
	whole(row("load.read.limit", func(s *Scenario) *time.Duration { return &s.Load.ReadLimit },
		orWord(within(span, time.Millisecond, durationMax), wordUnlimited),
		"how long the reading may last; what is unread then is told")),
	whole(row("load.drain", func(s *Scenario) *time.Duration { return &s.Load.Drain },
		orWord(within(span, time.Millisecond, durationMax), wordUnlimited),
		"how long clients may take after the load: producers for what they hold, consumers for what they have not read; "+
			"then they give up, which is told")),
}

func defaultLoad() Load {
	return Load{
		Arrival: ArrivalConstant, Spacing: SpacingEven, RampTo: 10000, BurstRate: 10000, BurstBase: 1000,
		BurstLength: 100 * time.Millisecond, BurstEvery: time.Second, CurveEnd: CurveLoop,
		Tolerance: 200 * time.Millisecond, Warmup: time.Second, Duration: 10 * time.Second,
		WarmupRate: RateSame, ReadRate: RateNone, ReadRatio: 100, ReadLimit: 10 * time.Minute, Drain: 2 * time.Minute,
	}
}
