package main

import (
	"strings"
	"testing"

	"fob/internal/ststest"
)

// What add takes from standard input is a key that is taken again, or an error
// that does not quote it.
func FuzzReadKey(f *testing.F) {
	id, secret := ststest.DemoKeyID, ststest.DemoSecret
	for _, text := range []string{
		"", "\ufeff", id + "\n" + secret, "  " + id + "\r\n" + secret + "\r\n\n", secret + "\n" + id, "\"" + id + "\"\n'" + secret + "'",
		`{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}`, `{"AccessKey":{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}}`,
		`{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","SessionToken":"y"}`, `{"AccessKeyId":1}`, "{", id + "\x00\n" + secret,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := readKey(strings.NewReader(text))
		if err == nil {
			k, err = tidy(k)
		}
		if err != nil {
			// The example in the error's own words is no quotation.
			words := strings.ReplaceAll(err.Error(), id, "")
			for _, line := range strings.Fields(text) {
				if len(line) >= 16 && strings.Contains(words, line) {
					t.Errorf("%q quotes %q", err, line)
				}
			}
			return
		}
		again, err := readKey(strings.NewReader(k.ID + "\n" + k.Secret.Reveal() + "\n"))
		if err == nil {
			again, err = tidy(again)
		}
		if err != nil || again.ID != k.ID || again.Secret.Reveal() != k.Secret.Reveal() {
			t.Errorf("%q is not taken a second time: %v", text, err)
		}
	})
}
