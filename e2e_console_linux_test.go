//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/ststest"
)

// withCRT runs boto3 or the AWS CLI with what botocore needs for console sign-ins.
func withCRT(find func(*testing.T) []string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		python := need(t, "python3", "-c", "import boto3, awscli, cryptography")
		argv := find(t)
		if filepath.Base(argv[0]) == "aws" {
			argv[0] = "aws"
		} else {
			argv = argv[1:]
		}
		return append([]string{python, filepath.Join(programs(t), "withcrt.py")}, argv...)
	}
}

// consoleConsumers are AWS's own tools that read a sign-in of aws login and renew it.
var consoleConsumers = []consumer{{name: "boto3", find: withCRT(boto3)}, {name: "aws", find: withCRT(awsCLI)}, {name: "go", find: goSDK}, {name: "js", find: jsSDK}}

// awsLoginWorld has a profile p that is signed in to with aws login.
func awsLoginWorld(t *testing.T) (w *world, file string) {
	t.Helper()
	w = newWorld(t)
	file, err := awsLogin(w.AWS, w.Home, ststest.DemoUser)
	if err != nil {
		t.Fatal(err)
	}
	w.setConfig(t, "[profile p]\nregion = eu-west-1\nlogin_session = "+ststest.DemoUser+"\n")
	w.AWS.ResetCalls()
	return w, file
}

// cacheFields are what stands in a file of AWS's cache.
func cacheFields(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	var fields map[string]any
	if err = errors.Join(err, json.Unmarshal(text, &fields)); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, text)
	}
	return fields
}

// expire lets the credentials in a file expire.
func expire(t *testing.T, file string) {
	t.Helper()
	fields := cacheFields(t, file)
	fields["accessToken"].(map[string]any)["expiresAt"] = time.Now().Add(-time.Second).UTC().Format("2006-01-02T15:04:05Z")
	text, err := json.Marshal(fields)
	if err = errors.Join(err, os.WriteFile(file, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// fob and AWS's own tools take turns at one sign-in, for which AWS takes each refresh token
// once. Nobody is ever signed out, and nothing in the file that fob does not know is lost.
func TestConsoleCacheIsShared(t *testing.T) {
	t.Parallel()
	for _, c := range consoleConsumers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			argv := c.find(t)
			w, file := awsLoginWorld(t)
			tool := func() {
				t.Helper()
				stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=p"}, argv...)
				if id := read(t, stdout, stderr, code); id.ARN != ststest.DemoUser {
					t.Errorf("%s", id.ARN)
				}
			}
			fob := func() {
				t.Helper()
				before := cacheFields(t, file)
				w.must(t, "", "export", "p", "--fresh")
				after := cacheFields(t, file)
				for name := range before {
					if _, kept := after[name]; !kept {
						t.Errorf("fob lost %s", name)
					}
				}
			}
			calls := func(want int) {
				t.Helper()
				if got := w.times()["CreateOAuth2Token"]; got != want {
					t.Errorf("%d calls for a token, want %d", got, want)
				}
				w.AWS.ResetCalls()
			}
			tool()
			fob()
			calls(0)
			for _, turn := range []func(){fob, tool, tool, fob} {
				expire(t, file)
				turn()
				calls(1)
			}
			tool()
			fob()
			calls(0)
		})
	}
}

// Some fobs and an AWS tool renew one sign-in at the same moment. AWS answers a refresh
// token that was just used with the same again; whatever the last of them writes works.
func TestConsoleRenewedAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range consoleConsumers[2:] { // those that start at once
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			argv := c.find(t)
			w, file := awsLoginWorld(t)
			w.AWS.SetReplay(time.Minute)
			for range often(3, 100) {
				expire(t, file)
				var all sync.WaitGroup
				for range 6 {
					all.Go(func() {
						if r := w.input("", "export", "p", "--fresh"); r.code != 0 {
							t.Errorf("fob: %v", r)
						}
					})
				}
				all.Go(func() {
					if stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=p"}, argv...); code != 0 {
						t.Errorf("%s: %d\n%s%s", c.name, code, stdout, stderr)
					}
				})
				all.Wait()
				cacheFields(t, file) // it is whole
			}
			w.AWS.SetReplay(0)
			expire(t, file)
			w.must(t, "", "export", "p", "--fresh")
		})
	}
}

