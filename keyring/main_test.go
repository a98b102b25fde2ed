package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/keyring/backend"
)

// The test binary is fob's hidden child when it is called as one, and a second
// process of a test when roleVariable says which.
const roleVariable = "FOB_TEST_ROLE"

// A role runs on the first thread from its beginning: strace counts by thread.
func init() {
	if os.Getenv(roleVariable) != "" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	// Not os.Exit: under -race it sleeps for a second.
	if len(os.Args) == 2 && os.Args[1] == backend.ChildArg {
		syscall.Exit(backend.ChildMain())
	}
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles()[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			syscall.Exit(1)
		}
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// roles are what other processes do in tests. Their arguments begin with the store's directory.
func roles() map[string]func(args []string) error {
	return map[string]func([]string) error{
		"conform": roleConform,
		"create":  roleCreate,
		"open":    roleOpen,
		"set":     roleSet,
		"refresh": roleRefresh,
		"rekey":   roleRekey,
		"memory":  roleMemory,
		"found":   roleFound,
		"churn":   roleChurn,
		"deed":    roleDeed,
		"crowd":   roleCrowd,
	}
}

const testPassphrase = "correct horse battery staple"

// fixed is a passphrase that needs no person.
func fixed(passphrase string) func() (creds.Secret, bool, error) {
	return func() (creds.Secret, bool, error) { return creds.NewSecret(passphrase), true, nil }
}

// options of a store in dir, with a cheap passphrase slot and nothing kept unlocked.
func options(dir string) Options {
	return Options{
		Dir: dir, StateDir: dir + "-state",
		Backend: "auto", Passphrase: fixed(testPassphrase), WorkFactor: 2,
	}
}

func storeDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(tempDir(t), "fob")
}

// tempDir is t.TempDir for tests that run under wine, too, which leaves files behind.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fob")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// removeAll is os.RemoveAll in our own way, which works under wine, too.
func removeAll(t testing.TB, path string) {
	t.Helper()
	parent, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer parent.Close()
	if err := (dir{Root: parent}).RemoveAll(filepath.Base(path)); err != nil {
		t.Fatal(err)
	}
}

// newStore makes a store; edit may change its options first.
func newStore(t testing.TB, edit ...func(*Options)) *Store {
	t.Helper()
	o := options(storeDir(t))
	for _, e := range edit {
		e(&o)
	}
	s := New(o)
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// again is the same store as another process would see it.
func again(s *Store, edit ...func(*Options)) *Store {
	o := s.opts
	for _, e := range edit {
		e(&o)
	}
	return New(o)
}

var (
	exampleKey = creds.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}
	otherKey   = creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}
	exampleARN = "arn:aws:iam::111111111111:user/jo"
	serial     = "arn:aws:iam::111111111111:mfa/jo"
	seed       = creds.Seed{Secret: creds.NewSecret("JBSWY3DPEHPK3PXP"), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
)

func exampleSession(ends time.Time) creds.Session {
	return creds.Session{
		Key:   creds.Key{ID: "ASIAIOSFODNN7EXAMPLE", Secret: exampleKey.Secret},
		Token: creds.NewSecret("AQoDYXdzEJr1K"), Expires: ends, AccountID: "111111111111",
	}
}

func sameKey(a, b creds.Key) bool { return a.ID == b.ID && a.Secret.Equal(b.Secret) }

func mustSetKey(t testing.TB, s *Store, profile string, k creds.Key) Info {
	t.Helper()
	info, err := s.SetKey(t.Context(), profile, k, Info{Account: "111111111111", ARN: exampleARN, Rev: revOf(s, profile)})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func wantErr[E error](t testing.TB, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("error is %T (%v), want %T", err, err, want)
	}
	return want
}

// inStore is a file of the store as its error messages name it.
func inStore(s *Store, name string) string { return filepath.Join(s.opts.Dir, name) }

func itemPath(t testing.TB, s *Store, kind Kind, parts ...string) string {
	t.Helper()
	file, err := fileName(kind, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return inStore(s, itemsDir(1)+"/"+file)
}

// storeID is the ID of the store on the disk; "" if there is none.
func storeID(t testing.TB, s *Store) string {
	t.Helper()
	h, err := s.header()
	if err != nil && !absent(err) {
		t.Fatal(err)
	}
	return h.ID
}

func background() context.Context { return context.Background() }

// revOf is the revision of a key that is about to be replaced or removed.
func revOf(s *Store, profile string) string {
	info, _ := s.KeyInfo(profile)
	return info.Rev
}
