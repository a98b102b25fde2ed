package awsconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fob/internal/input"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "config"), "[default]\r\n")
	large := filepath.Join(dir, "large")
	write(t, large, "")
	if err := os.Truncate(large, MaxSize+1); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{path, "[default]\r\n", nil},
		{filepath.Join(dir, "none"), "", nil},
		{filepath.Join(dir, "none", "none"), "", nil},
		{os.DevNull, "", nil},
		{dir, "", input.ErrNotFile},
		{large, "", input.TooLargeError{Limit: MaxSize}},
	} {
		f, err := Read(tt.path)
		if f.Text != tt.want || !errors.Is(err, tt.err) || f.Path != tt.path {
			t.Errorf("%s: got %q, %v", tt.path, f.Text, err)
		}
		if err != nil && !strings.Contains(err.Error(), tt.path) {
			t.Errorf("the error does not name %s: %v", tt.path, err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "config"), "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	if err := WriteFile(path, []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(path)
	if got := content(t, path); got != "new" || before.Mode() != after.Mode() {
		t.Errorf("got %q, %v", got, after.Mode())
	}
	nothingLeft(t, path)
}

// nothingLeft checks that no temporary file stays next to path.
func nothingLeft(t *testing.T, path string) {
	t.Helper()
	found, err := filepath.Glob(path + ".*")
	if err != nil || len(found) > 0 {
		t.Errorf("left over: %q, %v", found, err)
	}
}

func TestWriteFileCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".aws", "config")
	if err := WriteFile(path, nil, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "new" {
		t.Errorf("got %q", got)
	}
	if runtime.GOOS == "windows" {
		return
	}
	file, _ := os.Stat(path)
	dir, _ := os.Stat(filepath.Dir(path))
	if file.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
		t.Errorf("got %v in %v", file.Mode(), dir.Mode())
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	there := write(t, filepath.Join(dir, "there"), "theirs")
	readOnly := write(t, filepath.Join(dir, "readonly"), "old")
	if err := os.Chmod(readOnly, 0o400); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, old string
		err       error
	}{
		{there, "mine", ErrChanged},
		{there, "", ErrChanged},
		{filepath.Join(dir, "gone"), "old", ErrChanged},
		{filepath.Join(dir, "gone", "too"), "old", fs.ErrNotExist},
		{filepath.Join(there, "below"), "", nil},
		{readOnly, "old", fs.ErrPermission},
		{dir, "", input.ErrNotFile},
	} {
		err := WriteFile(tt.path, []byte(tt.old), []byte("new"))
		if err == nil || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s over %q: %v", tt.path, tt.old, err)
		}
		nothingLeft(t, tt.path)
	}
	if content(t, there) != "theirs" || content(t, readOnly) != "old" {
		t.Error("a refused file was written")
	}
}

// A file is removed as it was read, or not at all; no link is removed in its place.
func TestRemoveFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "keys.csv"), "x\n")
	if err := RemoveFile(path, []byte("y\n")); !errors.Is(err, ErrChanged) || content(t, path) != "x\n" {
		t.Errorf("another text: %v", err)
	}
	plain := write(t, path+".plain", "x\n")
	if err := RemoveFile(plain, []byte("x\n")); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(plain); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	moved := path + ".moved"
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	link := os.Symlink(moved, path)
	if _, err := os.Stat(path); err != nil && runtime.GOOS == "windows" {
		t.Skip(link, err) // it takes a right to make links there, and those of wine lead nowhere
	}
	if err := RemoveFile(path, []byte("x\n")); !errors.Is(err, ErrChanged) || content(t, path) != "x\n" {
		t.Errorf("a link: %v, %v", link, err)
	}
}
