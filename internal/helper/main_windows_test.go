package helper

import (
	"os"
	"testing"

	"golang.org/x/sys/windows"
)

// The test binary plays the programs that are run: TestMain looks at its first
// argument.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "arguments":
		os.Stdout.WriteString(windows.UTF16PtrToString(windows.GetCommandLine()))
	default:
		os.Exit(m.Run())
	}
}
