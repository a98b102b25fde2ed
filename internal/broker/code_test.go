package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/ststest"
	"fob/internal/term"
	"fob/keyring"
)

// person types codes, and records what they are told about the last one.
type person struct {
	codes []string
	told  []string
}

func (p *person) Code(_ context.Context, r mfa.Request) (mfa.Answer, error) {
	if r.Quiet {
		return mfa.Answer{}, errNoPerson
	}
	p.told = append(p.told, r.Refused)
	for len(p.codes) > 0 {
		code := p.codes[0]
		p.codes = p.codes[1:]
		if !r.Used(code) { // as the ladder does: it asks again
			return mfa.Answer{Code: code, From: "person"}, nil
		}
		p.told = append(p.told, "used")
	}
	return mfa.Answer{}, errNoPerson
}

// withAWS lets a bench call the fake AWS.
func (b *bench) withAWS(aws *ststest.Server) {
	b.Dial = func(plan.Endpoint) (STS, error) {
		return newTestClient(b.t, aws.URL), nil
	}
}

func TestWrongCodes(t *testing.T) {
	const refused = "wrong, expired or already used"
	for _, row := range []struct {
		name  string
		codes func(wrong, right, next string) Codes
		spoil func(*ststest.Server)
		calls int
		told  []string
		ok    bool
	}{
		{"right", func(_, right, _ string) Codes { return &person{codes: []string{right}} }, nil, 1, []string{""}, true},
		{"mistyped", func(wrong, right, _ string) Codes { return &person{codes: []string{wrong, right}} }, nil, 2, []string{"", refused}, true},
		{"typed twice", func(wrong, right, _ string) Codes { return &person{codes: []string{wrong, wrong, right}} }, nil, 2,
			[]string{"", refused, "used"}, true},
		{"three times", func(wrong, right, _ string) Codes {
			return &person{codes: []string{wrong, next(wrong), next(next(wrong)), right}}
		}, nil, 3, []string{"", refused, refused}, false},
		{"and then nobody", func(wrong, _, _ string) Codes { return &person{codes: []string{wrong}} }, nil, 1, []string{"", refused}, false},
		{"given", func(_, right, _ string) Codes { return &mfa.Ladder{Given: &mfa.Given{Code: creds.NewSecret(right)}} }, nil, 1, nil, true},
		{"given and wrong", func(wrong, _, _ string) Codes { return &mfa.Ladder{Given: &mfa.Given{Code: creds.NewSecret(wrong)}} }, nil, 1, nil, false},
		{"answer lost", func(_, right, next string) Codes { return &person{codes: []string{right, right, next}} },
			func(s *ststest.Server) { s.Fail("", ststest.Reset(), 1) }, 3, []string{"", awsapi.LostAnswer, "used"}, true},
		{"given, answer lost", func(_, right, _ string) Codes { return &mfa.Ladder{Given: &mfa.Given{Code: creds.NewSecret(right)}} },
			func(s *ststest.Server) { s.Fail("", ststest.Reset(), 1) }, 2, nil, false},
		{"another serial", func(_, right, next string) Codes { return &person{codes: []string{right, next}} },
			func(s *ststest.Server) {
				if err := s.AddUser(ststest.User{ARN: ststest.DemoUser + "2", MFA: []ststest.Device{{Serial: deviceARN, Seed: creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed)}}}}); err != nil {
					panic(err)
				}
			}, 1, []string{""}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			aws := newAWS(t, ststest.Config{})
			wrong, step := wrongCode(aws), aws.Step(deviceARN)
			codes := row.codes(wrong, aws.CodeAt(deviceARN, step), aws.CodeAt(deviceARN, step+1))
			if row.spoil != nil {
				row.spoil(aws)
			}
			b := newBench(t, RenewExec)
			b.withAWS(aws)
			b.Codes = codes
			_, err := b.Credentials(t.Context(), plans["mfa"])
			if (err == nil) != row.ok {
				t.Error(err)
			}
			if err != nil {
				publishable(t, err.Error(), wrong)
				wantErr[*awsapi.RefusedError](t, err)
			}
			if n := len(aws.Calls()); n != row.calls {
				t.Errorf("%d calls, want %d", n, row.calls)
			}
			if p, ok := codes.(*person); ok && strings.Join(p.told, "|") != strings.Join(row.told, "|") {
				t.Errorf("told %q, want %q", p.told, row.told)
			}
		})
	}
}

