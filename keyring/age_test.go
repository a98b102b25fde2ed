package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"fob/internal/creds"
)

// identityFile is a new age identity, as age-keygen writes one.
func identityFile(t testing.TB) string {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return writeIdentity(t, "# created: today\n# public key: "+i.Recipient().String()+"\n"+i.String()+"\n")
}

func writeIdentity(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(tempDir(t), "identity")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// foreignRecipient is one whose identity is elsewhere.
func foreignRecipient(t testing.TB) string {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return i.Recipient().String()
}

// A file of identities is one that can be used, or an error that quotes nothing of it.
func FuzzIdentities(f *testing.F) {
	i, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("# created: today\r\n# public key: " + i.Recipient().String() + "\r\n" + i.String() + "\r\n")
	f.Add("#recipient: age1fobtest1v9nk2vt\n" + plugin.EncodeIdentity("fobtest", []byte("x")))
	f.Add("AGE-SECRET-KEY-PQ-1\n")
	f.Add("-----BEGIN OPENSSH PRIVATE KEY-----\n")
	words := regexp.MustCompile(`^"/identity" has no age identity( in line [1-9][0-9]* \(encrypted files and SSH keys are not supported\))?$`)
	f.Fuzz(func(t *testing.T, text string) {
		s := New(Options{AgeIdentity: "/identity"})
		secret := creds.NewSecret(text)
		s.identity = &secret
		list, recipients, err := s.identities(&plugin.ClientUI{})
		var bad *IdentityError
		switch {
		case err != nil:
			if !errors.As(err, &bad) || !words.MatchString(err.Error()) || list != nil || recipients != nil {
				t.Errorf("%d identities of %q, %v", len(list), recipients, err)
			}
		case len(list) == 0:
			t.Errorf("%q: no identity, and no error", text)
		}
		for _, r := range recipients {
			if kind, recipient, err := parseWay(r); kind != kindAge || recipient != r || err != nil {
				t.Errorf("%q is no recipient: %s %q, %v", r, kind, recipient, err)
			}
		}
	})
}
