//go:build unix

package input

import (
	"errors"
	"fmt"
	"io/fs"
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

// Open opens regular files alone: a named pipe would make it wait, and a symbolic link is
// not what the listing of a directory showed.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(file, link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   string
		listed bool
		err    error
	}{
		{file, false, nil}, {file, true, nil},
		{link, false, nil}, {link, true, syscall.ELOOP},
		{pipe, false, ErrNotFile}, {pipe, true, ErrNotFile},
		{dir, false, ErrNotFile}, {dir, true, ErrNotFile},
		{os.DevNull, false, ErrNotFile},
		{filepath.Join(dir, "none"), false, fs.ErrNotExist}, {filepath.Join(dir, "none"), true, fs.ErrNotExist},
	} {
		f, info, err := Open(c.path, c.listed)
		if !errors.Is(err, c.err) || err == nil && info.Size() != 4 {
			t.Errorf("%s, %t: %v", c.path, c.listed, err)
		}
		if _, ok := errors.AsType[*fs.PathError](err); err != nil && !ok {
			t.Errorf("the error does not name %s: %v", c.path, err)
		}
		if f != nil {
			f.Close()
		}
	}
}
