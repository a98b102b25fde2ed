package main

import (
	"strings"
	"testing"

	"fob/internal/ststest"
)

// A value that no variable can hold, and an environment that the kernel refuses, are said
// in words that name the cause.
func TestLongVariables(t *testing.T) {
	t.Parallel()
	w := devWorld(t)
	w.seeded(t)
	var secrets []string
	for _, name := range []string{"a", "b", "c"} {
		if _, _, err := w.AWS.AddSecret(ststest.Secret{Name: name, Text: strings.Repeat(name, 60_000)}); err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, "--secret", strings.ToUpper(name)+"=secretsmanager:"+name)
	}
	exec := append([]string{"exec", "dev", "--region", ststest.DemoRegion}, secrets...)
	if got := w.must(t, "", append(exec, "--", "sh", "-c", "echo ${#A} ${#B} ${#C}")...); got != "60000 60000 60000\n" {
		t.Errorf("got %q", got)
	}
	const ref = "{{resolve:secretsmanager:a}}"
	_, stderr, code := w.Run(append(exec, "--secret", "LONG="+ref+ref+ref, "--", "true")...)
	if want := "fob: error: no value for 1 of 4 variables: LONG: the value is longer than a variable can be\n"; stderr != want || code != exitExec {
		t.Errorf("%d %s", code, stderr)
	}
	// The kernel gives arguments and environment a quarter of the stack, and at least 128 KiB.
	small := *w
	small.Fob = "/bin/sh"
	_, stderr, code = small.Run(append([]string{"-c", `ulimit -s 512; exec "$0" "$@"`, w.Fob}, append(exec, "--", "true")...)...)
	if want := `fob: error: "true" cannot be run: its arguments and its environment are too long for the system` + "\n"; stderr != want || code != 126 {
		t.Errorf("%d %s", code, stderr)
	}
}
