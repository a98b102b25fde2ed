//go:build unix

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/ststest"
)

// awsLogin signs in to the console as aws login does, with a browser on this computer,
// and writes the sign-in into the cache of AWS's tools below home. It returns the file.
// It has nothing in common with fob's own code, so that the two check each other.
func awsLogin(aws *ststest.Server, home, arn string) (file string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	const client, redirect = "arn:aws:signin:::devtools/same-device", "http://127.0.0.1:1/oauth/callback"
	verifier := strings.Repeat("v", 64)
	challenge := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {client}, "state": {"s"}, "scope": {"openid"}, "redirect_uri": {redirect},
		"code_challenge_method": {"SHA-256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}
	browser := http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "127.0.0.1:1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(aws.URL + "/v1/authorize?" + q.Encode())
	if err != nil {
		return "", err
	}
	page.Body.Close()
	back, err := page.Location()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{
		"clientId": client, "grantType": "authorization_code", "code": back.Query().Get("code"), "codeVerifier": verifier, "redirectUri": redirect,
	})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequest("POST", aws.URL+"/v1/token", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("DPoP", awsProof(key, r.URL.String()))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var token map[string]any
	if err = errors.Join(err, json.Unmarshal(text, &token)); err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s %v", res.Status, text, err)
	}
	access := token["accessToken"].(map[string]any)
	access["accountId"] = strings.Split(arn, ":")[4]
	access["expiresAt"] = time.Now().Add(time.Duration(token["expiresIn"].(float64)) * time.Second).UTC().Format("2006-01-02T15:04:05Z")
	delete(token, "expiresIn")
	token["clientId"], token["future"] = client, map[string]any{"kept": true}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", err
	}
	token["dpopKey"] = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if text, err = json.Marshal(token); err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(arn))
	file = filepath.Join(home, ".aws", "login", "cache", hex.EncodeToString(name[:])+".json")
	return file, errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, text, 0o600))
}

// awsProof is a DPoP proof of an AWS tool.
func awsProof(key *ecdsa.PrivateKey, address string) string {
	encode := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err) // its curve is known
	}
	header := fmt.Sprintf(`{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","x":%q,"y":%q,"crv":"P-256"}}`, encode(point[1:33]), encode(point[33:]))
	payload := fmt.Sprintf(`{"htm":"POST","htu":%q,"iat":%d,"jti":%q}`, address, time.Now().Unix(), rand.Text())
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}
