package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"fob/internal/creds"
)

// browserTime is how long the person has to sign in: as long as with the AWS CLI.
const browserTime = 10 * time.Minute

// withBrowser signs in with the browser on this computer (RFC 8252, with PKCE): what comes
// back to the listener is of use to this process only.
func (o oidc) withBrowser(ctx context.Context, client creds.Client) (creds.Token, error) {
	verifier := rand.Text() + rand.Text() // 52 characters, 256 bits
	challenge := sha256.Sum256([]byte(verifier))
	back, err := o.signer.browse(ctx, o.needed(), func(redirect, state string) string {
		q := url.Values{
			"response_type":         {"code"},
			"client_id":             {client.ID},
			"redirect_uri":          {redirect},
			"state":                 {state},
			"code_challenge_method": {"S256"},
			"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
			"scopes":                {strings.Join(o.scopes(), " ")},
		}
		return strings.TrimSuffix(o.OIDC.URL, "/") + "/authorize?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	})
	if err != nil {
		return creds.Token{}, err
	}
	return o.createToken(ctx, client, grantCode, map[string]string{
		"code": back.code, "codeVerifier": verifier, "redirectUri": back.redirect,
	})
}

// scopes are those to ask for with a browser.
func (o oidc) scopes() []string {
	if len(o.Scopes) == 0 {
		return []string{defaultScope}
	}
	return o.Scopes
}
