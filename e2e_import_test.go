//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// What is written to a CSV file while fob asks about deleting it is not deleted.
func TestImportDeletesWhatItHasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(w.Home, "jo_accessKeys.csv")
	text := "Access key ID,Secret access key\n" + ststest.DemoKeyID + "," + ststest.DemoSecret + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tty, err := startOnTerminal(w.command("import", "--all", file), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := tty.await("Delete ~/jo_accessKeys.csv?"); err != nil {
		t.Fatal(err)
	}
	text += owners[1].key.ID + "," + owners[1].key.Secret.Reveal() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tty.answer("y"); err != nil {
		t.Fatal(err)
	}
	code := exitCode(tty.wait())
	if screen := tty.screen(); code != 0 || slurp(t, file) != text || !strings.Contains(screen, "~/jo_accessKeys.csv has changed since fob read it, and stays") {
		t.Errorf("exit code %d: %s", code, screen)
	}
	w.must(t, "", "import", "--undo", "--yes")
	if slurp(t, file) != text {
		t.Error("fob import --undo changed a file that nothing was done to")
	}
}

// Another server may take any key. Its word does not replace a secret that AWS takes, unless
// it refuses that one, and says that both are of the account that the key was stored for.
func TestImportFromOtherServer(t *testing.T) {
	t.Parallel()
	mangled := creds.Key{ID: owners[1].key.ID, Secret: creds.NewSecret("mangledmangledmangledmangledmangledmangl")}
	for account, replaced := range map[string]bool{owners[1].account: true, "222222222222": false} {
		w := newWorld(t)
		if err := w.AWS.AddUser(ststest.User{ARN: "arn:aws:iam::" + owners[1].account + ":user/ann", Keys: []creds.Key{owners[1].key}}); err != nil {
			t.Fatal(err)
		}
		w.must(t, owners[1].stdin(), "add", "ann", "--stdin")
		other := newWorld(t).AWS
		if err := other.AddUser(ststest.User{ARN: "arn:aws:iam::" + account + ":user/ann", Keys: []creds.Key{mangled}}); err != nil {
			t.Fatal(err)
		}
		section := "[ann]\n" + plainKey{Key: mangled}.lines()
		path := filepath.Join(w.Home, ".aws", "credentials")
		if err := os.WriteFile(path, []byte(section), 0o600); err != nil {
			t.Fatal(err)
		}
		r := w.with(other.Environ()...).input("", "import", "--all")
		key, _, err := w.store().Key(t.Context(), "ann")
		if err != nil || key.Secret.Equal(mangled.Secret) != replaced || key.Secret.Equal(owners[1].key.Secret) == replaced {
			t.Errorf("account %s: %v, %v", account, err, r)
		}
		const want = "fob: error: ~/.aws/credentials:2: fob has another secret for this key (ann); to replace that one: fob add ann\n"
		if !replaced && (r.code != exitFailed || !strings.HasSuffix(r.stderr, want) || slurp(t, path) != section) {
			t.Errorf("account %s: %v", account, r)
		}
	}
}

// An import that is refused removes what it has stored, but not what another import has made
// the only copy in the meantime.
func TestRefusedImportAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := owners[0].key
	w.config(t, "[profile dev]\nmfa_serial = arn:aws:iam::999999999999:mfa/jo\n")
	path := filepath.Join(w.Home, ".aws", "credentials")
	if err := os.WriteFile(path, []byte("[dev]\n"+plainKey{Key: key}.lines()), 0o600); err != nil {
		t.Fatal(err)
	}
	store := w.store()
	if _, err := store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	lock, err := store.Lock(t.Context(), "import", func() {})
	if err != nil {
		t.Fatal(err)
	}
	tty, err := startOnTerminal(w.command("import", "--all", "--verbose", path), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := tty.await("waiting for another fob import"); err != nil {
		t.Fatal(err)
	}
	// This is what the other import does.
	moved := "[profile dev]\ncredential_process = " + w.Fob + " export --profile dev\n"
	if err := errors.Join(os.WriteFile(filepath.Join(w.Home, ".aws", "config"), []byte(moved), 0o600), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
	code := exitCode(tty.wait())
	got, _, err := w.store().Key(t.Context(), "dev")
	if err != nil || got.ID != key.ID || !got.Secret.Equal(key.Secret) {
		t.Errorf("%v; exit code %d: %s", err, code, tty.screen())
	}
}
