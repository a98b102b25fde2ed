package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// rfcKey is the example key of RFC 7515, A.3, in the form of AWS's cache.
const rfcKey = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSyoAoGCCqGSM49
AwEHoUQDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72b
focs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END EC PRIVATE KEY-----
`

const tokenURL = "https://eu-west-1.signin.aws.amazon.com/v1/token"

type proofHeader struct {
	Typ, Alg string
	JWK      struct{ Kty, Crv, X, Y string }
}

// openProof verifies a proof with the key that stands in it.
func openProof(t *testing.T, proof string) (h proofHeader, payload map[string]any) {
	t.Helper()
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := json.Unmarshal(decode(parts[0]), &h); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(decode(parts[1]), &payload); err != nil {
		t.Fatal(err)
	}
	x, y, signature := decode(h.JWK.X), decode(h.JWK.Y), decode(parts[2])
	if len(x) != 32 || len(y) != 32 || len(signature) != 64 {
		t.Fatalf("x has %d bytes, y %d, the signature %d", len(x), len(y), len(signature))
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Fatal("the signature is wrong")
	}
	return h, payload
}

func TestDPoPProof(t *testing.T) {
	key, err := readDPoPKey(creds.NewSecret(rfcKey))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := dpopProof(key, "POST", tokenURL, time.Unix(1796040000, 999))
	if err != nil {
		t.Fatal(err)
	}
	h, payload := openProof(t, proof)
	var want proofHeader
	want.Typ, want.Alg, want.JWK.Kty, want.JWK.Crv = "dpop+jwt", "ES256", "EC", "P-256"
	want.JWK.X, want.JWK.Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	if h != want {
		t.Errorf("header %+v", h)
	}
	id, _ := payload["jti"].(string)
	if len(payload) != 4 || payload["htm"] != "POST" || payload["htu"] != tokenURL || payload["iat"] != 1796040000.0 || len(id) != 36 {
		t.Errorf("payload %v", payload)
	}
	again, _ := dpopProof(key, "POST", tokenURL, time.Unix(1796040000, 0))
	if _, other := openProof(t, again); other["jti"] == id {
		t.Error("two proofs have the same ID")
	}
}

// A number with leading zero bytes has 32 bytes in the proof as any other, and so has
// each half of a signature.
func TestDPoPLeadingZeros(t *testing.T) {
	zeroX, zeroY, zeroSignature := 0, 0, 0
	for d := int64(1); zeroX == 0 || zeroY == 0 || zeroSignature == 0; d++ {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(d).FillBytes(make([]byte, 32)))
		if err != nil {
			t.Fatal(err)
		}
		packed, err := packDPoPKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := readDPoPKey(packed); err != nil || !read.Equal(key) {
			t.Fatalf("key %d: %v", d, err)
		}
		proof, err := dpopProof(key, "POST", tokenURL, time.Unix(1796040000, 0))
		if err != nil {
			t.Fatal(err)
		}
		h, _ := openProof(t, proof)
		zero := func(s string) int {
			if s[0] == 'A' && s[1] < 'Q' { // the first eight bits
				return 1
			}
			return 0
		}
		zeroX, zeroY = zeroX+zero(h.JWK.X), zeroY+zero(h.JWK.Y)
		zeroSignature += zero(proof[strings.LastIndexByte(proof, '.')+1:])
	}
}

func TestReadDPoPKey(t *testing.T) {
	key, err := readDPoPKey(creds.NewSecret(rfcKey))
	if err != nil {
		t.Fatal(err)
	}
	if packed, err := packDPoPKey(key); err != nil || packed.Reveal() != rfcKey {
		t.Errorf("packed as %q, %v", packed.Reveal(), err)
	}
	const otherCurve = `-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDBgBDAiwEm70LU9/DgUcEoyDXJyxeqHUe50GB3siQJbiMO13NKEOwOB
8WgBzGMqmbWgBwYFK4EEACKhZANiAARqfiQxuMWgxt8FHZlGmA2GJBFl1a+SdXD6
H1LjJPg155hE+VIxB+fIUdPJ/HSlWvieQ6e44WcxhYW522q3+lEAZx+Ev09O1rPc
wMLu3N3LK8EiBVo/UQ8FUjs8A09asUY=
-----END EC PRIVATE KEY-----
`
	for name, text := range map[string]string{
		"nothing":       "",
		"no PEM":        "MHcCAQEEII6bEJ5xkJi/mASH3x9dd+nLKWBuvtImO19XwhPfhPSy",
		"another type":  strings.ReplaceAll(rfcKey, "EC PRIVATE", "PRIVATE"),
		"two keys":      rfcKey + rfcKey,
		"not a key":     "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n",
		"another curve": otherCurve,
	} {
		if _, err := readDPoPKey(creds.NewSecret(text)); err != errDPoPKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readDPoPKey(creds.NewSecret(strings.ReplaceAll(rfcKey, "\n", "\r\n"))); err != nil {
		t.Errorf("with CRLF: %v", err)
	}
}
