//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// A warm fob export, the whole process, alternating with a program that only reads
// the same AWS config. The result is the ratio of the two: fob/read.
func BenchmarkExport(b *testing.B) {
	w, err := makeWorld(b.TempDir(), false)
	if err != nil {
		b.Fatal(err)
	}
	defer w.AWS.Close()
	w.Fob = release(b)
	// This is the developer's own kernel keyring: a wrapper would count as fob's time.
	// The copies expire by themselves; fob lock would remove the developer's, too.
	w = w.with("FOB_UNLOCK_TTL=10m", "FOB_UNLOCK_KEYS_TTL=10m")
	fob := func(stdin string, args ...string) {
		if r := w.input(stdin, args...); r.code != 0 {
			b.Fatalf("fob %q: %v", args, r)
		}
	}
	fob(ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial, "--region", "eu-west-1")
	fob(ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
	fob("", "export", "--profile", "dev")

	reader := filepath.Join(b.TempDir(), "read")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", reader, "testdata/read/main.go")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(w.Home, ".aws", "config")
	own, err := os.ReadFile(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("profiles=%d", n), func(b *testing.B) {
			text := string(own)
			for i := 1; i < n; i++ {
				text += fmt.Sprintf("\n[profile p%d]\nregion = eu-west-1\nrole_arn = arn:aws:iam::222222222222:role/r%d\nsource_profile = dev\n", i, i)
			}
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			commands := [2][]string{{w.Fob, "export", "--profile", "dev"}, {reader, config}}
			var times [2][]time.Duration
			for first := 0; b.Loop(); first = 1 - first {
				for _, i := range []int{first, 1 - first} {
					cmd := exec.Command(commands[i][0], commands[i][1:]...)
					cmd.Dir, cmd.Env = w.Home, w.Env
					began := time.Now()
					out, err := cmd.Output()
					times[i] = append(times[i], time.Since(began))
					if err != nil || i == 0 && !strings.HasPrefix(string(out), `{"Version":1,`) {
						b.Fatalf("%q: %v", commands[i], err)
					}
				}
			}
			fob, read := median(times[0]), median(times[1])
			b.ReportMetric(0, "ns/op") // the sum of both means nothing
			b.ReportMetric(fob.Seconds()*1000, "fob-ms")
			b.ReportMetric(read.Seconds()*1000, "read-ms")
			b.ReportMetric(fob.Seconds()/read.Seconds(), "fob/read")
		})
	}
}

// The commands that a person or a prompt waits for, as whole processes: with this many
// role profiles, the first 300 of which have a session each.
func BenchmarkScreens(b *testing.B) {
	for _, n := range []int{3, 300, 3_000} {
		w, err := makeWorld(b.TempDir(), false)
		if err != nil {
			b.Fatal(err)
		}
		defer w.AWS.Close()
		w.Fob = release(b)
		fob := func(stdin string, args ...string) {
			if r := w.input(stdin, args...); r.code != 0 {
				b.Fatalf("fob %q: %v", args[0], r)
			}
		}
		fob(ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial, "--region", "eu-west-1")
		fob(ststest.DemoSeed+"\n", "mfa", "add", "dev", "--stdin")
		config := filepath.Join(w.Home, ".aws", "config")
		text, err := os.ReadFile(config)
		if err != nil {
			b.Fatal(err)
		}
		login := []string{"login"}
		for i := range n {
			name := fmt.Sprintf("p%d", i)
			text = fmt.Appendf(text, "\n[profile %s]\nregion = eu-west-1\nrole_arn = %s\nrole_session_name = %[1]s\nsource_profile = dev\n", name, ststest.DemoRole)
			if i < 300 {
				login = append(login, name)
			}
		}
		if err := os.WriteFile(config, text, 0o600); err != nil {
			b.Fatal(err)
		}
		fob("", login...)
		for _, args := range [][]string{{"list"}, {"list", "--names"}, {"status", "p1"}, {"status", "--all"}, {"__complete", "=p", "exec"}, {"__complete", "=p", "mfa", "code"}} {
			b.Run(fmt.Sprintf("profiles=%d/%s", n, strings.Join(args, "_")), func(b *testing.B) {
				var times []time.Duration
				for b.Loop() {
					cmd := exec.Command(w.Fob, args...)
					cmd.Dir, cmd.Env = w.Home, w.Env
					began := time.Now()
					out, err := cmd.Output()
					times = append(times, time.Since(began))
					if err != nil || !strings.Contains(string(out), "p1") {
						b.Fatalf("%q: %v, %s", args, err, out)
					}
				}
				b.ReportMetric(0, "ns/op") // the median is what a person feels
				b.ReportMetric(median(times).Seconds()*1000, "ms")
			})
		}
		b.Run(fmt.Sprintf("profiles=%d/picker", n), func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				cmd := exec.Command(w.Fob, "exec")
				cmd.Dir, cmd.Env = w.Home, append(slices.Clone(w.Env), "TERM=xterm")
				began := time.Now()
				t, err := startOnTerminal(cmd, true)
				if err == nil {
					err = t.await("Enter to choose")
				}
				times = append(times, time.Since(began))
				if err == nil {
					err = t.answer("^C")
				}
				if err != nil {
					b.Fatal(err)
				}
				_ = t.wait() // the exit code of Ctrl-C
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(times).Seconds()*1000, "ms")
		})
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
