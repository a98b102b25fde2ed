package format

import (
	"testing"
	"time"

	"fob/internal/creds"
)

// TestProcess: the exact bytes, and what is not known is left out, never empty
// or null.
func TestProcess(t *testing.T) {
	ends := least()
	ends.Expires = time.Date(2026, 11, 23, 19, 34, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		s    creds.Session
		want string
	}{
		{"full", full(), `{"Version":1,"AccessKeyId":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `","SessionToken":"` + exampleToken + `","Expiration":"2026-11-23T19:34:00Z","AccountId":"123456789012"}` + "\n"},
		{"a key", least(), `{"Version":1,"AccessKeyId":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `"}` + "\n"},
		{"no account", ends, `{"Version":1,"AccessKeyId":"` + exampleID + `","SecretAccessKey":"` + exampleSecret + `","Expiration":"2026-11-23T19:34:00Z"}` + "\n"},
	} {
		got, err := Process(tt.s)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestReadProcess(t *testing.T) {
	for _, s := range []creds.Session{full(), least()} {
		doc, err := Process(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadProcess(doc)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != s.ID || !got.Secret.Equal(s.Secret) || !got.Token.Equal(s.Token) || got.AccountID != s.AccountID || !got.Expires.Equal(s.Expires.Truncate(time.Second)) {
			t.Errorf("%s is read as %v", doc, got)
		}
	}
	const secret = "hunter2hunter2"
	for _, tt := range []struct{ doc, want string }{
		{``, "printed something that is not the JSON of credentials"},
		{secret, "printed something that is not the JSON of credentials"},
		{`{"Version":1,"AccessKeyId":"` + secret, "printed something that is not the JSON of credentials"},
		{"\ufeff" + `{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}`, "printed something that is not the JSON of credentials"},
		{`{"Version":"1","AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed something that is not the JSON of credentials"},
		{`{"AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed version 0 of the document, not 1"},
		{`{"Version":2,"AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed version 2 of the document, not 1"},
		{`{"Version":1,"SecretAccessKey":"` + secret + `"}`, "printed no AccessKeyId or no SecretAccessKey"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":null}`, "printed no AccessKeyId or no SecretAccessKey"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"` + secret + `"}`, "printed an Expiration that is no time"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"2026-11-23T19:34:00"}`, "printed an Expiration that is no time"},
		{`{"Version":1,"AccessKeyId":"a\nb","SecretAccessKey":"` + secret + `"}`, "printed credentials with characters that none have"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","AccountId":"1 2"}`, "printed credentials with characters that none have"},
	} {
		s, err := ReadProcess([]byte(tt.doc))
		if err == nil || err.Error() != tt.want || s != (creds.Session{}) {
			t.Errorf("%s: %v, %v; want %q", tt.doc, s, err, tt.want)
		}
	}
}

// FuzzReadProcess: what is read is a whole key, and can be written for a shell.
func FuzzReadProcess(f *testing.F) {
	f.Add([]byte(`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c","Expiration":"2026-11-23T19:34:00Z","AccountId":"1"}`))
	f.Add([]byte(`{"Version":1,"AccessKeyId":"a'","SecretAccessKey":"$(b)"}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := ReadProcess(doc)
		if err != nil {
			return
		}
		if s.ID == "" || s.Secret.IsZero() {
			t.Fatalf("%s gives half a key", doc)
		}
		if _, err := Shell("env", Vars(s, "")); err != nil {
			t.Error(err)
		}
	})
}
