package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestProcessOf(t *testing.T) {
	if !slices.Contains([]string{"linux", "darwin", "windows"}, runtime.GOOS) {
		t.Skip("nothing is known of processes here")
	}
	me := processOf(os.Getpid())
	// The kernels keep the beginning.
	if base := filepath.Base(os.Args[0]); me.name == "" || !strings.HasPrefix(base, me.name) {
		t.Errorf("name %q, want that of %s", me.name, base)
	}
	if me.parent != os.Getppid() {
		t.Errorf("parent %d, want %d", me.parent, os.Getppid())
	}
	// wine 8 does not tell a process's command line.
	if !slices.Equal(me.args, os.Args) && !(runtime.GOOS == "windows" && me.args == nil && os.Getenv("WINEPREFIX") != "") {
		t.Errorf("arguments %q, want %q", me.args, os.Args)
	}
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if p := processOf(ended.Process.Pid); p.name != "" {
		t.Errorf("one that has ended is %+v", p)
	}
}

func TestRunsLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"sh", "-c", "fob export --profile dev"}, true},
		{[]string{"/bin/bash", "-c", "fob export --profile dev", "bash"}, true},
		{[]string{"sh", "-c"}, false},
		{[]string{"sh", "./script"}, false},
		{[]string{"-zsh"}, false},
		{[]string{"python3", "-c", "import boto3"}, false},
		{[]string{`C:\Windows\system32\cmd.exe`, "/d", "/s", "/c", "fob export --profile dev"}, true},
		{[]string{"cmd.exe", "/C", "fob", "export", "--profile", "dev"}, true},
		{[]string{"CMD", "/C", "fob export --profile dev"}, true},
		{[]string{"cmd.exe", "/k", "setup.cmd"}, false},
		{[]string{"cmd.exe", "/k", "setup.cmd", "/c"}, false},
		{[]string{"cmd.exe"}, false},
		{[]string{`C:\Program Files\Git\bin\sh.exe`, "-c", "fob export --profile dev"}, true},
		{nil, false},
	} {
		if got := (process{args: c.args}).runsLine(); got != c.want {
			t.Errorf("%q: %v", c.args, got)
		}
	}
}
