package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/term"
	"fob/keyring"
)

// bench is a broker on a real store. Everything else is a fake that records what is
// done, in order.
type bench struct {
	*Broker
	t     testing.TB
	dir   string
	store *keyring.Store
	now   time.Time
	did   []string
	notes []string
	logs  []string
	// The errors of what fails; nil if it works.
	source, quietSource, code, quietCode, network error
	// refuse returns AWS's refusal of a call, if any: optional.
	refuse func(action, code string) error
	life   time.Duration // of new sessions; 0 is what was asked for
	skew   time.Duration
	edit   func(*plan.Plan)
	made   int
}

func newBench(t testing.TB, renew Renewal) *bench {
	return benchIn(t, filepath.Join(t.TempDir(), "fob"), renew)
}

// benchIn is a bench on the store in dir, which it creates if there is none.
func benchIn(t testing.TB, dir string, renew Renewal) *bench {
	t.Helper()
	b := fakes(t, time.Now().Truncate(time.Second))
	b.dir, b.Renew = dir, renew
	b.store = openStore(t, dir, func(o *keyring.Options) { o.Now = b.Now })
	b.Sessions = b.store
	return b
}

// fakes is a bench without a store.
func fakes(t testing.TB, at time.Time) *bench {
	b := &bench{t: t, now: at}
	now := func() time.Time { return b.now }
	give := func(name string, fail *error) codesFunc {
		n := 0
		return func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
			if b.do(name); *fail != nil {
				return mfa.Answer{}, *fail
			}
			n++
			return mfa.Answer{Code: fmt.Sprintf("%06d", n), From: name}, nil
		}
	}
	b.Broker = &Broker{
		Source: func(ctx context.Context, p plan.Plan, quiet bool) (creds.Session, string, error) {
			if b.do("source"); quiet && b.quietSource != nil {
				return creds.Session{}, "", b.quietSource
			}
			if b.source != nil {
				return creds.Session{}, "", b.source
			}
			if b.store == nil {
				return creds.Session{Key: longKey}, "", nil
			}
			return sourceOf(b.store)(ctx, p, quiet)
		},
		Codes:      give("code", &b.code),
		QuietCodes: give("quiet-code", &b.quietCode),
		Dial:       func(plan.Endpoint) (STS, error) { b.do("dial"); return b, nil },
		Now:        now,
		Log:        func(format string, args ...any) { b.logs = append(b.logs, fmt.Sprintf(format, args...)) },
		Note:       func(format string, args ...any) { b.notes = append(b.notes, fmt.Sprintf(format, args...)) },
		Clock:      func(skew time.Duration) { b.notes = append(b.notes, awsapi.Ahead(skew)) },
	}
	return b
}

func (b *bench) do(what string) { b.did = append(b.did, what) }

func (b *bench) SessionToken(_ context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error) {
	return b.answer("token", with, step.DurationSeconds, code)
}

func (b *bench) AssumeRole(_ context.Context, with creds.Session, step plan.AssumeRole, code string) (creds.Session, error) {
	return b.answer(step.RoleARN[strings.LastIndexByte(step.RoleARN, '/')+1:], with, step.DurationSeconds, code)
}

func (b *bench) answer(action string, with creds.Session, seconds int, code string) (creds.Session, error) {
	b.do(strings.TrimSpace(action + "(" + with.ID + ") " + code))
	if b.network != nil {
		return creds.Session{}, b.network
	}
	if b.refuse != nil {
		if err := b.refuse(action, code); err != nil {
			return creds.Session{}, err
		}
	}
	b.made++
	life := time.Duration(seconds) * time.Second
	if b.life != 0 {
		life = b.life
	}
	return session(fmt.Sprintf("NEW%d", b.made), b.now.Add(life)), nil
}

// Identity answers with the account whose number is the last digit of the key ID.
func (b *bench) Identity(_ context.Context, with creds.Session) (awsapi.Identity, error) {
	b.do("identity(" + with.ID + ")")
	return awsapi.Identity{Account: strings.Repeat(with.ID[len(with.ID)-1:], 12)}, b.network
}

