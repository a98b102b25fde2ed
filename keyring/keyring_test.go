package keyring

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

func TestItemsComeBack(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	info := mustSetKey(t, s, "prod", exampleKey)
	ends := time.Now().Add(time.Hour).UTC()
	if err := s.SaveSession(ctx, "prod", "0af1", info.Rev, exampleSession(ends)); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSeed(ctx, serial, seed); err != nil {
		t.Fatal(err)
	}

	s = again(s)
	k, got, err := s.Key(ctx, "prod")
	if err != nil || !sameKey(k, exampleKey) || got != info {
		t.Errorf("Key: %v, %+v, %v; want %+v", k, got, err, info)
	}
	if clear, err := s.KeyInfo("prod"); err != nil || clear != info {
		t.Errorf("KeyInfo: %+v, %v; want %+v", clear, err, info)
	}
	if info.KeyID != exampleKey.ID || info.ARN != exampleARN || info.Account != "111111111111" || info.Name != "prod" {
		t.Errorf("SetKey returned %+v", info)
	}
	sess, si, err := s.Session(ctx, "prod", "0af1")
	if err != nil || !sess.Secret.Equal(exampleKey.Secret) || sess.Token.Reveal() != "AQoDYXdzEJr1K" || sess.AccountID != "111111111111" {
		t.Errorf("Session: %+v, %v", sess, err)
	}
	if want := ends.Truncate(time.Second); !sess.Expires.Equal(want) || !si.Expires.Equal(want) || si.ID != "0af1" || si.SourceRev != info.Rev {
		t.Errorf("Session: %+v, %+v", sess, si)
	}
	if got, err := s.Seed(ctx, serial); err != nil || !got.Secret.Equal(seed.Secret) || got.Digits != 6 || got.Period != seed.Period || got.Algorithm != "SHA1" {
		t.Errorf("Seed: %+v, %v", got, err)
	}
}

func TestWhatIsNotThereAsksNobody(t *testing.T) {
	ctx := t.Context()
	asked := func(o *Options) {
		o.Passphrase = nil
		o.Ask = func(context.Context, Question) (creds.Secret, error) {
			t.Error("a person was asked")
			return creds.Secret{}, errors.New("asked")
		}
	}
	made := again(newStore(t), asked)
	o := options(storeDir(t))
	asked(&o)
	for name, s := range map[string]*Store{"empty store": made, "no store": New(o)} {
		t.Run(name, func(t *testing.T) {
			_, _, keyErr := s.Key(ctx, "prod")
			_, seedErr := s.Seed(ctx, serial)
			_, _, sessionErr := s.Session(ctx, "prod", "1")
			_, infoErr := s.KeyInfo("prod")
			_, seedInfoErr := s.SeedInfo(serial)
			for i, err := range []error{keyErr, seedErr, sessionErr, infoErr, seedInfoErr, s.RemoveKey(ctx, "prod", revOf(s, "prod")), s.RemoveSeed(serial)} {
				var none *NotFoundError
				if !errors.As(err, &none) {
					t.Errorf("%d: %v, want *NotFoundError", i, err)
				}
			}
			if infos, err := s.Infos(KindKey); err != nil || len(infos) != 0 {
				t.Errorf("Infos: %v, %v", infos, err)
			}
			if n, err := s.RemoveAllSessions(); n != 0 || err != nil {
				t.Errorf("RemoveSessions: %d, %v", n, err)
			}
		})
	}
	if ok, err := New(o).Exists(); ok || err != nil {
		t.Errorf("Exists: %v, %v", ok, err)
	}
	if _, err := os.Lstat(o.Dir); err == nil {
		t.Error("reading made a directory")
	}
	_, err := New(o).SetKey(ctx, "prod", exampleKey, Info{})
	wantErr[*MissingError](t, err)
}