// next is another wrong code: AWS accepts three of a million.
func next(code string) string {
	var n int
	fmt.Sscan(strings.TrimLeft(code, "0"), &n)
	return fmt.Sprintf("%06d", n+500000)
}

// Before AWS sees a code, it is on the disk as used, under a lock: neither another
// process nor this one after a crash sends it again.
func TestUsedBeforeSent(t *testing.T) {
	b := newBench(t, RenewExec)
	p := plans["mfa role"]
	other := benchIn(t, b.dir, RenewExec)
	step := int64(1000)
	b.Codes = codesFunc(func(context.Context, mfa.Request) (mfa.Answer, error) {
		return mfa.Answer{Code: "123456", Step: step, From: "seed"}, nil
	})
	sent := 0
	b.refuse = func(action, code string) error {
		if action != "token" {
			return nil
		}
		sent++
		d := (&run{Broker: other.Broker}).deviceState(deviceLock(deviceARN))
		if !d.usedAt(b.now)(code) || !d.usedStep(step) {
			t.Errorf("not remembered: %+v", d)
		}
		if lock, ok, err := other.store.TryLock(deviceLock(deviceARN)); ok || err != nil {
			t.Error("not locked", lock, err)
		}
		return errNetwork
	}
	_, err := b.Credentials(t.Context(), p)
	wantErr[*awsapi.UnreachableError](t, err)
	// The next process knows it, although nobody saw an answer.
	other.Codes = codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
		if !r.UsedStep(step) || r.UsedStep(step+1) || !r.Used("123456") || r.Used("654321") || r.Refused != "" {
			t.Errorf("%+v", r)
		}
		return mfa.Answer{Code: "654321", Step: step + 1}, nil
	})
	if _, err := other.Credentials(t.Context(), p); err != nil || sent != 1 {
		t.Error(err, sent)
	}
	// The code of fob mfa code counts, too.
	other.Codes = codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
		if !r.UsedStep(step+1) || r.UsedStep(step+2) || !r.Used("654321") || r.Profile != "dev" || r.Serial != deviceARN || r.Skew != time.Minute {
			t.Errorf("%+v", r)
		}
		return mfa.Answer{Code: "111111", Step: step + 2}, nil
	})
	if a, err := other.SeedCode(t.Context(), "dev", deviceARN, time.Minute); err != nil || a.Code != "111111" {
		t.Error(a.Step, err)
	}
	if d := (&run{Broker: b.Broker}).deviceState(deviceLock(deviceARN)); !d.usedStep(step + 2) {
		t.Errorf("%+v", d)
	}
}

