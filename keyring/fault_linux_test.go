package keyring

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fob/internal/creds"
	"fob/keyring/backend/backendtest"
)

// Faults at the system calls of a write, a creation, a re-key and an added slot:
// a kill before each, and each failing. Whatever happens, the store opens after
// it, every item is the old one or the new one, and the next writes work.
//
// A short run takes a sample; TORTURE=1 takes them all.

// A deed is done by a role of this program under strace.
type deed struct {
	name string
	// before makes the store that it is done to; nil for none.
	before func(t *testing.T, s *Store)
	// check looks at the result. A deed may have been done although it failed.
	check func(t *testing.T, s *Store)
	// again does it, and must succeed.
	again func(t *testing.T, s *Store)
}

func deeds() []deed {
	keys := func(t *testing.T, s *Store) {
		t.Helper()
		if k, _, err := s.Key(t.Context(), "p"); err != nil || !sameKey(k, exampleKey) && !sameKey(k, otherKey) {
			t.Errorf("key p: %v", err)
		}
		if k, _, err := s.Key(t.Context(), "q"); err != nil || !sameKey(k, exampleKey) {
			t.Errorf("key q: %v", err)
		}
		if got, err := s.Seed(t.Context(), serial); err != nil || !got.Secret.Equal(seed.Secret) {
			t.Errorf("seed: %v", err)
		}
		var none *NotFoundError
		if got, _, err := s.Session(t.Context(), "q", "1"); err != nil && !errors.As(err, &none) || err == nil && got.Token.Reveal() == "" {
			t.Errorf("session: %v", err)
		}
		if got, _, err := s.Token(t.Context(), portal, portalID); err != nil || !sameToken(got, exampleToken("1", portalEnds)) && !sameToken(got, exampleToken("2", portalEnds)) {
			t.Errorf("sign-in: %v", err)
		}
	}
	before := func(t *testing.T, s *Store) {
		mustSetKey(t, s, "p", exampleKey)
		mustSetKey(t, s, "q", exampleKey)
		if err := s.SetSeed(t.Context(), serial, seed); err != nil {
			t.Fatal(err)
		}
		if err := saveQ(s); err != nil {
			t.Fatal(err)
		}
		mustSetToken(t, s, exampleToken("1", portalEnds))
	}
	both := func(t *testing.T, s *Store) {
		before(t, s)
		if _, err := s.AddSlot(t.Context(), "age"); err != nil {
			t.Fatal(err)
		}
	}
	return []deed{
		{"write", before, keys, func(t *testing.T, s *Store) { mustSetKey(t, s, "p", otherKey) }},
		{"session", before, keys, func(t *testing.T, s *Store) {
			if err := saveQ(s); err != nil {
				t.Errorf("save again: %v", err)
			}
		}},
		{"token", before, keys, func(t *testing.T, s *Store) { mustSetToken(t, s, exampleToken("2", portalEnds)) }},
		{"rotation", func(t *testing.T, s *Store) {
			before(t, s)
			if _, err := s.SetRotation(t.Context(), "p", begun(), Info{}); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, s *Store) {
			keys(t, s)
			if got, _, err := s.Rotation(t.Context(), "p"); err != nil || !sameRotation(got, begun()) && !sameRotation(got, exampleRotation()) {
				t.Errorf("rotation: %v", err)
			}
		}, func(t *testing.T, s *Store) {
			if err := setRotation(s); err != nil {
				t.Errorf("store again: %v", err)
			}
		}},
		{"retire", before, keys, func(t *testing.T, s *Store) {
			if err := s.Retire(t.Context(), "p", otherKey, "rotated"); err != nil {
				t.Errorf("retire again: %v", err)
			}
		}},
		{"backup", before, keys, func(t *testing.T, s *Store) {
			if _, err := s.SetBackup(t.Context(), "1", exampleBackup()); err != nil {
				t.Errorf("store again: %v", err)
			}
		}},
		{"found", nil, func(t *testing.T, s *Store) {
			if _, _, err := s.Key(t.Context(), "p"); err != nil && !is[*NotFoundError](err) {
				t.Errorf("key p: %v", err)
			}
		}, func(t *testing.T, s *Store) {
			if _, err := s.Create(t.Context()); err != nil {
				t.Errorf("create again: %v", err)
			}
			mustSetKey(t, s, "p", exampleKey)
		}},
		{"rekey", both, func(t *testing.T, s *Store) {
			keys(t, again(s, byAge))
			words := testPassphrase
			if h, err := s.header(); err == nil && h.Gen > 1 {
				words = newWords
			}
			keys(t, again(s, byPassphrase(words)))
		}, func(t *testing.T, s *Store) {
			if _, err := again(s, byAge).NewPassphrase(t.Context(), creds.NewSecret(newWords)); err != nil {
				t.Errorf("re-key again: %v", err)
			}
		}},
		{"addslot", before, keys, func(t *testing.T, s *Store) {
			if _, err := s.AddSlot(t.Context(), "age"); err != nil && !is[*SlotExistsError](err) {
				t.Errorf("add again: %v", err)
			}
			keys(t, again(s, byAge))
		}},
	}
}

