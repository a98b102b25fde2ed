//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// Crowds of every source that is not a stored key: the first process does the work,
// and asks the person if it takes one; the others wait and take the result.

// program writes a shell script into the home directory and returns its path.
func (w *world) program(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.Home, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Fifty processes start another tool's credential_process once, also if they want
// different roles on top of it.
func TestCrowdProcess(t *testing.T) {
	rounds(t, often(1, 20), func(t *testing.T, w *world) {
		// What the tool prints is the session of a user, so that it may assume the roles.
		session := sessionOf(w.with("FOB_MFA_CODE="+w.AWS.Code(ststest.DemoSerial)).must(t, "", "export", "dev"))
		w.must(t, "", "clear")
		w.AWS.ResetCalls()
		run := w.program(t, "tool", fmt.Sprintf("echo run >>%s/runs\nsleep 0.3\n"+
			`printf '{"Version":1,"AccessKeyId":"%%s","SecretAccessKey":"%%s","SessionToken":"%%s","Expiration":"2100-01-01T00:00:00Z"}' '%s' '%s' '%s'`+"\n",
			w.Home, session.ID, session.Secret.Reveal(), session.Token.Reveal()))
		w.config(t, "[profile tool]\ncredential_process = "+run+"\n")
		for _, role := range []string{"a", "b"} {
			w.config(t, "[profile tool-"+role+"]\nfob_source_profile = tool\nfob_role_arn = arn:aws:iam::222222222222:role/"+role+"\n")
		}
		w = w.kernelCopies(t)
		profiles := []string{"tool", "tool-a", "tool-b"}
		results := w.crowd(t, 50, func(i int) []string { return []string{"export", "--profile", profiles[i%3], "-v"} }).end(t)
		for p := range profiles {
			var same []result
			for i := p; i < len(results); i += len(profiles) {
				same = append(same, results[i])
			}
			sameSession(t, same)
		}
		if runs := slurp(t, filepath.Join(w.Home, "runs")); runs != "run\n" {
			t.Errorf("the process ran %d times", strings.Count(runs, "\n"))
		}
		if calls := w.calls(); calls != "AssumeRole AssumeRole" {
			t.Errorf("AWS was called for %q", calls)
		}
	})
}
