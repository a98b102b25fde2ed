//go:build unix

package input

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// What is not a file is not even opened. A shell's <(command) is read like a file.
func TestNotFiles(t *testing.T) {
	dir, err := os.MkdirTemp("", "fob") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	link := filepath.Join(dir, "link")
	for target, link := range map[string]string{fifo: link, dir: link + "2", "/dev/zero": link + "3"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{fifo, socket, dir, "/dev/zero", "/dev/tty", link, link + "2", link + "3"} {
		done := make(chan error, 1)
		go func() {
			_, err := read(path, 2048, time.Second)
			done <- err
		}()
		select {
		case err := <-done:
			if path == "/dev/tty" && errors.Is(err, os.ErrNotExist) {
				continue
			}
			if !errors.Is(err, ErrNotFile) {
				t.Errorf("%s: %v", path, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s hangs", path)
		}
	}
}

func TestSubstitution(t *testing.T) {
	dirs := []string{"/dev/fd"}
	if runtime.GOOS == "linux" {
		dirs = append(dirs, "/proc/self/fd")
	}
	for _, dir := range dirs {
		for text, want := range map[string]error{"text": nil, "": ErrSlow} {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			if text != "" {
				w.WriteString(text)
				w.Close()
			}
			got, err := read(fmt.Sprintf("%s/%d", dir, r.Fd()), 2048, 200*time.Millisecond)
			if got != text || !errors.Is(err, want) {
				t.Errorf("%s: %q, %v", dir, got, err)
			}
			r.Close()
			w.Close()
		}
	}
}
