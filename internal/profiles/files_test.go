package profiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/wire"
)

// A config that cannot be written is an error with the lines that somebody has to write,
// whatever the reason; Preview knows them before.
func TestWriteError(t *testing.T) {
	dir := t.TempDir()
	f := Files{Config: filepath.Join(dir, "config"), State: dir, Tilde: func(path string) string { return "~/" + filepath.Base(path) }}
	before := "[profile a]\noutput = json\nfob_x = 1\n"
	if err := os.WriteFile(f.Config, []byte(before), 0o400); err != nil {
		t.Fatal(err)
	}
	after := "[profile a]\noutput = text\n"
	gone, added := []string{"output = json", "fob_x = 1"}, []string{"output = text"}
	edit := func(string, wire.Record) (wire.Edit, error) { return wire.Edit{Text: after}, nil }
	got, put, err := f.Preview("a", edit)
	if err != nil || !slices.Equal(got, gone) || !slices.Equal(put, added) {
		t.Errorf("preview: %q, %q, %v", got, put, err)
	}
	_, _, err = f.Wire("a", edit)
	e, ok := errors.AsType[*WriteError](err)
	if !ok || !errors.Is(err, fs.ErrPermission) || !slices.Equal(e.Gone, gone) || !slices.Equal(e.Added, added) {
		t.Fatalf("%v, %+v", err, e)
	}
	for _, tt := range []struct {
		err        error
		link, want string
	}{
		{&fs.PathError{Op: "open", Path: "/x/config.fob-1", Err: fs.ErrPermission}, "", "cannot write ~/config: permission denied"},
		{fmt.Errorf("cannot write to %w", &fs.PathError{Op: "open", Path: "/x", Err: errors.New("read-only file system")}), "/nix/store/a", "cannot write ~/config (a link to /nix/store/a): read-only file system"},
		{errors.New("why"), "", "cannot write ~/config: why"},
	} {
		if got := (&WriteError{File: "~/config", Link: tt.link, Err: tt.err}).Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	// After a change by somebody else the command can be tried again.
	if err := os.Chmod(f.Config, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = f.Wire("a", func(string, wire.Record) (wire.Edit, error) {
		return wire.Edit{Text: after}, os.WriteFile(f.Config, []byte(before+"# mine\n"), 0o600)
	})
	if _, ok := errors.AsType[*WriteError](err); ok || !errors.Is(err, awsconfig.ErrChanged) {
		t.Error(err)
	}
}
