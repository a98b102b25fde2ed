package keyring

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// matches says what a store recognizes of a key: "id", "secret", both or nothing.
func matches(t *testing.T, s *Store, k creds.Key) (found []string, about RetiredKey) {
	t.Helper()
	all, err := s.Secrets(t.Context())
	if err != nil || len(all.Unread) > 0 {
		t.Fatal(err, all.Unread)
	}
	find := all.RetiredFinder()
	for name, text := range map[string]string{"id": k.ID, "secret": k.Secret.Reveal()} {
		m, ok := find([]byte(text))
		if !ok {
			continue
		}
		if m.Secret != (name == "secret") {
			t.Errorf("the %s is taken for the other", name)
		}
		if !slices.Contains(all.Lengths, len(text)) {
			t.Errorf("%d is not in %v", len(text), all.Lengths)
		}
		found, about = append(found, name), m.RetiredKey
	}
	slices.Sort(found)
	return found, about
}

var both = []string{"id", "secret"}

// A key that SetKey replaces by another is recognized from then on, by its ID and by its
// secret, and by nothing that is only like them.
func TestReplacedKeyIsRetired(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	mustSetKey(t, s, "p", exampleKey)
	if infos, err := s.Infos(KindRetired); err != nil || len(infos) > 0 {
		t.Errorf("the same key again: %v, %v", infos, err)
	}
	before := time.Now().Truncate(time.Second)
	mustSetKey(t, s, "p", otherKey)
	s = again(s)
	got, about := matches(t, s, exampleKey)
	if !slices.Equal(got, both) || about.Profile != "p" || about.Why != ReplacedKey || about.When.Before(before) || about.KeyID != creds.ShortID(exampleKey.ID) {
		t.Errorf("recognized %v as %+v", got, about)
	}
	near := creds.Key{ID: exampleKey.ID[:19] + "F", Secret: creds.NewSecret(exampleKey.Secret.Reveal() + "x")}
	for _, k := range []creds.Key{otherKey, near, {}} {
		if got, _ := matches(t, s, k); len(got) > 0 {
			t.Errorf("recognized %v of %s", got, k.ID)
		}
	}
	// It is stored again, so it is not retired; and then it is again.
	mustSetKey(t, s, "p", exampleKey)
	if got, _ := matches(t, s, exampleKey); len(got) > 0 {
		t.Errorf("a stored key is retired: %v", got)
	}
	if got, _ := matches(t, s, otherKey); !slices.Equal(got, both) {
		t.Errorf("recognized %v of the other", got)
	}
	mustSetKey(t, s, "p", otherKey)
	if got, _ := matches(t, s, exampleKey); !slices.Equal(got, both) {
		t.Errorf("recognized %v after the second time", got)
	}
	if infos, err := s.Infos(KindRetired); err != nil || len(infos) != 2 {
		t.Errorf("%d files, %v", len(infos), err)
	}
}

// Retire says why; a replacement afterwards does not say it differently, and a second
// Retire does.
func TestRetire(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	if err := s.Retire(ctx, "p", exampleKey, "rotated"); err != nil {
		t.Fatal(err)
	}
	mustSetKey(t, s, "p", otherKey)
	if got, about := matches(t, s, exampleKey); !slices.Equal(got, both) || about.Why != "rotated" {
		t.Errorf("recognized %v as %+v", got, about)
	}
	if err := s.Retire(ctx, "q", exampleKey, "found"); err != nil {
		t.Fatal(err)
	}
	if got, about := matches(t, s, exampleKey); !slices.Equal(got, both) || about.Why != "found" || about.Profile != "q" {
		t.Errorf("recognized %v as %+v", got, about)
	}
}

