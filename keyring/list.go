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

// Infos returns the headers of all items of a kind, by name. It unlocks nothing.
// Items that cannot be read are left out and joined into the error, so both
// results count.
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
			err = errMoved // what was listed may have been on its way out
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

// infos reads the headers of all items of a kind; bad is about those that have none.
func (d dir) infos(kind Kind) (list []Info, bad, err error) {
	files, err := d.list()
	if err != nil {
		return nil, nil, err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return !strings.HasPrefix(file, string(kind)+"+") })
	infos, errs := make([]Info, len(files)), make([]error, len(files))
	// Side by side, because people wait for it, and most of it is the system's work.
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				infos[i], errs[i] = readInfo(d, files[i])
			}
		})
	}
	wg.Wait()
	good := infos[:0]
	for i, err := range errs {
		if err == nil {
			good = append(good, infos[i])
		} else if !errors.Is(err, fs.ErrNotExist) { // not removed while we looked
			bad = errors.Join(bad, err)
		}
	}
	return good, bad, nil
}

func readItem(d dir, file string) (item, error) { return readItemHead(d, file, maxItemFile) }

// readInfo reads an item's header, and mostly no more: there may be a thousand of 1 MiB.
func readInfo(d dir, file string) (Info, error) {
	it, err := readItemHead(d, file, usualHead)
	if damagedItem(err) {
		it, err = readItem(d, file) // it may only be longer
	}
	return it.info, err
}

// In so many bytes most headers end, and enough follows to see that an item does.
const usualHead = 1 << 10

func readItemHead(d dir, file string, part int64) (item, error) {
	data, fi, err := d.readHead(file, maxItemFile, part)
	if err != nil {
		return item{}, err
	}
	if problem, _ := privateProblem(file, fi); problem != "" {
		// Encrypted, and in a private directory: nothing to trouble a person
		// with, but a copy of the file should not carry the mode on.
		d.Chmod(file, 0o600)
	}
	return parseItem(file, data)
}