func (b *bench) Skew() time.Duration { return b.skew }

func (b *bench) RawSkew() time.Duration { return b.skew }

func session(id string, expires time.Time) creds.Session {
	return creds.Session{Key: creds.Key{ID: id, Secret: longKey.Secret}, Token: creds.NewSecret("t"), Expires: expires.UTC()}
}

// keep caches a session of the first n steps, as if it was made age ago, with an MFA
// code if the plan has a device.
func (b *bench) keep(p plan.Plan, n int, id string, age, left time.Duration) {
	b.t.Helper()
	var mfa time.Time
	if p.MFASerial() != "" {
		mfa = b.now.Add(-age)
	}
	b.keepWith(p, n, id, age, left, mfa)
}

// keepWith is keep with the time of the MFA code behind the session.
func (b *bench) keepWith(p plan.Plan, n int, id string, age, left time.Duration, mfa time.Time) {
	b.t.Helper()
	info, err := b.store.KeyInfo("base")
	if err != nil {
		b.t.Fatal(err)
	}
	b.now = b.now.Add(-age)
	s := session(id, b.now.Add(age+left))
	s.MFA = mfa
	err = b.store.SaveSession(b.t.Context(), p.Source(), p.ID(n), info.Rev, s)
	b.now = b.now.Add(age)
	if err != nil {
		b.t.Fatal(err)
	}
}

// kept is the ID of the cached session of the first n steps.
func (b *bench) kept(p plan.Plan, n int) string {
	s, _, _ := b.store.Session(b.t.Context(), p.Source(), p.ID(n))
	return s.ID
}

var (
	errNoPerson = &prompt.NoPersonError{Profile: "dev", Serial: deviceARN, Why: []error{term.ErrNone}}
	errNetwork  = &awsapi.UnreachableError{Host: "sts.eu-west-1.amazonaws.com", Problem: "no answer in time"}
	errRefused  = &awsapi.RefusedError{Action: "AssumeRole", Code: "AccessDenied", Message: "not authorized"}
	errBadCode  = &awsapi.RefusedError{Action: "GetSessionToken", Code: "AccessDenied", Message: "MultiFactorAuthentication failed with invalid MFA one time pass code."}
	errExpired  = &awsapi.RefusedError{Action: "AssumeRole", Code: "ExpiredToken", Message: "The security token included in the request is expired"}
	errLocked   = &keyring.LockedError{Slot: "passphrase", Reason: "nobody can be asked"}
)

// Plans by name: a key (base), a session with MFA (mfa) or without (plain), roles.
var plans = map[string]plan.Plan{
	"key":            planOf(stepKey),
	"mfa":            planOf(stepKey, stepMFA),
	"plain":          planOf(stepKey, stepPlain),
	"role":           planOf(stepKey, stepAudit),
	"mfa role":       planOf(stepKey, stepMFA, stepRole),
	"mfa audit":      planOf(stepKey, stepMFA, stepAudit),
	"mfa role role":  planOf(stepKey, stepMFA, stepRole, stepAudit),
	"role with code": planOf(stepKey, plan.AssumeRole{RoleARN: roleARN, RoleSessionName: "jo", DurationSeconds: 14400, MFASerial: deviceARN}),
}

type cached struct {
	n         int
	age, left time.Duration
}

