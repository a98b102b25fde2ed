package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"fob/internal/input"
)

const (
	headerFile = "store"
	locksDir   = "locks"
	tempPrefix = ".tmp-"

	maxSlotFile = 64 << 10
	// Enough for a value of 1 MiB, which JSON may make six times as long.
	maxItemFile = 8 << 20
	// AWS files are small. A backup may hold several, before and after.
	maxBackupFile = 16 << 20

	// A temporary file this old has lost its writer.
	tempLife = time.Hour
	// The longest AWS session is 36 hours, so an older file is useless.
	sessionLife = 48 * time.Hour
)

func slotsDir(gen int) string { return fmt.Sprintf("g%d/slots", gen) }
func itemsDir(gen int) string { return fmt.Sprintf("g%d/items", gen) }

// dir is a directory whose files are opened with care: only regular, private files
// of a sane size inside the directory. They are written as a whole or not at all.
type dir struct {
	*os.Root
	kept bool // the Store keeps it open, for the next call
}

// Close closes the directory, unless it is kept.
func (d dir) Close() error {
	if d.kept {
		return nil
	}
	return d.Root.Close()
}

// openDir opens a directory that must be private to this user.
func openDir(name string) (dir, error) {
	if !filepath.IsAbs(name) {
		return dir{}, &UnsafeError{name, "is not an absolute path", ""} // it would follow the current directory
	}
	if fi, err := os.Stat(name); err == nil && !fi.IsDir() {
		return dir{}, &UnsafeError{name, "is not a directory", ""} // to open a FIFO would hang
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return dir{}, err
	}
	fi, err := root.Stat(".")
	if err == nil {
		if problem, fix := privateProblem(name, fi); problem != "" {
			err = &UnsafeError{name, problem, fix}
		}
	}
	if err != nil {
		root.Close()
		return dir{}, err
	}
	return dir{Root: root}, nil
}

// makeDir is openDir, and makes the directory if it does not exist.
func makeDir(name string) (dir, error) {
	d, err := openDir(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	// After a power cut, the name of each new directory must still be there.
	parents := []string{filepath.Dir(name)}
	for {
		last := parents[len(parents)-1]
		if _, err := os.Lstat(last); err == nil || last == filepath.Dir(last) {
			break
		}
		parents = append(parents, filepath.Dir(last))
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		if noSpace(err) {
			return dir{}, &FullError{filepath.Dir(name)}
		}
		return dir{}, &CreateError{name, err}
	}
	for _, parent := range parents {
		if err := syncPath(parent); err != nil {
			return dir{}, err
		}
	}
	return openDir(name)
}

// sub opens a directory below d. Anything else with the name of a directory on the
// way is damage: a link leads where somebody else wants, and a FIFO hangs.
func (d dir) sub(name string) (dir, error) {
	parent := d
	if up := path.Dir(name); up != "." {
		var err error
		if parent, err = d.sub(up); err != nil {
			return dir{}, err
		}
		defer parent.Close()
	}
	fi, err := parent.Lstat(path.Base(name))
	if err == nil && !fi.IsDir() {
		err = &DamagedError{name, "it is not a directory"}
	}
	if err != nil {
		return dir{}, d.named(name, err)
	}
	var root *os.Root
	err = input.Retry(func() (err error) {
		root, err = parent.OpenRoot(path.Base(name))
		return err
	})
	return dir{Root: root}, d.named(name, err)
}

// Lstat is the Root's Lstat, patiently.
func (d dir) Lstat(name string) (fi fs.FileInfo, err error) {
	err = input.Retry(func() error {
		fi, err = d.Root.Lstat(name)
		return err
	})
	return fi, err
}

// read returns the content of a file of at most limit bytes, and how it is
// protected. Anything but a regular file counts as damaged and is not read: links
// lead elsewhere, FIFOs hang, devices act.
func (d dir) read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	return d.readHead(name, limit, limit)
}

// readHead is read of no more than the first part of a file.
func (d dir) readHead(name string, limit, part int64) ([]byte, fs.FileInfo, error) {
	if up := path.Dir(name); up != "." {
		var err error
		if d, err = d.sub(up); err != nil {
			return nil, nil, err
		}
		defer d.Close()
	}
	data, fi, err := d.readFile(path.Base(name), limit, part)
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		damaged.File = name
	}
	return data, fi, d.named(path.Base(name), err)
}

