package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a number of seconds, as the AWS files have them, or Go's
// 90m and 12h.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, invalidDuration(s)
	}
	return d.Truncate(time.Second), nil
}

func invalidDuration(s string) error {
	return fmt.Errorf("invalid duration %q; use 30m, 8h or a number of seconds", s)
}

// Duration is the one way in which fob prints a length of time: 12h, 2h 13m, 45s.
// It drops fractions of a second and leaves out units that are zero.
func Duration(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	s := int64(d / time.Second)
	var parts []string
	for _, unit := range []struct {
		name  string
		count int64
	}{{"h", s / 3600}, {"m", s / 60 % 60}, {"s", s % 60}} {
		if unit.count > 0 {
			parts = append(parts, strconv.FormatInt(unit.count, 10)+unit.name)
		}
	}
	if len(parts) == 0 {
		return "0s"
	}
	return sign + strings.Join(parts, " ")
}
