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

// An MFA secret is needed while a profile uses or names the device, or might.
func TestNeedsDevice(t *testing.T) {
	files, store, _ := home(t)
	damaged, _ := store.KeyInfo("damaged")
	if err := store.RemoveKey(t.Context(), "damaged", damaged.Rev); err != nil {
		t.Fatal(err)
	}
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	for _, c := range []struct{ config, want string }{
		{"[profile dev]\nmfa_serial = " + serial + "\n", ""},
		{"[profile dev]\nmfa_serial = " + serial + "\n[profile prod]\nsource_profile = dev\nrole_arn = arn:aws:iam::222222222222:role/deploy\n", ""},
		{"[profile twin]\nmfa_serial = " + serial + "\n", "twin uses it"},
		{"[profile twin]\nfob_mfa_serial = none\n", ""},
		{"[profile twin]\ninclude_profile = x\n[profile x]\nmfa_serial = " + serial + "\n", "twin uses it"},
		{"[profile role]\nmfa_serial = " + serial + "\nsource_profile = twin\nrole_arn = arn:aws:iam::222222222222:role/deploy\n", "role uses it"},
		{"[profile role]\nmfa_serial = " + serial + "\nsource_profile = dev\nrole_arn = arn:aws:iam::222222222222:role/deploy\n", "role names it"},
		{"[profile twin]\nfob_account = x\n", "twin cannot be used at the moment, and may need it"},
		{"[profile twin]\nfob_mfa_serial = nonsense\n", "twin cannot be used at the moment, and may need it"},
		{"[profile other]\nsource_profile = nobody\nrole_arn = arn:aws:iam::222222222222:role/deploy\n", ""},
		{"[profile a[b]c]\nmfa_serial = " + serial + "\n", "a section of the AWS files cannot be read, and may name it"},
		// dev without its stored key has one in plain text.
		{"[profile dev]\nmfa_serial = " + serial + "\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = s\n", "dev uses it"},
	} {
		if err := os.WriteFile(files.Config, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := Read(files, store, World{Getenv: func(string) string { return "" }, Program: "fob", User: func() string { return "jo" }, Log: func(string, ...any) {}})
		if err != nil {
			t.Fatal(err)
		}
		if got := all.NeedsDevice(serial, "dev"); got != c.want {
			t.Errorf("%s: %q, want %q", c.config, got, c.want)
		}
	}
	_, _, all := home(t) // with a damaged key
	if got := all.NeedsDevice("GAHT12345678", "twin"); got != "a stored key cannot be read, and its profile may need it" {
		t.Errorf("a damaged key: %q", got)
	}
	if a, b, c := all.MFASerial("dev"), all.MFASerial("broken"), all.MFASerial("nobody"); a != serial || b != "" || c != "" {
		t.Errorf("dev has %q, broken %q, nobody %q", a, b, c)
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

// What a process prints is kept for the AWS files that it was told to read, and what a
// console sign-in gives for the cache that it stands in: a relative path names others in
// another directory.
func TestRelativeFiles(t *testing.T) {
	t.Run("process", func(t *testing.T) {
		testRelative(t, "credential_process = vend", "AWS_CONFIG_FILE", func(s plan.Step) string { return s.(plan.Process).ConfigFile })
	})
	t.Run("console", func(t *testing.T) {
		testRelative(t, "login_session = arn:aws:iam::111111111111:user/jo", "AWS_LOGIN_CACHE_DIRECTORY", func(s plan.Step) string { return s.(plan.ConsoleLogin).CacheDir })
	})
}

func testRelative(t *testing.T, line, variable string, pathOf func(plan.Step) string) {
	config, err := awsconfig.Parse(awsconfig.File{Text: "[profile vend]\n" + line + "\n"}, awsconfig.File{})
	if err != nil {
		t.Fatal(err)
	}
	store := keyring.New(keyring.Options{Dir: filepath.Join(t.TempDir(), "store"), StateDir: filepath.Join(t.TempDir(), "state")})
	kept := func(file string) (id, path string) {
		getenv := func(name string) string { return map[string]string{variable: file}[name] }
		all := New(config, store, World{Getenv: getenv, User: func() string { return "jo" }, Program: "fob", Log: t.Logf})
		made, err := all.Plan("vend", plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return made.ID(1), pathOf(made.Steps[0])
	}
	here, there := t.TempDir(), t.TempDir()
	t.Chdir(here)
	first, path := kept("config")
	if path != filepath.Join(here, "config") {
		t.Errorf("the path is %s", path)
	}
	if same, _ := kept(filepath.Join(here, "config")); same != first {
		t.Error("the same file by its full path is another session")
	}
	t.Chdir(there)
	if other, _ := kept("config"); other == first {
		t.Error("another file has the same session")
	}
	if _, path := kept("~/config"); path != "~/config" {
		t.Errorf("a tilde became %s", path)
	}
}