// begun is exampleRotation before it has a new key.
func begun() creds.Rotation { return creds.Rotation{Step: "begun", Old: exampleKey} }

// setRotation stores exampleRotation in the place of the rotation that there is.
func setRotation(s *Store) error {
	info, err := s.RotationInfo("p")
	if err != nil {
		return err
	}
	_, err = s.SetRotation(background(), "p", exampleRotation(), info)
	return err
}

// saveQ caches a session of key q.
func saveQ(s *Store) error {
	info, err := s.KeyInfo("q")
	if err != nil {
		return err
	}
	return s.SaveSession(background(), "q", "1", info.Rev, exampleSession(time.Now().Add(time.Hour)))
}

// roleDeed NAME DIR IDENTITY does a deed. It stays on one thread, whose system
// calls strace counts, and marks where the deed begins.
func roleDeed(args []string) error {
	o := options(args[1])
	o.AgeIdentity = args[2]
	s := New(o)
	unix.Getsid(0)
	switch args[0] {
	case "write":
		_, err := s.SetKey(background(), "p", otherKey, Info{Rev: revOf(s, "p")})
		return err
	case "session":
		return saveQ(s)
	case "token":
		_, err := s.SetToken(background(), portal, portalID, exampleToken("2", portalEnds), Info{})
		return err
	case "rotation":
		return setRotation(s)
	case "retire":
		return s.Retire(background(), "p", otherKey, "rotated")
	case "backup":
		_, err := s.SetBackup(background(), "1", exampleBackup())
		return err
	case "found":
		if _, err := s.Create(background()); err != nil {
			return err
		}
		_, err := s.SetKey(background(), "p", exampleKey, Info{Rev: revOf(s, "p")})
		return err
	case "rekey":
		_, err := s.NewPassphrase(background(), creds.NewSecret(newWords))
		return err
	case "addslot":
		_, err := s.AddSlot(background(), "age")
		return err
	}
	return errors.New("no such deed")
}

// A fault is what strace does to the when-th call of one kind.
type fault struct {
	call, action string
	when         int
}

func (f fault) String() string { return fmt.Sprintf("%s at %s %d", f.action, f.call, f.when) }

// The calls by which a store is read and written, and how each may fail.
func callsAndErrors() map[string][]string {
	change := []string{"ENOSPC", "EIO", "EROFS"}
	return map[string][]string{
		"openat": change, "mkdirat": change, "linkat": change, "renameat": change, "unlinkat": change,
		"write": {"ENOSPC", "EIO"}, "fsync": {"ENOSPC", "EIO"},
		"read": {"EIO"}, "newfstatat": {"EIO"}, "fstat": {"EIO"}, "getdents64": {"EIO"}, "flock": {"EIO"}, "close": {"EIO"},
	}
}

