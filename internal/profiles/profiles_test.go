package profiles

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

const config = `[profile dev]
fob_mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile prod]
source_profile = dev
role_arn = arn:aws:iam::222222222222:role/deploy
mfa_serial = arn:aws:iam::111111111111:mfa/jo
[profile broken]
source_profile = nobody
role_arn = arn:aws:iam::222222222222:role/deploy
`

const credentials = "[plain]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = s\n[session]\naws_access_key_id = ASIAI44QH8DHBEXAMPLE\naws_secret_access_key = s\naws_session_token = t\n"

// home has the AWS files above, and a store with the keys dev, twin (whose profile is
// only in the store) and damaged.
func home(t *testing.T) (Files, *keyring.Store, *Profiles) {
	t.Helper()
	dir := t.TempDir()
	files := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials"), Tilde: filepath.Base}
	for path, text := range map[string]string{files.Config: config, files.Credentials: credentials} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	})
	if _, err := store.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := creds.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}
	for _, name := range []string{"damaged", "dev", "twin"} {
		if _, err := store.SetKey(t.Context(), name, key, keyring.Info{Account: "111111111111"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "store", "g1", "items", "key+damaged"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Read(files, store, World{
		Getenv: func(string) string { return "" }, ReadFile: func(string) (string, error) { return "", os.ErrNotExist }, User: func() string { return "jo" }, Program: "fob",
		Log: func(string, ...any) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, store, all
}

// A damaged key keeps its profile from the list of names, says so, and is its own
// row's problem only.
func TestNamesAndRows(t *testing.T) {
	_, store, all := home(t)
	names, err := all.Names()
	if want := []string{"broken", "dev", "plain", "prod", "session", "twin"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if _, damaged := errors.AsType[*keyring.DamagedError](err); !damaged {
		t.Errorf("the damaged key is not reported: %v", err)
	}
	now := time.Now()
	p, err := all.Plan("dev", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, info, err := store.Key(t.Context(), "dev")
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(time.Hour).Truncate(time.Second)
	if err := store.SaveSession(t.Context(), "dev", p.ID(2), info.Rev, creds.Session{Key: creds.Key{ID: "ASIA"}, Expires: end}); err != nil {
		t.Fatal(err)
	}
	if until := all.SignedInUntil(p, now); !until.Equal(end) {
		t.Errorf("signed in until %v, want %v", until, end)
	}
	type row struct {
		key, source, problem string
		session, signedIn    bool
	}
	want := map[string]row{
		"broken":  {problem: `does not exist`},
		"damaged": {problem: "damaged"},
		"dev":     {key: "AKIAIOSFODNN7EXAMPLE", source: "stored-key", session: true, signedIn: true},
		"plain":   {source: "plaintext-key"},
		"prod":    {source: "stored-key", signedIn: true}, // by dev's MFA session
		"session": {source: "plaintext-key"},
		"twin":    {key: "AKIAIOSFODNN7EXAMPLE", source: "stored-key"},
	}
	rows := all.Rows(append(names, "damaged"), now)
	for _, r := range rows {
		w := want[r.Profile]
		problem := ""
		if r.Problem != nil {
			problem = r.Problem.Error()
		}
		if r.KeyID != w.key || r.Source != w.source || r.Session.IsZero() == w.session || r.SignedIn.IsZero() == w.signedIn || !strings.Contains(problem, w.problem) || (problem == "") != (w.problem == "") {
			t.Errorf("%s: %+v, want %+v", r.Profile, r, w)
		}
		if w.session && !r.Session.Equal(end) || w.signedIn && !r.SignedIn.Equal(end) {
			t.Errorf("%s: until %v, signed in until %v, want %v", r.Profile, r.Session, r.SignedIn, end)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d", len(rows), len(want))
	}
}

// An error of the store is not the absence of a key.
func TestDamagedKeyIsNoMissingKey(t *testing.T) {
	_, _, all := home(t)
	_, err := all.Plan("damaged", plan.Options{})
	if _, damaged := errors.AsType[*keyring.DamagedError](err); !damaged {
		t.Errorf("damaged: %v", err)
	}
	_, err = all.Plan("nobody", plan.Options{})
	if _, missing := errors.AsType[*plan.NoProfileError](err); !missing {
		t.Errorf("nobody: %v", err)
	}
}

func TestSharesDevice(t *testing.T) {
	files, store, all := home(t)
	serial := all.MFASerial("dev")
	if serial != "arn:aws:iam::111111111111:mfa/jo" || all.MFASerial("broken") != "" {
		t.Errorf("dev has %q, broken %q", serial, all.MFASerial("broken"))
	}
	if other := all.SharesDevice("dev", serial); other != "" {
		t.Errorf("dev shares it with %q", other)
	}
	if _, err := files.Edit(func(text string) (string, error) {
		return text + "[profile twin]\nmfa_serial = " + serial + "\n", nil
	}); err != nil {
		t.Fatal(err)
	}
	later, err := Read(files, store, World{Getenv: func(string) string { return "" }, Log: func(string, ...any) {}})
	if err != nil {
		t.Fatal(err)
	}
	if other := later.SharesDevice("dev", serial); other != "twin" {
		t.Errorf("dev shares it with %q, want twin", other)
	}
	if other := all.SharesDevice("dev", serial); other != "" {
		t.Errorf("profiles that were read before know of %q", other)
	}
}

func TestPlaintextKeys(t *testing.T) {
	_, _, all := home(t)
	if n := all.PlaintextKeys(); n != 1 {
		t.Errorf("%d, want 1: a session is not a long-lived key", n)
	}
}

func TestShadow(t *testing.T) {
	files, _, _ := home(t)
	if v, ok := files.Shadow("plain"); !ok || plan.At(v) != "credentials:2" {
		t.Errorf("plain: %v, %v", v, ok)
	}
	if v, ok := files.Shadow("dev"); ok {
		t.Errorf("dev: %v", v)
	}
}

// An edit is written only if it changes something; a mistake names the file.
func TestEdit(t *testing.T) {
	files, _, _ := home(t)
	if changed, err := files.Edit(func(text string) (string, error) { return text, nil }); changed || err != nil {
		t.Errorf("no change: %v, %v", changed, err)
	}
	_, err := files.Edit(func(string) (string, error) { return "lost", &awsconfig.SyntaxError{Line: 3, Problem: "no ="} })
	syntax, ok := errors.AsType[*awsconfig.SyntaxError](err)
	if !ok || syntax.File != "config" {
		t.Errorf("a mistake: %v", err)
	}
	if text, err := os.ReadFile(files.Config); err != nil || string(text) != config {
		t.Errorf("the file has changed: %q, %v", text, err)
	}
}
