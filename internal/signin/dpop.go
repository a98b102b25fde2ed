package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/creds"
)

// A console sign-in belongs to a key pair: its refresh token is worth nothing without
// a proof of possession, a JWT that the key signs for each request (DPoP, RFC 9449).

// coordinate is the size of a number of P-256, in bytes. The JWT needs it exactly:
// one key in 128 has a coordinate with a leading zero byte, and one signature in 128
// a number with one, so that AWS would refuse what leaves them out.
const coordinate = 32

// newDPoPKey makes the key pair of a new sign-in.
func newDPoPKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

const pemType = "EC PRIVATE KEY" // SEC 1, as AWS's tools keep it

// packDPoPKey is the key in the form of AWS's cache.
func packDPoPKey(key *ecdsa.PrivateKey) (creds.Secret, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return creds.Secret{}, err
	}
	return creds.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))), nil
}

var errDPoPKey = errors.New("its dpopKey is not a private key of P-256")

// readDPoPKey reads what packDPoPKey or one of AWS's tools wrote. The error repeats
// nothing of it.
func readDPoPKey(text creds.Secret) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode([]byte(text.Reveal()))
	if block == nil || block.Type != pemType || strings.TrimSpace(string(rest)) != "" {
		return nil, errDPoPKey
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil || key.Curve != elliptic.P256() {
		return nil, errDPoPKey
	}
	return key, nil
}

// dpopProof is the DPoP header of one request. AWS compares at with its own clock.
func dpopProof(key *ecdsa.PrivateKey, method, url string, at time.Time) (string, error) {
	point, err := key.PublicKey.Bytes() // 4, x and y
	if err != nil {
		return "", err
	}
	type jwk struct {
		Type  string `json:"kty"`
		X     string `json:"x"`
		Y     string `json:"y"`
		Curve string `json:"crv"`
	}
	header, err := json.Marshal(struct {
		Type      string `json:"typ"`
		Algorithm string `json:"alg"`
		Key       jwk    `json:"jwk"`
	}{"dpop+jwt", "ES256", jwk{"EC", unpadded(point[1 : 1+coordinate]), unpadded(point[1+coordinate:]), "P-256"}})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(struct {
		Method string `json:"htm"`
		URL    string `json:"htu"`
		At     int64  `json:"iat"`
		ID     string `json:"jti"`
	}{method, url, at.Unix(), newUUID()})
	if err != nil {
		return "", err
	}
	signed := unpadded(header) + "." + unpadded(payload)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 2*coordinate)
	r.FillBytes(signature[:coordinate])
	s.FillBytes(signature[coordinate:])
	return signed + "." + unpadded(signature), nil
}

func unpadded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// newUUID is a random UUID, as AWS's tools put it into the proof and the state.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
