package keyring

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"filippo.io/age"

	"fob/internal/creds"
	"fob/keyring/backend"
)

// Somebody who may write the owner's files, but not run programs as the owner, makes a
// new generation under a vault key of their own. Nothing is read from it or stored in
// it, and the owner's generation stays.
func TestForgedGeneration(t *testing.T) {
	for _, tt := range slotsUnderTest() {
		t.Run(tt.kind, func(t *testing.T) {
			k := tt.start(t)
			s := newStore(t, k.options)
			t.Cleanup(func() { tidy(s) })
			furnish(t, s)
			real, err := os.ReadFile(inStore(s, headerFile))
			if err != nil {
				t.Fatal(err)
			}
			before := tree(t, s)
			h, vault, edit := forgeGeneration(t, s, tt.kind, k)
			if edit == nil {
				return // nobody else can make such a slot
			}
			forged := tree(t, s)
			another := func(o *Options) { edit(o); o.StateDir = tempDir(t) } // a machine that never saw the store
			for name, s := range map[string]*Store{"here": again(s, edit), "first look": again(s, another)} {
				for i, err := range tryAll(t, s) {
					var trust *TrustError
					switch {
					case errors.As(err, &trust):
						if trust.Fingerprint != deriveSubkeys(vault, h.ID).fingerprint {
							t.Errorf("%s, %d: fingerprint %q", name, i, trust.Fingerprint)
						}
					case kindOf(tt.kind).authentic && (is[*WrongPassphraseError](err) || is[*DamagedError](err)):
					default:
						t.Errorf("%s, %d: %T %v", name, i, err, err)
					}
				}
			}
			if got := tree(t, s); !slices.Equal(got, forged) {
				t.Errorf("changed: %q, was %q", got, forged)
			}
			if err := os.WriteFile(inStore(s, headerFile), real, 0o600); err != nil {
				t.Fatal(err)
			}
			removeAll(t, inStore(s, "g2"))
			furnished(t, again(s, k.options))
			if got := tree(t, s); !slices.Equal(got, before) {
				t.Errorf("lost: %q, was %q", got, before)
			}
		})
	}
}

// tryAll uses the store in every way that gives it something or takes something from it.
func tryAll(t testing.TB, s *Store) []error {
	ctx := t.Context()
	do := func(f func(s *Store) error) error { return f(again(s)) }
	return []error{
		do(func(s *Store) error { _, _, err := s.Key(ctx, "p"); return err }),
		do(func(s *Store) error { _, err := s.SetKey(ctx, "q", exampleKey, Info{Rev: revOf(s, "q")}); return err }),
		do(func(s *Store) error { return s.SetSeed(ctx, serial, seed) }),
		do(func(s *Store) error { return s.SaveSession(ctx, "p", "2", "", exampleSession(s.opts.Now())) }),
		do(func(s *Store) error { _, _, err := s.Token(ctx, portal, portalID); return err }),
		do(func(s *Store) error {
			_, err := s.SetToken(ctx, portal, "2", exampleToken("2", s.opts.Now()), Info{})
			return err
		}),
		do(func(s *Store) error { _, _, err := s.Rotation(ctx, "p"); return err }),
		do(func(s *Store) error { _, err := s.SetRotation(ctx, "q", exampleRotation(), Info{}); return err }),
		do(func(s *Store) error { _, err := s.SetBackup(ctx, "2", exampleBackup()); return err }),
		do(func(s *Store) error { return s.Retire(ctx, "p", exampleKey, "rotated") }),
		do(func(s *Store) error { _, err := s.Secrets(ctx); return err }),
		do(func(s *Store) error { _, err := s.Create(ctx); return err }),
		do(func(s *Store) error { _, err := s.AddSlot(ctx, foreignRecipient(t)); return err }),
		do(func(s *Store) error {
			h, err := s.header()
			if err == nil {
				_, err = s.RemoveSlot(ctx, foreignSlot(h))
			}
			return err
		}),
	}
}

// foreignSlot is the slot that the forger added to be removed.
func foreignSlot(h header) string { return wayName(h.Slots[len(h.Slots)-1].Name) }

