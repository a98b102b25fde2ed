package plan

import (
	"strings"
	"testing"
)

func TestIsRegion(t *testing.T) {
	for _, s := range []string{"eu-west-1", "us-gov-west-1", "eusc-de-east-1", "local"} {
		if !IsRegion(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "EU-WEST-1", "eu-west-1.evil.com", "eu-west-", "-x", "eu_west_1", "eu-west-1\n", "$(id)", "a/b", strings.Repeat("a", 64)} {
		if IsRegion(s) {
			t.Errorf("%q is taken", s)
		}
	}
}
