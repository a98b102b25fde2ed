package format

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the diff")

const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleToken  = "AQoDYXdzEJr//////////wEaoAK1wvxJY12r+IrDFT2IvAzTCn3zHoZ7YNtpiQLF0MqZye/qwjzP2iEXAMPLE=="
)

// full is a session of which everything is known.
func full() creds.Session {
	return creds.Session{
		Key:       creds.Key{ID: exampleID, Secret: creds.NewSecret(exampleSecret)},
		Token:     creds.NewSecret(exampleToken),
		Expires:   time.Date(2026, 11, 23, 20, 34, 0, 999, time.FixedZone("", 3600)),
		AccountID: "123456789012",
	}
}

// least is a long-lived key handed out as it is.
func least() creds.Session {
	return creds.Session{Key: creds.Key{ID: exampleID, Secret: creds.NewSecret(exampleSecret)}}
}

// TestGolden holds every format against a file in testdata.
func TestGolden(t *testing.T) {
	for _, name := range append([]string{"process"}, Shells()...) {
		t.Run(name, func(t *testing.T) {
			got, err := Shell(name, Vars(full(), "eu-west-1"))
			if name == "process" {
				got, err = Process(full())
			}
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

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

// TestVars: what is not known is left out.
func TestVars(t *testing.T) {
	want := []Var{{"AWS_ACCESS_KEY_ID", exampleID}, {"AWS_SECRET_ACCESS_KEY", exampleSecret}}
	if got := Vars(least(), ""); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lines is what a format may write for the variable X: a grammar in which
// evaluating can only set it. Each has printable ASCII only.
var lines = map[string]*regexp.Regexp{
	"env":           regexp.MustCompile(`^export X='([^']|'\\'')*'\n$`),
	"env-no-export": regexp.MustCompile(`^X='([^']|'\\'')*'\n$`),
	"fish":          regexp.MustCompile(`^set -gx X '([^'\\]|\\['\\])*'\n$`),
	"powershell":    regexp.MustCompile(`^\$Env:X = '([^']|'')*'\n$`),
	"windows-cmd":   regexp.MustCompile(`^set "X=[^"%!^&|<>]*"\n$`),
	"dotenv":        regexp.MustCompile(`^X='[^'\\]*'\n$`),
}

// refusal is an error of Shell, which quotes nothing of the value.
var refusal = regexp.MustCompile(`^the value of X (holds characters that cannot|cannot) be written safely( for cmd\.exe| to a \.env file)?$`)

func FuzzShell(f *testing.F) {
	for _, v := range hostile {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, name := range Shells() {
			got, err := Shell(name, []Var{{"A", "1"}, {"X", value}})
			if err != nil {
				if len(got) > 0 || !refusal.MatchString(err.Error()) {
					t.Errorf("%s: %q with error %q", name, got, err)
				}
				continue
			}
			_, line, _ := strings.Cut(string(got), "\n")
			if !lines[name].MatchString(line) || !printable(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s: %q", name, line)
			}
		}
	})
}

// TestRefused: a value that a format cannot hold is an error, and nothing is
// written of those before it either.
func TestRefused(t *testing.T) {
	everywhere := []string{"a\nb", "a\rb", "\x00", "\x1b[2J", "\x7f", "\u0085", "\u2028", "‘", "ђ", "\xff", "ü"}
	refused := map[string][]string{
		"windows-cmd": {`"`, "%PATH%", "!x!", "^", "&", "|", "<", ">"},
		"dotenv":      {"'", `\`},
	}
	for _, name := range Shells() {
		for _, v := range append(slices.Clone(everywhere), refused[name]...) {
			if got, err := Shell(name, []Var{{"A", "1"}, {"X", v}}); err == nil || len(got) > 0 {
				t.Errorf("%s takes %q: %q", name, v, got)
			}
		}
	}
	if _, err := Shell("tcsh", nil); err == nil {
		t.Error("a format tcsh")
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
