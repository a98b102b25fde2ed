//go:build unix

package host

import (
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Where a limit is what there is against core dumps, it is the soft one, it is
// inherited, and it is as it was when a command is to replace fob.
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
