package format

import (
	"testing"
	"time"

	"fob/internal/creds"
)

// TestProcess: these are the exact bytes. Unknown values are left out, never empty or
// null.
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
		{``, "did not print credentials as JSON"},
		{secret, "did not print credentials as JSON"},
		{`{"Version":1,"AccessKeyId":"` + secret, "did not print credentials as JSON"},
		{"\ufeff" + `{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}`, "did not print credentials as JSON"},
		{`{"Version":"1","AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "did not print credentials as JSON"},
		{`{"AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed Version 0; only 1 is supported"},
		{`{"version":1,"accessKeyId":"a","secretAccessKey":"` + secret + `"}`, "printed Version 0; only 1 is supported"},
		{`{"Version":1,"accessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed no AccessKeyId or SecretAccessKey"},
		{`null`, "printed Version 0; only 1 is supported"},
		{`[{"Version":1}]`, "did not print credentials as JSON"},
		{`{"Version":1.0,"AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "did not print credentials as JSON"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"` + secret + `"} and more`, "did not print credentials as JSON"},
		{`{"Version":2,"AccessKeyId":"a","SecretAccessKey":"` + secret + `"}`, "printed Version 2; only 1 is supported"},
		{`{"Version":1,"SecretAccessKey":"` + secret + `"}`, "printed no AccessKeyId or SecretAccessKey"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":null}`, "printed no AccessKeyId or SecretAccessKey"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"` + secret + `"}`, "printed an invalid Expiration"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"2026-11-23T19:34:00"}`, "printed an invalid Expiration"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"` + secret + `","Expiration":""}`, "printed an invalid Expiration"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"` + secret + `","Expiration":" "}`, "printed an invalid Expiration"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"` + secret + `","Expiration":1796067240}`, "did not print credentials as JSON"},
		{`{"Version":1,"AccessKeyId":"a\nb","SecretAccessKey":"` + secret + `"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"` + secret + `\nb"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"a\nb"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"a b"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"\u00fc"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","AccountId":"1\n2"}`, "printed credentials with invalid characters"},
		{`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","AccountId":"1 2"}`, "printed credentials with invalid characters"},
	} {
		s, err := ReadProcess([]byte(tt.doc))
		if err == nil || err.Error() != tt.want || s != (creds.Session{}) {
			t.Errorf("%s: %v, %v; want %q", tt.doc, s, err, tt.want)
		}
	}
}

// What other programs print beyond the document of fob: an end that is null counts as absent,
// and an account ID that cannot be one is not passed on.
func TestReadProcessLoosely(t *testing.T) {
	for _, tt := range []struct{ members, account string }{
		{`"Expiration":null,"SessionToken":null,"AccountId":null`, ""},
		{`"SessionToken":"","AccountId":""`, ""},
		{`"AccountId":"12"`, ""},
		{`"AccountId":"1234567890123"`, ""},
		{`"AccountId":"12345678901a"`, ""},
		{`"AccountId":"123456789012","Extra":1`, "123456789012"},
		{`"AccountId":"123456789012","accessKeyId":"other","expiration":"soon"`, "123456789012"},
	} {
		s, err := ReadProcess([]byte(`{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b",` + tt.members + `}`))
		if err != nil || s.AccountID != tt.account || s.ID != "a" || !s.Expires.IsZero() || !s.Token.IsZero() {
			t.Errorf("%s: account %q, expires %v, %v", tt.members, s.AccountID, s.Expires, err)
		}
	}
}

// FuzzReadProcess: an accepted document has a whole key, which can be written for a
// shell.
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
