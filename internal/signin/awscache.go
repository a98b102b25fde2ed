package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/plan"
)

// The AWS CLI and the SDKs keep a console sign-in (aws login) in a file that all of
// them read and replace. fob takes part: it serves what stands there, and writes back
// what a refresh changes, because AWS replaces the refresh token each time, and a tool
// with the old one is signed out.

// maxCacheFile is ten times what AWS's tools write, in bytes.
const maxCacheFile = 64 << 10

// CacheError means that a file of AWS's cache cannot be used.
type CacheError struct {
	Profile, File string
	AWSLogin      bool  // as in NeededError
	Err           error `json:"-"` // completes "FILE: ..."; repeats nothing of the file
}

func (e *CacheError) Error() string { return `"` + e.File + `": ` + e.Err.Error() }

// Unwrap returns the reason.
func (e *CacheError) Unwrap() error { return e.Err }

// awsCacheFile is the file of a login_session in AWS's cache.
func awsCacheFile(dir, session string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(session)))
	return filepath.Join(dir, hex.EncodeToString(sum[:])+".json")
}

// The Go SDK empties the file before it writes it again: what is not JSON is soon
// complete, or is damaged.
const (
	maxCacheReads  = 20
	cacheReadPause = 20 * time.Millisecond
)

// awsFile is a file of AWS's cache.
type awsFile struct {
	path, text string
	token      creds.Token
}

// readAWSCache reads the sign-in of a session from AWS's cache. Errors are a
// *CacheError, and fs.ErrNotExist if nobody has signed in.
func readAWSCache(dir, session string) (awsFile, error) {
	path := awsCacheFile(dir, session)
	var text string
	var token creds.Token
	var err error
	for try := 1; ; try++ {
		if text, err = input.ReadOwn(path, maxCacheFile); err == nil {
			token, err = parseAWSCache(text, session)
		}
		if !errors.Is(err, errNoSignIn) || try == maxCacheReads {
			break
		}
		time.Sleep(cacheReadPause)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return awsFile{}, err
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		path, err = file.Path, file.Err
	}
	if err != nil {
		return awsFile{}, &CacheError{File: path, Err: err}
	}
	return awsFile{path, text, token}, nil
}

// The names of what all tools need.
const (
	accessField  = "accessToken" // an object
	clientField  = "clientId"
	refreshField = "refreshToken"
	dpopField    = "dpopKey"
)

// identityFields are the names of who signed in: the AWS CLI's, and the Go SDK's.
var identityFields = [...]string{"idToken", "identityToken"}

// parseAWSCache reads what AWS's tools need of a file, and demands that it is the
// session's. Names are compared exactly, as those tools do. Errors complete the
// sentence "FILE: ..." and repeat nothing of it.
func parseAWSCache(text, session string) (creds.Token, error) {
	fields, err := object([]byte(text))
	if err != nil {
		return creds.Token{}, err
	}
	access, err := object(fields[accessField])
	if err != nil {
		return creds.Token{}, err
	}
	var problems []error
	get := func(from map[string]json.RawMessage, name string) string {
		var value string
		if json.Unmarshal(from[name], &value) != nil || value == "" {
			problems = append(problems, fmt.Errorf("it has no %s", name))
		} else if name != dpopField && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			problems = append(problems, fmt.Errorf("its %s has invalid characters", name))
		}
		return value
	}
	t := creds.Token{
		Session: creds.Session{
			Key:       creds.Key{ID: get(access, "accessKeyId"), Secret: creds.NewSecret(get(access, "secretAccessKey"))},
			Token:     creds.NewSecret(get(access, "sessionToken")),
			AccountID: get(access, "accountId"),
		},
		Client:  creds.Client{ID: get(fields, clientField)},
		Refresh: creds.NewSecret(get(fields, refreshField)),
		DPoPKey: creds.NewSecret(get(fields, dpopField)),
	}
	expires := get(access, "expiresAt")
	if len(problems) > 0 {
		return creds.Token{}, problems[0]
	}
	// A time that Python printed has its zone by name.
	at, err := time.Parse(time.RFC3339, strings.Replace(expires, "UTC", "Z", 1))
	if err != nil {
		return creds.Token{}, errors.New("its expiresAt is not a time")
	}
	t.Expires, t.Session.Expires = at.UTC(), at.UTC()
	if _, err := readDPoPKey(t.DPoPKey); err != nil {
		return creds.Token{}, err
	}
	if a, ok := plan.ParseARN(session); ok && a.Account != t.Session.AccountID {
		return creds.Token{}, fmt.Errorf("it is of account %s, not of %s", t.Session.AccountID, a.Account)
	}
	for _, name := range identityFields {
		var id string
		if json.Unmarshal(fields[name], &id) != nil {
			continue
		}
		t.IDToken = creds.NewSecret(id)
		if subject, err := subjectOf(t.IDToken); err == nil && subject != strings.TrimSpace(session) {
			return creds.Token{}, fmt.Errorf("it is of %q", subject)
		}
	}
	return t, nil
}

var errNoSignIn = errors.New("it is not a sign-in of the AWS CLI")

