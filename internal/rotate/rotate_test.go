package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/iam"
	"fob/keyring"
)

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }

// over fails unless a rotation is over: both profiles have the one key that AWS has.
func (w *world) over(t *testing.T, where, want string) {
	t.Helper()
	w.check(t, where, nil)
	if len(w.keys) != 1 || w.journal != nil || w.stored["dev"].ID != w.stored["copy"].ID {
		t.Errorf("%s: %d keys in AWS, journal %v, dev has %s and copy %s", where, len(w.keys), w.journal, w.stored["dev"].ID, w.stored["copy"].ID)
	}
	if got := w.stored["dev"].ID; want == "old" && got != "AKIAOLD" || want == "new" && !strings.HasPrefix(got, "AKIANEW") {
		t.Errorf("%s: dev has %s, want the %s one", where, got, want)
	}
}

// The order of a rotation. What is written before what is the whole point.
func TestRotate(t *testing.T) {
	w := newWorld()
	w.delay = 3
	result, err := w.run(t.Context(), Wish{}, 0, "")
	if err != nil || result.Last != Finish {
		t.Fatal(result, err)
	}
	w.over(t, "at the end", "new")
	var got []string
	for _, op := range w.names {
		if !strings.HasPrefix(op, "read") {
			got = append(got, op)
		}
	}
	want := []string{
		"identity of AKIAOLD", "list", "last use", "journal began", "create", "journal created",
		"identity of AKIANEW1", "identity of AKIANEW1", "identity of AKIANEW1", "identity of AKIANEW1",
		"store dev", "store copy", "journal switched", "deactivate", "journal deactivated", "delete", "retire", "forget",
	}
	if !slices.Equal(got, want) {
		t.Errorf("did %q,\nwant %q", got, want)
	}
	if w.retired["AKIAOLD"] != retiredAs || !w.created["dev"].Equal(w.keys["AKIANEW1"].created) {
		t.Errorf("retired %v; the store says that the key was created at %v", w.retired, w.created["dev"])
	}
}

// Wherever a run is killed, or a call or a write fails, no key is lost, and the next runs
// finish: they continue, or they go back. The second run has its own trouble at every place,
// at once or when AWS has long settled.
func TestTroubleAnywhere(t *testing.T) {
	troubles := []string{killBefore, killAfter, fails, lostAnswer, refuses}
	runs := 0
	for _, settings := range []func(*world){
		func(*world) {},
		func(w *world) { w.delay, w.lag = 2, true },
		func(w *world) { w.needMFA = []string{"create", "deactivate", "activate", "delete", "last use"} },
	} {
		for _, first := range troubles {
			for n := 1; ; n++ {
				start := newWorld()
				settings(start)
				start.watch = func(op string) {
					// Even while a run is on its way, the profiles' keys work.
					for _, profile := range []string{"dev", "copy"} {
						if k := start.keys[start.stored[profile].ID]; k == nil || !k.active {
							t.Errorf("after %s (%s at %d): AWS does not accept the key of %s", op, first, n, profile)
						}
					}
				}
				_, err := start.run(t.Context(), Wish{}, n, first)
				if start.ops < n {
					break
				}
				start.check(t, fmt.Sprintf("%s at %d", first, n), err)
				start.watch = nil
				for _, back := range []bool{false, true} {
					for _, second := range troubles {
						for _, later := range []time.Duration{0, 3 * answerTime} {
							for m := 1; ; m++ {
								w := start.deep()
								where := fmt.Sprintf("%s at %d, then %v later with back=%v %s at %d", first, n, later, back, second, m)
								w.settle(later)
								result, err := w.run(t.Context(), Wish{Back: back}, m, second)
								past := w.ops < m
								delete(w.keys, result.PerhapsLost) // as a person does who was told
								w.check(t, where, err)
								w.finish(t, where)
								if runs++; past || t.Failed() {
									break
								}
							}
						}
					}
				}
				if t.Failed() {
					return
				}
			}
		}
	}
	if runs < 20_000 {
		t.Errorf("only %d runs", runs)
	}
}

// deep is a copy of the store and of AWS.
func (w *world) deep() *world {
	c := w.clone()
	c.keys = map[string]*awsKey{}
	for id, k := range w.keys {
		copied := *k
		c.keys[id] = &copied
	}
	if w.journal != nil {
		copied := *w.journal
		c.journal = &copied
	}
	return c
}

// finish runs fob rotate until there is no journal, as a person does.
func (w *world) finish(t *testing.T, where string) {
	t.Helper()
	for range 3 {
		if w.journal == nil && len(w.keys) == 1 {
			break
		}
		if _, err := w.run(context.Background(), Wish{}, 0, ""); err != nil {
			t.Errorf("%s, then undisturbed: %v", where, err)
		}
		w.check(t, where+", then undisturbed", nil)
	}
	w.over(t, where+", in the end", "")
}

// A rotation that is interrupted before an action stops there, and says so.
func TestInterrupted(t *testing.T) {
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	w.watch = func(op string) {
		if op == "create" {
			cancel()
		}
	}
	_, err := w.run(ctx, Wish{}, 0, "")
	stopped, ok := errors.AsType[*StoppedError](err)
	if !ok || !errors.Is(err, context.Canceled) || stopped.Rotation.Step != Created || stopped.Rotation.New.ID != "AKIANEW1" {
		t.Fatalf("%v", err)
	}
	w.watch = nil
	w.check(t, "after Ctrl-C", err)
	w.finish(t, "after Ctrl-C")
}

