package awsvault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
	return World{World: backend.World{Getenv: func(name string) string { return env[name] }}, Home: home, Profiles: profiles}
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
