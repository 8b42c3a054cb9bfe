package netmodel

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Goal: a card moves in messages what the frames leave of its line rate. Method:
// the table of the reference data (MB/s of full segments, and the microseconds
// that some sizes take), to its last digit.
func TestGoodput(t *testing.T) {
	rows := []struct {
		name          string
		bytesPerSec   int64
		mtu           int
		megaBytes     float64
		micros64KiB   float64
		unit          float64 // of the last digit of megaBytes
		unitOf64KiB   float64
		noFrameAtZero bool
	}{
		{"1 GbE", 125e6, 1500, 117.7, 557, 0.1, 1, false},
		{"1 GbE, jumbo frames", 125e6, 9000, 123.8, 530, 0.1, 1, false},
		{"10 GbE", 1250e6, 1500, 1177, 55.7, 1, 0.1, false},
		{"25 GbE", 3125e6, 1500, 2942, 22.3, 1, 0.1, false},
		{"100 GbE", 12500e6, 1500, 11769, 5.6, 1, 0.1, false},
		{"no frames", 100e6, 0, 100, 655.36, 0.001, 0.01, true},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			c := Config{BytesPerSec: r.bytesPerSec, MTU: r.mtu}
			if got := c.Goodput() / 1e6; math.Abs(got-r.megaBytes) > r.unit/2 {
				t.Errorf("goodput is %.3f MB/s, want %v", got, r.megaBytes)
			}
			got := float64(c.Transmission(64<<10)) / 1e3
			if math.Abs(got-r.micros64KiB) > 1.5*r.unitOf64KiB {
				t.Errorf("64 KiB take %.2f us, want %v", got, r.micros64KiB)
			}
			if free := c.Transmission(0) == 0; free != r.noFrameAtZero {
				t.Errorf("nothing takes %v", c.Transmission(0))
			}
		})
	}
}

// Goal: frames are counted whole. Method: sizes around the payload of a frame.
func TestWireBytes(t *testing.T) {
	c := Config{BytesPerSec: 1, MTU: 1500}
	for _, r := range []struct{ bytes, want int64 }{
		{0, 90}, {1, 91}, {1447, 1537}, {1448, 1538}, {1449, 1449 + 180}, {1448 * 10, 15380},
	} {
		if got := c.WireBytes(r.bytes); got != r.want {
			t.Errorf("%d bytes take %d on the wire, want %d", r.bytes, got, r.want)
		}
	}
}

// Goal: the time that bytes take is exact, rounded up, and does not overflow where
// the product of bytes and nanoseconds does. Method: table.
func TestTransmission(t *testing.T) {
	rows := []struct {
		bytes, rate int64
		want        time.Duration
	}{
		{1 << 40, 0, 0},
		{125, 125_000_000, time.Microsecond},
		{1 << 40, 1 << 30, 1024 * time.Second},
		{1, 3, 333_333_334},
		{1 << 62, 1, math.MaxInt64},
		{1 << 34, 1, math.MaxInt64}, // 544 years
	}
	for _, r := range rows {
		if got := transmission(r.bytes, r.rate); got != r.want {
			t.Errorf("%d bytes at %d/s take %v, want %v", r.bytes, r.rate, got, r.want)
		}
	}
}

// Goal: every profile is valid, has a name of its own and one line, and is found
// by its name; other names are errors that say which there are.
func TestProfiles(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Profiles() {
		found, err := Profile(p.Name)
		if err != nil || found != p {
			t.Errorf("Profile(%q) = %+v, %v", p.Name, found, err)
		}
		if err := p.Config.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if seen[p.Name] || p.Description == "" || strings.Contains(p.Description, "\n") {
			t.Errorf("%q appears twice, or %q is not a line", p.Name, p.Description)
		}
		seen[p.Name] = true
		if p.Config.Shaped() == (p.Name == "local") {
			t.Errorf("%s: shaped is %v", p.Name, p.Config.Shaped())
		}
	}
	if _, err := Profile("token-ring"); err == nil || !strings.Contains(err.Error(), "1gbe") {
		t.Errorf("an unknown profile: %v", err)
	}
}

// Goal: what no network has is an error.
func TestValidate(t *testing.T) {
	for _, c := range []Config{
		{BytesPerSec: -1}, {Delay: -1}, {Jitter: -1}, {InFlightBytes: -1}, {MTU: 100}, {MTU: -1}, {MTU: 1 << 17},
		{Loss: -0.1}, {Loss: 0.6}, {Loss: math.NaN()},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
	if err := (&Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
