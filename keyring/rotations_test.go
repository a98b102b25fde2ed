package keyring

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/creds"
)

func exampleRotation() creds.Rotation {
	at := time.Date(2026, 11, 30, 19, 0, 0, 0, time.UTC)
	return creds.Rotation{
		Step: "created", Old: otherKey, New: creds.Key{ID: "AKIANEWNEWNEWEXAMPLE", Secret: creds.NewSecret("new/secret")},
		User: "jo", Account: "111111111111", Began: at, Created: at.Add(time.Second), Switched: at.Add(2 * time.Second),
		Deactivated: at.Add(3 * time.Second), KeepOld: true, Profiles: []string{"p", "q"},
		Used: creds.KeyUse{At: at.Add(-2 * time.Hour), Service: "s3", Region: "eu-west-1"}, UseUnknown: true, Left: true, Machine: "M1",
	}
}

func sameRotation(a, b creds.Rotation) bool {
	return reflect.DeepEqual(packRotation(a), packRotation(b))
}

func exampleBackup() creds.Backup {
	return creds.Backup{
		Files: []creds.BackupFile{
			{Path: "/home/jo/.aws/credentials", Mode: 0o644, Text: creds.NewSecret("\xef\xbb\xbf[a]\r\n\x00\xff\xfe\n"), After: creds.NewSecret("[a]\n")},
			{Path: `C:\Users\jö\keys.csv`, Mode: 0o600, Text: creds.NewSecret("User name,Access key ID\n")},
		},
		Profiles: []string{"a"}, Keys: []string{exampleKey.ID}, Stored: []string{"b"}, From: []string{"/home/jo/keys.csv"}, Machine: "laptop",
	}
}

func sameBackup(a, b creds.Backup) bool { return reflect.DeepEqual(packBackup(a), packBackup(b)) }

// A rotation comes back as it was stored, with a header that names the new key, and only
// who has read the present one replaces it.
func TestRotation(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	_, _, err := s.Rotation(ctx, "p")
	if none := wantErr[*NotFoundError](t, err); none.Error() != `no rotation is stored for "p"` {
		t.Error(none)
	}
	begun := creds.Rotation{Step: "begun", Old: otherKey}
	first, err := s.SetRotation(ctx, "p", begun, Info{})
	if err != nil || first.KeyID != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	want := exampleRotation()
	made := time.Date(2026, 11, 30, 19, 0, 1, 0, time.UTC)
	second, err := s.SetRotation(ctx, "p", want, Info{Rev: first.Rev, Account: "111111111111", ARN: exampleARN, KeyCreated: made})
	if err != nil {
		t.Fatal(err)
	}
	for _, rev := range []string{"", first.Rev, "x"} {
		_, err := s.SetRotation(ctx, "p", begun, Info{Rev: rev})
		wantErr[*ChangedError](t, err)
	}
	_, err = s.SetRotation(ctx, "q", begun, Info{Rev: first.Rev})
	wantErr[*ChangedError](t, err) // somebody finished it and removed it
	got, info, err := again(s).Rotation(ctx, "p")
	if err != nil || info != second || !sameRotation(got, want) {
		t.Errorf("%+v, %v", info, err)
	}
	nobody := again(s, func(o *Options) { o.Passphrase = nil })
	info, err = nobody.RotationInfo("p")
	if err != nil || info.KeyID != exampleRotation().New.ID || !info.KeyCreated.Equal(made) || info.ARN != exampleARN {
		t.Errorf("%+v, %v", info, err)
	}
	if infos, err := nobody.Infos(KindRotation); err != nil || len(infos) != 1 || infos[0] != info {
		t.Errorf("listed %v, %v", infos, err)
	}
	for _, rev := range []string{"", first.Rev, "x"} {
		wantErr[*ChangedError](t, nobody.RemoveRotation("p", rev))
	}
	if err := nobody.RemoveRotation("p", second.Rev); err != nil {
		t.Error(err)
	}
	wantErr[*NotFoundError](t, nobody.RemoveRotation("p", second.Rev))
}

// Of several that continue one rotation at once, one succeeds.
func TestRotationAtOnce(t *testing.T) {
	s := newStore(t)
	rev := ""
	for range 5 {
		var wg sync.WaitGroup
		infos, errs := make([]Info, 8), make([]error, 8)
		for i := range infos {
			wg.Go(func() {
				infos[i], errs[i] = again(s).SetRotation(t.Context(), "p", creds.Rotation{Step: "begun", Old: otherKey}, Info{Rev: rev})
			})
		}
		wg.Wait()
		before, done := rev, 0
		for i, err := range errs {
			if err == nil {
				done, rev = done+1, infos[i].Rev
			} else if changed, ok := errors.AsType[*ChangedError](err); !ok || changed.Name != "p" {
				t.Errorf("%v", err)
			}
		}
		if done != 1 || rev == before {
			t.Fatalf("%d succeeded", done)
		}
	}
}

// A damaged rotation, which may hold the only copy of a key, is not replaced.
func TestDamagedRotationStays(t *testing.T) {
	s := newStore(t)
	if _, err := s.SetRotation(t.Context(), "p", exampleRotation(), Info{}); err != nil {
		t.Fatal(err)
	}
	file := itemPath(t, s, KindRotation, "p")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := s.RotationInfo("p")
	if err != nil {
		t.Fatal(err)
	}
	for _, rev := range []string{"", info.Rev} {
		_, err := s.SetRotation(t.Context(), "p", exampleRotation(), Info{Rev: rev})
		if damaged := wantErr[*DamagedError](t, err); !strings.Contains(damaged.Error(), `the rotation of "p" is damaged`) {
			t.Error(damaged)
		}
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, data) {
		t.Errorf("it was written over: %v", err)
	}
}