// A session is served only beside the very key it was made from.
func TestSessionsFollowTheirKey(t *testing.T) {
	ctx := t.Context()
	ends := time.Now().Add(time.Hour)
	save := func(t *testing.T, s *Store, rev string) {
		t.Helper()
		if err := s.SaveSession(ctx, "p", "1", rev, exampleSession(ends)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		do     func(t *testing.T, s *Store)
		served bool
	}{
		{"made from the stored key", func(t *testing.T, s *Store) { save(t, s, mustSetKey(t, s, "p", exampleKey).Rev) }, true},
		{"made from a plain-text key", func(t *testing.T, s *Store) { save(t, s, "") }, true},
		{"key replaced", func(t *testing.T, s *Store) {
			save(t, s, mustSetKey(t, s, "p", exampleKey).Rev)
			mustSetKey(t, s, "p", otherKey)
		}, false},
		{"key replaced by the same key", func(t *testing.T, s *Store) {
			save(t, s, mustSetKey(t, s, "p", exampleKey).Rev)
			mustSetKey(t, s, "p", exampleKey)
		}, false},
		{"key replaced while the session was made", func(t *testing.T, s *Store) {
			old := mustSetKey(t, s, "p", exampleKey)
			mustSetKey(t, s, "p", otherKey)
			save(t, s, old.Rev)
		}, false},
		{"key added over a plain-text key", func(t *testing.T, s *Store) {
			save(t, s, "")
			mustSetKey(t, s, "p", exampleKey)
			save(t, s, "")
		}, false},
		{"key removed while the session was made", func(t *testing.T, s *Store) {
			old := mustSetKey(t, s, "p", exampleKey)
			if err := s.RemoveKey(ctx, "p", revOf(s, "p")); err != nil {
				t.Fatal(err)
			}
			save(t, s, old.Rev)
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			tt.do(t, s)
			_, _, err := s.Session(ctx, "p", "1")
			_, infoErr := s.SessionInfo("p", "1")
			if tt.served && (err != nil || infoErr != nil) {
				t.Errorf("not served: %v, %v", err, infoErr)
			}
			if !tt.served {
				wantErr[*NotFoundError](t, err)
				wantErr[*NotFoundError](t, infoErr)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := newStore(t, func(o *Options) { o.Now = func() time.Time { return now } })
	if err := s.SaveSession(t.Context(), "p", "1", "", exampleSession(now.Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute - time.Second)
	if _, _, err := s.Session(t.Context(), "p", "1"); err != nil {
		t.Error(err)
	}
	now = now.Add(time.Second)
	_, _, err := s.Session(t.Context(), "p", "1")
	wantErr[*NotFoundError](t, err)
}

func TestRemoveSessions(t *testing.T) {
	s := newStore(t)
	save := func(source, id string) {
		if err := s.SaveSession(t.Context(), source, id, "", exampleSession(time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	save("dev", "1")
	save("dev", "2")
	save("dev-2", "1") // a prefix of the name is not the name
	save("session+dev", "1")
	mustSetKey(t, s, "session", exampleKey)
	locked := again(s, func(o *Options) { o.Passphrase = nil })
	if n, err := locked.RemoveSessions("dev"); n != 2 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	var empty *NameError
	if n, err := locked.RemoveSessions(""); n != 0 || !errors.As(err, &empty) {
		t.Errorf("without a name: removed %d, %v", n, err)
	}
	if n, err := locked.RemoveAllSessions(); n != 2 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if _, err := locked.KeyInfo("session"); err != nil {
		t.Error(err)
	}
}

func TestInfosSkipDamage(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"b", "a", "Prod", "c d"} {
		mustSetKey(t, s, name, exampleKey)
	}
	items := inStore(s, itemsDir(1))
	for name, content := range map[string]string{
		"key+cut":   "fob1 {",
		"key+Upper": "x", // not canonical
		".DS_Store": "x",
		"key+z~":    "x",
	} {
		if err := os.WriteFile(items+"/"+name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := s.Infos(KindKey)
	var names []string
	for _, i := range infos {
		names = append(names, i.Name)
	}
	if want := []string{"Prod", "a", "b", "c d"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	wantErr[*DamagedError](t, err)
	for _, file := range []string{`key of "cut"`, "key+Upper", "key+z~"} {
		if !strings.Contains(err.Error(), file) {
			t.Errorf("%q is not named in %v", file, err)
		}
	}
	if strings.Contains(err.Error(), "DS_Store") {
		t.Error(err)
	}
}

func TestQuietAsksNobody(t *testing.T) {
	asked := 0
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	s = again(s, func(o *Options) {
		o.Passphrase = nil
		o.Ask = func(context.Context, Question) (creds.Secret, error) {
			asked++
			return creds.NewSecret(testPassphrase), nil
		}
	})
	_, _, err := s.Quiet().Key(t.Context(), "p")
	wantErr[*LockedError](t, err)
	if _, _, err := s.Key(t.Context(), "p"); err != nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if _, _, err := s.Quiet().Key(t.Context(), "p"); err != nil {
		t.Errorf("what one opened, the other does not know: %v", err)
	}
}

func TestNotText(t *testing.T) {
	s := newStore(t)
	_, err := s.SetKey(t.Context(), "p", creds.Key{ID: "x", Secret: creds.NewSecret("a\xffb")}, Info{Rev: revOf(s, "p")})
	if err == nil {
		t.Error("a secret was stored that would come back changed")
	}
	if _, err := s.KeyInfo("p"); err == nil {
		t.Error("something was written")
	}
}

// A key that is too large to be read back does not replace another.
func TestTooLarge(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	for _, c := range []struct {
		key  creds.Key
		info Info
	}{
		{otherKey, Info{ARN: strings.Repeat("x", maxHeaderLine)}},
		{creds.Key{ID: otherKey.ID, Secret: creds.NewSecret(strings.Repeat("x", maxItemFile))}, Info{}},
	} {
		if _, err := s.SetKey(t.Context(), "p", c.key, c.info); err == nil {
			t.Error("it was taken")
		}
	}
	if k, _, err := s.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) {
		t.Errorf("the old key is lost: %v", err)
	}
}

// No verb and no error shows a secret.
func TestErrorsHoldNoSecret(t *testing.T) {
	s := newStore(t)
	mustSetKey(t, s, "p", exampleKey)
	wrong := again(s, func(o *Options) { o.Passphrase = fixed("hunter2hunter2") })
	_, _, err := wrong.Key(t.Context(), "p")
	for _, secret := range []string{testPassphrase, "hunter2", exampleKey.Secret.Reveal()} {
		if strings.Contains(err.Error(), secret) {
			t.Error("a secret in an error")
		}
	}
}

// Looking at a key asks nobody, and opening a session asks once.
func TestSessionAsksOnce(t *testing.T) {
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SaveSession(t.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	someone := &person{answers: []string{testPassphrase}}
	asking := again(s, someone.instead)
	if _, err := asking.KeyInfo("p"); err != nil || len(someone.asked) != 0 {
		t.Fatalf("KeyInfo: %v, %d questions", err, len(someone.asked))
	}
	if _, _, err := asking.Session(t.Context(), "p", "1"); err != nil || len(someone.asked) != 1 {
		t.Errorf("Session: %v, %d questions", err, len(someone.asked))
	}
	wrong := &person{answers: []string{"x", "y", "z", "last"}}
	asking = again(s, wrong.instead)
	if _, err := asking.KeyInfo("p"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := asking.Session(t.Context(), "p", "1"); !errors.Is(err, ErrWrongPassphrase) || len(wrong.asked) != attempts {
		t.Errorf("Session: %v, %d questions", err, len(wrong.asked))
	}
}

// A place that depends on the current directory is refused: neither the store's nor what
// this machine remembers of it.
func TestPlacesAreAbsolute(t *testing.T) {
	t.Chdir(tempDir(t))
	for _, dir := range []string{"", ".", "store", "./store"} {
		here, there := options(storeDir(t)), options(storeDir(t))
		here.Dir, there.StateDir = dir, dir
		for _, o := range []Options{here, there} {
			_, err := New(o).Create(t.Context())
			wantErr[*UnsafeError](t, err)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