func TestFaults(t *testing.T) {
	strace := backendtest.Need(t, "strace")
	for _, d := range deeds() {
		t.Run(d.name, func(t *testing.T) {
			base := t.TempDir()
			o := options(filepath.Join(base, "fob"))
			o.AgeIdentity = identityFile(t)
			s := New(o)
			if d.before != nil {
				if _, err := s.Create(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.before(t, s)
			}
			saved := filepath.Join(base, "saved")
			run(t, "sh", "-c", `mkdir "$1" && for d in "$2" "$2-state"; do [ ! -e "$d" ] || mv "$d" "$1"; done`, "sh", saved, o.Dir)
			do := func(f *fault) (trace string, err error) {
				run(t, "sh", "-c", `rm -rf "$2" "$2-state" && cp -a "$1/." "$(dirname "$2")"`, "sh", saved, o.Dir)
				return underStrace(t, strace, f, d.name, o.Dir, o.AgeIdentity)
			}
			trace, err := do(nil)
			if err != nil {
				t.Fatalf("without a fault: %v", err)
			}
			faults := faultsOf(trace)
			every, survived, struck := max(1, len(faults)/30), map[string]int{}, 0
			if os.Getenv("TORTURE") != "" {
				every = 1
			}
			for i := 0; i < len(faults); i += every {
				f := faults[i]
				_, err := do(&f)
				if err != nil {
					struck++
				}
				checkAfter(t, d, again(s))
				if t.Failed() {
					t.Fatalf("after %v (%v)", f, err)
				}
				survived[f.action]++
			}
			t.Logf("%d of %d faults survived, %d of them ended the deed: %v", (len(faults)+every-1)/every, len(faults), struck, survived)
			if struck < survived["signal=KILL"] {
				t.Error("strace did not do what it was to do")
			}
		})
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", name, err, out)
	}
}

// underStrace does a deed with a fault, or with none, and returns the trace.
func underStrace(t *testing.T, strace string, f *fault, args ...string) (string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace")
	names := slices.Sorted(maps.Keys(callsAndErrors()))
	// Not --seccomp-bpf: with it strace 6.1 sends no signals.
	opts := []string{"-f", "-qq", "-o", out, "-e", "signal=none"}
	if f == nil {
		opts = append(opts, "-y", "-x", "-s", "100000", "-e", "trace=getsid,"+strings.Join(names, ","))
	} else {
		opts = append(opts, "-e", "trace="+f.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", f.call, f.action, f.when))
	}
	role := roleCommand(t, "deed", args...)
	cmd := exec.Command(strace, append(opts, role.Args...)...)
	cmd.Env = role.Env
	text, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, text)
	}
	trace, _ := os.ReadFile(out) // that of a killed one does not matter
	return string(trace), err
}

var tracedCall = regexp.MustCompile(`^(\d+) +(\w+)\(`)

// faultsOf are all that can befall a deed after its mark.
func faultsOf(trace string) []fault {
	thread, _, _ := strings.Cut(regexp.MustCompile(`(?m)^\d+ +getsid\(`).FindString(trace), " ")
	seen, first := map[string]int{}, map[string]int{}
	for lines := bufio.NewScanner(strings.NewReader(trace)); lines.Scan(); {
		m := tracedCall.FindStringSubmatch(lines.Text())
		switch {
		case m == nil || m[1] != thread:
		case m[2] == "getsid":
			maps.Copy(first, seen)
		default:
			seen[m[2]]++
		}
	}
	var faults []fault
	for _, call := range slices.Sorted(maps.Keys(seen)) {
		for when := first[call] + 1; when <= seen[call]; when++ {
			faults = append(faults, fault{call, "signal=KILL", when})
			for _, e := range callsAndErrors()[call] {
				faults = append(faults, fault{call, "error=" + e, when})
			}
		}
	}
	return faults
}

// checkAfter checks what must hold after every fault.
func checkAfter(t *testing.T, d deed, s *Store) {
	t.Helper()
	d.check(t, s)
	d.again(t, again(s))
	d.check(t, again(s))
	// Leftovers are swept when they are old.
	age := time.Now().Add(-2 * tempLife)
	for _, name := range tree(t, s) {
		if strings.HasPrefix(filepath.Base(name), tempPrefix) {
			if err := os.Chtimes(inStore(s, name), age, age); err != nil {
				t.Error(err)
			}
		}
	}
	mustSetKey(t, again(s, func(o *Options) {
		if h, err := s.header(); err == nil && h.slot(kindAge) >= 0 {
			byAge(o)
		}
	}), "last", exampleKey)
	h, err := s.header()
	if err != nil {
		t.Error(err)
	}
	for _, name := range tree(t, s) {
		top, _, _ := strings.Cut(name, "/")
		if strings.Contains(name, tempPrefix) || top != headerFile && top != "g"+strconv.Itoa(h.Gen) {
			t.Errorf("left: %s", name)
		}
	}
}