// --abort from every step, undisturbed. Where AWS has no old key any more, it refuses and
// changes nothing.
func TestAbort(t *testing.T) {
	for n := 1; ; n++ {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, n, killBefore)
		if w.ops < n {
			break
		}
		before, old := w.deep(), w.keys["AKIAOLD"]
		result, err := w.run(t.Context(), Wish{Back: true}, 0, "")
		where := fmt.Sprintf("killed at %d (%s)", n, w.names)
		switch {
		case before.journal == nil:
			if e, ok := errors.AsType[*StateError](err); !ok || e.Action != Nothing {
				t.Errorf("%s: %v", where, err)
			}
		case old == nil:
			if e, ok := errors.AsType[*StateError](err); !ok || e.Action != OldGone || w.journal == nil {
				t.Errorf("%s: %v", where, err)
			}
			w.finish(t, where)
		case err != nil || result.Last != Forget:
			t.Errorf("%s: %v, %v", where, result.Last, err)
		default:
			w.over(t, where, "old")
			if before.journal.Step != Began && w.waited != before.waited {
				t.Errorf("%s: waited for %v", where, w.waited-before.waited)
			}
		}
	}
}

// A machine whose copy of the store is behind does no harm, whether it rotates or goes
// back: the other one, which continues after that, still has a key that works, or gets one.
// And as long as it has no new key itself, it breaks none that works.
func TestStaleStore(t *testing.T) {
	for n := 1; ; n++ {
		for m := n; ; m++ {
			mine := newWorld()
			mine.lag = true
			var stale *world
			mine.watch = func(string) {
				if mine.ops == n {
					stale = mine.clone()
				}
			}
			_, _ = mine.run(t.Context(), Wish{}, m, killBefore)
			if mine.ops < m {
				break
			}
			mine.watch = nil
			for _, back := range []bool{false, true} {
				mine, stale := mine.deep(), stale.clone()
				stale.keys, stale.machine = mine.keys, "there"
				early := stale.journal == nil || stale.journal.Step == Began
				where := fmt.Sprintf("stale since %d, the other one at %d, back=%v", n, m, back)
				works := func(k creds.Key) bool { return mine.keys[k.ID] != nil && mine.keys[k.ID].active }
				before := works(mine.stored["dev"])
				_, _ = stale.run(t.Context(), Wish{Back: back}, 0, "")
				if before && early && mine.made > 0 && !works(mine.stored["dev"]) {
					t.Errorf("%s: the key of the other machine no longer works", where)
				}
				if !works(mine.stored["dev"]) && !works(stale.stored["dev"]) && (mine.journal == nil || !works(mine.journal.Old) && !works(mine.journal.New)) {
					t.Errorf("%s: no store has a key that works", where)
				}
			}
		}
		w := newWorld()
		if _, _ = w.run(t.Context(), Wish{}, n, killBefore); w.ops < n {
			return
		}
	}
}

// A key that AWS created although the answer was lost is deleted, and fob asks again; but
// a key that somebody uses, or that is older or younger than that, is not touched.
func TestLostKey(t *testing.T) {
	w := newWorld()
	created := slices.Index(operations(t), "create") + 1
	if _, err := w.run(t.Context(), Wish{}, created, lostAnswer); err != nil {
		t.Fatal(err)
	}
	w.over(t, "after a lost answer", "new")
	if w.made != 2 {
		t.Errorf("%d keys were made", w.made)
	}
	for name, row := range map[string]struct {
		at      time.Duration
		use     creds.KeyUse
		deny    string
		perhaps bool
	}{
		"used":              {time.Second, creds.KeyUse{At: w.now, Service: "s3"}, "", false},
		"older":             {-10 * time.Second, creds.KeyUse{}, "", false},
		"younger":           {3 * time.Minute, creds.KeyUse{}, "", false},
		"who knows if used": {time.Second, creds.KeyUse{}, "last use", true},
	} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, created, killBefore)
		w.keys["AKIASTRANGE"] = &awsKey{secret: "x", active: true, created: w.now.Add(row.at), use: row.use}
		w.now = w.now.Add(time.Hour)
		w.deny = []string{row.deny}
		_, err := w.run(t.Context(), Wish{}, 0, "")
		full, ok := errors.AsType[*FullError](err)
		if !ok || len(full.Keys) != 2 || full.Keys[1].PerhapsLost != row.perhaps || w.keys["AKIASTRANGE"] == nil || w.journal == nil {
			t.Errorf("%s: %v", name, err)
		}
		result, err := w.run(t.Context(), Wish{Back: true}, 0, "")
		if err != nil || result.Last != Forget || (result.PerhapsLost == "AKIASTRANGE") != row.perhaps || w.keys["AKIASTRANGE"] == nil {
			t.Errorf("%s, going back: %+v, %v", name, result, err)
		}
	}
}

// What AWS does not say about a key is not taken for an answer: the run stops, and the next
// one finds out.
func TestNoAnswerAboutUse(t *testing.T) {
	created := slices.Index(operations(t), "create") + 1
	for _, back := range []bool{false, true} {
		for _, trouble := range []string{fails, lostAnswer} {
			w := newWorld()
			_, _ = w.run(t.Context(), Wish{}, created, killAfter)
			w.settle(time.Hour)
			probe := w.deep()
			_, _ = probe.run(t.Context(), Wish{Back: back}, 0, "")
			n := slices.Index(probe.names, "last use") + 1
			_, err := w.run(t.Context(), Wish{Back: back}, n, trouble)
			if err == nil || w.journal == nil || len(w.keys) != 2 {
				t.Errorf("back: %v, %s: %v, journal %+v, %d keys", back, trouble, err, w.journal, len(w.keys))
			}
			if _, err := w.run(t.Context(), Wish{Back: back}, 0, ""); err != nil {
				t.Error(err)
			}
			w.over(t, fmt.Sprintf("back: %v, %s", back, trouble), "")
		}
	}
	// Before it begins, it is the old key's use, which tells whether that is deleted.
	w := newWorld()
	if _, err := w.run(t.Context(), Wish{}, slices.Index(operations(t), "last use")+1, fails); err == nil || w.journal != nil || w.made != 0 {
		t.Errorf("%v, journal %+v", err, w.journal)
	}
}

