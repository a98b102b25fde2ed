package keyring

import (
	"context"

	"fob/internal/creds"
)

// View is the store at one moment, for a command that decides by the keys it
// finds and then mostly wants one session: what a View has read, it does not
// read again. Whoever waited for something asks the Store and not a View. A View
// is for one goroutine.
type View struct {
	store *Store
	// What the first look found.
	looked bool
	d      dir
	h      header
	err    error
	keys   map[string]Info
}

// View returns a view that begins with its first look.
func (s *Store) View() *View { return &View{store: s, keys: map[string]Info{}} }

// Close lets go of the store's directory.
func (v *View) Close() {
	if v.looked && v.err == nil {
		v.d.Close()
	}
	v.looked, v.keys = false, map[string]Info{}
}

// KeyInfo is Store.KeyInfo.
func (v *View) KeyInfo(profile string) (Info, error) {
	if info, ok := v.keys[profile]; ok {
		return info, nil
	}
	for {
		if !v.looked {
			v.d, v.h, v.err = v.store.trustedItems()
			v.looked = true
		}
		if v.err != nil {
			return Info{}, notFound(v.err, KindKey, profile)
		}
		it, err := v.store.read(v.d, KindKey, profile)
		if err == nil {
			v.keys[profile] = it.info
			return it.info, nil
		}
		if !v.store.moved(v.h) {
			return Info{}, notFound(err, KindKey, profile)
		}
		v.Close() // re-keyed meanwhile: look again
	}
}

// Infos is Store.Infos. The view knows the keys from then on.
func (v *View) Infos(kind Kind) ([]Info, error) {
	infos, err := v.store.Infos(kind)
	if kind == KindKey {
		for _, info := range infos {
			v.keys[info.Name] = info
		}
	}
	return infos, err
}

// Session is Store.Session. The view has ended with it.
func (v *View) Session(ctx context.Context, source, id string) (creds.Session, Info, error) {
	defer v.Close()
	if s, info, err := v.session(source, id); err == nil {
		return s, info, nil
	}
	return v.store.Session(ctx, source, id) // knows why not, and what to do
}

// session is what can be had without a question and without a second look.
func (v *View) session(source, id string) (creds.Session, Info, error) {
	missing := &NotFoundError{KindSession, source}
	key, ok := v.keys[source]
	if !ok {
		return creds.Session{}, Info{}, missing
	}
	subkey := v.store.held(v.h, KindSession)
	if subkey == nil {
		return creds.Session{}, Info{}, missing
	}
	file, err := fileName(KindSession, source, id)
	if err != nil {
		return creds.Session{}, Info{}, err
	}
	it, err := readItem(v.d, file)
	if err != nil {
		return creds.Session{}, Info{}, err
	}
	if err := v.store.current(it.info, key.Rev); err != nil {
		return creds.Session{}, Info{}, err
	}
	var r sessionRecord
	err = it.decode(subkey, v.h.ID, &r)
	return r.unpack(), it.info, err
}
