package leaks

import (
	"fmt"
	"strings"
	"testing"
)

// What a new version of a file has more than the old one is new: by kind and spelling, and
// of an ID also its secret.
func TestNewHits(t *testing.T) {
	of := func(what string) (hits []hit) {
		for _, word := range strings.Fields(what) {
			h := hit{match: match{of: &Subject{Kind: KeyID, State: IsOther, KeyID: "AKIA..." + word[:1]}}}
			switch word[1:] {
			case "+secret":
				h.of.WithSecret = true
			case "/base64":
				h.how = "base64"
			case "/bedrock":
				h.of = &Subject{Kind: BedrockKey, Fingerprint: word[:1]}
			}
			hits = append(hits, h)
		}
		return hits
	}
	for _, c := range []struct{ before, after, want string }{
		{"", "a", "a"},
		{"a", "a", ""},
		{"a", "a a", "a"},
		{"a", "b", "b"},
		{"a", "a/base64", "a/base64"},
		{"a b", "b a", ""},
		{"a", "a+secret", "a+secret"},
		{"a", "a a+secret", "a+secret"},
		{"a+secret", "a+secret", ""},
		{"a+secret", "a", ""},
		{"a+secret", "a a+secret", "a"},
		{"a+secret", "a a", "a"},
		{"a a+secret", "a+secret a", ""},
		{"a+secret", "b", "b"},
		{"a/bedrock", "a/bedrock", ""},
		{"a/bedrock", "b/bedrock", "b/bedrock"},
	} {
		var got []string
		for _, h := range newHits(of(c.before), of(c.after)) {
			word := strings.TrimPrefix(h.of.KeyID, "AKIA...")
			switch {
			case h.of.Kind == BedrockKey:
				word = h.of.Fingerprint + "/bedrock"
			case h.of.WithSecret:
				word += "+secret"
			case h.how != "":
				word += "/" + h.how
			}
			got = append(got, word)
		}
		if fmt.Sprint(got) != fmt.Sprint(strings.Fields(c.want)) {
			t.Errorf("%q, then %q: %q is new, want %q", c.before, c.after, got, c.want)
		}
	}
}