// Where AWS no longer accepts the old key, nothing can be listed, and the way back says so
// if there may be a lost key.
func TestLostKeyIsNotSeen(t *testing.T) {
	for op, unseen := range map[string]bool{"create": true, "identity of AKIANEW1": false} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), op)+1, killAfter)
		w.keys["AKIAOLD"].active = false
		result, err := w.run(t.Context(), Wish{Back: true}, 0, "")
		if result.Unseen != unseen || unseen && err != nil {
			t.Errorf("%s: %+v, %v", op, result, err)
		}
	}
}

// A key that another machine asked for is lost only if a person says so: that machine may
// have got the answer.
func TestLostKeyOfAnotherMachine(t *testing.T) {
	created := slices.Index(operations(t), "create") + 1
	for _, row := range []struct {
		machine       string
		asks, deletes bool
	}{{"here", false, true}, {"there", true, false}, {"there", true, true}, {"", true, false}} {
		for _, back := range []bool{false, true} {
			w := newWorld()
			_, _ = w.run(t.Context(), Wish{}, created, killAfter)
			w.settle(time.Hour)
			w.machine, w.agrees = row.machine, row.deletes
			_, err := w.run(t.Context(), Wish{Back: back}, 0, "")
			where := fmt.Sprintf("%+v, back: %v", row, back)
			e, elsewhere := errors.AsType[*ElsewhereError](err)
			switch {
			case len(w.asked) > 0 != row.asks:
				t.Errorf("%s: asked about %q", where, w.asked)
			case row.deletes && err == nil:
				w.over(t, where, "")
			case row.deletes || !elsewhere || e.KeyID != "AKIANEW1" || w.keys["AKIANEW1"] == nil || w.journal == nil:
				t.Errorf("%s: %v", where, err)
			}
		}
	}
}

// settle is what time does to AWS: every key is known and listed everywhere.
func (w *world) settle(d time.Duration) {
	w.now = w.now.Add(d)
	for _, k := range w.keys {
		if d > 0 {
			k.unknown, k.hidden = 0, 0
		}
	}
}

// operations are those of an undisturbed rotation.
func operations(t *testing.T) []string {
	w := newWorld()
	if _, err := w.run(t.Context(), Wish{}, 0, ""); err != nil {
		t.Fatal(err)
	}
	return w.names
}

// Nothing is left of a rotation that AWS does not allow.
func TestNotAllowed(t *testing.T) {
	for action, left := range map[string]string{"list": "", "create": "", "deactivate": Switched, "delete": Deactivated} {
		w := newWorld()
		w.deny, w.noDevice = []string{action}, true
		_, err := w.run(t.Context(), Wish{}, 0, "")
		if !iam.Refused(err, iam.Denied) {
			t.Errorf("%s: %v", action, err)
		}
		step := ""
		if w.journal != nil {
			step = w.journal.Step
		}
		if step != left {
			t.Errorf("%s is denied: the journal says %q, want %q", action, step, left)
		}
		w.check(t, action, err)
		// An administrator does it, or allows it.
		w.deny = nil
		w.finish(t, action)
	}
	// When it was last used is only good to know. But where nobody knows, the old key is
	// left, and a later run deletes it.
	for _, row := range []struct {
		deny, needMFA []string
		want          Action
	}{
		{[]string{"last use"}, nil, Leave}, {[]string{"last use"}, []string{"create"}, Leave},
		{nil, []string{"last use"}, Leave}, {nil, []string{"last use", "create"}, Finish},
	} {
		w := newWorld()
		w.deny, w.needMFA = row.deny, row.needMFA
		result, err := w.run(t.Context(), Wish{}, 0, "")
		if err != nil || result.Last != row.want || result.Rotation.UseUnknown != (row.want == Leave) {
			t.Errorf("%+v: %+v, %v", row, result, err)
		}
		if result, err := w.run(t.Context(), Wish{}, 0, ""); row.want == Leave && (err != nil || result.Last != Finish) {
			t.Errorf("%+v, then: %+v, %v", row, result, err)
		}
	}
}

// Two keys: an inactive one is deleted if that is allowed, an active one never is.
func TestTwoKeys(t *testing.T) {
	for _, row := range []struct{ active, allowed, done bool }{{false, false, false}, {false, true, true}, {true, true, false}} {
		w := newWorld()
		w.keys["AKIASECOND"] = &awsKey{secret: "x", active: row.active, created: w.now.AddDate(0, -3, 0), use: creds.KeyUse{At: w.now.AddDate(0, -1, 0), Service: "s3"}}
		r := w.rotator()
		var asked []KnownKey
		r.MayDrop = func(_ context.Context, k KnownKey) (bool, error) { asked = append(asked, k); return row.allowed, nil }
		_, err := r.Run(t.Context(), Wish{})
		full, isFull := errors.AsType[*FullError](err)
		if row.done != (err == nil) || isFull == row.done || row.active == (len(asked) > 0) {
			t.Errorf("%+v: %v, asked about %v", row, err, asked)
		}
		if isFull && (len(full.Keys) != 2 || full.Keys[1].Service != "s3" || full.KeyID != "AKIAOLD" || w.journal != nil || w.made != 0) {
			t.Errorf("%+v: %+v", row, full)
		}
	}
}

