package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	keychain "github.com/99designs/go-keychain"
)

// What the real library and fob make of what the keychain of macOS does.
func TestFakeKeychain(t *testing.T) {
	item, other := someItem(), ItemName("00000000000000000000000000000000", 1)
	const payload = "the payload"
	stored := map[string][]byte{item: []byte(payload)}
	locked := func(reason, fix string, declined bool) error {
		e := &LockedError{Slot: "keychain", Reason: reason, Fix: fix, Declined: declined}
		if fix == allowAlways {
			e.Fix, e.Advice = "", fix
		}
		return e
	}
	lost := &LostError{"keychain", item}
	const isLocked, upgraded = "the login keychain is locked", "macOS wants to ask whether this fob may read its item, as it does after an upgrade"
	for name, row := range map[string]struct {
		state  keychain.State
		op     Op
		prompt bool
		want   error
		asked  int
		items  int
	}{
		"open":                        {keychain.State{Items: stored}, Get, false, nil, 0, 1},
		"open, may ask":               {keychain.State{Items: stored}, Get, true, nil, 0, 1},
		"none":                        {keychain.State{}, Get, false, lost, 0, 0},
		"none, may ask":               {keychain.State{}, Get, true, lost, 0, 0},
		"another":                     {keychain.State{Items: map[string][]byte{other: nil}}, Get, false, lost, 0, 1},
		"locked":                      {keychain.State{Locked: true, Items: stored}, Get, false, locked(isLocked, unlockKeychain, false), 0, 1},
		"locked, none":                {keychain.State{Locked: true}, Get, false, locked(isLocked, unlockKeychain, false), 0, 0},
		"locked, unlocked":            {keychain.State{Locked: true, Answer: "allow", Items: stored}, Get, true, nil, 1, 1},
		"locked, cancelled":           {keychain.State{Locked: true, Answer: "deny", Items: stored}, Get, true, locked("the login keychain was not unlocked", unlockKeychain, true), 1, 1},
		"upgraded":                    {keychain.State{Foreign: true, Items: stored}, Get, false, locked(upgraded, allowAlways, false), 0, 1},
		"upgraded, allowed":           {keychain.State{Foreign: true, Answer: "allow", Items: stored}, Get, true, nil, 1, 1},
		"upgraded, denied":            {keychain.State{Foreign: true, Answer: "deny", Items: stored}, Get, true, locked("fob was not allowed to read its item", "", true), 1, 1},
		"set":                         {keychain.State{}, Set, false, nil, 0, 1},
		"set beside another":          {keychain.State{Items: map[string][]byte{other: nil}}, Set, false, nil, 0, 2},
		"set again":                   {keychain.State{Items: stored}, Set, false, &Error{Backend: "keychain", Reason: `it already has an item "` + item + `"`}, 0, 1},
		"set, locked":                 {keychain.State{Locked: true}, Set, false, locked(isLocked, unlockKeychain, false), 0, 0},
		"set, unlocked":               {keychain.State{Locked: true, Answer: "allow"}, Set, true, nil, 1, 1},
		"set, cancelled":              {keychain.State{Locked: true, Answer: "deny"}, Set, true, locked("the login keychain was not unlocked", unlockKeychain, true), 1, 0},
		"set again after an upgrade":  {keychain.State{Foreign: true, Items: stored}, Set, false, locked(upgraded, allowAlways, false), 0, 1},
		"removed":                     {keychain.State{Items: stored}, Remove, false, nil, 0, 0},
		"removed, none":               {keychain.State{}, Remove, false, nil, 0, 0},
		"removed, locked":             {keychain.State{Locked: true, Items: stored}, Remove, false, locked(isLocked, unlockKeychain, false), 0, 1},
		"removed, another's, may ask": {keychain.State{Foreign: true, Items: stored}, Remove, true, nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFake(t, row.state)
			r := Request{Op: row.op, Item: item, Prompt: row.prompt}
			if row.op == Set {
				r.Payload = payload
			}
			got, err := backendOf(t, "keychain").Do(t.Context(), w, r)
			if (err == nil) != (row.want == nil) || err != nil && err.Error() != row.want.Error() {
				t.Errorf("%v, want %v", err, row.want)
			}
			var have, want *LockedError
			if errors.As(row.want, &want) && (!errors.As(err, &have) || *have != *want) {
				t.Errorf("%+v, want %+v", have, want)
			}
			if wanted := map[bool]string{true: payload}[row.op == Get && row.want == nil]; got != wanted {
				t.Errorf("%q, want %q", got, wanted)
			}
			if s := keychain.Load(); s.Asked != row.asked || len(s.Items) != row.items || row.items > 0 && row.op != Set && s.Items[other] == nil && string(s.Items[item]) != payload && s.Items[item] != nil {
				t.Errorf("%+v", s)
			}
		})
	}
}

