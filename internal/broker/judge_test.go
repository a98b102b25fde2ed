package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// The age of an MFA code counts for every session that was made with it, by AWS's
// clock, wherever the session is handed out or claimed.
func TestMFAAge(t *testing.T) {
	const m = time.Minute
	type kept struct {
		n        int
		age, mfa time.Duration // how long ago; -never for no MFA
	}
	const never = -1000 * hour
	for _, row := range []struct {
		name string
		plan string
		kept []kept
		skew time.Duration // as the device's memory has it
		max  time.Duration
		want int // of how many steps the session is used that is there; 0 for none
		code bool
	}{
		{"a role of a young code", "mfa role", []kept{{3, 10 * m, 50 * m}, {2, 50 * m, 50 * m}}, 0, hour, 3, false},
		{"a role of an old code", "mfa role", []kept{{3, 10 * m, 61 * m}, {2, 61 * m, 61 * m}}, 0, hour, 0, true},
		{"a role of an old code, the session gone", "mfa role", []kept{{3, 10 * m, 2 * hour}}, 0, hour, 0, true},
		{"a chain of an old code", "mfa role role", []kept{{4, m, 2 * hour}, {3, m, 2 * hour}, {2, 2 * hour, 2 * hour}}, 0, hour, 0, true},
		{"a chain, its last role made anew", "mfa role role", []kept{{3, m, 30 * m}, {2, 30 * m, 30 * m}}, 0, hour, 3, false},
		{"a role with its own code", "role with code", []kept{{2, 2 * hour, 2 * hour}}, 0, hour, 0, true},
		{"a session without a time", "mfa", []kept{{2, m, never}}, 0, hour, 0, true},
		{"a role without a time", "mfa role", []kept{{3, m, never}, {2, m, m}}, 0, hour, 2, false},
		{"no age is demanded", "mfa role", []kept{{3, m, never}}, 0, 0, 3, false},
		{"an age below zero", "mfa", []kept{{2, m, -2 * m}}, 0, hour, 0, true},
		{"hardly below zero", "mfa", []kept{{2, 0, -30 * time.Second}}, 0, hour, 2, false},
		{"the clock is ahead", "mfa", []kept{{2, 10 * m, 130 * m}}, 2 * hour, hour, 2, false},
		{"the clock is ahead, and the code old", "mfa", []kept{{2, 61 * m, 181 * m}}, 2 * hour, hour, 0, true},
		{"the clock is behind", "mfa", []kept{{2, 10 * m, 10*m - 2*hour}}, -2 * hour, hour, 2, false},
		{"the clock was ahead and is right now", "mfa", []kept{{2, 10 * m, 10 * m}}, 2 * hour, hour, 0, true},
		{"the clock was behind and is right now", "mfa", []kept{{2, 10 * m, 10 * m}}, -2 * hour, hour, 0, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, RenewExec)
			p := plans[row.plan]
			remember(t, b.store, deviceState{Skew: row.skew})
			for _, k := range row.kept {
				var mfa time.Time
				if k.mfa != never {
					mfa = b.now.Add(-k.mfa)
				}
				left := 12*hour - k.age
				if k.n > 2 {
					left = hour - k.age
				}
				b.keepWith(p, k.n, fmt.Sprintf("OLD%d", k.n), k.age, left, mfa)
			}
			p.MaxMFAAge = row.max
			signedIn, err := SignedIn(p, At(b.now, p, b.store), headers(b.store, p))
			if err != nil || signedIn.IsZero() != row.code {
				t.Errorf("signed in until %v, %v", signedIn, err)
			}
			if age := row.kept[0].mfa - row.skew; row.max > 0 && !signedIn.IsZero() && row.kept[0].mfa != never {
				if limit := b.now.Add(row.max - age); !signedIn.Equal(limit) {
					t.Errorf("signed in until %v, the code is too old at %v", signedIn, limit)
				}
			}
			own, err := Own(p, At(b.now, p, b.store), headers(b.store, p))
			if err != nil || own.IsZero() != (row.want < len(p.Steps)) {
				t.Errorf("own session until %v, %v", own, err)
			}
			b.skew = row.skew
			s, err := b.Credentials(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			did := strings.Join(b.did, " ")
			if code := strings.Contains(did, "code"); code != row.code {
				t.Errorf("did %s", did)
			}
			if used := s.ID == fmt.Sprintf("OLD%d", row.want) || strings.Contains(did, fmt.Sprintf("(OLD%d)", row.want)); used != (row.want > 0) {
				t.Errorf("%s after %s", s.ID, did)
			}
			if row.max > 0 && p.TooOld(s.MFA, b.now.Add(-row.skew)) {
				t.Errorf("the MFA code was used at %v, and it is %v", s.MFA, b.now.Add(-row.skew))
			}
		})
	}
}