// When the old key is left, and when it goes.
func TestOldKeyStays(t *testing.T) {
	busy := func(service string, ago time.Duration) func(*world) {
		return func(w *world) {
			w.lag = true
			w.keys["AKIAOLD"].use = creds.KeyUse{At: w.now.Add(-ago), Service: service, Region: "eu-west-1"}
		}
	}
	stopped := func(w *world) {
		_, _ = w.run(context.Background(), Wish{}, slices.Index(operations(t), "deactivate")+1, killBefore)
	}
	kept := func(w *world) { _, _ = w.rotator().Run(context.Background(), Wish{KeepOld: true}) }
	later := func(d time.Duration, settings ...func(*world)) func(*world) {
		return func(w *world) {
			for _, set := range settings {
				set(w)
			}
			w.now = w.now.Add(d)
		}
	}
	const day = 24 * time.Hour
	for _, row := range []struct {
		name     string
		settings func(*world)
		wish     Wish
		last     Action
		made     int
		keys     int
	}{
		{"nobody else uses it", busy("sts", time.Hour), Wish{}, Finish, 1, 1},
		{"something uses it", busy("s3", time.Hour), Wish{}, Leave, 1, 2},
		{"something used it long ago", busy("s3", 40*day), Wish{}, Finish, 1, 1},
		{"it is to be kept", func(*world) {}, Wish{KeepOld: true}, Leave, 1, 2},
		{"it was kept, and a person says it again", kept, Wish{KeepOld: true}, Leave, 1, 2},
		{"it was kept, and a person rotates again", kept, Wish{}, Finish, 1, 1},
		{"it was kept, and a person rotates again when the new key is old", later(90*day, kept), Wish{}, Finish, 2, 1},
		{"it was kept, and a person says it again when the new key is old", later(90*day, kept), Wish{KeepOld: true}, Leave, 2, 2},
		{"it was kept, and everything is rotated soon", later(time.Hour, kept), Wish{Scheduled: true}, Leave, 1, 2},
		{"it was kept, and everything is rotated later", later(25*time.Hour, kept), Wish{Scheduled: true}, Finish, 2, 1},
		{"it was kept, and a schedule rotates", later(10*day, kept), Wish{Scheduled: true, MaxAge: 90 * day}, Leave, 1, 2},
		{"it was kept, and the new key is due", later(91*day, kept), Wish{Scheduled: true, MaxAge: 90 * day}, Finish, 2, 1},
		{"it was kept, the new key is due, the next old one is kept", later(91*day, kept), Wish{Scheduled: true, KeepOld: true, MaxAge: 90 * day}, Leave, 2, 2},
		{"something uses it, and a schedule rotates soon", later(time.Hour, busy("s3", time.Hour), func(w *world) { _, _ = w.rotator().Run(context.Background(), Wish{}) }), Wish{Scheduled: true}, Leave, 1, 2},
		{"something uses it, and a schedule rotates later", later(25*time.Hour, busy("s3", time.Hour), func(w *world) { _, _ = w.rotator().Run(context.Background(), Wish{}) }), Wish{Scheduled: true}, Finish, 2, 1},
		{"something uses it, and the new key is due within a day", later(2*time.Hour, busy("s3", time.Hour), func(w *world) { _, _ = w.rotator().Run(context.Background(), Wish{}) }), Wish{Scheduled: true, MaxAge: time.Hour}, Leave, 1, 2},
		{"something uses it, and a schedule finishes when the new key is due", later(91*day, busy("s3", time.Hour), stopped), Wish{Scheduled: true, MaxAge: 90 * day}, Leave, 1, 2},
		{"the key is young enough", func(*world) {}, Wish{MaxAge: 200 * day}, NotDue, 0, 1},
		{"the key is too old", func(*world) {}, Wish{MaxAge: 132 * day}, Finish, 1, 1},
	} {
		w := newWorld()
		row.settings(w)
		result, err := w.run(t.Context(), row.wish, 0, "")
		if err != nil || result.Last != row.last || w.made != row.made || len(w.keys) != row.keys {
			t.Errorf("%s: %v, %v; %d made, %d in AWS", row.name, result.Last, err, w.made, len(w.keys))
		}
		w.check(t, row.name, nil)
	}
}

// Wherever a run stops, the next one knows that something else uses the old key, although
// AWS now says only that fob has used it; and the one after that deletes it.
func TestUseIsRemembered(t *testing.T) {
	busy := func() *world {
		w := newWorld()
		w.lag = true
		w.keys["AKIAOLD"].use = creds.KeyUse{At: w.now.Add(-2 * time.Hour), Service: "s3", Region: "eu-west-1"}
		return w
	}
	stays := func(t *testing.T, w *world, where string) {
		t.Helper()
		w.lag = w.journal == nil
		result, err := w.run(t.Context(), Wish{}, 0, "")
		if old := w.keys["AKIAOLD"]; err != nil || result.Last != Leave || result.Rotation.Used.Service != "s3" || result.Rotation.Left || old == nil || old.active {
			t.Errorf("%s: %+v, %v; the old key: %+v", where, result, err, old)
		}
		w.check(t, where, nil)
		if result, err := w.run(t.Context(), Wish{}, 0, ""); err != nil || result.Last != Finish || !result.Rotation.Left {
			t.Errorf("%s, then: %+v, %v", where, result, err)
		}
		w.over(t, where+", then", "new")
	}
	for n := 1; ; n++ {
		w := busy()
		if _, _ = w.run(t.Context(), Wish{}, n, killBefore); w.ops < n {
			break
		}
		stays(t, w, fmt.Sprintf("killed at %d (%s)", n, w.names[n-1]))
	}
	// Ctrl-C while AWS deactivates the key: that was the last step, and the run says so.
	w := busy()
	ctx, cancel := context.WithCancel(t.Context())
	w.watch = func(op string) {
		if op == "deactivate" {
			cancel()
		}
	}
	if result, err := w.run(ctx, Wish{}, 0, ""); err != nil || result.Last != Leave {
		t.Errorf("interrupted: %+v, %v", result, err)
	}
	// Used only while the rotation was waiting to be continued, or activated again because
	// something needs it.
	for _, op := range []string{"deactivate", "delete"} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), op)+1, killBefore)
		w.settle(48 * time.Hour)
		w.keys["AKIAOLD"].active = true
		w.keys["AKIAOLD"].use = creds.KeyUse{At: w.now, Service: "s3"}
		stays(t, w, "used before "+op)
	}
	w = busy()
	_, _ = w.run(t.Context(), Wish{}, 0, "")
	w.keys["AKIAOLD"].active = true
	stays(t, w, "activated again")
}

