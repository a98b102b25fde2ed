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
	}
}

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
	if err != nil || !sameKey(got.Old, want.Old) || !sameKey(got.New, want.New) || info != second {
		t.Errorf("%+v, %v", info, err)
	}
	got.Old, got.New, want.Old, want.New = creds.Key{}, creds.Key{}, creds.Key{}, creds.Key{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	nobody := again(s, func(o *Options) { o.Passphrase = nil })
	info, err = nobody.RotationInfo("p")
	if err != nil || info.KeyID != exampleRotation().New.ID || !info.KeyCreated.Equal(made) || info.ARN != exampleARN {
		t.Errorf("%+v, %v", info, err)
	}
	if infos, err := nobody.Infos(KindRotation); err != nil || len(infos) != 1 || infos[0] != info {
		t.Errorf("listed %v, %v", infos, err)
	}
	if err := nobody.RemoveRotation("p"); err != nil {
		t.Error(err)
	}
	wantErr[*NotFoundError](t, nobody.RemoveRotation("p"))
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
	want := creds.Backup{
		Files: []creds.BackupFile{
			{Path: "/home/jo/.aws/credentials", Mode: 0o644, Text: creds.NewSecret("\xef\xbb\xbf[a]\r\n\x00\xff\xfe\n"), After: creds.NewSecret("[a]\n")},
			{Path: `C:\Users\jö\keys.csv`, Mode: 0o600, Text: creds.NewSecret(strings.Repeat("\x01", 3<<20))},
		},
		Profiles: []string{"a"}, Keys: []string{exampleKey.ID},
	}
	info, err := s.SetBackup(ctx, "2026-11-30-1", want)
	if err != nil {
		t.Fatal(err)
	}
	got, read, err := again(s).Backup(ctx, "2026-11-30-1")
	if err != nil || read != info || len(got.Files) != len(want.Files) {
		t.Fatalf("%+v, %v", read, err)
	}
	for i, f := range got.Files {
		w := want.Files[i]
		if f.Path != w.Path || f.Mode != w.Mode || !f.Text.Equal(w.Text) || !f.After.Equal(w.After) {
			t.Errorf("%s did not come back", w.Path)
		}
	}
	if !reflect.DeepEqual(got.Profiles, want.Profiles) || !reflect.DeepEqual(got.Keys, want.Keys) {
		t.Errorf("%v, %v", got.Profiles, got.Keys)
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
