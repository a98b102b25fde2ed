package keyring

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io/fs"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
)

// A retired key is one that is no longer used and may still be found in files. The store
// keeps hashes of its ID and its secret, by which they are recognized, and the few
// characters of the ID that fob shows: nothing that gives them back.
//
// The hashes are made with a random key, and it is in each record: a re-key encrypts it
// again and cannot make the hashes again. The store has one hash key, unless two machines
// without the other's files made one each.

// ReplacedKey is why SetKey retires a key.
const ReplacedKey = "replaced"

// RetiredKey is what is known of a retired key.
type RetiredKey struct {
	Profile string
	When    time.Time
	Why     string
	// KeyID has a few characters of its ID: AKIA...MPLE. It is "" if the ID is too short to
	// leave any out, and in records that have none.
	KeyID string
}

type retiredRecord struct {
	V       int       `json:"v"`
	Profile string    `json:"profile"`
	When    time.Time `json:"when"`
	Why     string    `json:"why"`
	HashKey []byte    `json:"hash_key"`
	ID      hashed    `json:"id"`
	Secret  hashed    `json:"secret"`
	KeyID   string    `json:"key_id,omitempty"`
}

// hashed is by what a text is recognized.
type hashed struct {
	Length int    `json:"length"` // in bytes
	HMAC   []byte `json:"hmac"`   // HMAC-SHA256 under the record's hash key
}

func hashText(key []byte, text string) hashed { return hashed{len(text), tag(key, []byte(text))} }

// of reports whether a text is the one that was hashed.
func (h hashed) of(key []byte, text string) bool {
	return hmac.Equal(h.HMAC, hashText(key, text).HMAC)
}

func (r retiredRecord) text() string { return r.Profile + r.Why + r.KeyID }

// Retire keeps by what to recognize a key that profile no longer uses; why says why it
// does not. If the key was retired before, this replaces what was known.
func (s *Store) Retire(ctx context.Context, profile string, k creds.Key, why string) error {
	return s.sealed(ctx, KindRetired, func(d dir, h header, subkey []byte) error {
		return s.retire(d, h, subkey, profile, k, why, true)
	})
}

// retireReplaced retires the key that a profile has, unless it has the ID of the key that
// replaces it. One that cannot be read is left to be replaced.
func (s *Store) retireReplaced(d dir, h header, subkey []byte, profile, id string) error {
	it, err := s.read(d, KindKey, profile)
	var old keyRecord
	if err == nil && it.info.KeyID != id {
		err = it.decode(subkey, h.ID, &old)
	}
	switch {
	case damagedItem(err):
		s.logf("the key that is replaced cannot be retired: %v", err)
		return nil
	case err != nil && !absent(err):
		return err
	case old.ID == "" || old.ID == id:
		return nil
	}
	return s.retire(d, h, subkey, profile, old.unpack(), ReplacedKey, false)
}

// retire writes the item of a retired key. again: also if there is one.
func (s *Store) retire(d dir, h header, subkey []byte, profile string, k creds.Key, why string, again bool) error {
	hashKey, err := s.hashKey(d, h, subkey)
	if err != nil {
		return err
	}
	r := retiredRecord{1, profile, seconds(s.opts.Now()), why, hashKey, hashText(hashKey, k.ID), hashText(hashKey, k.Secret.Reveal()), ""}
	if short := creds.ShortID(k.ID); short != k.ID {
		r.KeyID = short
	}
	info := Info{Kind: KindRetired, Name: hex.EncodeToString(r.ID.HMAC[:16]), Created: r.When, Rev: rand.Text()}
	file, err := fileName(KindRetired, info.Name)
	if err != nil {
		return err
	}
	if it, err := readItem(d, file); err == nil && !again {
		if _, err := it.open(subkey, h.ID); err == nil {
			return nil
		}
	}
	return d.write(file, sealItem(subkey, h.ID, file, info, r), true)
}