// The time of the code is AWS's, and goes from the first session to the last.
func TestMFATime(t *testing.T) {
	for _, skew := range []time.Duration{0, hour, -hour, 40 * time.Second} {
		for name, n := range map[string]int{"mfa role role": 4, "role with code": 2, "mfa": 2, "role": 2} {
			b := newBench(t, RenewExec)
			b.skew = skew
			want := b.now.Add(-skew)
			if name == "role" {
				want = time.Time{}
			}
			s, err := b.Credentials(t.Context(), plans[name])
			if err != nil || !s.MFA.Equal(want) {
				t.Errorf("%s: %v, %v, want %v", name, s.MFA, err, want)
			}
			for i := 2; i <= n; i++ {
				kept, info, err := b.store.Session(t.Context(), "base", plans[name].ID(i))
				if err != nil || !kept.MFA.Equal(want) || !info.MFA.Equal(want) {
					t.Errorf("%s, step %d: %v, %v, %v, want %v", name, i, kept.MFA, info.MFA, err, want)
				}
			}
		}
	}
}

// headers reads the headers of a plan's sessions, as list and explain do.
func headers(s *keyring.Store, p plan.Plan) Cached {
	return func(n int) (keyring.Info, error) {
		info, err := s.SessionInfo(p.Source(), p.ID(n))
		var none *keyring.NotFoundError
		if errors.As(err, &none) {
			err = nil
		}
		return info, err
	}
}

// What Judge says comes true: for every state of the cache, the broker calls AWS,
// starts the source and asks for a code exactly when Judge has said so.
func TestJudgeIsTrue(t *testing.T) {
	renewals := map[string]Renewal{"exec": RenewExec, "export": RenewExport, "shell": RenewShell, "login": RenewLogin}
	lives := []time.Duration{0, 59 * time.Second, 100 * time.Second, 4 * time.Minute, 15 * time.Minute, 20 * time.Minute, 40 * time.Minute, hour}
	edits := map[string]func(*plan.Plan){
		"":             func(*plan.Plan) {},
		"age":          func(p *plan.Plan) { p.MaxMFAAge = 30 * time.Minute },
		"duration":     func(p *plan.Plan) { p.Demand = hour },
		"age/duration": func(p *plan.Plan) { p.MaxMFAAge, p.Demand = 45*time.Minute, hour },
	}
	now := time.Now().Truncate(time.Second)
	for _, name := range []string{"mfa", "plain", "role", "mfa role", "mfa role role", "role with code"} {
		for edit, change := range edits {
			p := plans[name]
			change(&p)
			for renewal, renew := range renewals {
				for _, base := range lives {
					for _, own := range lives {
						if len(p.Steps) == 2 && base != 0 {
							continue
						}
						kept := memory{}
						state := func() *bench {
							clear(kept)
							for n, left := range map[int]time.Duration{2: base, len(p.Steps): own} {
								if left > 0 {
									kept.keep(p, n, now, hour-left)
								}
							}
							b := fakes(t, now)
							b.Sessions, b.Renew = kept, renew
							return b
						}
						b := state()
						what := fmt.Sprintf("%s %s %s, base %v, own %v", renewal, name, edit, base, own)
						o, err := Judge(p, renew, Moment{Now: now}, kept.headers(p))
						if err != nil {
							t.Fatal(err)
						}
						until, err := SignedIn(p, Moment{Now: now}, kept.headers(p))
						if err != nil {
							t.Fatal(err)
						}
						if _, err := b.Credentials(t.Context(), p); err != nil {
							t.Fatalf("%s: %v", what, err)
						}
						did := " " + strings.Join(b.did, " ")
						if o.Serve != (did == " ") {
							t.Errorf("%s: served %v, did%s", what, o.Serve, did)
						}
						if (o.Serial != "") != strings.Contains(did, "code") && !o.Serve {
							t.Errorf("%s: code of %q, did%s", what, o.Serial, did)
						}
						if o.Serial != "" && !o.Early && !strings.Contains(did, " code") || o.Early && strings.Contains(did, " code") {
							t.Errorf("%s: early %v, did%s", what, o.Early, did)
						}
						if (o.From == 0) != strings.Contains(did, "source") {
							t.Errorf("%s: from %d, did%s", what, o.From, did)
						}
						if renew.Ahead || renew.Half && p.Demand > 0 || p.MFASerial() == "" {
							continue
						}
						// Signed in means that nobody is needed.
						b = state()
						b.code, b.quietCode = errNoPerson, errNoPerson
						if _, err := b.Credentials(t.Context(), p); (err == nil) == until.IsZero() {
							t.Errorf("%s: signed in until %v, but %v", what, until, err)
						}
					}
				}
			}
		}
	}
}

