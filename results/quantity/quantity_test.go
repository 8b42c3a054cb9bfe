package quantity

import "testing"

// Goal: quantities have three digits and the unit that suits them, also where
// rounding moves them to the next unit.
// Method: tables.
func TestQuantities(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Duration(0), "0 ns"}, {Duration(999), "999 ns"}, {Duration(1000), "1.00 \u00b5s"},
		{Duration(999_499), "999 \u00b5s"}, {Duration(999_500), "1.00 ms"}, {Duration(1_234_567), "1.23 ms"},
		{Duration(12_345_678), "12.3 ms"}, {Duration(99_960_000), "100 ms"}, {Duration(61_000_000_000), "61.0 s"},
		{Duration(3_600_000_000_000), "3,600 s"},
		{Digits(0), "0"}, {Digits(0.000382), "0.000382"}, {Digits(0.0021), "0.00210"},
		{Digits(0.099961), "0.100"}, {Digits(-0.0000589), "-0.0000589"},
		{Digits(2e-12), "2e-12"}, {Digits(0.4), "0.400"}, {Digits(0.9996), "1.00"},
		{Digits(1.234), "1.23"}, {Digits(9.996), "10.0"}, {Digits(99.96), "100"}, {Digits(1234.5), "1,235"},
		{Digits(1234567), "1,234,567"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(-1234567), "-1,234,567"},
		{Plural(1, "run"), "1 run"}, {Plural(0, "run"), "0 runs"}, {Plural(1200, "run"), "1,200 runs"},
		{Bytes(0), "0 B"}, {Bytes(1000), "1,000 B"}, {Bytes(1024), "1 KiB"}, {Bytes(16384), "16 KiB"},
		{Bytes(1048588), "1.00 MiB"}, {Bytes(1 << 30), "1 GiB"}, {Bytes(1500), "1,500 B"},
		{Size("1024"), "1 KiB"}, {Size("16KiB"), "16 KiB"}, {Size("1 MB"), "1 MB"}, {Size("never"), "never"}, {Size(""), ""},
		{Ratio(0), None}, {Ratio(4.123), "4.12"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