// object reads a JSON object; text may be nil.
func object(text []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return nil, errNoSignIn
	}
	return fields, nil
}

// renderAWSCache is the text with what a refresh has changed. Everything else stays,
// whatever it is: other tools may need it.
func renderAWSCache(text string, t creds.Token) (string, error) {
	fields, err := object([]byte(text))
	if err != nil {
		return "", err
	}
	access, err := object(fields[accessField])
	if err != nil {
		return "", err
	}
	set := func(in map[string]json.RawMessage, name, value string) {
		in[name], _ = json.Marshal(value) // a string can be marshalled
	}
	set(access, "accessKeyId", t.Session.ID)
	set(access, "secretAccessKey", t.Session.Secret.Reveal())
	set(access, "sessionToken", t.Session.Token.Reveal())
	set(access, "expiresAt", t.Session.Expires.UTC().Format("2006-01-02T15:04:05Z"))
	if fields[accessField], err = json.Marshal(access); err != nil {
		return "", err
	}
	set(fields, refreshField, t.Refresh.Reveal())
	for _, name := range identityFields {
		if _, there := fields[name]; there && !t.IDToken.IsZero() {
			set(fields, name, t.IDToken.Reveal())
		}
	}
	out, err := json.Marshal(fields)
	return string(out), err
}

var errIDToken = errors.New("the ID token does not say who signed in")

// claims are what an ID token says. It is not verified: it comes from AWS itself, over
// TLS, or from the user's own cache.
type claims struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
}

func claimsOf(idToken creds.Secret) (c claims, err error) {
	parts := strings.Split(idToken.Reveal(), ".")
	if len(parts) != 3 {
		return c, errIDToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}, errIDToken
	}
	return c, nil
}

// subjectOf is whose an ID token is: the ARN that login_session names.
func subjectOf(idToken creds.Secret) (string, error) {
	c, err := claimsOf(idToken)
	if err == nil && c.Subject == "" {
		err = errIDToken
	}
	return c.Subject, err
}

// signedInAt is when an ID token was made; zero if it does not say so.
func signedInAt(idToken creds.Secret) time.Time {
	if c, err := claimsOf(idToken); err == nil && c.Issued > 0 {
		return time.Unix(c.Issued, 0)
	}
	return time.Time{}
}

// errCacheChanged means that another tool has written the file since it was read.
var errCacheChanged = errors.New("changed by another program in the meantime")

// spareSize is what a refreshed file may need more than the old one, in bytes.
const spareSize = 16 << 10

// tempLife is how old a temporary file is whose writer was killed.
const tempLife = time.Hour

// replacement is a file that will take the place of one of AWS's cache.
type replacement struct {
	of   awsFile
	temp *os.File
}

// replace makes sure that the file can be replaced before AWS is asked for what will
// stand in it: the directory takes a new file, and the disk has room. finish or drop
// must follow.
func (f awsFile) replace(now time.Time) (*replacement, error) {
	dir, base := filepath.Split(f.path)
	if names, err := os.ReadDir(dir); err == nil {
		for _, n := range names {
			info, err := n.Info()
			if err == nil && strings.HasPrefix(n.Name(), base+".fob-") && now.Sub(info.ModTime()) > tempLife {
				_ = os.Remove(filepath.Join(dir, n.Name())) // at the next refresh, then
			}
		}
	}
	temp, err := os.CreateTemp(dir, base+".fob-*") // mode 0600
	if err != nil {
		return nil, f.unwritable(err)
	}
	r := &replacement{f, temp}
	_, err = temp.Write(make([]byte, len(f.text)+spareSize))
	if err == nil {
		err = temp.Sync()
	}
	if err != nil {
		r.drop()
		return nil, f.unwritable(err)
	}
	return r, nil
}

// unwritable is an error of the temporary file, whose name says nothing.
func (f awsFile) unwritable(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = file.Err
	}
	return &fs.PathError{Op: "write", Path: f.path, Err: err}
}

// finish puts text into the file, in one step. errCacheChanged: another tool has
// written it meanwhile, which is left as it is.
func (r *replacement) finish(text string) error {
	defer r.drop()
	_, err := r.temp.WriteAt([]byte(text), 0)
	if err == nil {
		err = r.temp.Truncate(int64(len(text)))
	}
	if err = errors.Join(err, r.temp.Sync(), r.temp.Close()); err != nil {
		return err
	}
	switch now, err := input.ReadOwn(r.of.path, maxCacheFile); {
	case errors.Is(err, fs.ErrNotExist) || err == nil && now != r.of.text: // signed out, or in
		return errCacheChanged
	case err != nil:
		return err
	}
	if err := input.Retry(func() error { return os.Rename(r.temp.Name(), r.of.path) }); err != nil {
		return err
	}
	awsconfig.SyncDir(filepath.Dir(r.of.path))
	return nil
}

// drop removes what finish has not used.
func (r *replacement) drop() {
	_ = r.temp.Close()           // a second time does no harm
	_ = os.Remove(r.temp.Name()) // finds nothing after the rename
}