// A profile that gets one of the two keys while they are exchanged, between two runs or in
// the middle of one, ends with the one that stays.
func TestLateProfile(t *testing.T) {
	for _, back := range []bool{false, true} {
		for _, during := range []bool{false, true} {
			for n := 1; ; n++ {
				w := newWorld()
				_, _ = w.run(t.Context(), Wish{}, n, killBefore)
				if w.ops < n {
					break
				}
				if w.journal == nil || w.journal.New.ID == "" || back && w.keys["AKIAOLD"] == nil {
					continue
				}
				gone := map[bool]creds.Key{false: w.journal.Old, true: w.journal.New}[back]
				for m := 1; ; m++ {
					w := w.deep()
					broke := false
					w.watch = func(op string) {
						if w.ops == m && during {
							w.stored["late"] = gone
						}
						id := w.stored["late"].ID
						broke = broke || op == "delete" && id != "" && w.keys[id] == nil
					}
					if !during {
						w.stored["late"] = gone
					}
					_, err := w.run(t.Context(), Wish{Back: back}, 0, "")
					// Once it has looked for the last time, nothing helps.
					last := max(slices.Index(w.names, "delete"), 0)
					for last > 0 && w.names[last] != "read keys" {
						last--
					}
					if during && m > last {
						break
					}
					if err != nil || broke || w.stored["late"].ID != w.stored["dev"].ID {
						t.Errorf("back: %v, killed at %d, stored at %d: late has %s, dev %s, %v; %q", back, n, m, w.stored["late"].ID, w.stored["dev"].ID, err, w.names)
					}
					if !during {
						break
					}
				}
			}
		}
	}
}

// A schedule's run with nothing to do does not ask AWS, which may want a code for that.
func TestScheduleIsQuiet(t *testing.T) {
	for _, keep := range []bool{false, true} {
		w := newWorld()
		wish := Wish{Scheduled: true, KeepOld: keep, MaxAge: 90 * 24 * time.Hour}
		if _, err := w.run(t.Context(), wish, 0, ""); err != nil || w.made != 1 {
			t.Fatal(err)
		}
		result, err := w.run(t.Context(), wish, 0, "")
		if err != nil || result.Last != map[bool]Action{false: NotDue, true: Leave}[keep] || slices.ContainsFunc(w.names, func(op string) bool { return !strings.HasPrefix(op, "read") }) {
			t.Errorf("keep: %v: %+v, %v; did %q", keep, result, err, w.names)
		}
		w.now = w.now.AddDate(0, 0, 90)
		if _, err := w.run(t.Context(), wish, 0, ""); err != nil || w.made != 2 {
			t.Errorf("keep: %v: %v, %d made", keep, err, w.made)
		}
	}
}

// A schedule's run begins nothing that nobody could finish, because the new key needs a code
// as well; one that was named goes as far as it can.
func TestScheduleNeedsTwoCodes(t *testing.T) {
	for _, action := range []string{"list", "create"} {
		for _, scheduled := range []bool{true, false} {
			w := newWorld()
			w.needMFA, w.nobody = []string{action, "deactivate"}, errors.New("nobody is here")
			_, err := w.run(t.Context(), Wish{Scheduled: scheduled}, 0, "")
			if scheduled && (!errors.Is(err, w.nobody) || w.made != 0 || w.journal != nil) || !scheduled && err != nil {
				t.Errorf("%s, scheduled: %v: %v, %d made, journal %+v", action, scheduled, err, w.made, w.journal)
			}
		}
	}
}

// Only a user's key is rotated.
func TestOwner(t *testing.T) {
	for _, row := range []struct {
		arn  string
		root bool
	}{{"arn:aws:iam::111111111111:root", true}, {"arn:aws:sts::111111111111:federated-user/jo", false}} {
		w := newWorld()
		r := w.rotator()
		r.STS = owned{w, row.arn}
		_, err := r.Run(t.Context(), Wish{})
		if e, ok := errors.AsType[*OwnerError](err); !ok || e.Root != row.root || w.journal != nil {
			t.Errorf("%s: %v", row.arn, err)
		}
	}
}

// A key that is not the user's own is never given to the profiles.
func TestOtherUser(t *testing.T) {
	w := newWorld()
	r := w.rotator()
	_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "journal created")+2, killBefore)
	r.STS = owned{w, "arn:aws:iam::111111111111:user/al"}
	_, err := r.Run(t.Context(), Wish{})
	if _, ok := errors.AsType[*OtherUserError](err); !ok || w.stored["dev"].ID != "AKIAOLD" {
		t.Errorf("%v", err)
	}
}

