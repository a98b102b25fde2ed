package keyring

import (
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
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
