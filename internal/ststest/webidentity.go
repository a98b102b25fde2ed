package ststest

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Issuer signs web identities. Accounts have it as an OpenID Connect provider.
type Issuer struct {
	// URL is what its tokens call iss, with https.
	URL string
	// Accounts have it as a provider; none means all.
	Accounts []string
	// Audiences are the provider's client IDs.
	Audiences []string
}

// A Trust is what a role's trust policy demands of a web identity.
type Trust struct {
	// Issuer is the provider that the policy names. If it is empty, no web identity may
	// assume the role.
	Issuer string
	// Subject and Audience are conditions, and absent if empty.
	Subject, Audience string
}

// Claims say what a token is about. A test changes one to make a token that AWS refuses.
type Claims struct {
	Issuer, Subject, Audience string
	// Life is how long it is good: 1 h if zero, and over if negative.
	Life time.Duration
	// RSA signs with RS256; otherwise it is ES256.
	RSA bool
}

// An issuer has the keys, which are made when they are needed.
type issuer struct {
	Issuer
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey
}

// AddIssuer adds or replaces an issuer, with new keys.
func (s *Server) AddIssuer(i Issuer) error {
	if u, err := url.Parse(i.URL); err != nil || u.Scheme != "https" || len(i.Audiences) == 0 {
		return fmt.Errorf("not an issuer: %q for %q", i.URL, i.Audiences)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.issuers[i.URL] = &issuer{Issuer: i}
	return nil
}

// WebToken is a token of an issuer that was added.
func (s *Server) WebToken(c Claims) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.world.issuers[c.Issuer]
	if i == nil {
		return "", fmt.Errorf("no issuer %q", c.Issuer)
	}
	now := s.now()
	claims := map[string]any{
		"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience,
		"iat": now.Unix(), "exp": now.Add(cmp.Or(c.Life, time.Hour)).Unix(), "jti": rand.Text(),
	}
	return i.sign(claims, c.RSA)
}

func (i *issuer) sign(claims map[string]any, withRSA bool) (string, error) {
	head := map[string]string{"typ": "JWT", "alg": "ES256", "kid": "ec"}
	if withRSA {
		head["alg"], head["kid"] = "RS256", "rsa"
	}
	h, err1 := json.Marshal(head)
	c, err2 := json.Marshal(claims)
	if err := errors.Join(err1, err2, i.makeKey(withRSA)); err != nil {
		return "", err
	}
	text := rawURL.EncodeToString(h) + "." + rawURL.EncodeToString(c)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	if withRSA {
		var err error
		if signature, err = rsa.SignPKCS1v15(nil, i.rsa, crypto.SHA256, sum[:]); err != nil {
			return "", err
		}
	} else {
		r, s, err := ecdsa.Sign(rand.Reader, i.ec, sum[:])
		if err != nil {
			return "", err
		}
		signature = make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
	}
	return text + "." + rawURL.EncodeToString(signature), nil
}