// A server that is not the AWS which the key was stored for takes any key. The profiles do
// not get one of that server's.
func TestOtherServer(t *testing.T) {
	for account, ok := range map[string]bool{"": true, "111111111111": true, "222222222222": false} {
		w := newWorld()
		w.account = account
		_, err := w.rotator().Run(t.Context(), Wish{})
		_, other := errors.AsType[*OtherUserError](err)
		if ok != (err == nil) || ok == other || !ok && (w.journal != nil || w.made != 0 || w.stored["dev"].ID != "AKIAOLD") {
			t.Errorf("stored for account %q: %v, %d made", account, err, w.made)
		}
	}
}

// A list that is behind does not make a key that has just signed the call a missing one.
func TestListIsBehind(t *testing.T) {
	w := newWorld()
	w.hide = 1
	for range 2 { // the second one lists with the key that the first has made
		if _, err := w.run(t.Context(), Wish{}, 0, ""); err != nil {
			t.Fatal(err)
		}
		w.check(t, "rotated", nil)
	}
	if len(w.keys) != 1 || w.journal != nil {
		t.Errorf("left %v, %v", w.keys, w.journal)
	}
}

// Nor where a policy demands MFA, so that a session has signed: then AWS is asked about the
// key itself.
func TestListIsBehindWithMFA(t *testing.T) {
	w := newWorld()
	w.hide, w.needMFA = 3, []string{"list", "create", "deactivate", "delete"}
	for range 2 {
		if _, err := w.run(t.Context(), Wish{}, 0, ""); err != nil {
			t.Fatal(err)
		}
		w.over(t, "rotated", "new")
	}
}

// A rotation right after another one that is killed leaves no key behind, although AWS
// lists neither of the two yet.
func TestBothListedLate(t *testing.T) {
	for _, back := range []bool{false, true} {
		for n := 1; ; n++ {
			w := newWorld()
			w.hide = 2
			if _, err := w.run(t.Context(), Wish{}, 0, ""); err != nil {
				t.Fatal(err)
			}
			w.hide = 1 // both appear together
			_, _ = w.run(t.Context(), Wish{}, n, killBefore)
			if w.ops < n {
				break
			}
			where, begun := fmt.Sprintf("killed at %d, back: %v", n, back), w.journal != nil
			_, err := w.run(t.Context(), Wish{Back: back}, 0, "")
			if e, ok := errors.AsType[*StateError](err); err != nil && (!back || !ok || begun && e.Action != OldGone) {
				t.Errorf("%s: %v", where, err)
			}
			w.finish(t, where)
		}
	}
}

// A schedule does not take a key for due because AWS does not list it yet.
func TestNewKeyIsNotDue(t *testing.T) {
	w := newWorld()
	w.keys["AKIAOLD"].created, w.keys["AKIAOLD"].hidden = w.now, 1
	result, err := w.run(t.Context(), Wish{Scheduled: true, MaxAge: 90 * 24 * time.Hour}, 0, "")
	if err != nil || result.Last != NotDue || w.made != 0 {
		t.Errorf("%+v, %v", result, err)
	}
}

// A key whose answer was lost is known again however often AWS leaves it out of its lists,
// in the same run and in the next one.
func TestLostKeyIsListedMuchLater(t *testing.T) {
	created := slices.Index(operations(t), "create") + 1
	for hide := range 3 {
		w := newWorld()
		w.hide = hide
		if _, err := w.run(t.Context(), Wish{}, created, lostAnswer); err != nil {
			t.Errorf("left out of %d lists: %v", hide, err)
		}
		w.over(t, fmt.Sprintf("left out of %d lists", hide), "new")
	}
	for hide := range 12 {
		w := newWorld()
		w.hide = hide
		_, err := w.run(t.Context(), Wish{}, created, lostAnswer)
		for range 3 {
			if err == nil {
				break
			}
			w.check(t, "stopped", err)
			w.now = w.now.Add(10 * time.Minute)
			_, err = w.run(t.Context(), Wish{}, 0, "")
		}
		if err != nil {
			t.Errorf("left out of %d lists: %v", hide, err)
		}
		w.over(t, fmt.Sprintf("left out of %d lists", hide), "new")
	}
}

// A key that a colleague creates just before fob asks for one is not a lost one, because AWS
// has answered; and nothing has begun.
func TestSomebodyElsesNewKey(t *testing.T) {
	for hide := range 2 {
		w := newWorld()
		w.watch = func(op string) {
			if op == "journal began" && w.keys["AKIATHEIRS"] == nil {
				w.keys["AKIATHEIRS"] = &awsKey{secret: "x", active: true, created: w.now, hidden: hide}
			}
		}
		_, err := w.run(t.Context(), Wish{}, 0, "")
		if full, ok := errors.AsType[*FullError](err); !ok || len(full.Keys) != 2 || w.keys["AKIATHEIRS"] == nil || w.journal != nil {
			t.Errorf("left out of %d lists: %v, journal %+v", hide, err, w.journal)
		}
	}
}

// A journal of an earlier run stays while there may be a lost key, also where this run may
// not create one; and the key is deleted as soon as AWS lists it.
func TestLostKeyIsListedLate(t *testing.T) {
	var w *world
	for n := 1; w == nil || len(w.keys) == 1; n++ {
		w = newWorld()
		w.hide = 2
		_, _ = w.run(t.Context(), Wish{}, n, killAfter)
	}
	w.deny = []string{"create"}
	if _, err := w.run(t.Context(), Wish{}, 0, ""); !iam.Refused(err, iam.Denied) || w.journal == nil || w.journal.Step != Began {
		t.Errorf("%v, and the journal is %+v", err, w.journal)
	}
	if _, err := w.run(t.Context(), Wish{}, 0, ""); !iam.Refused(err, iam.Denied) || w.keys["AKIANEW1"] != nil || w.journal != nil {
		t.Errorf("%v, %d keys, and the journal is %+v", err, len(w.keys), w.journal)
	}
}

