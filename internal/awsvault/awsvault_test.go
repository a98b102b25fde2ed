package awsvault

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	ring "github.com/99designs/keyring"

	"fob/internal/creds"
	"fob/keyring/backend"
)

const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// What aws-vault stores for a key: before version 6, 99designs' last, and the fork's.
var keyForms = map[string]string{
	"5":    `{"AccessKeyID":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `","SessionToken":"","ProviderName":""}`,
	"7":    `{"AccessKeyID":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z"}`,
	"fork": `{"AccessKeyID":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}`,
}

// keyItem is an item as aws-vault makes one for a key.
func keyItem(profile, data string) ring.Item {
	return ring.Item{Key: profile, Data: []byte(data), Label: "aws-vault (" + profile + ")", KeychainNotTrustApplication: true}
}

// vaultFiles makes a store of aws-vault's file backend, with its library and settings.
func vaultFiles(t testing.TB, dir, passphrase string) ring.Keyring {
	t.Helper()
	k, err := ring.Open(ring.Config{AllowedBackends: []ring.BackendType{ring.FileBackend}, ServiceName: "aws-vault", FileDir: dir, FilePasswordFunc: ring.FixedStringPrompt(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func set(t testing.TB, k ring.Keyring, i ring.Item) {
	t.Helper()
	if err := k.Set(i); err != nil {
		t.Fatal(err)
	}
}

func world(home string, env map[string]string, profiles ...string) World {
	return World{World: backend.World{Getenv: func(name string) string { return env[name] }}, Home: home, Profiles: profiles, Tilde: func(path string) string { return path }}
}

func answer(passphrases ...string) func(context.Context, string, bool) (creds.Secret, error) {
	return func(context.Context, string, bool) (creds.Secret, error) {
		if len(passphrases) == 0 {
			return creds.Secret{}, errors.New("asked once too often")
		}
		next := passphrases[0]
		passphrases = passphrases[1:]
		return creds.NewSecret(next), nil
	}
}

func TestFiles(t *testing.T) {
	home := t.TempDir()
	k := vaultFiles(t, filepath.Join(home, ".awsvault", "keys"), "pw")
	names := map[string]string{"dev": "5", "team/dev 1": "7", "100%": "fork"}
	for name, form := range names {
		set(t, k, keyItem(name, keyForms[form]))
	}
	set(t, k, keyItem("sts.GetSessionToken,ZGV2,,1700000000", `{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE"}`))
	if err := os.WriteFile(filepath.Join(home, ".awsvault", "keys", ".DS_Store"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home, ".awsvault", "keys", "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := world(home, nil)
	entries, problems := List(t.Context(), w)
	if len(entries) != len(names) || len(problems) != 0 {
		t.Fatal(entries, problems)
	}
	r := Reader{World: w, Ask: answer("wrong", "pw")}
	for _, e := range entries {
		if names[e.Profile] == "" || time.Since(e.Stored).Abs() > time.Hour {
			t.Error(e)
		}
		key, err := r.Read(t.Context(), e)
		if err != nil || key.ID != exampleID || key.Secret.Reveal() != exampleSecret {
			t.Errorf("%q: %v, %v", e.Profile, key, err)
		}
	}
}

// Files that were written by the versions of the libraries that both forks pin.
func TestFilesOfForks(t *testing.T) {
	for _, fork := range []string{"99designs", "byteness"} {
		w := world("", map[string]string{"AWS_VAULT_FILE_DIR": absolute(t, filepath.Join("testdata", fork)), "AWS_VAULT_FILE_PASSPHRASE": "hunter2"})
		readAll(t, w, "dev", "team/dev 1")
	}
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPassphrases(t *testing.T) {
	dir := t.TempDir()
	set(t, vaultFiles(t, dir, "one"), keyItem("a", keyForms["7"]))
	set(t, vaultFiles(t, dir, "two"), keyItem("b", keyForms["7"]))
	set(t, vaultFiles(t, dir, "one"), keyItem("c", keyForms["7"]))
	for name, tt := range map[string]struct {
		given string
		ask   func(context.Context, string, bool) (creds.Secret, error)
		want  []string // of the errors; "" for a key
	}{
		"each is asked for once": {"", answer("one", "two"), []string{"", "", ""}},
		"one is given":           {"one", answer("two"), []string{"", "", ""}},
		"nobody is there":        {"one", nil, []string{"", "b needs aws-vault's passphrase", ""}},
		"wrong three times":      {"one", answer("x", "y", "z"), []string{"", "wrong passphrase for b", ""}},
		"cancelled":              {"two", answer(), []string{"asked once too often", "", "asked once too often"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := world("", map[string]string{"AWS_VAULT_FILE_DIR": dir, "AWS_VAULT_FILE_PASSPHRASE": tt.given})
			entries, problems := List(t.Context(), w)
			if len(entries) != 3 || len(problems) != 0 {
				t.Fatal(entries, problems)
			}
			r := Reader{World: w, Ask: tt.ask}
			for n, e := range entries {
				key, err := r.Read(t.Context(), e)
				got := ""
				if err != nil {
					got = strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
				}
				if got != tt.want[n] || err == nil && key.ID != exampleID {
					t.Errorf("%s: %q, want %q", e.Profile, got, tt.want[n])
				}
			}
		})
	}
}

// Anyone who can write to the directory decides what is in it.
func TestHostileFiles(t *testing.T) {
	head := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh.YWFh.YWFh.YWFh"
	}
	const way, damaged = "encrypted in a way that aws-vault does not use", "not an item of aws-vault"
	const wrong = "wrong passphrase"
	for name, tt := range map[string]struct{ text, want string }{
		"another algorithm":      {head(`{"alg":"dir","enc":"A256GCM"}`), way},
		"another cipher":         {head(`{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256"}`), way},
		"compressed":             {head(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","zip":"DEF"}`), way},
		"years of derivation":    {head(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":2000000000,"p2s":"YWFh"}`), wrong},
		"no derivation":          {head(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM"}`), wrong},
		"a signature":            {"eyJhbGciOiJub25lIn0.e30.", damaged},
		"nothing":                {"", damaged},
		"header of another type": {head(`{"alg":7}`), damaged},
		"no JSON":                {head(`x`), damaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "dev")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := Reader{World: world("", map[string]string{"AWS_VAULT_FILE_DIR": dir}), Ask: answer("a", "b", "c")}
			_, err := r.Read(t.Context(), Entry{Kind: "file", Path: path, Profile: "dev"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// A file says inside whose key it has: two that were swapped do not exchange dev and prod.
func TestSwappedFiles(t *testing.T) {
	dir := t.TempDir()
	set(t, vaultFiles(t, dir, "pw"), keyItem("dev", keyForms["7"]))
	if err := os.Rename(filepath.Join(dir, "dev"), filepath.Join(dir, "prod")); err != nil {
		t.Fatal(err)
	}
	r := Reader{World: world("", map[string]string{"AWS_VAULT_FILE_DIR": dir}), Ask: answer("pw")}
	entries, _ := List(t.Context(), r.World)
	if len(entries) != 1 {
		t.Fatal(entries)
	}
	_, err := r.Read(t.Context(), entries[0])
	if err == nil || !strings.HasSuffix(err.Error(), `it holds the key of "dev"`) {
		t.Error(err)
	}
}

// A session stays where it is, also under the name of a profile; a key may have a
// session's name.
func TestSessionsStay(t *testing.T) {
	dir := t.TempDir()
	k := vaultFiles(t, dir, "pw")
	const odd = "a,ZGV2,,1700000000"
	set(t, k, keyItem("dev", `{"AccessKeyID":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","SessionToken":"t"}`))
	set(t, k, keyItem(odd, keyForms["7"]))
	env := map[string]string{"AWS_VAULT_FILE_DIR": dir}
	if entries, _ := List(t.Context(), world("", env)); len(entries) != 1 {
		t.Error(entries)
	}
	r := Reader{World: world("", env, odd), Ask: answer("pw")}
	entries, _ := List(t.Context(), r.World)
	if got := names(entries); !slices.Equal(got, []string{odd, "dev"}) {
		t.Fatal(got)
	}
	if key, err := r.Read(t.Context(), entries[0]); err != nil || key.ID != exampleID {
		t.Error(key.ID, err)
	}
	var session *SessionError
	if _, err := r.Read(t.Context(), entries[1]); !errors.As(err, &session) {
		t.Error(err)
	}
}

// What cannot be looked at is said: the keys may be there.
func TestProblems(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	notADirectory := "not a directory"
	if runtime.GOOS == "windows" {
		notADirectory = "" // which says that there is none
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"nobody's":              {nil, ""},
		"not the user's choice": {map[string]string{"AWS_VAULT_FILE_DIR": filepath.Join(home, "none")}, ""},
		"a backend of the fork": {map[string]string{"AWS_VAULT_BACKEND": "op-desktop"}, "fob cannot read aws-vault's backend op-desktop"},
		"depends on where":      {map[string]string{"AWS_VAULT_FILE_DIR": "keys"}, `AWS_VAULT_FILE_DIR: "keys" is not an absolute path`},
		"no directory":          {map[string]string{"AWS_VAULT_FILE_DIR": file}, notADirectory},
	} {
		t.Run(name, func(t *testing.T) {
			entries, problems := List(t.Context(), world(home, tt.env))
			if len(entries) != 0 || (len(problems) == 1) != (tt.want != "") || tt.want != "" && !strings.Contains(problems[0].Reason, tt.want) {
				t.Errorf("%v, %+v", entries, problems)
			}
		})
	}
}

func TestIsSession(t *testing.T) {
	for name, want := range map[string]bool{
		"dev":                                  false,
		"team/dev 1":                           false,
		"oidc:https://d-1.awsapps.com/start":   true,
		"sts.GetSessionToken,ZGV2,,1700000000": true,
		"sts.AssumeRole,ZGV2,YXJu,1700000000":  true,
		"session,dev,,1700000000":              true,
		"session:dev:arn:1700000000":           true,
		"dev session (1700000000)":             true,
		"session,team dev,,1700000000":         true,
		"session:dev:1700000000":               false,
		" session (1)":                         false,
		"dev session (x)":                      false,
		"dev session (1) old":                  false,
		"sts.GetSessionToken,ZGV2,,":           false,
		",ZGV2,,1":                             false,
		"session":                              false,
		"a,b,c":                                false,
		"acme, dev, eu!, 1":                    false,
		"a,b!,c,1":                             false,
	} {
		if got := isSession(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Whatever is in a file, or in an item, reading it ends with a key or an error.
func FuzzItems(f *testing.F) {
	dir := f.TempDir()
	set(f, vaultFiles(f, dir, "pw"), keyItem("dev", keyForms["7"]))
	path := filepath.Join(dir, "dev")
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), keyForms["5"])
	f.Add("eyJ.a.b.c.d", "null")
	f.Fuzz(func(t *testing.T, text, data string) {
		e := Entry{Kind: "file", Path: path, Profile: "dev"}
		if h, ok := header(text); ok && len(text) < 10_000 {
			_ = h.stored()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := Reader{known: []creds.Secret{creds.NewSecret("pw")}}
			_, _ = r.Read(t.Context(), e)
		}
		if key, err := decode(e, creds.NewSecret(data)); err == nil && (key.ID == "" || key.Secret.IsZero()) {
			t.Errorf("%+v", key)
		}
		_, _ = unpack(e, data)
		_ = isSession(data)
	})
}