// A backup gives files back byte for byte, whatever the bytes are.
func TestBackup(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	want := exampleBackup()
	want.Files[1].Text = creds.NewSecret(strings.Repeat("\x01", 3<<20))
	info, err := s.SetBackup(ctx, "2026-11-30-1", want)
	if err != nil {
		t.Fatal(err)
	}
	got, read, err := again(s).Backup(ctx, "2026-11-30-1")
	if err != nil || read != info || !sameBackup(got, want) {
		t.Errorf("%+v, %v", read, err)
	}
	want.Files[0].Text = creds.NewSecret(strings.Repeat("x", maxBackupFile))
	if _, err := s.SetBackup(ctx, "large", want); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("too large: %v", err)
	}
	want.Files[0] = creds.BackupFile{Path: "/home/\xff"}
	if _, err := s.SetBackup(ctx, "path", want); err == nil {
		t.Error("a path that JSON would change was taken")
	}
	if err := s.RemoveBackup("2026-11-30-1"); err != nil {
		t.Error(err)
	}
	if infos, err := s.Infos(KindBackup); err != nil || len(infos) > 0 {
		t.Errorf("left: %v, %v", infos, err)
	}
}

// Whatever happens to the file of a rotation, a backup or a retired key, what is read is
// right, or the error names it.
func TestDamagedRotationOrBackup(t *testing.T) {
	s := newStore(t)
	furnish(t, s)
	retired, err := s.Infos(KindRetired)
	if err != nil || len(retired) != 1 {
		t.Fatal(retired, err)
	}
	for _, tt := range []struct {
		kind Kind
		name string
		read func() error
	}{
		{KindRotation, "p", func() error { _, _, err := s.Rotation(t.Context(), "p"); return err }},
		{KindBackup, "1", func() error { _, _, err := s.Backup(t.Context(), "1"); return err }},
		{KindRetired, retired[0].Name, func() error {
			all, err := s.Secrets(t.Context())
			if err != nil || len(all.Retired) > 0 || len(all.Keys) != 3 {
				t.Errorf("%d retired, %d stored, %v", len(all.Retired), len(all.Keys), err)
			}
			return errors.Join(all.Unread...)
		}},
	} {
		file := itemPath(t, s, tt.kind, tt.name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range mutations(data) {
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.read(); err == nil || !damagedItem(err) || !strings.Contains(err.Error(), tt.kind.noun()+` of "`) && !strings.Contains(err.Error(), string(tt.kind)+"+") {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	furnished(t, again(s))
}

// Keys, rotations, retired keys and backups have one subkey. They are still not taken for
// each other, nor for another of their kind, nor for one of another store.
func TestRotationInAnotherPlace(t *testing.T) {
	ctx := t.Context()
	s, other := newStore(t), newStore(t)
	furnish(t, s)
	furnish(t, other)
	read := map[Kind]func(s *Store, name string) error{
		KindKey:      func(s *Store, name string) error { _, _, err := s.Key(ctx, name); return err },
		KindRotation: func(s *Store, name string) error { _, _, err := s.Rotation(ctx, name); return err },
		KindBackup:   func(s *Store, name string) error { _, _, err := s.Backup(ctx, name); return err },
		KindRetired: func(s *Store, name string) error {
			_, err := s.get(ctx, &retiredRecord{}, KindRetired, name)
			return err
		},
	}
	for from := range read {
		infos, err := s.Infos(from)
		if err != nil || len(infos) != 1 {
			t.Fatal(infos, err)
		}
		if err := read[from](s, infos[0].Name); err != nil {
			t.Fatal(err)
		}
		good, err := os.ReadFile(itemPath(t, s, from, infos[0].Name))
		if err != nil {
			t.Fatal(err)
		}
		for to, get := range read {
			for at, name := range map[*Store]string{s: "elsewhere", other: infos[0].Name} {
				// With a header that fits, as somebody would write it who can write here.
				data := bytes.Replace(good, []byte(`"kind":"`+string(from)+`"`), []byte(`"kind":"`+string(to)+`"`), 1)
				data = bytes.Replace(data, []byte(`"name":"`+infos[0].Name+`"`), []byte(`"name":"`+name+`"`), 1)
				file := itemPath(t, at, to, name)
				before, _ := os.ReadFile(file)
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := get(again(at), name); !is[*DamagedError](err) {
					t.Errorf("%s as %s: %v", from, to, err)
				}
				if before == nil {
					err = os.Remove(file)
				} else {
					err = os.WriteFile(file, before, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A copy of a rotation under another name may hold the only copy of a key. A re-key keeps
// it, people hear of it, and a search for leaks knows its keys.
func TestConflictRotation(t *testing.T) {
	s := newStore(t)
	furnish(t, s)
	file := itemPath(t, s, KindRotation, "p")
	if err := os.Rename(file, file+" (conflicted copy)"); err != nil {
		t.Fatal(err)
	}
	c := onlyConflict(t, s)
	if !c.Alone || c.Info.Kind != KindRotation || !strings.Contains(c.String(), `holds the rotation of "p" (`+exampleRotation().New.ID) {
		t.Errorf("%v", c)
	}
	if _, err := s.NewPassphrase(t.Context(), creds.NewSecret(newWords)); err != nil {
		t.Fatal(err)
	}
	s = again(s, byPassphrase(newWords))
	all, err := s.Secrets(t.Context())
	if err != nil || len(all.Keys) != 3 {
		t.Errorf("%v, %v", all.Keys, err)
	}
	if err := os.Rename(inStore(s, itemsDir(2)+"/rotation+p (conflicted copy)"), inStore(s, itemsDir(2)+"/rotation+p")); err != nil {
		t.Fatal(err)
	}
	furnished(t, s)
}
