package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

var key = creds.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}

// storeIn is a store below dir that a passphrase opens; with an empty passphrase it
// stays locked.
func storeIn(dir, passphrase string) *keyring.Store {
	return keyring.New(keyring.Options{
		Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret(passphrase), passphrase != "", nil },
	})
}

func filledStore(t *testing.T) (dir string, s *keyring.Store) {
	t.Helper()
	dir = t.TempDir()
	s = storeIn(dir, "correct horse battery staple")
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetKey(t.Context(), "dev", key, keyring.Info{Account: "111111111111"}); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// Each kind of first step is read from where it stands.
func TestRead(t *testing.T) {
	_, store := filledStore(t)
	config, err := awsconfig.Parse(awsconfig.File{}, awsconfig.File{Text: "[plain]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = s\naws_session_token = t\n[old]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = s\naws_security_token = ot\n"})
	if err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT00000", "AWS_SECRET_ACCESS_KEY": "e", "AWS_SESSION_TOKEN": "et"}
	r := Reader{
		Store: store, Config: config, Getenv: func(name string) string { return environ[name] },
		Environ: func(string) []string { return []string{"PATH=" + os.Getenv("PATH")} },
		Stderr:  io.Discard, Now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
	}
	process := func(expires string) plan.Process {
		return plan.Process{Profile: "p", Command: `printf '{"Version":1,"AccessKeyId":"ASIAPROCESS000000000","SecretAccessKey":"p","SessionToken":"pt","Expiration":"` + expires + `"}'`}
	}
	for _, tt := range []struct {
		name       string
		step       plan.Step
		id, token  string
		wantStored bool
	}{
		{"stored key", plan.StoredKey{Profile: "dev", KeyID: key.ID}, key.ID, "", true},
		{"plain text", plan.PlaintextKey{Profile: "plain"}, "AKIAI44QH8DHBEXAMPLE", "t", false},
		{"plain text, boto's token", plan.PlaintextKey{Profile: "old"}, "AKIAI44QH8DHBEXAMPLE", "ot", false},
		{"environment", plan.Environment{}, "AKIAENVIRONMENT00000", "et", false},
		{"process", process("2026-11-30T12:00:01Z"), "ASIAPROCESS000000000", "pt", false},
	} {
		if tt.name == "process" && runtime.GOOS == "windows" {
			continue // it has no printf
		}
		s, rev, err := r.Read(t.Context(), plan.Plan{Steps: []plan.Step{tt.step}}, false)
		if err != nil || s.ID != tt.id || s.Token.Reveal() != tt.token || (rev != "") != tt.wantStored {
			t.Errorf("%s: %s, %q, revision %q, %v", tt.name, s.ID, s.Token.Reveal(), rev, err)
		}
	}
	_, _, err = r.Read(t.Context(), plan.Plan{Steps: []plan.Step{plan.StoredKey{Profile: "dev", KeyID: "AKIAI44QH8DHBEXAMPLE"}}}, false)
	if _, ok := errors.AsType[*ReplacedError](err); !ok {
		t.Errorf("a key that was replaced: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	_, _, err = r.Read(t.Context(), plan.Plan{Steps: []plan.Step{process("2026-11-30T12:00:00Z")}}, false)
	if _, ok := errors.AsType[*ProcessError](err); !ok || !strings.Contains(err.Error(), "expired") {
		t.Errorf("credentials that have expired: %v", err)
	}
	_, _, err = r.Read(t.Context(), plan.Plan{Steps: []plan.Step{plan.Process{Profile: "p", Command: "echo wJalrXUtnFEMI; exit 3"}}}, false)
	if _, ok := errors.AsType[*ProcessError](err); !ok || strings.Contains(err.Error(), "wJalrXUtnFEMI") {
		t.Errorf("a process that fails: %v", err)
	}
}

// A quiet reader of a locked store asks nobody and finds no key.
func TestReadQuietly(t *testing.T) {
	dir, _ := filledStore(t)
	asked := false
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file",
		Ask: func(context.Context, keyring.Question) (creds.Secret, error) {
			asked = true
			return creds.Secret{}, errors.New("asked")
		},
	})
	if _, _, err := (Reader{Store: store}).Read(t.Context(), plan.Plan{Steps: []plan.Step{plan.StoredKey{Profile: "dev", KeyID: key.ID}}}, true); err == nil || asked {
		t.Errorf("%v, asked: %v", err, asked)
	}
}

// A plan that does not start from a stored key neither makes a store nor opens one.
func TestQuietSessions(t *testing.T) {
	session := creds.Session{Key: key, Token: creds.NewSecret("t"), Expires: time.Now().Add(time.Hour)}
	check := func(t *testing.T, s *keyring.Store) {
		t.Helper()
		q := QuietSessions{Store: s.Quiet(), Log: t.Logf}
		if err := q.SaveSession(t.Context(), "p", "0af1", "", session); err != nil {
			t.Errorf("save: %v", err)
		}
		_, _, err := q.Session(t.Context(), "p", "0af1")
		if _, none := errors.AsType[*keyring.NotFoundError](err); !none {
			t.Errorf("a session: %v", err)
		}
		lock, err := q.Lock(t.Context(), "session-1-0a", nil)
		if err != nil {
			t.Errorf("lock: %v", err)
		}
		if lock != nil {
			lock.Unlock()
		}
	}
	t.Run("no store", func(t *testing.T) {
		dir := t.TempDir()
		check(t, storeIn(dir, "correct horse battery staple"))
		if names, _ := os.ReadDir(dir); len(names) > 0 {
			t.Errorf("made %v", names)
		}
	})
	t.Run("locked", func(t *testing.T) {
		dir, _ := filledStore(t)
		check(t, storeIn(dir, ""))
	})
	t.Run("what opens it is lost", func(t *testing.T) {
		dir, _ := filledStore(t)
		if err := os.Remove(filepath.Join(dir, "store", "g1", "slots", "passphrase")); err != nil {
			t.Fatal(err)
		}
		check(t, storeIn(dir, "correct horse battery staple"))
	})
	t.Run("open", func(t *testing.T) {
		_, s := filledStore(t)
		q := QuietSessions{Store: s.Quiet(), Log: t.Logf}
		if err := q.SaveSession(t.Context(), "p", "0af1", "", session); err != nil {
			t.Fatal(err)
		}
		if got, _, err := q.Session(t.Context(), "p", "0af1"); err != nil || got.ID != session.ID {
			t.Errorf("%s, %v", got.ID, err)
		}
	})
}

func TestEnviron(t *testing.T) {
	outer := []string{"PATH=/bin", "AWS_SECRET_ACCESS_KEY=leak", "AWS_PROFILE=leak", "FOB_PASSPHRASE=leak", `FOB_CHAIN=["old"]`, "LANG=C"}
	for _, tt := range []struct {
		chain   []string
		profile string
		want    []string
	}{
		{nil, "", []string{"PATH=/bin", "LANG=C"}},
		{nil, "dev", []string{"PATH=/bin", "LANG=C", `FOB_CHAIN=["dev"]`}},
		{[]string{"dev"}, "", []string{"PATH=/bin", "LANG=C", `FOB_CHAIN=["dev"]`}},
		{[]string{"dev"}, "a \"b\"", []string{"PATH=/bin", "LANG=C", `FOB_CHAIN=["dev","a \"b\""]`}},
	} {
		if got := Environ(outer, false, tt.chain, tt.profile); !slices.Equal(got, tt.want) {
			t.Errorf("%q, %q: %q, want %q", tt.chain, tt.profile, got, tt.want)
		}
	}
	chain := append(make([]string, 0, 4), "dev")
	Environ(outer, false, chain, "one")
	if two := Environ(outer, false, chain, "two"); two[len(two)-1] != `FOB_CHAIN=["dev","two"]` {
		t.Errorf("%q", two)
	}
}

func TestChain(t *testing.T) {
	for value, want := range map[string][]string{
		"": nil, "x": nil, "{}": nil, `["a","b"]`: {"a", "b"}, "[]": {}, `["a",1]`: nil,
	} {
		if got := Chain(value); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
