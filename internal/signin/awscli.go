package signin

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/plan"
)

// maxCLIToken is far more than a file of the AWS CLI's has, in bytes.
const maxCLIToken = 64 << 10

// cliFile is the file of the AWS CLI's own cache for a sign-in.
func cliFile(step plan.SSO) string {
	sum := sha1.Sum([]byte(cmp.Or(step.Session, step.StartURL))) // the CLI's choice
	return hex.EncodeToString(sum[:]) + ".json"
}

// ofCLI is the access token that the AWS CLI has, if it is for the same sign-in and lasts
// for a while. Its refresh token stays where it is: AWS takes each once, so using it would
// sign the CLI out. The file is found by its name, because tools keep tokens of other
// scopes for the same start URL beside it.
func (s *Signer) ofCLI(step plan.SSO) (creds.Token, bool) {
	if s.CLICache == "" {
		return creds.Token{}, false
	}
	text, err := input.ReadOwn(filepath.Join(s.CLICache, cliFile(step)), maxCLIToken)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.Log("not looking at the sign-in of the AWS CLI: %v", err)
		}
		return creds.Token{}, false
	}
	var file struct {
		StartURL, Region, AccessToken, ExpiresAt string
	}
	if json.Unmarshal([]byte(text), &file) != nil {
		return creds.Token{}, false
	}
	// Old versions of the CLI wrote UTC for Z.
	expires, err := time.Parse(time.RFC3339, strings.Replace(file.ExpiresAt, "UTC", "Z", 1))
	same := file.Region == step.Region && strings.TrimSuffix(file.StartURL, "/") == strings.TrimSuffix(step.StartURL, "/")
	if err != nil || !same || !isToken(file.AccessToken) || expires.Sub(s.Now()) < dueLife {
		return creds.Token{}, false
	}
	return creds.Token{Access: creds.NewSecret(file.AccessToken), Expires: expires.UTC()}, true
}
