package keyring

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// header reads the store's header. It is not verified, and not compared with the memory.
func (s *Store) header() (header, error) {
	d, err := openDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return header{}, err
	}
	defer d.Close()
	return s.headerIn(d)
}

func (s *Store) headerIn(d dir) (header, error) {
	data, fi, err := d.read(headerFile, maxSlotFile)
	if errors.Is(err, fs.ErrNotExist) {
		return header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return header{}, err
	}
	h, err := parseHeader(data)
	h.file = fi
	return h, err
}

// trusted reads the header and compares it with this machine's memory.
func (s *Store) trusted() (h header, err error) {
	err = s.steady(func() (header, error) {
		h, err = s.header()
		return h, s.trust(h, err)
	})
	return h, err
}

// items opens the directory of the items that count.
func (s *Store) items() (dir, header, error) {
	d, err := openDir(s.opts.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir{}, header{}, &MissingError{s.opts.Dir}
	}
	if err != nil {
		return dir{}, header{}, err
	}
	defer d.Close()
	for {
		h, err := s.headerIn(d)
		if err != nil {
			return dir{}, header{}, err
		}
		items, err := d.sub(itemsDir(h.Gen))
		if !errors.Is(err, fs.ErrNotExist) {
			return items, h, err
		}
		if !s.moved(h) {
			return dir{}, h, &DamagedError{headerFile, "it refers to " + itemsDir(h.Gen) + ", which is missing"}
		}
	}
}

// trustedItems is items for those who will not open the store, and so would not
// notice that it is not the one this machine knows.
func (s *Store) trustedItems() (d dir, h header, err error) {
	err = s.steady(func() (header, error) {
		d, h, err = s.items()
		trust := s.trust(h, err)
		if err == nil && trust != nil {
			d.Close()
		}
		return h, trust
	})
	return d, h, err
}

// moved reports whether the store has another vault key by now than when h was
// read, or has been made since none was there to be read.
func (s *Store) moved(h header) bool {
	if h.ID == "" {
		_, err := s.header()
		return err == nil
	}
	// A header is never written to, but replaced: the same file says the same.
	if fi, err := os.Lstat(filepath.Join(s.opts.Dir, headerFile)); err == nil && h.file != nil &&
		os.SameFile(fi, h.file) && fi.ModTime().Equal(h.file.ModTime()) && fi.Size() == h.file.Size() {
		return false
	}
	now, err := s.header()
	return err == nil && (now.ID != h.ID || now.Gen != h.Gen)
}

// steady does f, which reads the store by the header that it returns, again for
// as long as it fails and there was a re-key meanwhile: what f saw of the old
// generation was being removed, and says nothing.
func (s *Store) steady(f func() (header, error)) error {
	for {
		h, err := f()
		if err == nil || !s.moved(h) {
			return err
		}
	}
}

// sweep removes what dead writers and interrupted re-keys left. The header that
// counts is h, of which the caller has the key and the lock.
func (s *Store) sweep(items dir, h header) {
	items.sweep(".")
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return
	}
	defer d.Close()
	for _, name := range []string{".", locksDir, slotsDir(h.Gen)} {
		d.sweep(name)
	}
	if err := s.sweepGenerations(d, h); err != nil {
		s.logf("%v", err)
	}
}

// sweepGenerations removes those before h, which counts and has been verified. A
// later one is somebody's work.
func (s *Store) sweepGenerations(d dir, h header) error {
	gens, err := d.generations()
	if err != nil || len(gens) < 2 {
		return err
	}
	// Not before it is certain that the header which makes them old will be there.
	if err := d.sync("."); err != nil {
		return err
	}
	for _, gen := range gens {
		if gen < h.Gen {
			name := path.Dir(itemsDir(gen))
			err = errors.Join(err, d.named(name, d.RemoveAll(name)))
		}
	}
	return err
}

// clearGenerations removes what creations left that never came to their commit.
// Items are nobody's leftovers while there is no header that says so.
func (d dir) clearGenerations() error {
	gens, err := d.generations()
	if err != nil {
		return err
	}
	for _, gen := range gens {
		items, err := d.sub(itemsDir(gen))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		names, err := items.list()
		items.Close()
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return &DamagedError{headerFile, "it is missing, but items of a store are here"}
		}
	}
	for _, gen := range gens {
		if err := d.RemoveAll(path.Dir(itemsDir(gen))); err != nil {
			return err
		}
	}
	return nil
}

// makeGeneration makes the directories of a generation and its slots' files, durably.
func (d dir) makeGeneration(gen int, slots map[string][]byte) error {
	for _, name := range []string{slotsDir(gen), itemsDir(gen)} {
		if err := d.mkdir(name); err != nil {
			return err
		}
	}
	for name, file := range slots {
		if file == nil {
			continue // kept elsewhere
		}
		if err := d.create(slotsDir(gen)+"/"+name, file); err != nil {
			return err
		}
	}
	if err := d.sync(path.Dir(itemsDir(gen))); err != nil {
		return err
	}
	return d.sync(".")
}

// generations are the numbers of those that have a directory, in no order.
func (d dir) generations() ([]int, error) {
	names, err := d.list()
	var gens []int
	for _, name := range names {
		number, ok := strings.CutPrefix(name, "g")
		gen, bad := strconv.Atoi(number)
		if ok && bad == nil && gen > 0 && strconv.Itoa(gen) == number {
			gens = append(gens, gen)
		}
	}
	return gens, err
}
