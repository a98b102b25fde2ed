package plan

import (
	"regexp"
	"strings"
	"testing"
)

// syntaxes are the patterns of AWS's API references.
var syntaxes = []struct {
	pattern string
	is      func(string) bool
}{
	{`^[\w+=,.@-]{2,64}$`, isSessionName},
	{`^[\w+=,.@:/-]{2,1000}$`, isExternalID}, // 1224, but no expression repeats more than 1000 times
	{`^[\w+=/:,.@-]{9,256}$`, isSerialNumber},
	{`^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$`, isTagKey},
	{`^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$`, isTagValue},
	{`^[0-9]{12}$`, IsAccountID},
	{`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, isHostLabel},
}

func FuzzSyntax(f *testing.F) {
	for _, s := range []string{"", "j", "jo", "jo smith", "jo\n", "ü\u00a0٣", "\xff", "-jo-", "A-b_c+=,.@:/9", "123456789012", "\x00", "K\u212a"} {
		f.Add(s, 1)
	}
	for _, n := range []int{8, 9, 11, 12, 13, 63, 64, 65, 128, 129, 256, 257, 1000} {
		f.Add("1", n)
		f.Add("é", n)
	}
	var patterns []*regexp.Regexp
	for _, x := range syntaxes {
		patterns = append(patterns, regexp.MustCompile(x.pattern))
	}
	f.Fuzz(func(t *testing.T, s string, times int) {
		if times < 0 || times > 1000 || len(s)*times > 1000 {
			return
		}
		s = strings.Repeat(s, times)
		for i, x := range syntaxes {
			if got, want := x.is(s), patterns[i].MatchString(s); got != want {
				t.Errorf("%s: %q is %v, not %v", x.pattern, s, got, want)
			}
		}
	})
}

func FuzzLegalSessionName(f *testing.F) {
	for _, s := range []string{"", "j", "jo smith", "ü", "-jo-", strings.Repeat("x", 70), strings.Repeat("-", 70), strings.Repeat("é", 70) + "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := legalSessionName(s); !isSessionName(got) {
			t.Errorf("legalSessionName(%q) = %q", s, got)
		}
	})
}

func TestExternalIDLength(t *testing.T) {
	if !isExternalID(strings.Repeat("x", 1224)) || isExternalID(strings.Repeat("x", 1225)) {
		t.Error("the limit is not 1224")
	}
}
