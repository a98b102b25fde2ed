// Package backendtest runs real keyrings, and a fake one, for the tests of
// packages keyring and backend: each in a home and on a bus of its own, until the
// test ends. It is for tests only.
package backendtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// EndedByItself is what the log of a test says of a daemon that died.
const EndedByItself = "ended by itself"

// Need returns the path of a program. A test that lacks it is skipped loudly, or
// fails where FOB_TEST_REQUIRE=1 says that nothing may be skipped.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Lacking(t, program)
	}
	return path
}

// Lacking skips a test that cannot run here, as Need does.
func Lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("FOB_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is needed (FOB_TEST_REQUIRE=1)", what)
	}
	t.Skipf("SKIPPED: NO %s HERE", strings.ToUpper(what))
}
