package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fob/internal/creds"
)

// roleCreate DIR: create, then open and write a key of our own.
func roleCreate(args []string) error {
	s := New(options(args[0]))
	if _, err := s.Create(background()); err != nil {
		return err
	}
	_, err := s.SetKey(background(), fmt.Sprintf("p%d", os.Getpid()), exampleKey, Info{})
	return err
}

// roleOpen DIR TTL LOG: open key "p", asking a person who notes in LOG that they were asked.
func roleOpen(args []string) error {
	ttl, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	o := options(args[0])
	o.Passphrase, o.UnlockTTL, o.UnlockKeysTTL = nil, ttl, ttl
	o.Ask = func(context.Context, Question) (creds.Secret, error) {
		f, err := os.OpenFile(args[2], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return creds.Secret{}, err
		}
		defer f.Close()
		fmt.Fprintln(f, "asked")
		time.Sleep(50 * time.Millisecond)
		return creds.NewSecret(testPassphrase), nil
	}
	k, _, err := New(o).Key(background(), "p")
	if err == nil && !sameKey(k, exampleKey) {
		err = fmt.Errorf("another key")
	}
	return err
}

// roleRekey DIR: make a new vault key, again and again, for the passphrase that there is.
func roleRekey(args []string) error {
	fmt.Println("ready")
	for {
		if _, err := New(options(args[0])).NewPassphrase(background(), creds.NewSecret(testPassphrase)); err != nil {
			return err
		}
	}
}

// roleMemory DIR: make a new vault key, and say how much memory all of it took. Each
// derivation takes 32 MiB.
func roleMemory(args []string) error {
	o := options(args[0])
	o.WorkFactor = 15
	if _, err := New(o).NewPassphrase(background(), creds.NewSecret(testPassphrase)); err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(m.HeapSys >> 20)
	return nil
}

// roleFound DIR: make stores, one after the other: DIR/0, DIR/1...
func roleFound(args []string) error {
	fmt.Println("ready")
	for i := 0; ; i++ {
		if _, err := New(options(filepath.Join(args[0], strconv.Itoa(i)))).Create(background()); err != nil {
			return err
		}
	}
}

// roleRefresh DIR: replace a sign-in again and again, as refreshing it does.
func roleRefresh(args []string) error {
	s := New(options(args[0]))
	for i := 0; ; i++ {
		t := exampleToken(strconv.Itoa(i%2+1), portalEnds)
		if _, err := s.SetToken(background(), portal, portalID, t, Info{}); err != nil {
			return err
		}
		if i == 0 {
			fmt.Println("ready")
		}
	}
}

// roleSet DIR: replace key "p" again and again, by two keys in turn.
func roleSet(args []string) error {
	s := New(options(args[0]))
	for i := 0; ; i++ {
		k := exampleKey
		if i%2 == 1 {
			k = otherKey
		}
		if _, err := s.SetKey(background(), "p", k, Info{Rev: revOf(s, "p")}); err != nil {
			return err
		}
		if i == 0 {
			fmt.Println("ready")
		}
	}
}

// setInCrowd replaces a key, unless another process is faster: a writer replaces only the
// key that it has read.
func setInCrowd(s *Store, profile string, k creds.Key) error {
	_, err := s.SetKey(background(), profile, k, Info{Rev: revOf(s, profile)})
	if _, changed := errors.AsType[*ChangedError](err); changed {
		return nil
	}
	return err
}

// roleChurn DIR N: write and read key "p" N times; whatever is read must be whole.
func roleChurn(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s := New(options(args[0]))
	for range n {
		long := creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret(fmt.Sprintf("%0*d", 40+os.Getpid()%4000, os.Getpid()))}
		if err := setInCrowd(s, "p", long); err != nil {
			return err
		}
		if _, _, err := s.Key(background(), "p"); err != nil {
			return err
		}
		if _, err := s.KeyInfo("p"); err != nil {
			return err
		}
	}
	return nil
}

// roleCrowd DIR: read and write a furnished store until the file DIR-stop is
// there. Whatever is read must be right: the store is never locked or empty.
func roleCrowd(args []string) error {
	s := New(options(args[0]))
	look := []func() error{
		func() error {
			return setInCrowd(s, "p", otherKey)
		},
		func() error {
			k, _, err := New(s.opts).Key(background(), "q")
			if err == nil && !sameKey(k, exampleKey) {
				err = fmt.Errorf("another key")
			}
			return err
		},
		func() error {
			_, _, err := s.Session(background(), "q", "1")
			return err
		},
		func() error {
			t := exampleToken(strconv.Itoa(os.Getpid()), portalEnds)
			_, err := s.SetToken(background(), portal, portalID, t, Info{})
			return err
		},
		func() error { // some process's, and all of it
			t, _, err := s.Token(background(), portal, portalID)
			_, writer, _ := strings.Cut(t.Access.Reveal(), " ")
			if err == nil && !sameToken(t, exampleToken(writer, portalEnds)) {
				err = fmt.Errorf("a mixture of two sign-ins")
			}
			return err
		},
		func() error {
			_, err := s.KeyInfo("q")
			return err
		},
		func() error {
			_, err := s.SeedInfo(serial)
			return err
		},
		func() error {
			infos, err := s.Infos(KindKey)
			if err == nil && len(infos) != 2 {
				err = fmt.Errorf("%d keys", len(infos))
			}
			return err
		},
		func() error {
			if ok, err := s.Exists(); err != nil || !ok {
				return fmt.Errorf("exists: %v, %v", ok, err)
			}
			return nil
		},
	}
	for i, rounds := os.Getpid(), 0; ; i, rounds = i+1, rounds+1 {
		if _, err := os.Lstat(args[0] + "-stop"); err == nil && rounds >= len(look) {
			fmt.Println(rounds)
			return nil
		}
		if err := look[i%len(look)](); err != nil {
			return fmt.Errorf("look %d: %w", i%len(look), err)
		}
	}
}
