package backend

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"fob/keyring/backend/backendtest"
)

// theirs is the only collection of the fake service.
func theirs() Foreign { return Foreign{Place: "login", Shared: true} }

// A locked keyring of another program is unlocked by its person, if they may be asked; what
// can be told without them is told anyway.
func TestForeignPrompt(t *testing.T) {
	for _, tt := range []struct {
		name     string
		onPrompt func(*backendtest.FakeSecrets)
		prompt   bool
		locked   *LockedError // nil: unlocked
	}{
		{"not asked", func(*backendtest.FakeSecrets) { t.Error("it was made to ask") }, false, &LockedError{Slot: "secret-service", Reason: `the desktop keyring "login" is locked`}},
		{"answered", func(f *backendtest.FakeSecrets) { f.Answer(false) }, true, nil},
		{"dismissed", func(f *backendtest.FakeSecrets) { f.Answer(true) }, true, &LockedError{Slot: "secret-service", Reason: "its prompt was dismissed", Declined: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address, f := backendtest.StartFakeSecrets(t, tt.onPrompt)
			b, w := backendOf(t, "secret-service"), World{DBusAddress: address, Display: true}
			names, err := b.Names(t.Context(), w, theirs(), []string{"k"}, tt.prompt)
			var locked *LockedError
			if errors.As(err, &locked); !slices.Equal(names, []string{"k"}) || (locked == nil) != (tt.locked == nil) || locked != nil && *locked != *tt.locked {
				t.Errorf("%q, %+v, want %+v", names, locked, tt.locked)
			}
			f.Locked.Store(true)
			inside, data, err := b.Item(t.Context(), w, theirs(), "k", tt.prompt)
			if locked = nil; tt.locked == nil {
				if err != nil || inside != "k" || data.Reveal() != "the payload" {
					t.Errorf("%q, %v", inside, err)
				}
			} else if !errors.As(err, &locked) || *locked != *tt.locked || !data.IsZero() {
				t.Errorf("%v, want %+v", err, tt.locked)
			}
		})
	}
}

// A keyring of another program that hangs, dies or answers nonsense is an error in time.
func TestForeignFaults(t *testing.T) {
	b := backendOf(t, "secret-service")
	names := func(ctx context.Context, w World, prompt bool) error {
		_, err := b.Names(ctx, w, theirs(), []string{"k"}, prompt)
		return err
	}
	t.Run("nobody looks", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) {})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := names(ctx, World{DBusAddress: address, Display: true}, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("the service dies", func(t *testing.T) {
		address, _ := backendtest.StartFakeSecrets(t, func(f *backendtest.FakeSecrets) { f.Conn.Close() })
		wantErr[*Error](t, names(t.Context(), World{DBusAddress: address, Display: true}, true))
	})
	t.Run("nonsense", func(t *testing.T) {
		address, f := backendtest.StartFakeSecrets(t, nil)
		f.Locked.Store(false)
		f.Nonsense.Store(true)
		_, _, err := b.Item(t.Context(), World{DBusAddress: address}, theirs(), "k", false)
		wantErr[*Error](t, err)
	})
	t.Run("a silent bus", func(t *testing.T) {
		silent := backendtest.SilentSocket(t)
		began := time.Now()
		if err := names(t.Context(), World{DBusAddress: "unix:path=" + silent.Path}, false); err != nil || time.Since(began) > Deadline {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