// memory is a cache without a store: its locks are always free.
type memory map[string]held

type held struct {
	creds.Session
	info keyring.Info
}

// keep caches a session that lasts for an hour, made age ago.
func (m memory) keep(p plan.Plan, n int, now time.Time, age time.Duration) {
	s := session("OLD", now.Add(hour-age))
	info := keyring.Info{Rev: fmt.Sprint("old", n), Created: now.Add(-age), Expires: s.Expires}
	if p.MFASerial() != "" {
		info.MFA, s.MFA = info.Created, info.Created
	}
	m[p.ID(n)] = held{s, info}
}

func (m memory) headers(p plan.Plan) Cached {
	return func(n int) (keyring.Info, error) { return m[p.ID(n)].info, nil }
}

func (m memory) Session(_ context.Context, _, id string) (creds.Session, keyring.Info, error) {
	return m[id].Session, m[id].info, nil
}

func (m memory) SaveSession(_ context.Context, _, id, _ string, s creds.Session) error {
	m[id] = held{s, keyring.Info{Rev: "new", Expires: s.Expires, MFA: s.MFA}}
	return nil
}

func (memory) TryLock(string) (*keyring.Lock, bool, error) { return nil, true, nil }
func (memory) Lock(context.Context, string, func()) (*keyring.Lock, error) {
	return nil, nil
}

func (memory) AskLock(context.Context, string, string, func()) (*keyring.Lock, error) {
	return nil, nil
}
func (memory) LockState(string) ([]byte, error)                  { return nil, nil }
func (memory) WatchRefusals(ctx context.Context) context.Context { return ctx }

// The values of each command's renewal, to the second.
func TestRenewals(t *testing.T) {
	const s, m = time.Second, time.Minute
	session, role, program := plans["plain"], plans["mfa role"], planOf(plan.Process{Profile: "tool", Command: "tool"})
	for _, row := range []struct {
		name  string
		renew Renewal
		plan  plan.Plan
		life  time.Duration
		left  time.Duration
		serve bool
		early bool
	}{
		{"exec", RenewExec, session, 10 * m, 5 * m, true, false},
		{"exec", RenewExec, session, 10 * m, 5*m - s, false, false},
		{"exec", RenewExec, session, hour, 30 * m, true, false},
		{"exec", RenewExec, session, hour, 30*m - s, false, true},
		{"exec", RenewExec, session, hour, 5*m - s, false, false},
		{"exec, a program", RenewExec, program, hour, 5 * m, true, false},
		{"exec, a program", RenewExec, program, hour, 5*m - s, false, false},
		{"export, a program", RenewExport, program, 20 * m, 16*m - s, false, false},
		{"export, a program that lasts less", RenewExport, program, 20*m - s, 5 * m, true, false},
		{"export, a program that lasts less", RenewExport, program, 20*m - s, 5*m - s, false, false},
		{"login, a program", RenewLogin, program, hour, 30*m - s, false, false},
		{"shell", RenewShell, session, 32 * m, 16 * m, true, false},
		{"shell", RenewShell, session, 32 * m, 16*m - s, false, false},
		{"shell", RenewShell, session, hour, 30*m - s, false, true},
		{"export", RenewExport, session, 12 * hour, 16 * m, true, false},
		{"export", RenewExport, session, 12 * hour, 16*m - s, false, false},
		{"login", RenewLogin, session, 32 * m, 16 * m, true, false},
		{"login", RenewLogin, session, 20 * m, 16*m - s, false, false},
		{"login", RenewLogin, session, hour, 30 * m, true, false},
		{"login", RenewLogin, session, hour, 30*m - s, false, false},
		{"login, a role", RenewLogin, role, hour, 30 * m, true, false},
		{"login, a role", RenewLogin, role, hour, 30*m - s, false, false},
	} {
		now := time.Now().Truncate(time.Second)
		kept := memory{}
		kept[row.plan.ID(len(row.plan.Steps))] = held{info: keyring.Info{Rev: "1", Created: now.Add(row.left - row.life), Expires: now.Add(row.left)}}
		if len(row.plan.Steps) > 2 {
			kept.keep(row.plan, 2, now, 0)
		}
		o, err := Judge(row.plan, row.renew, Moment{Now: now}, kept.headers(row.plan))
		if err != nil || o.Serve != row.serve || o.Early != row.early {
			t.Errorf("%s, %v of %v: %+v, %v", row.name, row.left, row.life, o, err)
		}
	}
}

