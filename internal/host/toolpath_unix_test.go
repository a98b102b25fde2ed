//go:build unix

package host

import (
	"os"
	"path/filepath"
	"testing"
)

// Directories for tools come last, and only those that no stranger can fill.
func TestToolPath(t *testing.T) {
	top := "/var/fobtest-" + filepath.Base(t.TempDir()) // a temporary directory is everybody's
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Skip("needs a directory of root's: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	dir := func(name string, mode os.FileMode, uid, gid int) string {
		path := filepath.Join(top, name)
		for _, err := range []error{os.MkdirAll(path, 0o755), os.Chmod(path, mode), os.Chown(path, uid, gid)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	mine := os.Getuid()
	good, theirs := dir("good", 0o755, mine, 12345), dir("admins", 0o775, 0, int(admins()))
	link := filepath.Join(top, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	strangers := dir("strangers", 0o755, 12345, 0)
	bad := []string{
		dir("world", 0o777, mine, 0), dir("sticky", 0o1777, mine, 0), dir("group", 0o775, mine, 12345), strangers,
		dir("strangers/mine", 0o755, mine, 0), link, filepath.Join(top, "none"), t.TempDir(), "",
	}
	for _, c := range []struct {
		path string
		dirs []string
		want string
	}{
		{"/bin:/usr/bin", nil, "/bin:/usr/bin"},
		{"/bin", []string{good, theirs}, "/bin:" + good + ":" + theirs},
		{good + ":/bin", []string{good}, good + ":/bin"},
		{"", []string{good}, good},
		{"/bin", bad, "/bin"},
		{"/bin::x", bad, "/bin::x"},
	} {
		if got := extend(c.path, c.dirs); got != c.want {
			t.Errorf("%q and %q: %q, want %q", c.path, c.dirs, got, c.want)
		}
	}
}
