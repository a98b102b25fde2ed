package plan

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		in      string
		want    time.Duration
		printed string
	}{
		{"900", 15 * time.Minute, "15m"},
		{"0", 0, "0s"},
		{"1h", time.Hour, "1h"},
		{"90m", 90 * time.Minute, "1h 30m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h 5s"},
		{"1.5s", time.Second, "1s"},
		{"2147483647", 2147483647 * time.Second, "596523h 14m 7s"},
	} {
		d, err := ParseDuration(tt.in)
		if err != nil || d != tt.want || Duration(d) != tt.printed {
			t.Errorf("ParseDuration(%q) = %s (%s), %v", tt.in, d, Duration(d), err)
		}
	}
	for _, in := range []string{"", "-1", "-1h", "soon", "2147483648", "1 h", "1d", "9999999999h", "12:00"} {
		if d, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %s", in, d)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0s"},
		{45 * time.Second, "45s"},
		{43 * time.Minute, "43m"},
		{90 * time.Second, "1m 30s"},
		{12 * time.Hour, "12h"},
		{2*time.Hour + 13*time.Minute, "2h 13m"},
		{36 * time.Hour, "36h"},
		{1999 * time.Millisecond, "1s"},
		{999 * time.Millisecond, "0s"},
		{-90 * time.Minute, "-1h 30m"},
	} {
		if got := Duration(tt.d); got != tt.want {
			t.Errorf("Duration(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

// FuzzParseDuration: an accepted duration is in whole seconds, is not negative, and
// can be read back from what Duration prints (without its spaces).
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"900", "1h", "1h30m5s", "0.5s", "-1", "1e3", "9223372036s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(strings.ReplaceAll(Duration(d), " ", "")); d < 0 || d%time.Second != 0 || err != nil || again != d {
			t.Errorf("ParseDuration(%q) = %s, printed as %s", s, d, Duration(d))
		}
	})
}
