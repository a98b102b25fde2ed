package keyring

import (
	"cmp"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Infos returns the headers of all items of a kind, sorted by name. It does not open
// the store. It leaves out items that cannot be read, and joins their errors, so the
// headers may be used even if there is an error.
func (s *Store) Infos(kind Kind) ([]Info, error) {
	var infos []Info
	var bad error
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		infos, bad, err = d.infos(kind)
		if err == nil && s.moved(h) {
			err = errMoved // the files may have been about to be removed
		}
		return h, err
	})
	if absent(err) {
		return nil, nil
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return infos, errors.Join(err, bad)
}

// infos reads the headers of all items of a kind. bad joins the errors of single
// items.
func (d dir) infos(kind Kind) (list []Info, bad, err error) {
	files, err := d.list()
	if err != nil {
		return nil, nil, err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return !strings.HasPrefix(file, string(kind)+"+") })
	infos, errs := make([]Info, len(files)), make([]error, len(files))
	// In parallel, because people wait for this, and most of the time is the system's.
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				if infos[i], errs[i] = readInfo(d, files[i]); damagedItem(errs[i]) {
					errs[i] = d.misnamed(files[i], errs[i])
				}
			}
		})
	}
	wg.Wait()
	good := infos[:0]
	for i, err := range errs {
		if err == nil {
			good = append(good, infos[i])
		} else if !errors.Is(err, fs.ErrNotExist) { // else it was removed in the meantime, or is a Conflict
			bad = errors.Join(bad, err)
		}
	}
	return good, bad, nil
}

func readItem(d dir, file string) (item, error) { return readItemHead(d, file, maxFileOf(file)) }

// maxFileOf is the most bytes that a file in the items directory may have.
func maxFileOf(file string) int64 {
	kind, _ := kindOfFile(file)
	return kind.maxFile()
}

// readInfo reads an item's header, and usually not the rest of the file: there may be
// a thousand items of 1 MiB.
func readInfo(d dir, file string) (Info, error) {
	it, err := readItemHead(d, file, usualHead)
	if damagedItem(err) {
		it, err = readItem(d, file) // perhaps it is only longer
	}
	return it.info, err
}

// usualHead is a size in bytes in which most headers fit, with enough after them to
// recognize an item.
const usualHead = 1 << 10

func readItemHead(d dir, file string, part int64) (item, error) {
	data, fi, err := d.readHead(file, maxFileOf(file), part)
	if err != nil {
		return item{}, err
	}
	if problem, _ := privateProblem(file, fi); problem != "" {
		// The file is encrypted and in a private directory, so this is not worth a
		// message. But a copy of the file should not have this mode.
		d.Chmod(file, 0o600)
	}
	it, err := parseItem(file, data)
	it.fi = fi
	return it, err
}
