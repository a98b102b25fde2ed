package ststest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// CLISignIn signs the person in to the demo's Identity Center as "aws sso login" does,
// and writes the AWS CLI's file of it to a directory, which is made if it does not exist:
// ~/.aws/sso/cache. The session is the name of an sso-session; a start URL is the older
// form, whose token cannot be refreshed.
func (s *Server) CLISignIn(dir, session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	instance, ok := s.center.instance(DemoStartURL, DemoSSORegion)
	if !ok {
		return errors.New("no demo world")
	}
	v := &visit{Server: s, now: s.now()}
	c := &oauthClient{
		id: rand.Text(), secret: opaque(""), expires: v.now.Truncate(time.Second).Add(clientLife),
		grants: []string{grantCode, grantRefresh}, scopes: []string{accessScope},
		startURL: DemoStartURL, redirects: []string{"http://127.0.0.1/oauth/callback"},
	}
	if strings.HasPrefix(session, "https:") {
		c.grants, c.scopes, c.redirects = []string{grantDevice, grantRefresh}, nil, nil
	}
	s.center.clients[c.id] = c
	t := v.issue(c, v.signsIn(instance, s.person.user()), c.scopes, true)
	file := map[string]string{
		"startUrl": DemoStartURL, "region": DemoSSORegion, "accessToken": t.AccessToken,
		"expiresAt": stamp(v.now.Add(time.Duration(t.ExpiresIn) * time.Second)),
		"clientId":  c.id, "clientSecret": c.secret, "registrationExpiresAt": stamp(c.expires),
	}
	if t.RefreshToken != "" {
		file["refreshToken"] = t.RefreshToken
	}
	sum := sha1.Sum([]byte(session))
	return writeCache(dir, hex.EncodeToString(sum[:]), file)
}

// wholeKey makes a key of P-256 for AWS's tools, and gives its public part: 4, x, y. No
// coordinate starts with a zero byte, as one key in 128 has it: the Go SDK leaves the byte
// out of its proofs (credentials 1.20.16), so that AWS refuses them.
func wholeKey() (*ecdsa.PrivateKey, []byte, error) {
	for {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		public, err := key.PublicKey.Bytes()
		if err != nil || public[1] != 0 && public[33] != 0 {
			return key, public, err
		}
	}
}

// CLILogin signs a person in at the console as "aws login" does, and writes the AWS CLI's
// file of it to a directory: ~/.aws/login/cache. The ARN is that of the login_session.
func (s *Server) CLILogin(dir, arn string) error {
	key, public, err := wholeKey()
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &visit{Server: s, now: s.now(), life: s.life}
	t, err := v.issueConsole(proof{key: thumbprint(public[1:33], public[33:])}, sameDevice, &consoleSession{arn: arn, expires: v.now.Add(consoleSignIn)}, true)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(arn))
	return writeCache(dir, hex.EncodeToString(sum[:]), map[string]any{
		"accessToken": map[string]string{
			"accessKeyId": t.AccessToken.AccessKeyID, "secretAccessKey": t.AccessToken.SecretAccessKey,
			"sessionToken": t.AccessToken.SessionToken, "accountId": arnPart(arn, accountPart),
			"expiresAt": stamp(v.now.Add(time.Duration(t.ExpiresIn) * time.Second)),
		},
		"tokenType": t.TokenType, "clientId": sameDevice, "refreshToken": t.RefreshToken, "idToken": t.IDToken,
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
}

// stamp is a time as the AWS CLI writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func writeCache(dir, name string, file any) error {
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the AWS CLI's cache: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, name+".json"), text, 0o600)
}
