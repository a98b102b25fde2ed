package keyring

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// header reads the store's header, without verifying it or comparing it with the
// memory.
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

// items opens the directory of the items of the present generation to read them.
func (s *Store) items() (dir, header, error) {
	if r := s.lastRead(); r != nil {
		return r.items, r.header, nil
	}
	d, h, err := s.openItems()
	if err == nil {
		d = s.keepOpen(d, h)
	}
	return d, h, err
}

// openItems is items for a writer, who never relies on what was read before.
func (s *Store) openItems() (dir, header, error) {
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

// trustedItems is items of a store that this machine knows.
func (s *Store) trustedItems() (d dir, h header, err error) {
	err = s.steady(func() (header, error) {
		d, h, err = s.items()
		if err == nil && s.wasTrusted(h) {
			return h, nil
		}
		trust := s.trust(h, err)
		if err == nil && trust != nil {
			d.Close()
		}
		if trust == nil {
			s.noteTrusted(h)
		}
		return h, trust
	})
	return d, h, err
}

// moved reports whether the header was replaced since h was read, or was made since
// then if h is empty.
func (s *Store) moved(h header) bool {
	if h.ID == "" {
		_, err := s.header()
		return err == nil
	}
	if s.unchanged(h) {
		return false
	}
	now, err := s.header()
	return err == nil && now.mark() != h.mark()
}

// steady calls f, which returns the header that it read the store with. If f fails
// and the header was replaced in the meantime, steady calls f again: the old generation
// was being removed, so the failure means nothing.
func (s *Store) steady(f func() (header, error)) error {
	for {
		h, err := f()
		if err == nil || !s.moved(h) {
			return err
		}
	}
}

// sweep removes the leftovers of dead writers and interrupted re-keys. The caller has
// the lock, and the vault key of the present header h.
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

// sweepGenerations removes the generations before h, which is the present header and
// has been verified. A later generation is being made by somebody.
func (s *Store) sweepGenerations(d dir, h header) error {
	gens, err := d.generations()
	if err != nil || len(gens) < 2 {
		return err
	}
	// First make sure that the header which replaces them survives a power cut.
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

// clearGenerations removes the leftovers of creations that did not reach their
// commit. Without a header, it does not know whether items are leftovers, and fails.
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
			continue // it is not a file of the store
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

// generations returns the numbers of the generations that have a directory, in no
// order.
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
