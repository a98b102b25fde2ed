package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// exchange is an STS that records the tokens that it gets.
type exchange struct {
	tokens []string
	answer func(token string) error
}

func (e *exchange) WebIdentity(_ context.Context, _ plan.WebIdentity, token creds.Secret) (creds.Session, error) {
	e.tokens = append(e.tokens, token.Reveal())
	if e.answer != nil {
		if err := e.answer(token.Reveal()); err != nil {
			return creds.Session{}, err
		}
	}
	return creds.Session{Key: creds.Key{ID: "ASIAWEBIDENTITY00000"}}, nil
}

// tokenReader reads tokens for a fake STS.
func tokenReader(e *exchange) Reader {
	return Reader{
		Dial:    func(plan.Endpoint) (STS, error) { return e, nil },
		Environ: func(string) []string { return []string{"PATH=" + os.Getenv("PATH")} },
		Stderr:  io.Discard, Now: time.Now,
	}
}

func (e *exchange) read(t *testing.T, step plan.WebIdentity) error {
	_, rev, err := tokenReader(e).Read(t.Context(), plan.Plan{Steps: []plan.Step{step}}, false)
	if rev != "" {
		t.Errorf("revision %q", rev)
	}
	return err
}

const jwt = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"

// The token is what stands there at this moment, without white space at its end.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, row := range []struct {
		text, want, err string
	}{
		{jwt, jwt, ""},
		{jwt + "\n", jwt, ""},
		{jwt + " \t\r\n\n", jwt, ""},
		{"abcd", "abcd", ""},
		{strings.Repeat("a", maxToken), strings.Repeat("a", maxToken), ""},
		{"", "", "has no token"},
		{" \n", "", "has no token"},
		{"abc\n", "", "has no token"},
		{strings.Repeat("a", maxToken+1), "", "has 20001 characters, and AWS takes tokens of 20000"},
		{strings.Repeat("a", maxTokenFile+1), "", "larger than 64 KiB"},
		{" " + jwt, "", "something other than a token"},
		{"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI\nsecond line\n", "", "something other than a token"},
		{jwt + "\x00", "", "something other than a token"},
		{"töken", "", "something other than a token"},
	} {
		if err := os.WriteFile(file, []byte(row.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var e exchange
		err := e.read(t, plan.WebIdentity{Profile: "ci", TokenFile: file})
		if row.err == "" {
			if err != nil || len(e.tokens) != 1 || e.tokens[0] != row.want {
				t.Errorf("%.40q: sent %.40q, %v", row.text, e.tokens, err)
			}
			continue
		}
		var bad *TokenError
		if !errors.As(err, &bad) || bad.File != file || len(e.tokens) != 0 {
			t.Errorf("%.40q: %v, sent %q", row.text, err, e.tokens)
		}
		if text := err.Error(); !strings.HasPrefix(text, `the web identity token of "ci": `+file) || !strings.HasSuffix(text, row.err) && !strings.Contains(text, row.err+":") || strings.Contains(text, "wJalr") {
			t.Errorf("%.40q: %v", row.text, err)
		}
	}
	var e exchange
	err := e.read(t, plan.WebIdentity{Profile: "ci", TokenFile: file + ".none"})
	if !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "stat ") {
		t.Error(err)
	}
}

// A program prints the token, at each time again; what it says goes to the user, and
// what it prints goes nowhere else.
func TestTokenProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it has no printf")
	}
	for command, want := range map[string]string{
		"printf '" + jwt + "\\n'":      "",
		"cat; printf " + jwt:           "", // its standard input is at its end
		"echo " + jwt + "; exit 3":     `the web_identity_token_process of "ci" ended with exit status 3`,
		"true":                         `the web_identity_token_process of "ci" printed no token`,
		"echo " + jwt + "; echo other": `the web_identity_token_process of "ci" printed something other than a token: there are blanks, line breaks or special characters in it`,
	} {
		var e exchange
		err := e.read(t, plan.WebIdentity{Profile: "ci", TokenProcess: command})
		if want == "" && (err != nil || len(e.tokens) != 1 || e.tokens[0] != jwt) || want != "" && (err == nil || err.Error() != want || len(e.tokens) != 0) {
			t.Errorf("%s: sent %q, %v", command, e.tokens, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := tokenReader(&exchange{}).Read(ctx, plan.Plan{Steps: []plan.Step{plan.WebIdentity{Profile: "ci", TokenProcess: "sleep 60"}}}, false)
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != `the web_identity_token_process of "ci" gave context deadline exceeded` {
		t.Error(err)
	}
}

// If AWS refuses a token as stale, the file is read again, once: it may have just been
// replaced. The same token is not sent twice, and no program is run twice.
func TestStaleToken(t *testing.T) {
	for _, code := range []string{"ExpiredTokenException", "IDPRejectedClaim", "AccessDenied"} {
		file := filepath.Join(t.TempDir(), "token")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		refused := &awsapi.RefusedError{Code: code}
		want := map[string]string{"AccessDenied": "old1"}[code]
		if want == "" {
			want = "old1 new1"
		}
		write("old1")
		replaced := &exchange{answer: func(token string) error {
			if write("new1"); token == "old1" {
				return refused
			}
			return nil
		}}
		err := replaced.read(t, plan.WebIdentity{TokenFile: file})
		if got := strings.Join(replaced.tokens, " "); got != want || (err == nil) != (want != "old1") {
			t.Errorf("%s: sent %s, %v", code, got, err)
		}
		same := &exchange{answer: func(string) error { return refused }}
		if err := same.read(t, plan.WebIdentity{TokenFile: file}); !errors.Is(err, refused) || len(same.tokens) != 1 {
			t.Errorf("%s: sent %q, %v", code, same.tokens, err)
		}
		n := 0
		always := &exchange{}
		always.answer = func(string) error {
			n++
			write(strings.Repeat("n", n+4))
			return refused
		}
		if err := always.read(t, plan.WebIdentity{TokenFile: file}); !errors.Is(err, refused) || len(always.tokens) > 2 {
			t.Errorf("%s: sent %q, %v", code, always.tokens, err)
		}
		gone := &exchange{answer: func(string) error { return errors.Join(os.Remove(file), refused) }}
		if err := gone.read(t, plan.WebIdentity{TokenFile: file}); !errors.Is(err, refused) || len(gone.tokens) != 1 {
			t.Errorf("%s: sent %q, %v", code, gone.tokens, err)
		}
	}
}
