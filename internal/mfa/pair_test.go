package mfa

import (
	"errors"
	"strconv"
	"testing"
)

// Two codes in a row enable a device. Codes between which there is a gap do not, and
// the search for others ends.
func TestPair(t *testing.T) {
	gone := errors.New("gone")
	for _, c := range []struct {
		steps       []int64 // 0 is a failure
		first, last string
		made        int
		err         error
	}{
		{[]int64{7, 8}, "7", "8", 2, nil},
		{[]int64{7, 9, 10}, "9", "10", 3, nil},
		{[]int64{7, 7, 8}, "7", "8", 3, nil},
		{[]int64{7, 9, 11, 13, 14}, "13", "14", 5, nil},
		{[]int64{7, 9, 11, 13, 15, 16}, "", "", 5, ErrNoPair},
		{[]int64{0}, "", "", 1, gone},
		{[]int64{7, 0}, "", "", 2, gone},
	} {
		made := 0
		first, last, err := Pair(func() (Answer, error) {
			step := c.steps[made]
			if made++; step == 0 {
				return Answer{}, gone
			}
			return Answer{Code: strconv.FormatInt(step, 10), Step: step}, nil
		})
		if first != c.first || last != c.last || made != c.made || !errors.Is(err, c.err) {
			t.Errorf("%v: %q, %q, %d made, %v", c.steps, first, last, made, err)
		}
	}
}
