package keyring

import (
	"os"
	"path/filepath"
	"testing"

	"fob/internal/creds"
)

// The names that programs give to the second version of a file, or to a backup.
var conflictNames = []string{
	"key+prod~",
	"key+prod (conflicted copy)",
	"key+prod (jo's conflicted copy 2026-11-30)",
	"key+prod (1)",
	"key+prod 2",
	"key+prod-laptop", // which is also the name of another profile's key
	"key+prod-LAPTOP-1A2B3C",
	"key+prod.sync-conflict-20261130-095036-ABCDEFG",
	"key+prod.orig",
	"Copy of key+prod",
	"key+prod copy",
}

// conflictStore is a store with a key, and its path of the items.
func conflictStore(t *testing.T) (s *Store, items string) {
	s = newStore(t)
	mustSetKey(t, s, "prod", exampleKey)
	mustSetKey(t, s, "other", otherKey)
	return s, filepath.Dir(itemPath(t, s, KindKey, "prod"))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func onlyConflict(t *testing.T, s *Store) Conflict {
	t.Helper()
	found, err := s.Conflicts()
	if err != nil || len(found) != 1 {
		t.Fatalf("conflicts: %v, %v; want one", found, err)
	}
	return found[0]
}

// A copy of a key is said to be one, changes nothing for the rest of the store, does not
// stand in the way of a new vault key, and goes with the key.
func TestConflictCopy(t *testing.T) {
	for _, name := range conflictNames {
		s, items := conflictStore(t)
		copyFile(t, items+"/key+prod", items+"/"+name)
		c := onlyConflict(t, s)
		if c.File != name || c.Item != "key+prod" || !c.Same || c.Alone || c.Path() != filepath.Join(items, name) {
			t.Errorf("%s: %+v", name, c)
		}
		infos, err := s.Infos(KindKey)
		if _, _, canonical := parseFileName(name); len(infos) != 2 || (err != nil) != canonical {
			t.Errorf("%s: %v, %v", name, infos, err)
		}
		if _, err := s.NewPassphrase(t.Context(), creds.NewSecret("another long passphrase")); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if found, err := s.Conflicts(); err != nil || len(found) != 0 {
			t.Errorf("%s: after a new vault key: %v, %v", name, found, err)
		}
		items = inStore(s, itemsDir(2))
		copyFile(t, items+"/key+prod", items+"/"+name)
		if err := s.RemoveKey(t.Context(), "prod", revOf(s, "prod")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(items); err != nil || len(left) != 1 || left[0].Name() != "key+other" {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// Another version of a key may be the one that is wanted: a new vault key and the removal
// of the key keep it, and under the key's name it is used.
func TestConflictVersion(t *testing.T) {
	for _, name := range conflictNames {
		s, items := conflictStore(t)
		copyFile(t, items+"/key+prod", items+"/kept")
		mustSetKey(t, s, "prod", otherKey)
		if err := os.Rename(items+"/kept", items+"/"+name); err != nil {
			t.Fatal(err)
		}
		if c := onlyConflict(t, s); c.Same || c.Alone || c.Info.KeyID != exampleKey.ID {
			t.Errorf("%s: %+v", name, c)
		}
		if _, err := s.NewPassphrase(t.Context(), creds.NewSecret("another long passphrase")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.RemoveKey(t.Context(), "prod", revOf(s, "prod")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := onlyConflict(t, s)
		if c.File != name || !c.Alone {
			t.Errorf("%s: %+v", name, c)
		}
		if err := os.Rename(c.Path(), filepath.Join(c.Dir, c.Item)); err != nil {
			t.Fatal(err)
		}
		if k, _, err := s.Key(t.Context(), "prod"); err != nil || !sameKey(k, exampleKey) {
			t.Errorf("%s: %v, %v", name, k.ID, err)
		}
	}
}

// The same key in another version goes with the key.
func TestConflictSameKey(t *testing.T) {
	s, items := conflictStore(t)
	copyFile(t, items+"/key+prod", items+"/key+prod~")
	mustSetKey(t, s, "prod", exampleKey) // with another rev
	if err := s.RemoveKey(t.Context(), "prod", revOf(s, "prod")); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Conflicts(); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestConflictSeed(t *testing.T) {
	s, items := conflictStore(t)
	serial := "arn:aws:iam::111111111111:mfa/jo"
	seed := creds.Seed{Secret: creds.NewSecret("JBSWY3DPEHPK3PXP"), Algorithm: "SHA1", Digits: 6, Period: 30e9}
	if err := s.SetSeed(t.Context(), serial, seed); err != nil {
		t.Fatal(err)
	}
	file := itemPath(t, s, KindSeed, serial)
	copyFile(t, file, file+" (1)")
	if c := onlyConflict(t, s); !c.Same || c.Info.Kind != KindSeed {
		t.Errorf("%+v", c)
	}
	if err := s.RemoveSeed(serial); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(items); err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}

// Signing in again is less work than to choose between two versions of a sign-in, so fob
// asks nobody to. Forgetting the sign-in forgets them all.
func TestConflictToken(t *testing.T) {
	s, items := conflictStore(t)
	if _, err := s.SetToken(t.Context(), portal, portalID+"2", exampleToken("3", portalEnds), Info{}); err != nil {
		t.Fatal(err)
	}
	file := itemPath(t, s, KindToken, portal, portalID)
	copies := []string{"~", " (1)", ".sync-conflict-20261130-095036-ABCDEFG", "-LAPTOP"}
	plant := func() {
		t.Helper()
		mustSetToken(t, s, exampleToken("1", portalEnds))
		copyFile(t, file, file+copies[0])
		mustSetToken(t, s, exampleToken("2", portalEnds))
		for _, name := range copies[1:] {
			copyFile(t, file+copies[0], file+name)
		}
	}
	plant()
	if found, err := s.Conflicts(); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	if infos, err := s.Infos(KindToken); err != nil || len(infos) != 2 {
		t.Errorf("%v, %v", infos, err)
	}
	if err := s.RemoveToken(portal, portalID); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(items); err != nil || len(left) != 3 { // two keys and the other sign-in
		t.Errorf("left %v, %v", left, err)
	}
	plant()
	if _, err := s.NewPassphrase(t.Context(), creds.NewSecret(newWords)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(inStore(s, itemsDir(2))); err != nil || len(left) != 4 {
		t.Errorf("left %v, %v", left, err)
	}
	if got, _, err := s.Token(t.Context(), portal, portalID); err != nil || !sameToken(got, exampleToken("2", portalEnds)) {
		t.Error(err)
	}
}

// What nobody can open stands in the way of a new vault key, which would lose it. Copies
// of sessions and other programs' files do not.
func TestConflictStray(t *testing.T) {
	s, items := conflictStore(t)
	for _, name := range []string{".DS_Store", "desktop.ini", "session+prod+1 (1)", ".tmp-x~"} {
		if err := os.WriteFile(items+"/"+name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	next := creds.NewSecret(testPassphrase)
	if _, err := s.NewPassphrase(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	items = inStore(s, itemsDir(2))
	foreign := newStore(t)
	mustSetKey(t, foreign, "prod", exampleKey)
	for _, tt := range []struct{ name, from string }{{"key+prod~", ""}, {"key+prod (1)", itemPath(t, foreign, KindKey, "prod")}, {"backup", itemPath(t, foreign, KindKey, "prod")}} {
		path := filepath.Join(items, tt.name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if tt.from != "" {
			copyFile(t, tt.from, path)
		}
		_, err := s.NewPassphrase(t.Context(), next)
		wantErr[*BeforeRekeyError](t, err)
		if e := wantErr[*StrayError](t, err); e.Path() != path {
			t.Errorf("%s: %s", tt.name, e.Path())
		}
		if infos, _ := s.Infos(KindKey); len(infos) != 2 {
			t.Errorf("%s: %v", tt.name, infos)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