// However fob is killed while it renews a sign-in of AWS's tools, the file is whole, the
// old one or the new one, and nobody is signed out: a refresh token whose answer was lost is
// answered again. Nothing is left beside the file for long.
func TestKillConsoleRenewal(t *testing.T) {
	t.Parallel()
	w, file := awsLoginWorld(t)
	w.AWS.SetReplay(time.Hour)
	expire(t, file)
	began := time.Now()
	w.must(t, "", "export", "p", "--fresh")
	life := lifetime(time.Since(began))
	var kills, renewed int
	for limit := time.Duration(often(12, 1800)) * time.Second; kills < often(60, 5000) && time.Since(began) < limit && !t.Failed(); {
		expire(t, file)
		before := cacheFields(t, file)
		v := w.victim(life.moment(), "", "export", "p", "--fresh")
		if err := v.run(); err != nil {
			t.Error(err)
		}
		life.learn(v)
		if v.killed {
			kills++
		}
		after := cacheFields(t, file)
		if after["refreshToken"] != before["refreshToken"] {
			renewed++
		}
		if len(after) != len(before) || after["dpopKey"] != before["dpopKey"] {
			t.Errorf("before %v\nafter %v", before, after)
		}
		w.must(t, "", "export", "p", "--fresh")
	}
	t.Logf("%d kills survived, renewed %d times", kills, renewed)
	// What a killed one has left is removed at a renewal an hour later.
	left, err := filepath.Glob(file + ".fob-*")
	for _, name := range left {
		err = errors.Join(err, os.Chtimes(name, began, began.Add(-2*time.Hour)))
	}
	if err != nil {
		t.Fatal(err)
	}
	expire(t, file)
	w.must(t, "", "export", "p", "--fresh")
	if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
		t.Errorf("left %v, %v", names, err)
	}
}

// While the disk is full, AWS is not asked for the next refresh token, in whose place the
// old one would be lost: what is left is handed out, then it is an error.
func TestFullDiskKeepsConsoleSignIn(t *testing.T) {
	w, file := awsLoginWorld(t)
	prlimit := need(t, "prlimit", "--version")
	for _, left := range []time.Duration{2 * time.Minute, -time.Second} {
		fields := cacheFields(t, file)
		fields["accessToken"].(map[string]any)["expiresAt"] = time.Now().Add(left).UTC().Format("2006-01-02T15:04:05Z")
		text, err := json.Marshal(fields)
		if err = errors.Join(err, os.WriteFile(file, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(prlimit, "--fsize=8192", w.Fob, "export", "--profile", "p")
		var stderr strings.Builder
		cmd.Env, cmd.Stderr = w.Env, &stderr
		stdout, err := cmd.Output()
		code := exitCode(err)
		if left > 0 && (code != 0 || len(stdout) == 0) || left < 0 && (code != exitFailed || !strings.Contains(stderr.String(), ".json\": cannot renew the sign-in to the AWS console: file too large\nfob: hint: fob login p\n")) {
			t.Errorf("%s left: exit code %d, %s", left, code, stderr.String())
		}
		if after, _ := os.ReadFile(file); string(after) != string(text) {
			t.Error("the file has changed")
		}
	}
	if calls := w.calls(); calls != "" {
		t.Errorf("AWS was called for %q", calls)
	}
	if names, err := os.ReadDir(filepath.Dir(file)); err != nil || len(names) != 1 {
		t.Errorf("left %v, %v", names, err)
	}
	w.must(t, "", "export", "p")
}
