package keyring

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestView(t *testing.T) {
	ctx := t.Context()
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	save := func(rev string) {
		t.Helper()
		if err := s.SaveSession(ctx, "p", "1", rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	look := func() *View {
		t.Helper()
		v := s.View()
		if got, err := v.KeyInfo("p"); err != nil || got != info {
			t.Fatalf("KeyInfo: %+v, %v; want %+v", got, err, info)
		}
		return v
	}
	served := func(v *View, id string, want bool) {
		t.Helper()
		got, _, err := v.Session(ctx, "p", id)
		var none *NotFoundError
		if want && (err != nil || got.ID == "") || !want && !errors.As(err, &none) {
			t.Errorf("served %v: %v", got.ID != "", err)
		}
	}
	save(info.Rev)
	served(look(), "1", true)
	served(look(), "2", false)
	served(s.View(), "1", true) // without a look at the key

	v := look()
	_, err := v.KeyInfo("q")
	wantErr[*NotFoundError](t, err)
	if err := os.Remove(itemPath(t, s, KindKey, "p")); err != nil {
		t.Fatal(err)
	}
	if _, err := v.KeyInfo("p"); err != nil {
		t.Errorf("the key was read again: %v", err)
	}

	info = mustSetKey(t, s, "p", exampleKey)
	v = look()
	info = mustSetKey(t, s, "p", exampleKey)
	served(v, "1", false) // removed with the old key
	save(info.Rev)
	v = look()
	info = mustSetKey(t, s, "p", exampleKey)
	save(info.Rev)
	served(v, "1", true) // the new key's, which the view does not know, but the store does
}

// A view that cannot open a session by itself asks as the store does: once.
func TestViewAsks(t *testing.T) {
	s := newStore(t)
	info := mustSetKey(t, s, "p", exampleKey)
	if err := s.SaveSession(t.Context(), "p", "1", info.Rev, exampleSession(time.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	someone := &person{answers: []string{testPassphrase}}
	v := again(s, someone.instead).View()
	if _, err := v.KeyInfo("p"); err != nil || len(someone.asked) != 0 {
		t.Fatalf("KeyInfo: %v, %d questions", err, len(someone.asked))
	}
	if _, _, err := v.Session(t.Context(), "p", "1"); err != nil || len(someone.asked) != 1 {
		t.Errorf("Session: %v, %d questions", err, len(someone.asked))
	}
	wrong := &person{answers: []string{"x", "y", "z", "last"}}
	v = again(s, wrong.instead).View()
	if _, err := v.KeyInfo("p"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Session(t.Context(), "p", "1"); !errors.Is(err, ErrWrongPassphrase) || len(wrong.asked) != attempts {
		t.Errorf("Session: %v, %d questions", err, len(wrong.asked))
	}
}

// Nothing is decided by a store that this machine does not know.
func TestViewTrusts(t *testing.T) {
	s, other := newStore(t), newStore(t)
	mustSetKey(t, other, "p", exampleKey)
	removeAll(t, s.opts.Dir)
	_, err := s.View().KeyInfo("p")
	wantErr[*TrustError](t, err)
	if err := os.Rename(other.opts.Dir, s.opts.Dir); err != nil {
		t.Fatal(err)
	}
	_, err = s.View().KeyInfo("p")
	wantErr[*TrustError](t, err)
	v := s.View()
	v.KeyInfo("p")
	if _, _, err := v.Session(t.Context(), "p", "1"); err == nil {
		t.Error("a session of another store")
	}
}
