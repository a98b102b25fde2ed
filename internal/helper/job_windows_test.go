package helper

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// process waits until a file has the number of a process, and opens that.
func process(t *testing.T, name string) windows.Handle {
	t.Helper()
	for range 200 {
		if text, err := os.ReadFile(name); err == nil {
			pid, err := strconv.ParseUint(string(text), 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
			if err != nil {
				t.Fatalf("the process has ended: %v", err)
			}
			t.Cleanup(func() {
				windows.TerminateProcess(h, 1)
				windows.CloseHandle(h)
			})
			return h
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the process did not start")
	return 0
}

func ended(h windows.Handle, within time.Duration) bool {
	event, err := windows.WaitForSingleObject(h, uint32(within.Milliseconds()))
	return err == nil && event == windows.WAIT_OBJECT_0
}

// The end of the context ends what the program started.
func TestDeadlineEndsDescendants(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Program{Path: os.Args[0], Args: []string{"parent", "waits", name}, Environ: os.Environ()})
		done <- err
	}()
	grandchild := process(t, name)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	if !ended(grandchild, 10*time.Second) {
		t.Error("a descendant outlives the deadline")
	}
}

// A program and what it started do not outlive us, however we end.
func TestDiesWithUs(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	us := exec.Command(os.Args[0], "us", "parent", "waits", name)
	if err := us.Start(); err != nil {
		t.Fatal(err)
	}
	grandchild := process(t, name)
	if err := us.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	us.Wait()
	if !ended(grandchild, 10*time.Second) {
		t.Error("a descendant outlives us")
	}
}

// What a program leaves running when it ends lives on.
func TestLeavesRunning(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	_, err := Run(context.Background(), Program{Path: os.Args[0], Args: []string{"parent", "leaves", name}, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if ended(process(t, name), 300*time.Millisecond) {
		t.Error("it was killed")
	}
}