// Another key was stored half-way: fob rotate does not give that up, and --abort ends the
// rotation and names what it leaves, also where AWS accepts neither key any more. It
// deletes neither: nobody knows whether the other key works.
func TestReplaced(t *testing.T) {
	third := creds.Key{ID: "AKIATHIRD", Secret: creds.NewSecret("third")}
	for step, n := range map[string]int{Created: slices.Index(operations(t), "journal created") + 2, Deactivated: slices.Index(operations(t), "delete") + 1} {
		for _, gone := range []bool{false, true} {
			w := newWorld()
			_, _ = w.run(t.Context(), Wish{}, n, killBefore)
			w.stored["dev"], w.stored["copy"] = third, third
			if gone {
				clear(w.keys)
			}
			_, err := w.run(t.Context(), Wish{}, 0, "")
			if e, ok := errors.AsType[*StateError](err); !gone && (!ok || e.Action != Replaced) || err == nil {
				t.Errorf("%s, gone: %v: %v", step, gone, err)
			}
			result, err := w.run(t.Context(), Wish{Back: true}, 0, "")
			want := []string{"AKIAOLD", "AKIANEW1"}
			if err != nil || result.Last != Forget || !slices.Equal(result.Left, want) || !gone && len(w.keys) != 2 || w.stored["dev"].ID != third.ID || w.journal != nil {
				t.Errorf("%s, gone: %v: %+v, %v", step, gone, result, err)
			}
		}
	}
}

// A damaged item of a profile is repaired with whichever key it gets.
func TestDamagedItem(t *testing.T) {
	for _, back := range []bool{false, true} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "journal switched")+2, killBefore)
		w.stored["copy"] = creds.Key{ID: "damaged"}
		if _, err := w.run(t.Context(), Wish{Back: back}, 0, ""); err != nil {
			t.Errorf("back: %v: %v", back, err)
		}
		w.over(t, fmt.Sprintf("back: %v", back), map[bool]string{false: "new", true: "old"}[back])
	}
}

// What an administrator does in AWS in the middle of a rotation.
func TestSomebodyElse(t *testing.T) {
	names := operations(t)
	after := func(op string) int { return slices.Index(names, op) + 2 }
	for _, row := range []struct {
		name   string
		killed int
		does   func(*world)
		stops  Action // what fob rotate says; "" for nothing
		back   string // which key --abort leaves; "" if it refuses
	}{
		{"deletes the new key before the switch", after("journal created"), func(w *world) { delete(w.keys, "AKIANEW1"); w.now = w.now.Add(time.Hour) }, NewGone, "old"},
		{"deactivates the new key after the switch", after("journal switched"), func(w *world) { w.keys["AKIANEW1"].active = false }, NewGone, "old"},
		{"deletes the new key after the switch", after("journal switched"), func(w *world) { delete(w.keys, "AKIANEW1"); w.now = w.now.Add(time.Hour) }, NewGone, "old"},
		{"deletes the old key after the switch", after("journal switched"), func(w *world) { delete(w.keys, "AKIAOLD") }, "", ""},
		{"deactivates the old key before the switch", after("journal created"), func(w *world) { w.keys["AKIAOLD"].active = false }, "", "old"},
		{"activates the old key at the end", after("journal deactivated"), func(w *world) { w.keys["AKIAOLD"].active = true }, "", "old"},
	} {
		for _, back := range []bool{false, true} {
			w := newWorld()
			_, _ = w.run(t.Context(), Wish{}, row.killed, killBefore)
			row.does(w)
			_, err := w.run(t.Context(), Wish{Back: back}, 0, "")
			e, stopped := errors.AsType[*StateError](err)
			switch {
			case !back && row.stops == "" && err == nil:
				w.over(t, row.name, "new")
			case !back && stopped && e.Action == row.stops:
			case back && row.back != "" && err == nil:
				w.over(t, row.name+", back", row.back)
			case back && row.back == "" && stopped && e.Action == OldGone:
			default:
				t.Errorf("%s, back: %v: %v", row.name, back, err)
			}
		}
	}
}

// A rotation that another process has written in the meantime is not removed, and nothing is
// deleted on the strength of the one that was read before.
func TestAnotherJournalStays(t *testing.T) {
	names := operations(t)
	for _, back := range []bool{false, true} {
		for n := slices.Index(names, "journal began") + 1; n <= len(names)+8; n++ {
			w := newWorld()
			if back {
				_, _ = w.run(t.Context(), Wish{KeepOld: true}, 0, "")
			}
			deleted := false
			other := creds.Rotation{Step: Created, Old: creds.Key{ID: "AKIAX"}, New: creds.Key{ID: "AKIAY", Secret: creds.NewSecret("y")}}
			swapped := false
			w.watch = func(op string) {
				deleted = deleted || swapped && op == "delete"
				if w.ops == n && w.journal != nil {
					w.journal, w.info, swapped = &other, keyring.Info{Rev: "other"}, true
				}
			}
			_, err := w.run(t.Context(), Wish{Back: back}, 0, "")
			if !swapped {
				continue
			}
			where := fmt.Sprintf("back: %v, swapped after %d (%s)", back, n, w.names[n-1])
			if _, changed := errors.AsType[*keyring.ChangedError](err); !changed || w.journal == nil || w.journal.New.ID != "AKIAY" {
				t.Errorf("%s: %v, journal %+v; %q", where, err, w.journal, w.names)
			}
			// Between the last look and the call nothing helps; nor does a key stay that
			// cannot be stored.
			if last := w.names[n-1]; deleted && strings.HasPrefix(last, "journal") && last != "journal began" {
				t.Errorf("%s: deleted a key; %q", where, w.names)
			}
		}
	}
}

