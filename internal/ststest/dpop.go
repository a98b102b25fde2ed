package ststest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// A proof shows that a call comes from the holder of a private key (DPoP, RFC 9449). It
// is for one call only.
type proof struct {
	key string // the public key's thumbprint
	id  string
}

// maxProofAge is how far a proof's time may be from the server's, in either direction.
const maxProofAge = 5 * time.Minute

var rawURL = base64.RawURLEncoding.Strict()

// decodeRaw does not skip line ends, as the package does.
func decodeRaw(text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return rawURL.DecodeString(text)
}

// readProof checks all of a proof but whether it was used before.
func readProof(jwt, method, url string, now time.Time) (proof, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return proof{}, errors.New("not a JWT")
	}
	var head struct {
		Typ, Alg string
		JWK      map[string]string `json:"jwk"`
	}
	var body struct {
		HTM, HTU, JTI string
		IAT           *int64
	}
	if err := errors.Join(readPart(parts[0], &head), readPart(parts[1], &body)); err != nil {
		return proof{}, err
	}
	if head.Typ != "dpop+jwt" || head.Alg != "ES256" {
		return proof{}, fmt.Errorf("typ %q, alg %q", head.Typ, head.Alg)
	}
	key, name, err := readKey(head.JWK)
	if err != nil {
		return proof{}, err
	}
	signature, err := decodeRaw(parts[2])
	if err != nil || len(signature) != 64 {
		return proof{}, errors.New("the signature is not 64 bytes of r and s")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return proof{}, errors.New("the signature is wrong")
	}
	switch {
	case body.HTM != method || body.HTU != url:
		return proof{}, fmt.Errorf("it is for %s %s, not for %s %s", body.HTM, body.HTU, method, url)
	case body.IAT == nil || now.Sub(time.Unix(*body.IAT, 0)).Abs() > maxProofAge:
		return proof{}, errors.New("iat is not now")
	case body.JTI == "":
		return proof{}, errors.New("no jti")
	}
	return proof{name, body.JTI}, nil
}

// readPart decodes a part of a JWT.
func readPart(part string, into any) error {
	text, err := decodeRaw(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// readKey wants both coordinates whole: one that starts with a zero byte has it too.
func readKey(jwk map[string]string) (key *ecdsa.PublicKey, name string, err error) {
	if jwk["kty"] != "EC" || jwk["crv"] != "P-256" || jwk["d"] != "" {
		return nil, "", errors.New("the jwk is not a public key of P-256")
	}
	x, err1 := decodeRaw(jwk["x"])
	y, err2 := decodeRaw(jwk["y"])
	if err := errors.Join(err1, err2); err != nil {
		return nil, "", err
	}
	if len(x) != 32 || len(y) != 32 {
		return nil, "", fmt.Errorf("coordinates of %d and %d bytes", len(x), len(y))
	}
	key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	return key, thumbprint(x, y), err // which is that they are not on the curve
}

// thumbprint names a key of P-256, RFC 7638.
func thumbprint(x, y []byte) string {
	text := `{"crv":"P-256","kty":"EC","x":"` + rawURL.EncodeToString(x) + `","y":"` + rawURL.EncodeToString(y) + `"}`
	sum := sha256.Sum256([]byte(text))
	return rawURL.EncodeToString(sum[:])
}
