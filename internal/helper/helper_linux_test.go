package helper

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const fifoVar = "FOB_HELPER_TEST_FIFO"

// A program does not outlive us, however we end.
func TestDiesWithUs(t *testing.T) {
	if fifo := os.Getenv(fifoVar); fifo != "" {
		_, _ = Run(context.Background(), Program{Path: "/bin/sh", Args: []string{"-c", "exec sleep 60 >" + fifo}, Environ: os.Environ()})
		return
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	us := exec.Command(os.Args[0], "-test.run=^TestDiesWithUs$")
	us.Env = append(os.Environ(), fifoVar+"="+fifo)
	if err := us.Start(); err != nil {
		t.Fatal(err)
	}
	// Or the test would wait for what never opens the other end, or never closes it.
	late := time.AfterFunc(time.Minute, func() { panic("the program does not start, or does not end") })
	defer late.Stop()
	end, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if err := us.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	us.Wait()
	if n, err := end.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
