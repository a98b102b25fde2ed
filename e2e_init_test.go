//go:build unix

package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fob starts whenever a program needs credentials, so the test counts what it does before
// main: bytes and allocations, which do not depend on how busy the machine is.
const (
	maxInitBytes  = 256 << 10
	maxInitAllocs = 1600
	maxBinary     = 20 << 20 // bytes, stripped; import, rotate and leaks brought no package from outside
)

// release is the program that make build builds.
func release(t testing.TB) string {
	t.Helper()
	for _, tool := range []string{"make", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, tool)
		}
	}
	name, err := buildRelease()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

var buildRelease = sync.OnceValues(func() (string, error) {
	name, err := buildFile("fob")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("make", "build", "OUT="+name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

var initLine = regexp.MustCompile(`(?m)^init (\S+) @.* clock, (\d+) bytes, (\d+) allocs$`)

// libraries returns the libraries that the system loads before a program starts.
func libraries(name string) ([]string, error) {
	if runtime.GOOS != "linux" {
		return nil, nil // other systems load some for every program
	}
	f, err := elf.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ImportedLibraries()
}

func TestInitWork(t *testing.T) {
	fob := release(t)
	if info, err := os.Stat(fob); err != nil || info.Size() > maxBinary {
		t.Errorf("the binary has %d bytes: %v", info.Size(), err)
	}
	if libs, err := libraries(fob); err != nil || len(libs) > 0 {
		t.Errorf("every start loads %v: %v", libs, err)
	}
	cmd := exec.Command(fob, "version")
	cmd.Env = []string{"GODEBUG=inittrace=1", "HOME=" + t.TempDir()}
	var trace bytes.Buffer
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	type work struct {
		pkg           string
		bytes, allocs int
	}
	var all []work
	var sum work
	for _, m := range initLine.FindAllStringSubmatch(trace.String(), -1) {
		w := work{pkg: m[1]}
		w.bytes, _ = strconv.Atoi(m[2])
		w.allocs, _ = strconv.Atoi(m[3])
		if strings.HasPrefix(w.pkg, "runtime") || strings.HasPrefix(w.pkg, "internal/runtime") {
			continue // the runtime's, which differs between Go versions
		}
		all = append(all, w)
		sum.bytes, sum.allocs = sum.bytes+w.bytes, sum.allocs+w.allocs
	}
	if len(all) < 20 {
		t.Fatalf("no trace of init:\n%s", trace.String())
	}
	if sum.bytes > maxInitBytes || sum.allocs > maxInitAllocs {
		slices.SortFunc(all, func(a, b work) int { return b.bytes - a.bytes })
		t.Errorf("init: %d bytes in %d allocations; at most %d in %d\n%s", sum.bytes, sum.allocs, maxInitBytes, maxInitAllocs,
			strings.ReplaceAll(fmt.Sprint(all[:10]), "} {", "}\n {"))
	}
	t.Logf("init: %d bytes in %d allocations, %d packages", sum.bytes, sum.allocs, len(all))
}