// A code of which no byte left this computer can be used a moment later, by the same
// process or another, and whether a person typed it or fob made it.
func TestCodeIsGivenBack(t *testing.T) {
	for name, row := range map[string]struct {
		unsent error
		back   bool
	}{
		"no network":           {&awsapi.UnsentError{Err: errNetwork}, true},
		"given up":             {&awsapi.UnsentError{Err: context.Canceled}, true},
		"no answer":            {errNetwork, false},
		"sent, then no answer": {&awsapi.UnreachableError{Sent: true}, false},
		"AWS is busy":          {&awsapi.UnreachableError{Problem: "AWS answered Throttling"}, false},
	} {
		b := newBench(t, RenewExec)
		other := benchIn(t, b.dir, RenewExec)
		remember(t, b.store, deviceState{Used: []usedCode{{At: b.now.Add(-time.Minute), Mark: mark("111111"), Step: 7}}})
		code := codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
			if !r.UsedStep(7) || r.Used("123456") || !r.Used("111111") {
				t.Errorf("%s: %+v", name, r)
			}
			return mfa.Answer{Code: "123456", Step: 8}, nil
		})
		b.Codes, other.Codes = code, code
		b.refuse = func(action, _ string) error { return row.unsent }
		if _, err := b.Credentials(t.Context(), plans["mfa"]); !errors.Is(err, row.unsent) {
			t.Errorf("%s: %v", name, err)
		}
		d := (&run{Broker: other.Broker}).deviceState(deviceLock(deviceARN))
		if used := d.usedAt(b.now)("123456"); used == row.back || !d.usedAt(b.now)("111111") {
			t.Errorf("%s: used: %v", name, used)
		}
		if row.back {
			if _, err := other.Credentials(t.Context(), plans["mfa"]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDeviceMemory(t *testing.T) {
	now := time.Now()
	var d deviceState
	for n := range int64(20) {
		d = d.use(mfa.Answer{Code: fmt.Sprintf("%06d", n), Step: n + 1}, now)
	}
	if len(d.Used) != maxUsed || !d.usedStep(20) || d.usedStep(12) || d.usedStep(21) || !d.usedAt(now)("000019") || d.usedAt(now)("000001") {
		t.Errorf("%+v", d)
	}
	for _, row := range []struct {
		name  string
		later time.Duration
		used  bool
	}{
		{"at once", 0, true},
		{"in the last code's reach", 2*time.Minute - time.Second, true},
		{"after it", 2 * time.Minute, false},
		{"the clock went back a little", -30 * time.Second, true},
		{"by an hour", -hour, false},
	} {
		if used := d.usedAt(now.Add(row.later))("000019"); used != row.used {
			t.Errorf("%s: used %v", row.name, used)
		}
	}
	// The mark is too short to recover a code from it.
	if m := mark("123456"); len(m) != 4 {
		t.Errorf("%d hexadecimal digits", len(m))
	}
}

// remember writes the state of the device.
func remember(t *testing.T, s *keyring.Store, state any) {
	t.Helper()
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	lock, ok, err := s.TryLock(deviceLock(deviceARN))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := errors.Join(lock.SetState(text), lock.Unlock()); err != nil {
		t.Fatal(err)
	}
}

// A damaged state is ignored; a code that cannot be remembered is not sent.
func TestDamagedMemory(t *testing.T) {
	b := newBench(t, RenewExec)
	remember(t, b.store, "no device's")
	if _, err := b.Credentials(t.Context(), plans["mfa"]); err != nil || !strings.Contains(strings.Join(b.logs, "\n"), "starting over") {
		t.Error(err, b.logs)
	}

	b = newBench(t, RenewExec)
	b.Sessions = stateless{b.store, t}
	if _, err := b.Credentials(t.Context(), plans["mfa"]); err == nil || b.made != 0 {
		t.Error("a code was sent that nobody will remember", err)
	}
}

// stateless is a store whose device locks cannot store a state.
type stateless struct {
	*keyring.Store
	t *testing.T
}

func (s stateless) Lock(ctx context.Context, name string, waiting func()) (*keyring.Lock, error) {
	if !strings.HasPrefix(name, "mfa-") {
		return s.Store.Lock(ctx, name, waiting)
	}
	// The lock of a store that was deleted.
	dir := filepath.Join(s.t.TempDir(), "gone")
	lock, err := keyring.New(storeOptions(dir)).Lock(ctx, name, waiting)
	if err == nil {
		err = os.RemoveAll(dir)
	}
	return lock, err
}

// A code that was sent is not wasted: its session is cached, even though the user
// gave up. The next step is not started.
func TestGrace(t *testing.T) {
	aws := newAWS(t, ststest.Config{})
	b := newBench(t, RenewExec)
	b.withAWS(aws)
	b.Codes = codesFunc(func(context.Context, mfa.Request) (mfa.Answer, error) {
		return mfa.Answer{Code: aws.Code(deviceARN)}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	aws.Fail("", ststest.Slow(300*time.Millisecond), 1)
	go func() {
		for len(aws.Calls()) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	p := plans["mfa role"]
	if _, err := b.Credentials(ctx, p); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if kept := b.kept(p, 2); kept == "" || len(aws.Calls()) != 1 {
		t.Errorf("kept %q after %s", kept, actions(aws))
	}
}

// AWS's answer to a code is not awaited forever.
func TestGraceEnds(t *testing.T) {
	for name, within := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": context.WithCancel,
		"budget": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			return ctx, func() { _ = cancel }
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newAWS(t, ststest.Config{})
			aws.Fail("", ststest.Slow(time.Minute), ststest.Always)
			b := newBench(t, RenewExec)
			b.Grace = 50 * time.Millisecond
			ctx, cancel := within(t.Context())
			b.Dial = func(plan.Endpoint) (STS, error) {
				cancel()
				return newTestClient(t, aws.URL), nil
			}
			_, err := b.Credentials(ctx, plans["mfa"])
			if name == "cancelled" {
				if err != context.Canceled {
					t.Error(err)
				}
			} else {
				wantErr[*awsapi.UnreachableError](t, err)
			}
		})
	}
}

// sharing runs two brokers that need a code of the same device: the first asks a
// person, the second waits for it, and then end decides how the asking ends.
func sharing(t *testing.T, first, second plan.Plan, end func(context.Context, *bench) error, fresh bool) (a, b *bench, errA, errB error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fob")
	a, b = benchIn(t, dir, RenewExec), benchIn(t, dir, RenewExec)
	a.keep(first, 2, "OLD2", hour, 30*time.Second) // too little, which is why they ask
	a.Fresh, b.Fresh = fresh, fresh
	remember(t, a.store, deviceState{Refusal: keyring.Refusal{Seq: 3, Outcome: keyring.Cancelled, Message: "long ago", About: first.ID(2)}})
	asking, waiting := make(chan bool), make(chan bool)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.Codes = codesFunc(func(ctx context.Context, _ mfa.Request) (mfa.Answer, error) {
		close(asking)
		<-waiting
		return mfa.Answer{Code: "999999"}, end(ctx, a)
	})
	b.Log = func(format string, args ...any) {
		if strings.HasPrefix(format, "waiting for another fob") && b.logs == nil {
			b.logs = append(b.logs, format)
			close(waiting)
		}
	}
	done := make(chan bool)
	go func() {
		_, errA = a.Credentials(ctx, first)
		close(done)
	}()
	<-asking
	_, errB = b.Credentials(t.Context(), second)
	<-done
	return a, b, errA, errB
}

// A process that waited accepts the refusal and does not ask again. Errors that say
// nothing about the next try are not shared.
func TestSharedOutcomes(t *testing.T) {
	refuse := func(err error) func(context.Context, *bench) error {
		return func(_ context.Context, a *bench) error {
			a.Codes = codesFunc(func(context.Context, mfa.Request) (mfa.Answer, error) { return mfa.Answer{}, errNoPerson })
			a.refuse = func(string, string) error { return err }
			return nil
		}
	}
	same := plans["mfa role"]
	other := plans["mfa audit"]       // meets the first at the device only
	direct := plans["role with code"] // the device, but another session
	for _, row := range []struct {
		name   string
		second plan.Plan
		end    func(context.Context, *bench) error
		want   keyring.Outcome // "" is not shared: the second is asked
		says   string
	}{
		{"cancelled", same, func(context.Context, *bench) error { return term.ErrCancelled }, keyring.Cancelled, "got no session with " + deviceARN + ": cancelled"},
		{"cancelled, another profile", other, func(context.Context, *bench) error { return fmt.Errorf("MFA code: %w", term.ErrCancelled) }, keyring.Cancelled, ""},
		{"cancelled, another session", direct, func(context.Context, *bench) error { return term.ErrCancelled }, keyring.Cancelled, ""},
		{"refused", same, refuse(errBadCode), keyring.Refused, "invalid MFA one time pass code"},
		{"refused, another profile", other, refuse(errBadCode), keyring.Refused, ""},
		{"key refused", same, refuse(errRefused), keyring.Refused, "not authorized"},
		{"key refused, another profile", other, refuse(errRefused), keyring.Refused, ""}, // the same key and device
		{"key refused, another session", direct, refuse(errRefused), "", ""},
		{"nobody could be asked", same, func(context.Context, *bench) error { return errNoPerson }, "", ""},
		{"no network", same, refuse(errNetwork), "", ""},
		{"interrupted", same, func(context.Context, *bench) error { return context.Canceled }, "", ""},
		{"the next code is too far away", same, func(context.Context, *bench) error { return context.DeadlineExceeded }, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, b, errA, errB := sharing(t, same, row.second, row.end, false)
			if errA == nil {
				t.Error("the first one got a session")
			}
			asked := strings.Contains(strings.Join(b.did, " "), "code")
			if row.want == "" {
				if errB != nil || !asked {
					t.Errorf("%v after %v", errB, b.did)
				}
				return
			}
			e := wantErr[*keyring.SharedError](t, errB)
			if e.Outcome != row.want || e.Serial != deviceARN || !strings.Contains(e.Error(), row.says) || asked {
				t.Errorf("%+v after %v", e, b.did)
			}
			publishable(t, errB.Error(), "999999")
			// A process that comes later asks.
			late := benchIn(t, a.dir, RenewExec)
			if _, err := late.Credentials(t.Context(), row.second); err != nil {
				t.Error(err)
			}
		})
	}
}

// A session that was made while this process waited is fresh enough for --fresh.
func TestSharedSession(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		for name, did := range map[string]string{"mfa role": "source dial", "mfa audit": "source dial audit(NEW1)"} {
			a, b, errA, errB := sharing(t, plans["mfa role"], plans[name], func(_ context.Context, a *bench) error { return nil }, fresh)
			if got := strings.Join(b.did, " "); errA != nil || errB != nil || got != did || len(a.did) != 4 {
				t.Errorf("%s: %v, %v, %v after %v", name, errA, errB, got, a.did)
			}
		}
	}
}

