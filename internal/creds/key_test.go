package creds_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"fob/internal/creds"
	"fob/internal/ststest"
)

func TestNewKey(t *testing.T) {
	const id, secret = ststest.DemoKeyID, ststest.DemoSecret
	for _, c := range []struct{ id, secret, problem string }{
		{id, secret, ""},
		{" \"" + id + "\"\n", "\t'" + secret + "' ", ""},
		{"\" " + id, "' " + secret, ""},
		{"", secret, "no access key ID"},
		{id, " ", "no secret access key"},
		{id, id, "looks like an access key ID; the secret"},
		{id + "," + secret, secret, "a whole line of a CSV file"},
		{"aws_access_key_id = " + id, secret, "a whole line; enter only the ID"}, // as long as a secret
		{"export AWS_ACCESS_KEY_ID='" + id + "'", secret, "a whole line; enter only the ID"},
		{id, "aws_secret_access_key=" + secret, "a whole line; enter only the secret"},
		{id, "aws_secret_access_key = '" + secret + "'", "a whole line; enter only the secret"},
		{id + " " + secret, secret, "a whole line; enter only the ID"},
		{"jo,,\"" + id + "\",\"" + secret + "\"", secret, "a whole line of a CSV file"},
		{secret, id, "swapped"},
		{secret, secret, "looks like the secret"},
		{"ASIA" + id[4:], secret, "belongs to a session"},
		{"akiaiosfodnn7example", secret, "not an access key ID"},
		{id[:15], secret, "not an access key ID"},
		{strings.Repeat("A", 127) + "!", secret, "not an access key ID"},
		{strings.Repeat("A", 129), secret, "not an access key ID"},
		{id, secret[:20] + " " + secret[20:], "characters that are not allowed"},
		{id, secret + "\x00", "characters that are not allowed"},
		{id, secret + "\u00e9", "characters that are not allowed"},
	} {
		k, err := creds.NewKey(creds.AWS, c.id, c.secret)
		switch {
		case c.problem == "" && (err != nil || k.ID != id || k.Secret.Reveal() != secret):
			t.Errorf("%q, %q: %v, %v", c.id, c.secret, k, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%q, %q: %v, want %q", c.id, c.secret, err, c.problem)
		}
	}
}

// Other servers' key IDs have any form. What is a mistake anywhere still is one.
func TestForeignKey(t *testing.T) {
	const id, secret = ststest.DemoKeyID, ststest.DemoSecret
	for _, c := range []struct{ id, secret, problem string }{
		{id, secret, ""},
		{"minioadmin", "minioadmin", ""},
		{"test", "test", ""},
		{"gk0123456789abcdef01234567", secret, ""},
		{"Jo.Smith_1", "s3cret", ""},
		{strings.Repeat("a", 128), secret, ""},
		{"", secret, "no access key ID"},
		{"test", "", "no secret access key"},
		{secret, id, "swapped"},
		{secret, secret, "looks like the secret"},
		{"ASIA" + id[4:], secret, "belongs to a session"},
		{"a b", secret, "not an access key ID"},
		{"a\tb", secret, "not an access key ID"},
		{"jörg", secret, "not an access key ID"},
		{strings.Repeat("a", 129), secret, "not an access key ID"},
		{"test", "a b", "characters that are not allowed"},
	} {
		for _, read := range []func() (creds.Key, error){
			func() (creds.Key, error) { return creds.NewKey(creds.Other, c.id, c.secret) },
			func() (creds.Key, error) {
				return creds.ReadKey(creds.Other, strings.NewReader(`{"AccessKeyId":"`+strings.ReplaceAll(c.id, "\t", `\t`)+`","SecretAccessKey":"`+c.secret+`"}`))
			},
		} {
			k, err := read()
			switch {
			case c.problem == "" && (err != nil || k.ID != c.id || k.Secret.Reveal() != c.secret):
				t.Errorf("%q, %q: %v, %v", c.id, c.secret, k, err)
			case c.problem != "" && err == nil:
				t.Errorf("%q, %q: %v, want %q", c.id, c.secret, err, c.problem)
			}
		}
		if _, err := creds.NewKey(creds.Other, c.id, c.secret); c.problem != "" && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q, %q: %v, want %q", c.id, c.secret, err, c.problem)
		}
	}
}