func (i *issuer) makeKey(withRSA bool) (err error) {
	switch {
	case withRSA && i.rsa == nil:
		i.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	case !withRSA && i.ec == nil:
		i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return err
}

// verify reports whether the issuer signed a token of three parts.
func (i *issuer) verify(parts []string) bool {
	var head struct{ Alg, Kid string }
	signature, err := decodeRaw(parts[2])
	if err != nil || readPart(parts[0], &head) != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch {
	case head.Alg == "RS256" && head.Kid == "rsa" && i.rsa != nil:
		return rsa.VerifyPKCS1v15(&i.rsa.PublicKey, crypto.SHA256, sum[:], signature) == nil
	case head.Alg == "ES256" && head.Kid == "ec" && i.ec != nil && len(signature) == 64:
		return ecdsa.Verify(&i.ec.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	return false
}

// webIdentity is what a token says, once it is verified.
type webIdentity struct {
	Iss string
	Sub string
	Aud any // a text, or a list of them
	Exp int64
	Iat int64
}

func (w webIdentity) audiences() []string {
	switch aud := w.Aud.(type) {
	case string:
		return []string{aud}
	case []any:
		var list []string
		for _, a := range aud {
			s, _ := a.(string)
			list = append(list, s)
		}
		return list
	}
	return nil
}

func invalidToken(message string) error {
	return refuse(http.StatusBadRequest, "InvalidIdentityToken", message)
}

// readToken verifies a token with the providers of an account.
func (q *request) readToken(text, account string) (webIdentity, error) {
	var w webIdentity
	parts := strings.Split(text, ".")
	if len(parts) != 3 || readPart(parts[1], &w) != nil {
		return w, invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	for claim, missing := range map[string]bool{"iss": w.Iss == "", "sub": w.Sub == "", "aud": len(w.audiences()) == 0, "exp": w.Exp == 0, "iat": w.Iat == 0} {
		if missing {
			return w, invalidToken("Missing a required claim: " + claim)
		}
	}
	i := q.world.issuers[w.Iss]
	known := func(aud string) bool { return slices.Contains(i.Audiences, aud) }
	switch {
	case i == nil || len(i.Accounts) > 0 && !slices.Contains(i.Accounts, account):
		return w, invalidToken("No OpenIDConnect provider found in your account for " + w.Iss)
	case !i.verify(parts):
		return w, invalidToken("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case !slices.ContainsFunc(w.audiences(), known):
		return w, invalidToken("Incorrect token audience")
	case q.now.Unix() >= w.Exp:
		return w, refuse(http.StatusBadRequest, "ExpiredTokenException", "Token expired: current date/time "+
			fmt.Sprint(q.now.Unix())+" must be before the expiration date/time "+fmt.Sprint(w.Exp))
	}
	return w, nil
}

// allows evaluates a role's trust policy.
func (t Trust) allows(w webIdentity) bool {
	return t.Issuer != "" && t.Issuer == w.Iss &&
		(t.Subject == "" || t.Subject == w.Sub) &&
		(t.Audience == "" || slices.Contains(w.audiences(), t.Audience))
}

// webParameters are all that AssumeRoleWithWebIdentity has. AWS ignores others, but who
// sends an external ID or a code here believes that it matters.
var webParameters = []string{"Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "Policy", "DurationSeconds"}

type webIdentityResult struct {
	SubjectFromWebIdentityToken string
	Audience                    string
	AssumedRoleUser             assumedRoleUser
	Credentials                 sessionResult
	Provider                    string
}

// The caller has no credentials: the token is all.
func (q *request) assumeRoleWithWebIdentity() (any, error) {
	var v validation
	in := v.roleSession(q.form)
	v.text(q.form, "WebIdentityToken", 4, 20000, "*")
	if q.form.Get("WebIdentityToken") == "" {
		v.fail("null", "WebIdentityToken", "Member must not be null")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	for name := range q.form {
		if !slices.Contains(webParameters, name) && !strings.HasPrefix(name, "PolicyArns.member.") {
			return nil, invalid("AssumeRoleWithWebIdentity has no parameter " + name)
		}
	}
	if err := in.check(nil, nil); err != nil {
		return nil, err
	}
	w, err := q.readToken(q.form.Get("WebIdentityToken"), arnPart(in.role, accountPart))
	if err != nil {
		return nil, err
	}
	role, ok := q.world.roles[in.role]
	if !ok || !role.Web.allows(w) {
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	if in.seconds > int(role.MaxSession/time.Second) {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	c := role.session(caller{}, in)
	return webIdentityResult{
		SubjectFromWebIdentityToken: w.Sub, Audience: w.audiences()[0],
		AssumedRoleUser: assumedRoleUser{c.userID, c.arn},
		Credentials:     q.session(c, in.seconds),
		Provider: "arn:" + arnPart(in.role, partitionPart) + ":iam::" + arnPart(in.role, accountPart) +
			":oidc-provider/" + strings.TrimPrefix(w.Iss, "https://"),
	}, nil
}
