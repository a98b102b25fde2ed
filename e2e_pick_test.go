//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// tmux is a real terminal with a shell in it.
type tmux struct {
	t      *testing.T
	socket string
}

func startTmux(t *testing.T, w *world, columns, rows int) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		lacking(t, "tmux")
	}
	m := &tmux{t, filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", m.socket, "kill-server").Run() }) // it ends with its shell, too
	m.do(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows),
		"env", "-i", "PS1=$ ", "TERM=screen"}, append(w.Env, "sh")...)...)
	m.sees("$")
	return m
}

func (m *tmux) do(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %q: %v, %s", args, err, out)
	}
	return string(out)
}

// types types text as it is, and then keys by tmux's names.
func (m *tmux) types(text string, keys ...string) {
	m.t.Helper()
	if text != "" {
		m.do("send-keys", "-l", text)
	}
	if len(keys) > 0 {
		m.do(append([]string{"send-keys"}, keys...)...)
	}
}

// screen is all that was printed and is not erased, lines that were wrapped as one.
func (m *tmux) screen() string {
	m.t.Helper()
	var lines []string
	for line := range strings.Lines(m.do("capture-pane", "-p", "-J", "-S", "-1000")) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

func (m *tmux) sees(want string) {
	m.t.Helper()
	for end := time.Now().Add(longestWait); !strings.Contains(m.screen(), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("no %q on the screen:\n%s", want, m.screen())
		}
	}
}

// On a terminal, the list of 300 profiles leaves nothing but the answer, whatever the
// window did meanwhile.
func TestPickerLeavesTheScreen(t *testing.T) {
	w := plainWorld(t)
	var config strings.Builder
	for i := range 300 {
		fmt.Fprintf(&config, "\n[profile team%03d]\nsource_profile = dev\nrole_arn = %s\n", i, ststest.DemoRole)
	}
	w.config(t, config.String())
	m := startTmux(t, w, 80, 24)
	m.types("seq 1 3", "Enter")
	m.sees("3\n$")
	m.types("fob exec -- echo used it", "Enter")
	m.sees("1 of 301\n")
	m.types("team02")
	m.sees("10 of 301\n")
	m.types("", "Down")
	m.sees("> team021")
	m.do("resize-window", "-x", "30", "-y", "8")
	m.sees("Profile: team02\n")
	m.do("resize-window", "-x", "100", "-y", "30")
	m.sees("\nProfile (type to filter, Enter to choose): team02\n")
	m.types("", "C-z")
	m.sees("Stopped")
	if got := m.screen(); strings.Contains(got, "team02") {
		t.Errorf("stopped, the screen is\n%s", got)
	}
	m.types("fg", "Enter")
	m.sees("> team021")
	m.types("", "C-u")
	m.sees("> dev")
	m.types("", "Enter")
	m.sees("\nused it\n$")
	var got []string
	for line := range strings.Lines(m.screen()) {
		if !strings.Contains(line, "Stopped") && line != "\n" {
			got = append(got, line)
		}
	}
	want := "$ seq 1 3\n1\n2\n3\n$ fob exec -- echo used it\n$ fg\nfob exec -- echo used it\nProfile: dev\nused it\n$\n"
	if text := strings.Join(got, ""); text != want {
		t.Errorf("the screen is\n%swant\n%s", text, want)
	}

	m.types("fob login", "Enter")
	m.sees("1 of 301\n")
	m.types("team", "Escape")
	m.sees("$ fob login\n$")
}
