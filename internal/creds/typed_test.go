package creds_test

import (
	"testing"

	"fob/internal/creds"
)

func TestTyped(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"correct horse":             "correct horse",
		"correct horse\n":           "correct horse",
		"correct horse\r\n":         "correct horse",
		"correct horse\n\n":         "correct horse\n",
		"correct horse\r\n\r\n":     "correct horse\r\n",
		"correct horse\r":           "correct horse\r",
		" a \t\n":                   " a \t",
		"\n":                        "",
		"\r\n":                      "",
		"\ufeffgr\u00fcn\r\n":       "gr\u00fcn",
		"\ufeff":                    "",
		"a\ufeffb":                  "a\ufeffb",
		"\xff\xfeg\x00\xfc\x00":     "g\u00fc",
		"\xff\xfea\x00\r\x00\n\x00": "a",
		"\xfe\xff\x00a\x00\n":       "a",
		"\xff\xfe\x3d\xd8\x00\xde":  "\U0001F600",
		"\xff\xfe":                  "",
		"\xff\xfea\x00b":            "a\x00", // refused
		"\xff\xfe\x00\xd8a\x00":     "\ufffda",
		"\xfc":                      "\xfc", // refused
	} {
		if got := creds.Typed(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