// What another process made in the meantime is used if it is new, and lasts for long
// enough: for the next step, or for the command.
func TestCachedByOther(t *testing.T) {
	const s, m = time.Second, time.Minute
	p := plans["mfa role"]
	for _, row := range []struct {
		name string
		n    int
		left time.Duration
		edit func(*run)
		seen bool // it was there before
		used bool
	}{
		{"a base", 2, m, nil, false, true},
		{"a base about to end", 2, m - s, nil, false, false},
		{"a base that was there", 2, hour, nil, true, false},
		{"the last", 3, 16 * m, nil, false, true},
		{"the last, due", 3, 16*m - s, nil, false, false},
		{"the last that was there", 3, hour, nil, true, false},
		{"the last, long enough", 3, 54 * m, func(r *run) { r.Renew, r.plan.Demand = Renewal{Due: 5 * m, Half: true}, hour }, false, true},
		{"the last, too short", 3, 54*m - s, func(r *run) { r.Renew, r.plan.Demand = Renewal{Due: 5 * m, Half: true}, hour }, false, false},
		{"the last, its code too old", 3, hour, func(r *run) { r.plan.MaxMFAAge = m }, false, false},
		{"for a fresh one", 3, hour, func(r *run) { r.ignoreCache = true }, false, true},
		{"for a fresh one, that was there", 3, hour, func(r *run) { r.ignoreCache = true }, true, false},
	} {
		b := fakes(t, time.Now().Truncate(time.Second))
		kept := memory{}
		b.Sessions, b.Renew = kept, RenewExport
		r := &run{Broker: b.Broker, plan: p, seen: &Seen{}}
		if row.edit != nil {
			row.edit(r)
		}
		look := func() creds.Session {
			got, err := r.cachedByOther(t.Context(), row.n)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := look(); !row.seen && got.ID != "" {
			t.Fatalf("%s: %s", row.name, got.ID)
		}
		info := keyring.Info{Rev: "1", SourceRev: "key", Created: b.now, Expires: b.now.Add(row.left), MFA: b.now.Add(-2 * m)}
		kept[p.ID(row.n)] = held{session("OTHER", info.Expires), info}
		if row.seen {
			r.seen = &Seen{}
		}
		if got := look(); (got.ID == "OTHER") != row.used || row.used && r.rev != "key" {
			t.Errorf("%s: %q, of key %q", row.name, got.ID, r.rev)
		}
	}
}

// What a console sign-in gave is used only while the clock that its end counts from has not
// been put back; the end of what Identity Center gave is AWS's own.
func TestClockPutBack(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		step  plan.Step
		ahead time.Duration // of the clock when the session was kept
		serve bool
	}{
		{plan.ConsoleLogin{}, 0, true},
		{plan.ConsoleLogin{}, 30 * time.Second, true},
		{plan.ConsoleLogin{}, 24 * hour, false},
		{plan.SSO{}, 24 * hour, true},
	} {
		created := now.Add(row.ahead)
		s := keyring.Info{Rev: "r", Created: created, Expires: created.Add(15 * time.Minute)}
		o, err := Judge(plan.Plan{Steps: []plan.Step{row.step}}, RenewExec, Moment{Now: now}, func(int) (keyring.Info, error) { return s, nil })
		if err != nil || o.Serve != row.serve {
			t.Errorf("%T, %v: %+v, %v", row.step, row.ahead, o, err)
		}
	}
}