// forgeGeneration writes generation 2 as somebody would who knows what is in the store's
// files. edit is nil if there is no way to make such a slot.
func forgeGeneration(t testing.TB, s *Store, kind string, k fixture) (h header, vault []byte, edit func(*Options)) {
	t.Helper()
	h, err := s.header()
	if err != nil {
		t.Fatal(err)
	}
	h.Gen = 2
	other := slot{Name: kindAge, Kind: kindAge, Recipients: []string{foreignRecipient(t)}}
	if kind == kindAge {
		other = slot{Name: kindPassphrase, Kind: kindPassphrase}
	}
	h.Slots = append(slices.Clone(h.Slots), other)
	vault = bytes.Repeat([]byte{7}, keySize)
	keys := deriveSubkeys(vault, h.ID)
	payload := h.payload(kind, vault)
	edit = func(*Options) {}
	var file []byte
	switch _, inKeyring := backend.Of(kind); {
	case kind == kindPassphrase:
		file, err = sealPassphrase(creds.NewSecret("the forger's own"), payload, 2)
	case kind == kindAge:
		var r age.Recipient
		if r, err = parseRecipient(h.Slots[0].Recipients[0], nil); err == nil {
			file, err = sealAge(payload, r)
		}
	case inKeyring && k.forge == nil:
		return h, vault, nil
	default:
		if e := k.forge(t, itemName(h), payload); e != nil {
			edit = e
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	info := Info{Kind: KindKey, Name: "p", KeyID: otherKey.ID, Rev: "r"}
	// The forger's own sign-in: with it, a program would work in the forger's account.
	signIn, err := fileName(KindToken, portal, portalID)
	if err != nil {
		t.Fatal(err)
	}
	theirs := sealItem(keys.items[KindToken], h.ID, signIn, Info{Kind: KindToken, Name: portal, Refresh: true}, packToken(exampleToken("forged", portalEnds)))
	rotation := sealItem(keys.items[KindRotation], h.ID, "rotation+p", Info{Kind: KindRotation, Name: "p"}, packRotation(exampleRotation()))
	for name, data := range map[string][]byte{
		itemsDir(2) + "/rotation+p": rotation,
		slotsDir(2) + "/" + kind:    file,
		itemsDir(2) + "/key+p":      sealItem(keys.items[KindKey], h.ID, "key+p", info, packKey(otherKey)),
		itemsDir(2) + "/" + signIn:  theirs,
		headerFile:                  h.encode(keys),
	} {
		if data == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(inStore(s, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(inStore(s, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return h, vault, edit
}

// A new vault key that another machine made looks like a forgery where a public key
// opens the store. fob store trust accepts it, and so does a passphrase.
func TestRekeyElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		accept func(t *testing.T, here *Store)
	}{
		{"trusted", func(t *testing.T, here *Store) {
			var said string
			changed, err := here.Trust(t.Context(), func(problem string) error { said = problem; return nil })
			if err != nil || !changed || said == "" {
				t.Errorf("%v, %q, %v", changed, said, err)
			}
		}},
		{"proved by the passphrase", func(t *testing.T, here *Store) {
			if _, _, err := again(here, byPassphrase(testPassphrase)).Key(t.Context(), "p"); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made := twoWays(t)
			here := again(made, byAge)
			furnished(t, here)
			there := again(made, byPassphrase(testPassphrase), func(o *Options) { o.StateDir = tempDir(t) })
			if _, err := there.NewPassphrase(t.Context(), creds.NewSecret(testPassphrase)); err != nil {
				t.Fatal(err)
			}
			_, _, err := again(here).Key(t.Context(), "p")
			e := wantErr[*TrustError](t, err)
			if d := again(there).Describe(t.Context()); e.Proof != "file" || d.Fingerprint == "" || d.Fingerprint != e.Fingerprint {
				t.Errorf("%+v; there it is %q", e, d.Fingerprint)
			}
			tt.accept(t, again(here))
			furnished(t, again(here))
		})
	}
}
