//go:build unix

package input

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What decides whose credentials a program gets is read only where nobody else can
// have written it.
func TestReadOwn(t *testing.T) {
	me := os.Geteuid()
	for _, tt := range []struct {
		name              string
		dir, file         fs.FileMode
		uid, gid, dirUser int // -1 for this user's
		want              error
	}{
		{"private", 0o700, 0o600, -1, -1, -1, nil},
		{"readable by others", 0o755, 0o644, -1, -1, -1, nil},
		{"of the user's own group", 0o775, 0o664, -1, me, -1, nil},
		{"of another group", 0o755, 0o664, -1, 4711, -1, ErrShared},
		{"everybody's", 0o755, 0o666, -1, -1, -1, ErrShared},
		{"in everybody's directory", 0o777, 0o600, -1, -1, -1, ErrShared},
		{"in a directory like /tmp", 0o777 | fs.ModeSticky, 0o600, -1, -1, -1, nil},
		{"somebody else's", 0o755, 0o644, 4711, -1, -1, ErrForeign},
		{"in somebody else's directory", 0o755, 0o644, -1, -1, 4711, ErrForeign},
	} {
		if me != 0 && (tt.uid >= 0 || tt.gid >= 0 || tt.dirUser >= 0) {
			continue // only root gives files away
		}
		dir := filepath.Join(t.TempDir(), "dir")
		path := filepath.Join(dir, "file")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, []byte("text"), 0o600), os.Chmod(path, tt.file), os.Chmod(dir, tt.dir),
			os.Chown(path, tt.uid, tt.gid), os.Chown(dir, tt.dirUser, -1)); err != nil {
			t.Fatal(err)
		}
		text, err := ReadOwn(path, 10)
		if !errors.Is(err, tt.want) || (err == nil) != (text == "text") {
			t.Errorf("%s: %q, %v; want %v", tt.name, text, err, tt.want)
		}
	}
}

// Nothing but a regular file is opened, of a sane size.
func TestReadOwnOthers(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("file"), []byte("0123456789a"), 0o600), os.Symlink("file", at("link")),
		syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("dir"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"link": ErrNotFile, "pipe": ErrNotFile, "dir": ErrNotFile, "file": TooLargeError{10}, "none": fs.ErrNotExist} {
		if _, err := ReadOwn(at(name), 10); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