// newFake makes a keychain.
func newFake(t *testing.T, s keychain.State) World {
	t.Setenv("HOME", t.TempDir())
	items := map[string][]byte{}
	for name, data := range s.Items {
		items[name] = data
	}
	s.Items = items
	s.Save()
	return World{Getenv: os.Getenv, Display: true}
}

// A window that nobody answers ends with the caller's patience, and so does the child.
func TestFakeKeychainHangs(t *testing.T) {
	w := newFake(t, keychain.State{Locked: true, Items: map[string][]byte{someItem(): nil}})
	waiting := make(chan string, 2)
	w.Waiting = func(kind string, asks bool) func() {
		waiting <- fmt.Sprint(kind, asks)
		return func() { waiting <- "done" }
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	started := time.Now()
	_, err := backendOf(t, "keychain").Do(ctx, w, Request{Op: Get, Item: someItem(), Prompt: true})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(started))
	}
	if kind := <-waiting; kind != "keychaintrue" || <-waiting != "done" || keychain.Load().Asked != 1 {
		t.Errorf("waiting for %s, %+v", kind, keychain.Load())
	}
}

// A look at the keychain opens no window.
func TestFakeKeychainState(t *testing.T) {
	for _, row := range []struct {
		locked, display bool
		want            State
	}{
		{false, false, State{Ready: true, Reason: "the login keychain is unlocked"}},
		{true, true, State{Ready: true, Reason: "the login keychain is locked", Fix: unlockKeychain}},
		{true, false, State{Reason: "the login keychain is locked", Fix: unlockKeychain}},
	} {
		w := newFake(t, keychain.State{Locked: row.locked})
		w.Display = row.display
		if got := backendOf(t, "keychain").State(t.Context(), w); got != row.want || keychain.Load().Asked != 0 {
			t.Errorf("%+v: %+v", row, got)
		}
	}
}

// What another program keeps in a keychain of its own is listed without a window, and read
// with one.
func TestFakeKeychainOfOthers(t *testing.T) {
	const key = `{"AccessKeyID":"AKIAIOSFODNN7EXAMPLE"}`
	others := map[string]map[string][]byte{"theirs.keychain": {"them dev": []byte(key), "them prod": nil, "else dev": nil}}
	f := Foreign{Place: "theirs", Folder: "them"}
	const refused, wanted = `fob was not allowed to read "dev"`, `macOS wants to ask whether fob may read "dev"`
	for name, row := range map[string]struct {
		state  keychain.State
		item   string
		prompt bool
		want   string // of the error
		asked  int
	}{
		"may not ask":       {keychain.State{Foreign: true}, "dev", false, wanted, 0},
		"locked":            {keychain.State{Locked: true}, "dev", false, wanted, 0},
		"allowed":           {keychain.State{Foreign: true, Answer: "allow"}, "dev", true, "", 1},
		"denied":            {keychain.State{Foreign: true, Answer: "deny"}, "dev", true, refused, 1},
		"unlocked, allowed": {keychain.State{Locked: true, Foreign: true, Answer: "allow"}, "dev", true, "", 2},
		"none":              {keychain.State{}, "other", true, `it has no item "other"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			row.state.Others = others
			w, b := newFake(t, row.state), backendOf(t, "keychain")
			names, err := b.Names(t.Context(), w, f, nil, false)
			if err != nil || fmt.Sprint(names) != "[dev prod]" || keychain.Load().Asked != 0 {
				t.Errorf("%q, %v", names, err)
			}
			_, data, err := b.Item(t.Context(), w, f, row.item, row.prompt)
			var locked *LockedError
			reason := ""
			if errors.As(err, &locked) {
				reason = locked.Reason
			} else if err != nil {
				reason = wantErr[*Error](t, err).Reason
			}
			if reason != row.want || row.want == "" && data.Reveal() != key || keychain.Load().Asked != row.asked {
				t.Errorf("%q, %v", reason, keychain.Load())
			}
		})
	}
	w := newFake(t, keychain.State{Others: others})
	if names, err := backendOf(t, "keychain").Names(t.Context(), w, Foreign{Place: "none", Folder: "them"}, nil, false); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
}
