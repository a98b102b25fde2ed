package leaks

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/creds"
	"fob/keyring"
)

// someSecrets are as many made-up keys, and an MFA secret.
func someSecrets(n int) Secrets {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(n int, letters string) string {
		var b strings.Builder
		for range n {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	s := Secrets{Seeds: []Seed{{"arn:aws:iam::111111111111:mfa/jo", creds.NewSecret(word(64, base32))}}}
	for i := range n {
		s.Keys = append(s.Keys, Key{fmt.Sprintf("p%d", i), creds.Key{ID: "AKIA" + word(16, base32), Secret: creds.NewSecret(word(40, base64))}})
	}
	return s
}

// source is some MB of Go source.
func source(b *testing.B) []byte {
	var all []byte
	names, err := filepath.Glob("../../*.go")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// retiredFinder is that of a store with a key that was replaced.
func retiredFinder(b *testing.B) func() func([]byte) (Retired, bool) {
	dir := b.TempDir()
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(dir, "fob"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	})
	if _, err := store.Create(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := store.Retire(b.Context(), "p", someSecrets(501).Keys[500].Key, "replaced"); err != nil {
		b.Fatal(err)
	}
	all, err := store.Secrets(b.Context())
	if err != nil || len(all.Retired) != 1 {
		b.Fatal(all.Retired, err)
	}
	return func() func([]byte) (Retired, bool) {
		find := all.RetiredFinder()
		return func(text []byte) (Retired, bool) {
			r, ok := find(text)
			return Retired{r.Profile, r.When, r.KeyID}, ok
		}
	}
}

func BenchmarkScan(b *testing.B) {
	text := source(b)
	replaced := retiredFinder(b)
	for _, n := range []int{0, 3, 50, 500} {
		for _, retired := range []bool{false, true} {
			secrets := someSecrets(n)
			if retired {
				secrets.Retired, secrets.Lengths = replaced, []int{20, 40}
			}
			buf := New(secrets).buffer()
			b.Run(fmt.Sprintf("keys=%d/retired=%t", n, retired), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					for at := 0; at < len(text); at += chunk {
						buf.inMemory(text[at:min(len(text), at+chunk)])
					}
				}
			})
		}
	}
}