// The cache and the failures decide which credentials come out and which calls are made.
func TestCredentials(t *testing.T) {
	const m = time.Minute
	type row struct {
		name   string
		plan   string
		cached []cached // as OLD<n>
		renew  Renewal
		edit   func(*bench)
		want   string // key ID, or an error's type
		did    string
		note   string
	}
	noPerson := func(b *bench) { b.code, b.quietCode = errNoPerson, errNoPerson }
	network := func(b *bench) { b.network = errNetwork }
	for _, row := range []row{
		// Nothing cached: each step once, the source before the code.
		{"cold", "key", nil, RenewExec, nil, "AKIAIOSFODNN7EXAMPLE", "source", ""},
		{"cold", "plain", nil, RenewExec, nil, "NEW1", "source dial token(AKIAIOSFODNN7EXAMPLE)", ""},
		{"cold", "role", nil, RenewExec, nil, "NEW1", "source dial audit(AKIAIOSFODNN7EXAMPLE)", ""},
		{"cold", "mfa", nil, RenewExec, nil, "NEW1", "source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"cold", "role with code", nil, RenewExec, nil, "NEW1", "source dial code deploy(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"cold", "mfa role role", nil, RenewExec, nil, "NEW3",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1) audit(NEW2)", ""},
		{"cold, no person", "mfa role", nil, RenewExport, noPerson, "*prompt.NoPersonError", "source dial code", ""},
		{"cold, cancelled", "mfa role", nil, RenewExport, func(b *bench) { b.code = term.ErrCancelled }, "*errors.errorString", "source dial code", ""},
		{"cold, no network", "mfa role", nil, RenewExport, network, "*awsapi.UnreachableError",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"cold, locked", "mfa role", nil, RenewExport, func(b *bench) { b.source = errLocked }, "*backend.LockedError", "source source", ""},
		{"cold, no CA bundle", "mfa", nil, RenewExec, func(b *bench) {
			b.Dial = func(plan.Endpoint) (STS, error) { b.do("dial"); return nil, errors.New("no bundle") }
		}, "*errors.errorString", "source dial", ""},

		// Warm: nothing is done.
		{"warm", "mfa role", []cached{{3, 10 * m, 50 * m}, {2, 10 * m, 11 * hour}}, RenewExec, nil, "OLD3", "", ""},
		{"warm", "mfa", []cached{{2, hour, 11 * hour}}, RenewExport, nil, "OLD2", "", ""},
		{"warm", "mfa", []cached{{2, hour, 11 * hour}}, RenewLogin, nil, "OLD2", "", ""},
		{"warm at the limit", "mfa role", []cached{{3, 44 * m, 16 * m}}, RenewExport, nil, "OLD3", "", ""},
		{"fresh", "mfa role", []cached{{3, 10 * m, 50 * m}, {2, 10 * m, 11 * hour}}, RenewExec, func(b *bench) { b.Fresh = true }, "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"fresh, no network", "mfa role", []cached{{3, 10 * m, 50 * m}}, RenewExec, func(b *bench) { b.Fresh = true; b.network = errNetwork },
			"*awsapi.UnreachableError", "source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},

		// From the newest session that is good enough.
		{"role of a cached session", "mfa role", []cached{{2, hour, 11 * hour}}, RenewExec, nil, "NEW1", "dial deploy(OLD2)", ""},
		{"second role of a cached first", "mfa role role", []cached{{2, hour, 11 * hour}, {3, m, 59 * m}}, RenewExec, nil, "NEW1", "dial audit(OLD3)", ""},
		{"first role about to end", "mfa role role", []cached{{2, hour, 11 * hour}, {3, 59*m + time.Second, 59 * time.Second}}, RenewExec, nil, "NEW2",
			"dial deploy(OLD2) audit(NEW1)", ""},
		{"session with a minute", "mfa role", []cached{{2, 11*hour + 59*m, m}}, RenewExec, nil, "NEW1", "dial deploy(OLD2)", ""},
		{"session with less", "mfa role", []cached{{2, 11*hour + 59*m, 59 * time.Second}}, RenewExec, nil, "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"session ended at AWS", "mfa role", []cached{{2, hour, 11 * hour}}, RenewExec, func(b *bench) {
			b.refuse = func(action, _ string) error {
				if action == "deploy" && b.made == 0 {
					return errExpired
				}
				return nil
			}
		}, "NEW2", "dial deploy(OLD2) source code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"role refused", "mfa role", []cached{{2, hour, 11 * hour}}, RenewExec, func(b *bench) { b.refuse = func(string, string) error { return errRefused } },
			"*awsapi.RefusedError", "dial deploy(OLD2)", ""},

		// After half of its life: renewed if that needs no person.
		{"half", "mfa role", []cached{{3, 31 * m, 29 * m}, {2, hour, 11 * hour}}, RenewExec, nil, "NEW1", "dial deploy(OLD2)", ""},
		{"half, for an SDK", "mfa role", []cached{{3, 31 * m, 29 * m}, {2, hour, 11 * hour}}, RenewExport, nil, "OLD3", "", ""},
		{"half, with a seed", "mfa", []cached{{2, 7 * hour, 5 * hour}}, RenewExec, nil, "NEW1",
			"source dial quiet-code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"half, without a person", "mfa", []cached{{2, 7 * hour, 5 * hour}}, RenewShell, noPerson, "OLD2", "source dial quiet-code", ""},
		{"half, no quiet codes", "mfa", []cached{{2, 7 * hour, 5 * hour}}, RenewExec, func(b *bench) { b.QuietCodes = nil }, "OLD2", "source dial", ""},
		{"half, locked", "mfa role", []cached{{3, 31 * m, 29 * m}}, RenewExec, func(b *bench) { b.quietSource = errLocked }, "OLD3", "source", ""},
		{"half, no network", "mfa role", []cached{{3, 31 * m, 29 * m}, {2, hour, 11 * hour}}, RenewExec, network, "OLD3", "dial deploy(OLD2)", ""},
		{"half, refused", "mfa role", []cached{{3, 31 * m, 29 * m}, {2, hour, 11 * hour}}, RenewExec,
			func(b *bench) { b.refuse = func(string, string) error { return errRefused } }, "OLD3", "dial deploy(OLD2)", ""},

		// Due: renewed, even if a person has to be asked.
		{"due", "mfa", []cached{{2, 12*hour - 4*m, 4 * m}}, RenewExec, nil, "NEW1", "source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"due for an SDK", "mfa", []cached{{2, 12*hour - 15*m, 15 * m}}, RenewExport, nil, "NEW1",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"due, no person", "mfa", []cached{{2, 12*hour - 9*m, 9 * m}}, RenewExport, noPerson, "OLD2", "source dial code", "dev expires in 9m"},
		{"due, no person, at the limit", "mfa", []cached{{2, 12*hour - 2*m, 2 * m}}, RenewExport, noPerson, "OLD2", "source dial code", "dev expires in 2m"},
		{"due, no person, too late", "mfa", []cached{{2, 12*hour - 2*m, 2*m - time.Second}}, RenewExport, noPerson, "*prompt.NoPersonError",
			"source dial code", ""},
		{"due, no answer", "mfa", []cached{{2, 11 * hour, 9 * m}}, RenewExport, func(b *bench) { b.code = context.DeadlineExceeded }, "OLD2",
			"source dial code", "dev expires in 9m"},
		{"due, no network", "mfa role", []cached{{3, 51 * m, 9 * m}, {2, hour, 11 * hour}}, RenewExport, network, "OLD3", "dial deploy(OLD2)", "dev expires in 9m"},
		{"due, locked", "mfa", []cached{{2, 11 * hour, 9 * m}}, RenewExport, func(b *bench) { b.source = errLocked }, "OLD2", "source source", "dev expires in 9m"},
		{"due, a sign-in page", "mfa role", []cached{{3, 51 * m, 9 * m}, {2, hour, 11 * hour}}, RenewExport,
			func(b *bench) {
				b.network = &awsapi.AnswerError{Action: "AssumeRole", Host: "x", Problem: "a web page"}
			}, "OLD3", "dial deploy(OLD2)", "dev expires in 9m"},
		{"due, refused", "mfa role", []cached{{3, 51 * m, 9 * m}, {2, hour, 11 * hour}}, RenewExport,
			func(b *bench) { b.refuse = func(string, string) error { return errRefused } }, "*awsapi.RefusedError", "dial deploy(OLD2)", ""},
		{"due, cancelled", "mfa", []cached{{2, 11 * hour, 9 * m}}, RenewExport, func(b *bench) { b.code = term.ErrCancelled }, "*errors.errorString",
			"source dial code", ""},
		{"due, the store cancelled for another", "mfa", []cached{{2, 11 * hour, 9 * m}}, RenewExport,
			func(b *bench) {
				b.source = &keyring.SharedError{Refusal: keyring.Refusal{Outcome: keyring.Cancelled, Message: "cancelled"}}
			}, "*keyring.SharedError", "source", ""},

		// Ahead: the session that needs a person comes first.
		{"ahead", "mfa", []cached{{2, 7 * hour, 5 * hour}}, RenewLogin, nil, "NEW1", "source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"ahead of nothing", "mfa role", []cached{{3, m, 59 * m}, {2, hour, 11 * hour}}, RenewLogin, nil, "OLD3", "", ""},
		{"ahead of an old role", "mfa role", []cached{{3, 31 * m, 29 * m}, {2, hour, 11 * hour}}, RenewLogin, nil, "NEW1", "dial deploy(OLD2)", ""},
		{"ahead of an old session", "mfa role", []cached{{3, m, 59 * m}, {2, 7 * hour, 5 * hour}}, RenewLogin, nil, "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"ahead of an old session, below a new role", "mfa role role", []cached{{4, m, 59 * m}, {3, m, 59 * m}, {2, 7 * hour, 5 * hour}}, RenewLogin, nil, "NEW3",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1) audit(NEW2)", ""},
		{"ahead of no session", "mfa role", []cached{{3, m, 59 * m}}, RenewLogin, nil, "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"ahead, no person", "mfa role", []cached{{3, m, 59 * m}, {2, 7 * hour, 5 * hour}}, RenewLogin, noPerson, "OLD3", "source dial code", "the session of dev could not be renewed"},

		// fob_mfa_max_age is about the session made with the code.
		{"young enough", "mfa role", []cached{{2, hour, 11 * hour}}, RenewExec, maxAge(hour), "NEW1", "dial deploy(OLD2)", ""},
		{"too old", "mfa role", []cached{{2, hour + time.Second, 11 * hour}}, RenewExec, maxAge(hour), "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"too old, of a plain profile", "mfa", []cached{{2, 2 * hour, 10 * hour}}, RenewExec, maxAge(hour), "NEW1",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},

		// A duration that was asked for: nine tenths of it must be left.
		{"asked for 12h, there are enough", "mfa", []cached{{2, hour, 11 * hour}}, RenewExec, demand(12 * hour), "OLD2", "", ""},
		{"asked for 12h, too few are left", "mfa", []cached{{2, 2 * hour, 10 * hour}}, RenewExec, demand(12 * hour), "NEW1",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"asked for 12h, for a shell", "mfa", []cached{{2, 2 * hour, 10 * hour}}, RenewShell, demand(12 * hour), "NEW1",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001", ""},
		{"asked for 12h, no person", "mfa", []cached{{2, 2 * hour, 10 * hour}}, RenewExec, func(b *bench) { noPerson(b); demand(12 * hour)(b) },
			"*prompt.NoPersonError", "source dial code", ""},
		{"asked for 1h, no network", "mfa role", []cached{{3, 10 * m, 50 * m}, {2, hour, 11 * hour}}, RenewExec, func(b *bench) { network(b); demand(hour)(b) },
			"*awsapi.UnreachableError", "dial deploy(OLD2)", ""},
		{"asked for 1h, of a role", "mfa role", []cached{{3, 10 * m, 50 * m}, {2, hour, 11 * hour}}, RenewExec, demand(hour), "NEW1", "dial deploy(OLD2)", ""},
		{"asked for 12h, by an SDK that asks again", "mfa", []cached{{2, 11 * hour, hour}}, RenewExport, demand(12 * hour), "OLD2", "", ""},

		// The rest.
		{"no store", "mfa role", nil, RenewExec, func(b *bench) { b.Sessions = nil }, "NEW2",
			"source dial code token(AKIAIOSFODNN7EXAMPLE) 000001 deploy(NEW1)", ""},
		{"wrong clock", "mfa", nil, RenewExec, func(b *bench) { b.skew = hour }, "NEW1", "source dial code token(AKIAIOSFODNN7EXAMPLE) 000001",
			"1h ahead of AWS's"},
		{"store cannot be read", "mfa role", nil, RenewExec, func(b *bench) { b.Sessions = brokenSessions{b.store} }, "*backend.LockedError", "", ""},
	} {
		t.Run(row.plan+", "+row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.renew)
			p := plans[row.plan]
			for _, c := range row.cached {
				b.keep(p, c.n, fmt.Sprintf("OLD%d", c.n), c.age, c.left)
			}
			if row.edit != nil {
				row.edit(b)
			}
			if b.edit != nil {
				b.edit(&p)
			}
			s, err := b.Credentials(t.Context(), p)
			got := s.ID
			if err != nil {
				got = fmt.Sprintf("%T", err)
			}
			if got != row.want {
				t.Errorf("%s (%v), want %s", got, err, row.want)
			}
			if did := strings.Join(b.did, " "); did != row.did {
				t.Errorf("did  %s\nwant %s", did, row.did)
			}
			notes := strings.Join(b.notes, "\n")
			if len(b.notes) > 1 || row.note == "" && notes != "" || !strings.Contains(notes, row.note) {
				t.Errorf("notes %q, want %q", b.notes, row.note)
			}
			// The new session is cached: the next time needs no call.
			if b.Sessions == nil || !strings.HasPrefix(s.ID, "NEW") {
				return
			}
			b.did, b.Fresh = nil, false
			if again, err := b.Credentials(t.Context(), p); err != nil || again.ID != s.ID || b.did != nil {
				t.Errorf("the second time: %s, %v after %v", again.ID, err, b.did)
			}
		})
	}
}

func maxAge(d time.Duration) func(*bench) {
	return func(b *bench) { b.edit = func(p *plan.Plan) { p.MaxMFAAge = d } }
}

func demand(d time.Duration) func(*bench) {
	return func(b *bench) { b.edit = func(p *plan.Plan) { p.Demand = d } }
}

// brokenSessions is a store that cannot be opened.
type brokenSessions struct{ *keyring.Store }

func (brokenSessions) Session(context.Context, string, string) (creds.Session, keyring.Info, error) {
	return creds.Session{}, keyring.Info{}, errLocked
}

func (brokenSessions) SaveSession(context.Context, string, string, string, creds.Session) error {
	return errLocked
}

// A session that cannot be saved is used nevertheless.
func TestNotKept(t *testing.T) {
	b := newBench(t, RenewExec)
	b.Sessions = forgetful{b.store}
	s, err := b.Credentials(t.Context(), plans["mfa role"])
	if err != nil || s.ID != "NEW2" || len(b.notes) != 2 || !strings.Contains(b.notes[0], "could not save") {
		t.Errorf("%s, %v, %q", s.ID, err, b.notes)
	}
}

// forgetful is a store that cannot be written to.
type forgetful struct{ *keyring.Store }

func (forgetful) SaveSession(context.Context, string, string, string, creds.Session) error {
	return &keyring.FullError{Dir: "/store"}
}

// What a program printed is kept like a session, while it has a token and enough
// time left; a role's session made with it too, under no key's revision.
func TestProcess(t *testing.T) {
	const m = time.Minute
	step := plan.Process{Profile: "tool", Command: "tool creds"}
	own, role := planOf(step), planOf(step, stepAudit)
	noToken := func(s *creds.Session) { s.Token = creds.Secret{} }
	for _, row := range []struct {
		name  string
		plan  plan.Plan
		renew Renewal
		life  time.Duration // of what is printed; 0 for no end
		edit  func(*creds.Session)
		later time.Duration // between the two runs
		did   string
	}{
		{"kept", own, RenewExport, hour, nil, 44 * m, "source"},
		{"renewed for an SDK", own, RenewExport, hour, nil, 44*m + time.Second, "source source"},
		{"after half of its life, a command does not start it", own, RenewExec, hour, nil, 40 * m, "source"},
		{"renewed for a command", own, RenewExec, hour, nil, 55*m + time.Second, "source source"},
		{"renewed for a sign-in", own, RenewLogin, hour, nil, 31 * m, "source source"},
		{"a short one", own, RenewExport, 15 * m, nil, 10 * m, "source"},
		{"a short one, renewed", own, RenewExport, 15 * m, nil, 10*m + time.Second, "source source"},
		{"a short one, for a shell", own, RenewShell, 15 * m, nil, 10 * m, "source"},
		{"about to end", own, RenewExport, 5 * m, nil, 0, "source source"},
		{"without a token", own, RenewExport, hour, noToken, 0, "source source"},
		{"without an end", own, RenewExport, 0, nil, 0, "source source"},
		{"a role", role, RenewExec, hour, nil, 10 * m, "source dial audit(ASIATOOL)"},
		{"a role at half its life", role, RenewExec, 2 * hour, nil, 31 * m, "source dial audit(ASIATOOL) dial audit(ASIATOOL)"},
		{"a role at half its life, and nothing to renew it with", role, RenewExec, 30 * m, nil, 40 * m, "source dial audit(ASIATOOL)"},
		{"a role, without a token", role, RenewExec, hour, noToken, 56 * m, "source dial audit(ASIATOOL) source dial audit(ASIATOOL)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t, row.renew)
			b.Source = func(_ context.Context, p plan.Plan, quiet bool) (creds.Session, string, error) {
				if b.do("source"); p.Steps[0] != step || quiet {
					t.Error(p.Steps[0], quiet)
				}
				s := session("ASIATOOL", b.now.Add(row.life))
				if row.life == 0 {
					s.Expires = time.Time{}
				}
				if row.edit != nil {
					row.edit(&s)
				}
				return s, "", nil
			}
			for range 2 {
				if s, err := b.Credentials(t.Context(), row.plan); err != nil || s.ID == "" {
					t.Error(s.ID, err)
				}
				b.now = b.now.Add(row.later)
			}
			if got := strings.Join(b.did, " "); got != row.did {
				t.Errorf("did %s, want %s", got, row.did)
			}
			if len(b.notes) > 0 {
				t.Errorf("notes %q", b.notes)
			}
			// Fresh starts the program again.
			b.did, b.Fresh = nil, true
			if _, err := b.Credentials(t.Context(), row.plan); err != nil || b.did[0] != "source" {
				t.Errorf("fresh: %v, did %q", err, b.did)
			}
		})
	}
}

// A web identity's session is kept like any other. After half of its life, a command
// reads the token's file again, but does not start a program, which may ask somebody.
func TestWebIdentity(t *testing.T) {
	const m = time.Minute
	file := plan.WebIdentity{Profile: "ci", TokenFile: "/token", RoleARN: roleARN}
	program := plan.WebIdentity{Profile: "ci", TokenProcess: "mint", RoleARN: roleARN}
	for _, row := range []struct {
		name  string
		step  plan.WebIdentity
		renew Renewal
		later time.Duration
		did   string
	}{
		{"file", file, RenewExec, 29 * m, "source"},
		{"file, half", file, RenewExec, 31 * m, "source source"},
		{"file, for an SDK", file, RenewExport, 31 * m, "source"},
		{"file, due", file, RenewExport, 45 * m, "source source"},
		{"program, half", program, RenewExec, 31 * m, "source"},
		{"program, due", program, RenewExec, 56 * m, "source source"},
	} {
		b := newBench(t, row.renew)
		b.Source = func(context.Context, plan.Plan, bool) (creds.Session, string, error) {
			b.do("source")
			return session("ASIAWEB", b.now.Add(hour)), "", nil
		}
		for range 2 {
			if s, err := b.Credentials(t.Context(), planOf(row.step)); err != nil || s.ID == "" {
				t.Error(s.ID, err)
			}
			b.now = b.now.Add(row.later)
		}
		if got := strings.Join(b.did, " "); got != row.did {
			t.Errorf("%s: did %s, want %s", row.name, got, row.did)
		}
	}
}

// Of a crowd one starts the program; if that keeps nothing, those who waited do not
// queue for it.
func TestProcessCrowd(t *testing.T) {
	step := plan.Process{Profile: "tool", Command: "tool creds"}
	for _, row := range []struct {
		name  string
		plans []plan.Plan
		life  time.Duration
		runs  int32
	}{
		{"one program", []plan.Plan{planOf(step)}, hour, 1},
		{"one program under two roles", []plan.Plan{planOf(step, stepAudit), planOf(step, stepRole), planOf(step)}, hour, 1},
		{"nothing to keep", []plan.Plan{planOf(step)}, 0, 12},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "fob")
			var runs, now, most atomic.Int32
			var all sync.WaitGroup
			for i := range 12 {
				b := benchIn(t, dir, RenewExec)
				b.Source = func(context.Context, plan.Plan, bool) (creds.Session, string, error) {
					runs.Add(1)
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(50 * time.Millisecond)
					now.Add(-1)
					s := session("ASIATOOL", b.now.Add(row.life))
					if row.life == 0 {
						s.Expires = time.Time{}
					}
					return s, "", nil
				}
				all.Go(func() {
					if _, err := b.Credentials(t.Context(), row.plans[i%len(row.plans)]); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := runs.Load(); n != row.runs {
				t.Errorf("the program was started %d times, want %d", n, row.runs)
			}
			if row.runs > 1 && most.Load() < 2 {
				t.Error("they queued for it")
			}
		})
	}
}

// If the key is replaced in the meantime, its session is never used again.
func TestReplacedKey(t *testing.T) {
	b := newBench(t, RenewExec)
	p := plans["mfa role"]
	b.refuse = func(action, _ string) error {
		if action == "token" && b.made == 0 {
			old, _ := b.store.KeyInfo("base")
			if _, err := b.store.SetKey(t.Context(), "base", longKey, keyring.Info{Rev: old.Rev}); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	}
	if s, err := b.Credentials(t.Context(), p); err != nil || s.ID != "NEW2" {
		t.Fatal(s.ID, err)
	}
	if got := b.kept(p, 2) + b.kept(p, 3); got != "" {
		t.Errorf("kept: %s", got)
	}
}

// A renewal that is not due waits for no other fob, and not long for AWS.
func TestRenewEarly(t *testing.T) {
	b := newBench(t, RenewExec)
	p := plans["mfa role"]
	b.keep(p, 3, "OLD3", 31*time.Minute, 29*time.Minute)
	b.keep(p, 2, "OLD2", hour, 11*hour)
	lock, ok, err := keyring.New(storeOptions(b.dir)).TryLock((&run{plan: p}).stepLock(3))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if s, err := b.Credentials(t.Context(), p); err != nil || s.ID != "OLD3" || b.did != nil || strings.Contains(strings.Join(b.logs, "\n"), "waiting") {
		t.Error(s.ID, err, b.did, b.logs)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if s, err := b.Credentials(t.Context(), p); err != nil || s.ID != "NEW1" {
		t.Error(s.ID, err)
	}
}

// errGone gives no reason to ask a person; a locked store does.
var errGone = errors.New("the disk is gone")

// failing is a store that cannot be used when the n-th session is asked for, and only
// then: another error would hide that the first one was ignored.
type failing struct {
	Sessions
	n *int
}

func (f failing) Session(ctx context.Context, source, id string) (creds.Session, keyring.Info, error) {
	if *f.n--; *f.n == -1 {
		return creds.Session{}, keyring.Info{}, errGone
	}
	return f.Sessions.Session(ctx, source, id)
}

// A store that cannot be used any more is the error, whenever it happens: fob does not
// continue as if nothing were cached, with a code and calls that nobody keeps the result of.
func TestStoreFailsLater(t *testing.T) {
	looks := func(n int) (left int, did []string, err error) {
		b := newBench(t, RenewExec)
		left = n
		b.Sessions = failing{b.store, &left}
		_, err = b.Credentials(t.Context(), plans["mfa role"])
		return left, b.did, err
	}
	const many = 1000
	left, _, err := looks(many)
	if err != nil || left == many {
		t.Fatal(err, left)
	}
	for n := range many - left {
		if _, did, err := looks(n); !errors.Is(err, errGone) {
			t.Errorf("the %d. look fails: %v, after %q", n+1, err, did)
		}
	}
}
