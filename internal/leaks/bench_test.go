package leaks

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/creds"
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

func BenchmarkScan(b *testing.B) {
	text := source(b)
	never := func() func([]byte) (Retired, bool) { return func([]byte) (Retired, bool) { return Retired{}, false } }
	for _, n := range []int{0, 3, 50, 500} {
		for _, retired := range []bool{false, true} {
			secrets := someSecrets(n)
			if retired {
				secrets.Retired, secrets.Lengths = never, []int{20, 40}
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
