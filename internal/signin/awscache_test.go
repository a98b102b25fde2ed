package signin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/input"
)

const jo = "arn:aws:iam::111111111111:user/jo"

// idToken is one for a subject, signed by nobody.
func idToken(subject string) string {
	payload, _ := json.Marshal(map[string]string{"sub": subject})
	return "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
}

// cacheText is a file as the AWS CLI writes it, with values replaced (by nil: left
// out); a name may be "accessToken.NAME".
func cacheText(t testing.TB, replace map[string]any) string {
	t.Helper()
	access := map[string]any{
		"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"sessionToken": "session+token/1==", "accountId": "111111111111", "expiresAt": "2026-11-30T12:15:00Z",
	}
	fields := map[string]any{
		"accessToken": access, "tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device",
		"refreshToken": "refresh-1", "idToken": idToken(jo), "dpopKey": rfcKey,
	}
	for name, value := range replace {
		in := fields
		if inner, ok := strings.CutPrefix(name, "accessToken."); ok {
			in, name = access, inner
		}
		if in[name] = value; value == nil {
			delete(in, name)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAWSCacheFile(t *testing.T) {
	for session, want := range map[string]string{
		jo:              "a6afc7299eda2f0e98fe7d1eacecf55f5c5fd7dca9071931b5e80f9689b85e69.json",
		" " + jo + "\t": "a6afc7299eda2f0e98fe7d1eacecf55f5c5fd7dca9071931b5e80f9689b85e69.json",
	} {
		if got := awsCacheFile("cache", session); got != filepath.Join("cache", want) {
			t.Errorf("%q: %s", session, got)
		}
	}
}

func TestParseAWSCache(t *testing.T) {
	expires := time.Date(2026, 11, 30, 12, 15, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		replace map[string]any
		want    string // the error, or ""
	}{
		{"the CLI's", nil, ""},
		{"Go's", map[string]any{"idToken": nil, "identityToken": idToken(jo)}, ""},
		{"without who it is", map[string]any{"idToken": nil}, ""},
		{"an unreadable ID token", map[string]any{"idToken": "x"}, ""},
		{"fields that fob does not know", map[string]any{"new": map[string]int{"a": 1}, "accessToken.scope": "x"}, ""},
		{"Python's time", map[string]any{"accessToken.expiresAt": "2026-11-30T12:15:00UTC"}, ""},
		{"JavaScript's time", map[string]any{"accessToken.expiresAt": "2026-11-30T12:15:00.000Z"}, ""},
		{"an offset", map[string]any{"accessToken.expiresAt": "2026-11-30T13:15:00+01:00"}, ""},

		{"no object", map[string]any{"accessToken": "x"}, "it is not a sign-in of the AWS CLI"},
		{"no credentials", map[string]any{"accessToken": nil}, "it is not a sign-in of the AWS CLI"},
		{"no key", map[string]any{"accessToken.accessKeyId": nil}, "it has no accessKeyId"},
		{"no secret", map[string]any{"accessToken.secretAccessKey": ""}, "it has no secretAccessKey"},
		{"no session token", map[string]any{"accessToken.sessionToken": nil}, "it has no sessionToken"},
		{"no account", map[string]any{"accessToken.accountId": nil}, "it has no accountId"},
		{"no end", map[string]any{"accessToken.expiresAt": nil}, "it has no expiresAt"},
		{"no client", map[string]any{"clientId": nil}, "it has no clientId"},
		{"no refresh token", map[string]any{"refreshToken": nil}, "it has no refreshToken"},
		{"a number", map[string]any{"refreshToken": 1}, "it has no refreshToken"},
		{"another spelling", map[string]any{"refreshToken": nil, "refreshtoken": "x"}, "it has no refreshToken"},
		{"no DPoP key", map[string]any{"dpopKey": nil}, "it has no dpopKey"},
		{"a broken DPoP key", map[string]any{"dpopKey": "x"}, "its dpopKey is not a private key of P-256"},
		{"no time", map[string]any{"accessToken.expiresAt": "soon"}, "its expiresAt is not a time"},
		{"no zone", map[string]any{"accessToken.expiresAt": "2026-11-30T12:15:00"}, "its expiresAt is not a time"},
		{"a line break", map[string]any{"accessToken.sessionToken": "a\nb"}, "its sessionToken has invalid characters"},
		{"another account", map[string]any{"accessToken.accountId": "222222222222"}, "it is of account 222222222222, not of 111111111111"},
		{"another user", map[string]any{"idToken": idToken("arn:aws:iam::111111111111:user/eve")}, `it is of "arn:aws:iam::111111111111:user/eve"`},
		{"another user, for Go", map[string]any{"identityToken": idToken("arn:aws:iam::111111111111:user/eve")}, `it is of "arn:aws:iam::111111111111:user/eve"`},
	} {
		got, err := parseAWSCache(cacheText(t, tt.replace), jo)
		if tt.want != "" {
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
			}
			continue
		}
		s := got.Session
		if err != nil || s.ID != "ASIAIOSFODNN7EXAMPLE" || s.Secret.IsZero() || s.Token.Reveal() != "session+token/1==" || s.AccountID != "111111111111" ||
			!s.Expires.Equal(expires) || !got.Expires.Equal(expires) || got.Refresh.Reveal() != "refresh-1" || got.DPoPKey.Reveal() != rfcKey || got.Client.ID == "" {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	for _, text := range []string{"", "null", "[]", "{", `{"accessToken":null}`} {
		if _, err := parseAWSCache(text, jo); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// A refresh changes what it has changed, and keeps all the rest, known or not.
func TestRenderAWSCache(t *testing.T) {
	text := cacheText(t, map[string]any{"new": map[string]any{"a": []int{1, 2}}, "accessToken.scope": "a<b", "identityToken": idToken(jo)})
	token := creds.Token{
		Session: creds.Session{
			Key:   creds.Key{ID: "ASIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")},
			Token: creds.NewSecret("session+token/2=="), Expires: time.Date(2026, 11, 30, 13, 30, 0, 5, time.FixedZone("", 3600)),
		},
		Refresh: creds.NewSecret("refresh-2"),
	}
	out, err := renderAWSCache(text, token)
	if err != nil {
		t.Fatal(err)
	}
	want := cacheText(t, map[string]any{
		"new": map[string]any{"a": []int{1, 2}}, "accessToken.scope": "a<b", "identityToken": idToken(jo),
		"accessToken.accessKeyId": "ASIAI44QH8DHBEXAMPLE", "accessToken.secretAccessKey": "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
		"accessToken.sessionToken": "session+token/2==", "accessToken.expiresAt": "2026-11-30T12:30:00Z", "refreshToken": "refresh-2",
	})
	if out != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	token.IDToken = creds.NewSecret(idToken(jo) + "2")
	if out, _ = renderAWSCache(text, token); strings.Count(out, token.IDToken.Reveal()) != 2 {
		t.Errorf("a new ID token is not under both names: %s", out)
	}
}

func TestSubjectOf(t *testing.T) {
	for _, tt := range []struct{ token, want string }{
		{idToken(jo), jo},
		{"e30.eyJzdWIiOiAiYSJ9====.c2ln", "a"}, // padded
		{"e30.e30.c2ln", ""},
		{"x", ""}, {"", ""}, {"a.b", ""}, {"e30.!!.c2ln", ""}, {"e30.W10.c2ln", ""},
	} {
		if got, err := subjectOf(creds.NewSecret(tt.token)); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %q, %v", tt.token, got, err)
		}
	}
}

// The file is replaced in one step and stays this user's alone; what another tool
// wrote meanwhile is left as it is.
func TestReplaceAWSCache(t *testing.T) {
	now := time.Now()
	setup := func(t *testing.T) (dir string, f awsFile) {
		dir = t.TempDir()
		if err := os.WriteFile(awsCacheFile(dir, jo), []byte(cacheText(t, nil)), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := readAWSCache(dir, jo)
		if err != nil {
			t.Fatal(err)
		}
		return dir, f
	}
	left := func(t *testing.T, dir string, want int) {
		t.Helper()
		if names, err := os.ReadDir(dir); err != nil || len(names) != want {
			t.Errorf("%v, %v; want %d files", names, err, want)
		}
	}
	t.Run("done", func(t *testing.T) {
		dir, f := setup(t)
		old := f.path + ".fob-1"
		if err := errors.Join(os.WriteFile(old, nil, 0o600), os.Chtimes(old, now, now.Add(-2*time.Hour)), os.WriteFile(f.path+".fob-2", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		r, err := f.replace(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.finish("new"); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(f.path)
		if info, err := os.Stat(f.path); err != nil || string(text) != "new" || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%q, %v, %v", text, info.Mode(), err)
		}
		left(t, dir, 2) // and the temporary file of another fob
	})
	for name, change := range map[string]func(path string) error{
		"changed": func(path string) error { return os.WriteFile(path, []byte("other"), 0o600) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir, f := setup(t)
			r, err := f.replace(now)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(f.path); err != nil {
				t.Fatal(err)
			}
			if err := r.finish("new"); err != errCacheChanged {
				t.Errorf("%v", err)
			}
			if text, _ := os.ReadFile(f.path); string(text) == "new" {
				t.Error("replaced nevertheless")
			}
			left(t, dir, map[string]int{"changed": 1, "removed": 0}[name])
		})
	}
	t.Run("no directory", func(t *testing.T) {
		dir, f := setup(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		var file *fs.PathError
		if _, err := f.replace(now); !errors.As(err, &file) || file.Path != f.path {
			t.Errorf("%v", err)
		}
	})
	t.Run("signed out", func(t *testing.T) {
		if _, err := readAWSCache(t.TempDir(), jo); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
	t.Run("not to be trusted", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("modes say nothing there")
		}
		dir, f := setup(t)
		if err := os.Chmod(f.path, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := readAWSCache(dir, jo)
		if cache, ok := errors.AsType[*CacheError](err); !ok || err.Error() != `"`+f.path+`": other users can write to it` || !errors.Is(cache, input.ErrShared) {
			t.Errorf("%v", err)
		}
	})
}

// No error of the parser repeats a value of the file.
func TestCacheErrorsAreClean(t *testing.T) {
	for _, field := range []string{"accessToken.accessKeyId", "accessToken.secretAccessKey", "accessToken.sessionToken", "accessToken.expiresAt", "refreshToken", "dpopKey", "clientId"} {
		const secret = "SECRET\x01SECRET"
		for _, value := range []any{secret, []string{secret}} {
			if _, err := parseAWSCache(cacheText(t, map[string]any{field: value}), jo); err != nil && strings.Contains(fmt.Sprint(err), "SECRET") {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}
