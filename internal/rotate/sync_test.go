package rotate

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// A program that synchronizes the store brings one file after the other. These tests have a
// machine whose journal and keys are of two times, in all pairs, while AWS and the other
// machine are at a third.

// moment is a store and AWS at one time.
type moment struct {
	*world
	after string // this operation
}

// history is each moment of some runs, in order.
func history(runs func(*world)) (all []moment) {
	w := newWorld()
	w.lag = true // nothing else tells who has used a key
	w.watch = func(op string) { all = append(all, moment{w.deep(), op}) }
	all = append(all, moment{w.deep(), "the beginning"})
	runs(w)
	return all
}

// stores are the moments at which the store was changed, by what it has.
func stores(all []moment) (changed []int) {
	last := ""
	for i, m := range all {
		if now := fmt.Sprint(m.info.Rev, m.rev("dev"), m.rev("copy")); now != last {
			changed, last = append(changed, i), now
		}
	}
	return changed
}

// sync is what both machines have when every file has arrived: of each, the newer one. One
// that both have changed stays beside the other as a conflicted copy, and one that a machine
// has removed and the other has changed stays.
func sync(mine, theirs, before *world) (merged *world, copies []creds.Key) {
	merged = mine.deep()
	for profile := range mine.stored {
		if written(theirs, profile) {
			if before.rev(profile) != mine.rev(profile) {
				copies = append(copies, mine.stored[profile])
			}
			merged.stored[profile] = theirs.stored[profile]
		}
	}
	wrote := theirs.info.Rev != before.info.Rev
	switch {
	case !wrote:
	case before.info.Rev == mine.info.Rev:
		merged.journal, merged.info = theirs.journal, theirs.info
	case theirs.journal != nil:
		if mine.journal != nil {
			copies = append(copies, mine.journal.Old, mine.journal.New)
		}
		merged.journal, merged.info = theirs.journal, theirs.info
	}
	return merged, copies
}

func written(w *world, profile string) bool {
	for _, p := range w.wrote {
		if p == profile {
			return true
		}
	}
	return false
}

// secrets are all that a store has.
func (w *world) secrets() (all []creds.Key) {
	for key := range maps.Values(w.stored) {
		all = append(all, key)
	}
	if w.journal != nil {
		all = append(all, w.journal.Old, w.journal.New)
	}
	return all
}

// works reports whether AWS accepts one of some keys of the user whose key is rotated.
func (w *world) works(keys ...creds.Key) bool {
	for _, k := range keys {
		if at := w.keys[k.ID]; at != nil && at.active && at.secret == k.Secret.Reveal() {
			return true
		}
	}
	return false
}

// After any command on a store that is half-way between two times, and when everything has
// arrived, each active key has a stored secret or was named, and some stored key works.
func TestHalfSynced(t *testing.T) {
	kill := func(op string) func(*world) {
		return func(w *world) {
			for n := 1; n < 60; n++ {
				probe := w.deep()
				if _, _ = probe.run(t.Context(), Wish{}, n, killBefore); len(probe.names) >= n && probe.names[n-1] == op {
					_, _ = w.run(t.Context(), Wish{}, n, killBefore)
					return
				}
			}
			t.Fatalf("there is no %q", op)
		}
	}
	run := func(wish Wish) func(*world) {
		return func(w *world) { _, _ = w.run(t.Context(), wish, 0, "") }
	}
	cases := 0
	for name, steps := range map[string][]func(*world){
		"a rotation":                 {run(Wish{})},
		"one that keeps the old key": {run(Wish{KeepOld: true}), run(Wish{})},
		"two rotations":              {run(Wish{}), run(Wish{})},
		"back at once":               {kill("store dev"), run(Wish{Back: true})},
		"back at the end":            {run(Wish{KeepOld: true}), run(Wish{Back: true})},
		"back after half a switch":   {kill("store copy"), run(Wish{Back: true})},
	} {
		all := history(func(w *world) {
			for _, step := range steps {
				step(w)
				w.now = w.now.Add(time.Hour)
			}
		})
		changed := stores(all)
		for m, now := range all {
			for _, i := range changed {
				for _, j := range changed {
					if i > m || j > m {
						continue
					}
					for _, wish := range []Wish{{}, {Back: true}, {Scheduled: true, MaxAge: time.Minute}} {
						for _, agrees := range []bool{false, true} {
							mine, theirs := now.deep(), all[j].deep()
							theirs.keys, theirs.now, theirs.made = mine.keys, mine.now, mine.made
							theirs.journal, theirs.info = all[i].deep().journal, all[i].info
							theirs.revs, theirs.machine, theirs.agrees, theirs.wrote = 1000, "there", agrees, nil
							theirs.settle(time.Hour)
							where := fmt.Sprintf("%s: here after %q, there the journal after %q, the keys after %q; %+v, agrees: %v", name, now.after, all[i].after, all[j].after, wish, agrees)
							halfSynced(t, where, mine, theirs, wish)
							if cases++; t.Failed() {
								return
							}
						}
					}
				}
			}
		}
	}
	if cases < 5_000 {
		t.Errorf("only %d cases", cases)
	}
}

func halfSynced(t *testing.T, where string, mine, theirs *world, wish Wish) {
	before := theirs.deep()
	named := ""
	r := theirs.rotator()
	r.Done = func(a Action, r creds.Rotation, other string) { named += fmt.Sprint(a, r.Old.ID, r.New.ID, other) }
	had := theirs.works(append(mine.secrets(), before.secrets()...)...)
	result, err := r.Run(t.Context(), wish)
	named += fmt.Sprint(result.Left, result.PerhapsLost, err, theirs.asked)
	if result.Unseen {
		named += "AWS may have created another key"
	}
	merged, copies := sync(mine, theirs, before)
	merged.keys = theirs.keys
	stored := append(merged.secrets(), copies...)
	for id, k := range merged.keys {
		held := merged.journal != nil && merged.journal.Step == Began && !k.created.Before(merged.journal.Began.Add(-lostSlack))
		for _, s := range stored {
			held = held || s.ID == id && s.Secret.Reveal() == k.secret
		}
		if k.active && !held && !strings.Contains(named, id) && !result.Unseen {
			t.Errorf("%s: %v, %v: nobody knows of %s", where, result.Last, err, id)
		}
	}
	if had && !merged.works(stored...) {
		t.Errorf("%s: %v, %v: no stored key works; did %q", where, result.Last, err, theirs.names)
	}
}
