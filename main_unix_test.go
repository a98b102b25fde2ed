//go:build unix

package main

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// If a limit prevents core dumps, it is the soft limit, children inherit it, and fob
// restores it before a command replaces fob.
func TestNoCores(t *testing.T) {
	limits := func() (l unix.Rlimit, child string) {
		t.Helper()
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/bin/sh", "-c", "ulimit -c; ulimit -Hc").Output()
		if err != nil {
			t.Fatal(err)
		}
		return l, string(out)
	}
	first, _ := limits()
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: first.Max, Max: first.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_CORE, &first)
	before, childBefore := limits()
	undo := noCores()
	if during, child := limits(); during.Cur != 0 || during.Max != before.Max || !strings.HasPrefix(child, "0\n") {
		t.Errorf("%+v, a child's: %q", during, child)
	}
	undo()
	if after, child := limits(); after != before || child != childBefore {
		t.Errorf("%+v, a child's: %q; want %+v, %q", after, child, before, childBefore)
	}
}
