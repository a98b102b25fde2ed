package doctor

import (
	"testing"

	"fob/internal/awsconfig"
)

// Every difference has words, and something to do about it.
func TestDifferenceText(t *testing.T) {
	for kind := awsconfig.ByteOrderMark; kind <= awsconfig.WhiteSpace; kind++ {
		if problem, fix := difference(awsconfig.Difference{Kind: kind, Name: "region"}); problem == "" || fix == "" {
			t.Errorf("kind %d: %q, %q", kind, problem, fix)
		}
	}
}