func (d dir) readFile(name string, limit, part int64) ([]byte, fs.FileInfo, error) {
	before, err := d.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, nil, &DamagedError{name, "it is not a regular file"}
	}
	var f *os.File
	err = input.Retry(func() (err error) {
		f, err = d.OpenFile(name, os.O_RDONLY|safeOpen, 0)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	// If the file was replaced between the two looks, the new one must be regular, too.
	if !fi.Mode().IsRegular() {
		return nil, nil, &DamagedError{name, "it is not a regular file"}
	}
	if fi.Size() > limit {
		return nil, nil, &DamagedError{name, "it is too large"}
	}
	data := make([]byte, min(fi.Size(), part))
	if n, err := io.ReadFull(f, data); err == io.ErrUnexpectedEOF {
		data = data[:n] // it was truncated while we read, and will not parse
	} else if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return data, fi, nil
}

// write replaces a file with data, as a whole or not at all, even if the process
// dies. If durable, the file survives a power cut once write has returned.
func (d dir) write(name string, data []byte, durable bool) error {
	return d.commit(name, data, durable, d.Rename)
}

// create is a durable write of a file that must not exist: else it returns
// fs.ErrExist. A hard link fails if its name is taken; on a file system without
// hard links, the caller's exclusive lock has to be enough.
func (d dir) create(name string, data []byte) error {
	return d.commit(name, data, true, func(temp, name string) error {
		err := d.Link(temp, name)
		if !noHardLinks(err) {
			return err
		}
		if _, err := d.Lstat(name); err == nil {
			return fs.ErrExist
		}
		return d.Rename(temp, name)
	})
}

func (d dir) commit(name string, data []byte, durable bool, publish func(temp, name string) error) (err error) {
	temp := path.Join(path.Dir(name), tempPrefix+rand.Text())
	// After a rename there is nothing to remove, which is fine.
	defer d.Remove(temp)
	if err = d.fill(temp, data, durable); err == nil {
		err = input.Retry(func() error { return publish(temp, name) })
	}
	if err == nil && durable {
		err = d.sync(path.Dir(name))
	}
	return writeError(d.named(name, err))
}

// mkdir makes a directory and those on the way to it.
func (d dir) mkdir(name string) error { return writeError(d.named(name, d.MkdirAll(name, 0o700))) }

// remove removes a file.
func (d dir) remove(name string) error { return writeError(d.named(name, d.Remove(name))) }

// named makes an error of d name the whole path of its file. An os.Root names files
// relative to itself, and the name of a temporary file says nothing.
func (d dir) named(name string, err error) error {
	full := filepath.Join(d.Name(), name)
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return &fs.PathError{Op: file.Op, Path: full, Err: file.Err}
	case errors.As(err, &link):
		return &fs.PathError{Op: link.Op, Path: full, Err: link.Err}
	}
	return err
}

// fill makes a new file with data. durable makes its content durable, not its name.
func (d dir) fill(name string, data []byte, durable bool) error {
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// sync makes the names in a directory below d durable.
func (d dir) sync(name string) error {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDir(f)
}

// syncPath is sync for a directory that is not ours.
func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return nil // we may pass through this parent, but not open it
	}
	defer f.Close()
	return syncDir(f)
}

// list returns the names in d, in no order, and with files that are not fob's
// (.DS_Store). It reads only names: ReadDir of an os.Root looks at every file.
func (d dir) list() ([]string, error) {
	f, err := d.Open(".")
	if err != nil {
		return nil, d.named(".", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	return names, d.named(".", err)
}

// sweep removes leftovers from a directory below d: temporary files of dead writers,
// and sessions that must have expired. Errors do not matter.
func (d dir) sweep(name string) {
	sub, err := d.sub(name)
	if err != nil {
		return
	}
	defer sub.Close()
	names, err := sub.list()
	if err != nil {
		return
	}
	for _, name := range names {
		life := sessionLife
		if strings.HasPrefix(name, tempPrefix) {
			life = tempLife
		} else if !strings.HasPrefix(name, string(KindSession)+"+") {
			continue
		}
		if fi, err := sub.Lstat(name); err == nil && time.Since(fi.ModTime()) > life {
			sub.Remove(name)
		}
	}
}

// writeError recognizes the failures to write that the user can fix.
func writeError(err error) error {
	file, ok := errors.AsType[*fs.PathError](err)
	switch {
	case !ok:
		return err
	case noSpace(err):
		return &FullError{filepath.Dir(file.Path)}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return &WriteError{filepath.Dir(file.Path), file.Err}
	}
	return err
}