// On the way back, the old key is stored again where it is already: the file with the new
// one may not have arrived yet. So it is where somebody has deleted the new key.
func TestBackStoresAgain(t *testing.T) {
	for _, gone := range []bool{false, true} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "journal created")+2, killBefore)
		_, _ = w.run(t.Context(), Wish{Back: true}, 7, killBefore)
		if w.journal.Step != Returning || len(w.wrote) > 0 {
			t.Fatalf("the journal says %q; wrote %q", w.journal.Step, w.wrote)
		}
		if w.settle(time.Hour); gone {
			delete(w.keys, "AKIANEW1")
		}
		if _, err := w.run(t.Context(), Wish{Back: true}, 0, ""); err != nil || !slices.Equal(w.wrote, []string{"dev", "copy"}) {
			t.Errorf("gone: %v: %v; wrote %q", gone, err, w.wrote)
		}
		w.over(t, fmt.Sprintf("gone: %v", gone), "old")
	}
}

// A key that the store has, wherever, is not a lost one.
func TestStoredKeyIsNotLost(t *testing.T) {
	stored := creds.Key{ID: "AKIANEW1", Secret: creds.NewSecret("new1")}
	for name, store := range map[string]func(*world){
		"for the profile":          func(w *world) { w.stored["dev"] = stored },
		"for both":                 func(w *world) { w.stored["dev"], w.stored["copy"] = stored, stored },
		"for another profile":      func(w *world) { w.stored["other2"] = stored },
		"in a conflicted copy":     func(w *world) { w.conflicts = []keyring.Conflict{{Info: keyring.Info{KeyID: stored.ID}}} },
		"perhaps in a damaged one": func(w *world) { w.unread = &keyring.DamagedError{} },
	} {
		for _, back := range []bool{false, true} {
			w := newWorld()
			w.lag, w.agrees = true, true
			_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "create")+1, killAfter)
			w.settle(time.Hour)
			store(w)
			result, err := w.run(t.Context(), Wish{Back: back}, 0, "")
			if w.keys["AKIANEW1"] == nil || w.made != 1 || len(w.asked) > 0 || back == (err != nil) {
				t.Errorf("%s, back: %v: %+v, %v; asked about %q", name, back, result, err, w.asked)
			}
			if perhaps := result.PerhapsLost != ""; back && perhaps != (w.unread != nil) {
				t.Errorf("%s: perhaps lost: %q", name, result.PerhapsLost)
			}
		}
	}
	// It arrives while a person is asked.
	w := newWorld()
	w.lag, w.agrees = true, true
	_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "create")+1, killAfter)
	w.settle(time.Hour)
	w.machine = "there"
	r := w.rotator()
	r.MayDropLost = func(context.Context, KnownKey) (bool, error) { w.stored["copy"] = stored; return true, nil }
	if _, err := r.Run(t.Context(), Wish{}); err == nil || w.keys["AKIANEW1"] == nil {
		t.Errorf("it arrived meanwhile: %v", err)
	}
}

// Where the profiles have other keys, AWS is not asked about the two: its answer would only
// hide that.
func TestReplacedWithoutAWS(t *testing.T) {
	w := newWorld()
	_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "create")+1, killBefore)
	third := creds.Key{ID: "AKIATHIRD", Secret: creds.NewSecret("third")}
	w.stored["dev"], w.stored["copy"] = third, third
	delete(w.keys, "AKIAOLD")
	_, err := w.run(t.Context(), Wish{}, 0, "")
	if e, ok := errors.AsType[*StateError](err); !ok || e.Action != Replaced || slices.Contains(w.names, "list") {
		t.Errorf("%v; %q", err, w.names)
	}
}

// IAM may not know a new key yet when STS does.
func TestNewKeyIsUnknownToIAM(t *testing.T) {
	for _, unknown := range []int{3, 1000} {
		w := newWorld()
		_, _ = w.run(t.Context(), Wish{}, slices.Index(operations(t), "deactivate")+1, killBefore)
		w.notInIAM = unknown
		result, err := w.run(t.Context(), Wish{}, 0, "")
		if err != nil || result.Last != map[bool]Action{false: Finish, true: Leave}[unknown > 100] {
			t.Errorf("%d: %+v, %v", unknown, result, err)
		}
	}
}

// Where the way back ends with the new key, that is not replaced, however old it is.
func TestOnwardEnds(t *testing.T) {
	w := newWorld()
	_, _ = w.run(t.Context(), Wish{KeepOld: true}, 0, "")
	_, _ = w.run(t.Context(), Wish{Back: true}, 7, killBefore)
	if w.journal.Step != Returning {
		t.Fatalf("the journal says %q", w.journal.Step)
	}
	delete(w.keys, "AKIAOLD")
	w.settle(OldAge)
	result, err := w.run(t.Context(), Wish{Back: true}, 0, "")
	if err != nil || result.Last != Finish || w.made != 1 {
		t.Errorf("%+v, %v, %d made", result, err, w.made)
	}
	w.over(t, "onward", "new")
}

// By a clock that is behind, a key may be from the future. Then AWS says how old it is.
func TestClockIsBehind(t *testing.T) {
	for _, keep := range []bool{false, true} {
		w := newWorld()
		if _, err := w.run(t.Context(), Wish{KeepOld: keep}, 0, ""); err != nil {
			t.Fatal(err)
		}
		behind := w.now.Add(-time.Hour)
		w.now = w.now.AddDate(0, 0, 100)
		r := w.rotator()
		r.Now = func() time.Time { return behind }
		if _, err := r.Run(t.Context(), Wish{Scheduled: true, MaxAge: OldAge}); err != nil || w.made != 2 {
			t.Errorf("keep: %v: %v, %d made", keep, err, w.made)
		}
	}
}