// Which profile has replaced a key is known by its record alone, and a damaged record says
// nothing.
func TestRetired(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	mustSetKey(t, s, "p", otherKey)
	for _, want := range []string{"p", ""} {
		profile, err := s.Retired(t.Context())
		if err != nil || profile(exampleKey.ID) != want || profile(otherKey.ID) != "" {
			t.Errorf("%q, %q, want %q: %v", profile(exampleKey.ID), profile(otherKey.ID), want, err)
		}
		infos, _ := s.Infos(KindRetired)
		for _, i := range infos {
			if err := os.WriteFile(s.ItemPath(i.file()), []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What is kept of a retired key does not hold it, its header names nothing of it, and the
// hashes are another store's own.
func TestRetiredKeyIsGone(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		s := newStore(t)
		if err := s.Retire(t.Context(), "p", exampleKey, "rotated"); err != nil {
			t.Fatal(err)
		}
		infos, err := s.Infos(KindRetired)
		if err != nil || len(infos) != 1 {
			t.Fatal(infos, err)
		}
		names[infos[0].Name] = true
		if infos[0].KeyID != "" || infos[0].Account != "" || infos[0].ARN != "" {
			t.Errorf("the header says %+v", infos[0])
		}
		var r map[string]any
		if _, err := s.get(t.Context(), &r, KindRetired, infos[0].Name); err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(r); strings.Contains(text, exampleKey.ID) || strings.Contains(text, exampleKey.Secret.Reveal()) {
			t.Errorf("the record holds the key: %s", text)
		}
	}
	if len(names) != 2 {
		t.Error("two stores hash a key alike")
	}
}

// Of an ID that is too short to leave any characters out, none is kept; and records without
// any, which an older fob wrote, are read.
func TestRetiredKeyID(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	short := creds.Key{ID: "minioadmin", Secret: creds.NewSecret("minioadminsecret")}
	if err := s.Retire(ctx, "p", short, "rotated"); err != nil {
		t.Fatal(err)
	}
	if got, about := matches(t, s, short); !slices.Equal(got, both) || about.KeyID != "" {
		t.Errorf("recognized %v as %+v", got, about)
	}
	var r map[string]any
	infos, err := s.Infos(KindRetired)
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	if _, err := s.get(ctx, &r, KindRetired, infos[0].Name); err != nil {
		t.Fatal(err)
	}
	if _, has := r["key_id"]; has || strings.Contains(fmt.Sprint(r), short.ID) {
		t.Errorf("the record has the ID: %v", r)
	}
}

// A damaged key can still be replaced, though not retired.
func TestDamagedKeyIsReplaced(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	file := itemPath(t, s, KindKey, "p")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	for _, damaged := range [][]byte{data, data[:10], nil} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		mustSetKey(t, s, "p", otherKey)
		if k, _, err := again(s).Key(t.Context(), "p"); err != nil || !sameKey(k, otherKey) {
			t.Errorf("%d bytes: %v", len(damaged), err)
		}
	}
}

// A re-key, which cannot make the hashes again, keeps them. So do two machines that made
// a hash key each.
func TestRetiredKeysSurviveRekey(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	third := creds.Key{ID: "AKIATHIRD", Secret: creds.NewSecret("third")}
	for _, k := range []creds.Key{exampleKey, third} {
		if err := s.Retire(ctx, "p", k, "rotated"); err != nil {
			t.Fatal(err)
		}
	}
	items := filepath.Dir(itemPath(t, s, KindKey, "p"))
	entries, err := os.ReadDir(items)
	if err != nil {
		t.Fatal(err)
	}
	away := tempDir(t)
	for _, e := range entries { // the other machine does not have them yet
		if err := os.Rename(filepath.Join(items, e.Name()), filepath.Join(away, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Retire(ctx, "p", otherKey, "rotated"); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(away, e.Name()), filepath.Join(items, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.NewPassphrase(ctx, creds.NewSecret("another passphrase")); err != nil {
		t.Fatal(err)
	}
	s = again(s, func(o *Options) { o.Passphrase = fixed("another passphrase") })
	for _, k := range []creds.Key{exampleKey, otherKey, third} {
		if got, _ := matches(t, s, k); !slices.Equal(got, both) {
			t.Errorf("recognized %v of %s", got, k.ID)
		}
	}
}

// Secrets are all keys, also those of rotations and of conflicts, and all seeds, with one
// question. What cannot be read is named, and the rest returned.
func TestSecrets(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	if all, err := New(options(storeDir(t))).Secrets(ctx); err != nil || len(all.Keys) > 0 {
		t.Errorf("no store: %v, %v", all.Keys, err)
	}
	if all, err := again(s, func(o *Options) { o.Passphrase = nil }).Secrets(ctx); err != nil || !reflect.DeepEqual(all, Secrets{}) {
		t.Errorf("an empty store: %+v, %v", all, err)
	}
	mustSetKey(t, s, "p", exampleKey)
	mustSetKey(t, s, "q", otherKey)
	if err := s.SetSeed(ctx, serial, seed); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetRotation(ctx, "q", exampleRotation(), Info{}); err != nil {
		t.Fatal(err)
	}
	mustSetToken(t, s, exampleToken("1", portalEnds))
	conflict := itemPath(t, s, KindKey, "q") + " (conflicted copy)"
	if err := os.Rename(itemPath(t, s, KindKey, "q"), conflict); err != nil {
		t.Fatal(err)
	}
	asked := 0
	s = again(s, func(o *Options) {
		o.Passphrase = func() (creds.Secret, bool, error) { asked++; return fixed(testPassphrase)() }
	})
	check := func(unread int, want ...string) {
		t.Helper()
		all, err := s.Secrets(ctx)
		var got []string
		for _, k := range all.Keys {
			got = append(got, fmt.Sprint(k.Profile, " ", k.ID, " ", k.Rotation))
		}
		if err != nil || len(all.Unread) != unread || !slices.Equal(got, want) {
			t.Errorf("%v, not read %v, %v", got, all.Unread, err)
		}
		if len(all.Seeds) != 1 || all.Seeds[0].Serial != serial || !all.Seeds[0].Secret.Equal(seed.Secret) {
			t.Errorf("seeds: %v", all.Seeds)
		}
	}
	old, new := exampleRotation().Old.ID, exampleRotation().New.ID
	check(0, "p "+exampleKey.ID+" false", "q "+otherKey.ID+" false", "q "+old+" true", "q "+new+" true")
	if asked != 1 {
		t.Errorf("opened %d times", asked)
	}
	if err := os.WriteFile(itemPath(t, s, KindKey, "p"), []byte("fob1 "), 0o600); err != nil {
		t.Fatal(err)
	}
	check(1, "q "+otherKey.ID+" false", "q "+old+" true", "q "+new+" true")
	if all, err := again(s, func(o *Options) { o.Passphrase = nil }).Secrets(ctx); !is[*LockedError](err) || !reflect.DeepEqual(all, Secrets{}) {
		t.Errorf("locked: %+v, %v", all, err)
	}
}

// A text is looked up so fast that every token of a repository can be.
func BenchmarkRetiredFinder(b *testing.B) {
	s := newStore(b)
	for i := range 20 {
		if err := s.Retire(b.Context(), "p", creds.Key{ID: fmt.Sprint("AKIA", i), Secret: exampleKey.Secret}, "rotated"); err != nil {
			b.Fatal(err)
		}
	}
	all, err := s.Secrets(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	find, text := all.RetiredFinder(), []byte(otherKey.Secret.Reveal())
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := find(text); ok {
			b.Fatal("found")
		}
	}
}