// hashKey is the key of the store's hashes. The first retired key makes it.
func (s *Store) hashKey(d dir, h header, subkey []byte) ([]byte, error) {
	files, err := d.list()
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, file := range files {
		if !strings.HasPrefix(file, string(KindRetired)+"+") {
			continue
		}
		var r retiredRecord
		it, err := readItem(d, file)
		if err == nil {
			err = it.decode(subkey, h.ID, &r)
		}
		if err == nil && len(r.HashKey) == keySize {
			return r.HashKey, nil
		}
		if err != nil && !damagedItem(err) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	key := make([]byte, keySize)
	rand.Read(key)
	return key, nil
}

// Retired returns a function that says for the ID of a key which profile replaced it; "" if
// that is unknown. A record that cannot be read is left out.
func (s *Store) Retired(ctx context.Context) (func(keyID string) (profile string), error) {
	infos, err := s.Infos(KindRetired)
	if err != nil && !damagedItem(err) {
		return nil, err
	}
	var records []retiredRecord
	for _, i := range infos {
		var r retiredRecord
		_, err := s.get(ctx, &r, KindRetired, i.Name)
		if _, gone := errors.AsType[*NotFoundError](err); gone || damagedItem(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return func(keyID string) string {
		for _, r := range records {
			if r.ID.of(r.HashKey, keyID) {
				return r.Profile
			}
		}
		return ""
	}, nil
}

// Secrets is what the store keeps that must be nowhere else.
type Secrets struct {
	Keys  []StoredKey
	Seeds []StoredSeed
	// Retired are those that are not among Keys again.
	Retired []RetiredKey
	// Lengths are how long the IDs and secrets of Retired are, in bytes.
	Lengths []int
	// Unread are the errors of items that could not be read.
	Unread []error

	hashes []hashes
}

// StoredKey is a key in the store.
type StoredKey struct {
	Profile string
	creds.Key
	// Rotation: it is one of the keys of a rotation in progress.
	Rotation bool
}

// StoredSeed is the seed of an MFA device.
type StoredSeed struct {
	Serial string
	creds.Seed
}

// RetiredText is a text that belongs to a retired key.
type RetiredText struct {
	RetiredKey
	Secret bool // it is the key's secret, and not its ID
}

// hashes are those that were made with one key.
type hashes struct {
	key   []byte
	texts map[string]RetiredText
}

// Secrets returns all keys, also those of rotations and of files with other names than
// their items', all seeds, and by what retired keys are recognized. It opens the store at
// most once, and not at all if there is none.
func (s *Store) Secrets(ctx context.Context) (Secrets, error) {
	var all Secrets
	err := s.steady(func() (header, error) {
		d, h, err := s.trustedItems()
		if err != nil {
			return h, err
		}
		defer d.Close()
		all, err = s.secrets(ctx, d, h)
		if err == nil && s.moved(h) {
			err = errMoved // the files may have been about to be removed
		}
		return h, err
	})
	if absent(err) {
		return Secrets{}, nil
	}
	return all, err
}

func (s *Store) secrets(ctx context.Context, d dir, h header) (Secrets, error) {
	files, err := d.list()
	if err != nil {
		return Secrets{}, err
	}
	slices.Sort(files)
	var all Secrets
	items := map[Kind][]item{}
	for _, file := range files {
		kind, ours := kindOfFile(file)
		it, _, err := readMisnamed(d, file)
		if err != nil && ours && slices.Contains(secretKinds(), kind) {
			it, err = readItem(d, file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				all.Unread = append(all.Unread, err)
			}
		}
		if err == nil {
			items[it.info.Kind] = append(items[it.info.Kind], it)
		}
	}
	retired := []retiredRecord{}
	for _, kind := range secretKinds() {
		for _, it := range items[kind] {
			key, err := s.subkey(ctx, h, kind)
			if err != nil {
				return Secrets{}, err
			}
			if err := all.add(it, key, h.ID, &retired); err != nil {
				all.Unread = append(all.Unread, err)
			}
		}
	}
	all.addRetired(retired)
	return all, nil
}

// secretKinds are the kinds of items that Secrets reads. What opens the seeds opens the
// others, too, so seeds come first.
func secretKinds() []Kind { return []Kind{KindSeed, KindKey, KindRotation, KindRetired} }

// add adds what is in an item; retired keys to retired.
func (all *Secrets) add(it item, key []byte, storeID string, retired *[]retiredRecord) error {
	name := it.info.Name
	switch it.info.Kind {
	case KindSeed:
		var r seedRecord
		if err := it.decode(key, storeID, &r); err != nil {
			return err
		}
		all.Seeds = append(all.Seeds, StoredSeed{name, r.unpack()})
	case KindKey:
		var r keyRecord
		if err := it.decode(key, storeID, &r); err != nil {
			return err
		}
		all.Keys = append(all.Keys, StoredKey{name, r.unpack(), false})
	case KindRotation:
		var r rotationRecord
		if err := it.decode(key, storeID, &r); err != nil {
			return err
		}
		for _, pair := range []keyPair{r.Old, r.New} {
			if pair.ID != "" {
				all.Keys = append(all.Keys, StoredKey{name, pair.unpack(), true})
			}
		}
	case KindRetired:
		var r retiredRecord
		if err := it.decode(key, storeID, &r); err != nil {
			return err
		}
		*retired = append(*retired, r)
	}
	return nil
}

// addRetired adds the retired keys that are not stored again.
func (all *Secrets) addRetired(records []retiredRecord) {
	for _, r := range records {
		stored := func(k StoredKey) bool { return r.ID.of(r.HashKey, k.ID) }
		if slices.ContainsFunc(all.Keys, stored) {
			continue
		}
		about := RetiredKey{r.Profile, r.When, r.Why, r.KeyID}
		all.Retired = append(all.Retired, about)
		i := slices.IndexFunc(all.hashes, func(s hashes) bool { return bytes.Equal(s.key, r.HashKey) })
		if i < 0 {
			i = len(all.hashes)
			all.hashes = append(all.hashes, hashes{r.HashKey, map[string]RetiredText{}})
		}
		all.hashes[i].texts[string(r.ID.HMAC)] = RetiredText{about, false}
		all.hashes[i].texts[string(r.Secret.HMAC)] = RetiredText{about, true}
		all.Lengths = append(all.Lengths, r.ID.Length, r.Secret.Length)
	}
	slices.Sort(all.Lengths)
	all.Lengths = slices.Compact(all.Lengths)
}

// RetiredFinder returns a function that recognizes the IDs and secrets of retired keys.
// Each goroutine needs its own.
func (all Secrets) RetiredFinder() func(text []byte) (RetiredText, bool) {
	macs := make([]hash.Hash, len(all.hashes))
	for i, s := range all.hashes {
		macs[i] = hmac.New(sha256.New, s.key)
	}
	sum := make([]byte, 0, sha256.Size)
	return func(text []byte) (RetiredText, bool) {
		for i, s := range all.hashes {
			macs[i].Reset()
			macs[i].Write(text)
			sum = macs[i].Sum(sum[:0])
			if found, ok := s.texts[string(sum)]; ok {
				return found, true
			}
		}
		return RetiredText{}, false
	}
}
