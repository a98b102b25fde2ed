package input

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	huge := file("huge", "")
	if err := os.Truncate(huge, 1<<40); err != nil { // nothing is on the disk
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		err        error
	}{
		{file("empty", ""), "", nil},
		{file("text", "a\r\n\x00b"), "a\r\n\x00b", nil},
		{file("full", strings.Repeat("x", 2048)), strings.Repeat("x", 2048), nil},
		{file("over", strings.Repeat("x", 2049)), "", TooLargeError{2048}},
		{huge, "", TooLargeError{2048}},
		{os.DevNull, "", nil},
		{dir, "", ErrNotFile},
		{filepath.Join(dir, "none"), "", fs.ErrNotExist},
		{"", "", fs.ErrNotExist},
	} {
		got, err := Read(c.path, 2048)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %.20q, %v", c.path, got, err)
		}
		if file, ok := errors.AsType[*fs.PathError](err); err != nil && (!ok || file.Path != c.path) {
			t.Errorf("the error does not name %s: %v", c.path, err)
		}
	}
}

// All reads a text to its end, or says that it did not.
func TestAll(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		text string
		end  error
		want string
		err  error
	}{
		{"", nil, "", nil},
		{"abcd", nil, "abcd", nil},
		{"abcde", nil, "", TooLargeError{4}},
		{"abc", failed, "abc", failed},
		{"abcde", failed, "", TooLargeError{4}},
	} {
		r := iotest.OneByteReader(strings.NewReader(c.text))
		if c.end != nil {
			r = io.MultiReader(r, iotest.ErrReader(c.end))
		}
		if got, err := All(r, 4); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	for limit, want := range map[int64]string{16 << 10: "larger than 16 KiB", 16 << 20: "larger than 16 MiB"} {
		if got := (TooLargeError{limit}).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The other end of a descriptor may never end, or never stop.
func TestReadFile(t *testing.T) {
	pipe := func(write func(w *os.File)) *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		go write(w)
		return r
	}
	for name, c := range map[string]struct {
		write func(w *os.File)
		want  string
		err   error
	}{
		"text": {func(w *os.File) { w.WriteString("a"); w.WriteString("b"); w.Close() }, "ab", nil},
		"endless": {func(w *os.File) {
			for {
				if _, err := w.Write(make([]byte, 1000)); err != nil {
					return
				}
			}
		}, "", TooLargeError{2048}},
		"silent": {func(*os.File) {}, "", ErrSlow},
	} {
		started := time.Now()
		f := pipe(c.write)
		got, err := readWithin(f, 2048, 200*time.Millisecond)
		f.Close()
		if got != c.want || !errors.Is(err, c.err) || time.Since(started) > 10*time.Second {
			t.Errorf("%s: %.20q, %v", name, got, err)
		}
	}
	f := pipe(func(w *os.File) { w.WriteString("ab"); w.Close() })
	if got, err := ReadFile(f, 2); got != "ab" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error("it is still open")
	}
}