// The shortest and the longest ID that AWS may give, and the forms of a document.
func TestReadKey(t *testing.T) {
	const id, secret = ststest.DemoKeyID, ststest.DemoSecret
	document := func(id, secret string) string {
		return `{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}`
	}
	for _, c := range []struct{ text, id, problem string }{
		{id + "\n" + secret, id, ""},
		{strings.Repeat("A", 16) + "\n" + secret, strings.Repeat("A", 16), ""},
		{strings.Repeat("A", 128) + "\n" + secret, strings.Repeat("A", 128), ""},
		{document(id, secret), id, ""},
		{`{"AccessKey":` + document(id, secret) + `}`, id, ""},
		{`{"AccessKey":` + document(id, secret) + `,"SessionToken":"t"}`, "", "this is a session"},
		{document("", secret), "", "no access key found"},
		{document(id, ""), "", "no access key found"},
		{`{"AccessKeyId":1}`, "", "no access key found"},
		{id, "", "no access key found"},
		{"\ufeffAccess key ID,Secret access key\r\n" + id + "," + secret + "\r\n", id, ""},
		{"User name,Password,Access key ID,Secret access key,Console login link\njo,\"a,b\"," + id + "," + secret + ",https://111111111111.signin.aws.amazon.com/console\n", id, ""},
		{"Access key ID,Secret access key\n" + id + "," + secret + "\n" + id + "," + secret, "", "no access key found"},
		{"Access key ID,Secret access key\n" + secret + "," + id, "", "swapped"},
		{"User name,Access key ID\njo," + id, "", "not an access key ID"},
		{id + "\n" + secret + "\nmore", "", "no access key found"},
		{strings.Repeat("\n", 64<<10) + id + "\n" + secret, "", "no access key found"},
	} {
		k, err := creds.ReadKey(creds.AWS, strings.NewReader(c.text))
		switch {
		case c.problem == "" && (err != nil || k.ID != c.id || k.Secret.Reveal() != secret):
			t.Errorf("%.60q: %v, %v", c.text, k, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%.60q: %v, want %q", c.text, err, c.problem)
		}
	}
	broken := iotest.ErrReader(errors.New("broken"))
	if _, err := creds.ReadKey(creds.AWS, broken); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a reader that fails: %v", err)
	}
}

// ReadKey returns a key that can be read again, or an error that does not quote the text.
func FuzzReadKey(f *testing.F) {
	id, secret := ststest.DemoKeyID, ststest.DemoSecret
	for _, text := range []string{
		"", "\ufeff", id + "\n" + secret, "  " + id + "\r\n" + secret + "\r\n\n", secret + "\n" + id, "\"" + id + "\"\n'" + secret + "'",
		`{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}`, `{"AccessKey":{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}}`,
		`{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","SessionToken":"y"}`, `{"AccessKeyId":1}`, "{", id + "\x00\n" + secret,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := creds.ReadKey(creds.AWS, strings.NewReader(text))
		if err != nil {
			// The example in the error's own words is not a quotation.
			words := strings.ReplaceAll(err.Error(), id, "")
			for _, line := range strings.Fields(text) {
				if len(line) >= 16 && strings.Contains(words, line) {
					t.Errorf("%q quotes %q", err, line)
				}
			}
			return
		}
		again, err := creds.ReadKey(creds.AWS, strings.NewReader(k.ID+"\n"+k.Secret.Reveal()+"\n"))
		if err != nil || again.ID != k.ID || again.Secret.Reveal() != k.Secret.Reveal() {
			t.Errorf("%q is not taken a second time: %v", text, err)
		}
	})
}

// Windows writes a key as it writes other text.
func TestReadKeyFromWindows(t *testing.T) {
	const id, secret = ststest.DemoKeyID, ststest.DemoSecret
	utf16 := "\xff\xfe"
	for _, r := range id + "\r\n" + secret + "\r\n" {
		utf16 += string([]byte{byte(r), 0})
	}
	for _, text := range []string{"\ufeff" + id + "\r\n" + secret + "\r\n", utf16} {
		k, err := creds.ReadKey(creds.AWS, strings.NewReader(text))
		if err != nil || k.ID != id || k.Secret.Reveal() != secret {
			t.Errorf("%q: %v, %v", text, k, err)
		}
	}
}

func TestWhatWordsAre(t *testing.T) {
	for _, tt := range []struct {
		word          string
		keyID, secret bool
	}{
		{"AKIAIOSFODNN7EXAMPLE", true, false},
		{"ASIAIOSFODNN7EXAMPLE", true, false},
		{"AKIAIOSFODNN7EXAMPL", false, false},
		{"akia-of-the-old-team", false, false},
		{"AROAIOSFODNN7EXAMPLE", false, false},
		{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", false, true},
		{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE", false, false},
		{"the-production-profile-of-our-team-in-Eu", false, false},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", false, false}, // a commit
		{"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", false, true},
		{"THEPRODUCTIONPROFILEOFOURTEAMINEUROPE", false, false},
		{"TEAM2PRODUCTION", false, false},
		{"AGE-SECRET-KEY-1QQPZRY9X8", false, true},
		{"otpauth://totp/AWS:jo?secret=JBSWY3DP", false, true},
		{"", false, false},
	} {
		if id, secret := creds.IsKeyID(tt.word), creds.LooksSecret(tt.word); id != tt.keyID || secret != tt.secret {
			t.Errorf("%q: %v, %v", tt.word, id, secret)
		}
	}
}