// budget is a context whose deadline passes when the test closes over.
type budget struct {
	context.Context
	over chan struct{}
}

func (b *budget) Done() <-chan struct{} { return b.over }

func (b *budget) Err() error {
	select {
	case <-b.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// If nobody answers in time, those who wait learn it, and what is left of a cached
// session is used.
func TestUnanswered(t *testing.T) {
	for _, left := range []time.Duration{0, 10 * time.Minute} {
		dir := filepath.Join(t.TempDir(), "fob")
		p := plans["mfa"]
		a, b := benchIn(t, dir, RenewExport), benchIn(t, dir, RenewExport)
		if left > 0 {
			a.keep(p, 2, "OLD2", 11*hour, left)
		}
		asking, waiting := make(chan bool), make(chan bool)
		late := &budget{t.Context(), make(chan struct{})}
		a.Codes = codesFunc(func(ctx context.Context, _ mfa.Request) (mfa.Answer, error) {
			close(asking)
			<-waiting
			close(late.over)
			<-ctx.Done()
			return mfa.Answer{}, ctx.Err()
		})
		b.Log = func(format string, _ ...any) {
			if strings.HasPrefix(format, "waiting") {
				close(waiting)
			}
		}
		var gotA creds.Session
		var errA error
		done := make(chan bool)
		go func() {
			gotA, errA = a.Credentials(late, p)
			close(done)
		}()
		<-asking
		gotB, errB := b.Credentials(t.Context(), p)
		<-done
		if left > 0 {
			if gotA.ID != "OLD2" || gotB.ID != "OLD2" || len(a.notes) != 1 || len(b.notes) != 1 {
				t.Errorf("%v, %v, %q, %q", errA, errB, a.notes, b.notes)
			}
			continue
		}
		if e := wantErr[*keyring.SharedError](t, errB); e.Outcome != keyring.Unanswered || !errors.Is(errA, context.DeadlineExceeded) {
			t.Error(errA, errB)
		}
	}
}

// A renewal that is not due asks nobody, so nobody's time has run out with it: those
// who wait for the device are told nothing.
func TestQuietRenewalIsSilent(t *testing.T) {
	b := newBench(t, RenewExec)
	p := plans["mfa"]
	b.keep(p, 2, "OLD2", 7*hour, 5*hour)
	was := deviceState{Refusal: keyring.Refusal{Seq: 3, Outcome: keyring.Cancelled, Message: "long ago"}}
	remember(t, b.store, was)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	asked := false
	b.QuietCodes = codesFunc(func(ctx context.Context, _ mfa.Request) (mfa.Answer, error) {
		asked = true
		<-ctx.Done()
		return mfa.Answer{}, ctx.Err()
	})
	if s, err := b.Credentials(ctx, p); err != nil || s.ID != "OLD2" || !asked {
		t.Errorf("%s, %v, asked %v", s.ID, err, asked)
	}
	if d := (&run{Broker: b.Broker}).deviceState(deviceLock(deviceARN)); d.Refusal != was.Refusal {
		t.Errorf("shared: %+v", d.Refusal)
	}
}

// A code that could not be made is an error, and nothing is used up.
func TestSeedCodeFails(t *testing.T) {
	b := newBench(t, RenewExec)
	b.code = errNoPerson
	if a, err := b.SeedCode(t.Context(), "dev", deviceARN, 0); err != errNoPerson || a != (mfa.Answer{}) {
		t.Errorf("%+v, %v", a, err)
	}
	if d := (&run{Broker: b.Broker}).deviceState(deviceLock(deviceARN)); len(d.Used) > 0 {
		t.Errorf("used: %+v", d.Used)
	}
}
