package helper

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

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
	case "parent": // of a program that sleeps; it writes that program's number to a file
		child := exec.Command(os.Args[0], "sleep")
		if err := child.Start(); err != nil {
			panic(err)
		}
		name := os.Args[3]
		if err := os.WriteFile(name+".new", []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			panic(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			panic(err)
		}
		if os.Args[2] == "waits" {
			child.Wait()
		}
	case "sleep":
		time.Sleep(time.Minute)
	case "us": // runs a parent until it is killed
		_, err := Run(context.Background(), Program{Path: os.Args[0], Args: os.Args[2:], Environ: os.Environ()})
		panic(err)
	default:
		os.Exit(m.Run())
	}
}
