//go:build unix

package awsconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"fob/internal/input"
)

// A named pipe has no writer: the test hangs if Read opens it like a file.
func TestReadNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, input.ErrNotFile) {
		t.Errorf("got %v", err)
	}
	if err := WriteFile(path, nil, []byte("new")); !errors.Is(err, input.ErrNotFile) {
		t.Errorf("got %v", err)
	}
}

// AWS_CONFIG_FILE=<(command) names a pipe of this process, whose writer may
// still be at work.
func TestReadProcessSubstitution(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		for range 3 {
			w.WriteString("[default]\n")
		}
		w.Close()
	}()
	f, err := Read(fmt.Sprintf("/dev/fd/%d", r.Fd()))
	if err != nil || f.Text != strings.Repeat("[default]\n", 3) {
		t.Errorf("got %q, %v", f.Text, err)
	}
}

func TestWriteFileFollowsLinks(t *testing.T) {
	// home/.aws -> ../dots/aws, dots/aws/config -> ../shared/config: the ".."
	// belongs to dots/aws and not to home/.aws.
	top := t.TempDir()
	for _, dir := range []string{"home", "dots/aws", "dots/shared"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, from string) {
		if err := os.Symlink(to, filepath.Join(top, from)); err != nil {
			t.Fatal(err)
		}
	}
	link("../dots/aws", "home/.aws")
	link("../shared/config", "dots/aws/config")
	path, real := filepath.Join(top, "home/.aws/config"), filepath.Join(top, "dots/shared/config")

	// First the link leads to a file that does not exist yet, then to one that does.
	for _, step := range [][2]string{{"", "one"}, {"one", "two"}} {
		if err := WriteFile(path, []byte(step[0]), []byte(step[1])); err != nil {
			t.Fatal(err)
		}
		if got := content(t, real); got != step[1] {
			t.Errorf("got %q", got)
		}
	}
	if to, err := os.Readlink(filepath.Join(top, "dots/aws/config")); err != nil || to != "../shared/config" {
		t.Errorf("the link is %q, %v", to, err)
	}
	link("loop", "dots/loop")
	if err := WriteFile(filepath.Join(top, "dots/loop"), nil, nil); err == nil {
		t.Error("a loop of links is written to")
	}
}

func TestWriteFileReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "config"), "old")
	if os.Getuid() == 0 { // who may write anywhere
		const nobody = 65534
		for _, name := range []string{filepath.Dir(dir), dir, path} {
			if err := os.Chown(name, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Seteuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer syscall.Seteuid(0)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	err := WriteFile(path, []byte("old"), []byte("new"))
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write to ") || !strings.HasSuffix(err.Error(), dir+": permission denied") || content(t, path) != "old" {
		t.Errorf("got %v", err)
	}
}

// What a writer that was killed has left is removed, and nothing else: not what another
// one is writing, and not a file that only has such a name.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"credentials", "credentials.fob-1.tmp", "credentials.fob-2.tmp", "config.fob-1.tmp", "credentials.bak", "credentials.fob-20261130", "credentials.fob-backup", "credentials.fob-old.tmp", "credentials.fob-.tmp", "my-credentials.fob-1.tmp"} {
		if err := os.WriteFile(at(name), []byte("aws_secret_access_key"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(at("credentials.fob-3.tmp"), nil, 0o600), os.Mkdir(at("credentials.fob-4.tmp"), 0o700),
		syscall.Mkfifo(at("credentials.fob-5.tmp"), 0o600), os.Symlink("credentials.bak", at("credentials.fob-6.tmp")), os.Symlink("credentials", at("link"))); err != nil {
		t.Fatal(err)
	}
	held, err := os.OpenFile(at("credentials.fob-2.tmp"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	hold(held)
	if err := Sweep(at("link")); err != nil { // as WriteFile, it follows links
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := "[config.fob-1.tmp credentials credentials.bak credentials.fob-.tmp credentials.fob-2.tmp credentials.fob-20261130 credentials.fob-3.tmp credentials.fob-4.tmp credentials.fob-5.tmp credentials.fob-6.tmp credentials.fob-backup credentials.fob-old.tmp link my-credentials.fob-1.tmp]"
	if fmt.Sprint(left) != want {
		t.Errorf("%v", left)
	}
	if err := Sweep(at("none/credentials")); err != nil {
		t.Errorf("in a directory that does not exist: %v", err)
	}
}

// WriteFile holds its new content until it is in its place, so that no sweep takes it.
func TestSweepDuringWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	stop := make(chan struct{})
	var swept sync.WaitGroup
	swept.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := Sweep(path); err != nil {
					t.Error(err)
				}
			}
		}
	})
	old := ""
	for i := range 300 {
		text := fmt.Sprintf("[p%d]\n", i)
		if err := WriteFile(path, []byte(old), []byte(text)); err != nil {
			t.Errorf("%d: %v", i, err)
			break
		}
		old = text
	}
	close(stop)
	swept.Wait()
}

// The next write of a file sweeps it, wherever it is.
func TestWriteFileSweeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.csv")
	if err := os.WriteFile(path+".fob-1.tmp", []byte("aws_secret_access_key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, nil, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 1 {
		t.Errorf("left %q, %v", left, err)
	}
}
