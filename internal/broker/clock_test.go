package broker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// recorder notes the codes that are sent, and how many of them AWS refuses.
type recorder struct {
	STS
	sent    map[string]int
	refused int
}

func (r *recorder) SessionToken(ctx context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error) {
	r.sent[code]++
	s, err := r.STS.SessionToken(ctx, with, step, code)
	var refused *awsapi.RefusedError
	if errors.As(err, &refused) {
		r.refused++
	}
	return s, err
}

// With a clock that is up to ten minutes wrong, a stored seed and a person get their
// sessions all the same: no code is sent twice, at most one is refused, and the next
// run knows by how much the clock is wrong.
func TestWrongClock(t *testing.T) {
	seed := creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
	aws := newAWS(t, ststest.Config{})
	start := time.Now().Truncate(time.Minute)
	dir := filepath.Join(t.TempDir(), "fob")
	var skews []time.Duration
	for s := -100 * time.Second; s <= 100*time.Second; s += 14 * time.Second { // codes are good for 90 s
		skews = append(skews, s)
	}
	for s := 3 * time.Minute; s <= 10*time.Minute; s += 3 * time.Minute { // signatures for 5 minutes
		skews = append(skews, s, -s)
	}
	for _, typed := range []bool{false, true} {
		for i, skew := range append(skews, 10*time.Minute, -10*time.Minute) {
			name := fmt.Sprintf("skew %v, typed %v", skew, typed)
			start = start.Add(10 * time.Minute) // the last row's codes are history
			real := start.Add(time.Duration(i*7%30) * time.Second)
			aws.StopClock(real)
			pass := func(_ context.Context, d time.Duration, _ string) error {
				real = real.Add(d)
				aws.StopClock(real)
				return nil
			}
			now := func() time.Time { return real.Add(skew) }
			b := benchIn(t, dir, RenewExec)
			remember(t, b.store, deviceState{})
			b.Now = now
			sent := &recorder{sent: map[string]int{}}
			b.Dial = func(e plan.Endpoint) (STS, error) {
				e.URL = aws.URL
				client, err := awsapi.NewClient(awsapi.Limits{Now: now}, e, func(string, ...any) {})
				sent.STS = client
				return sent, err
			}
			ladder := &mfa.Ladder{Now: now, Wait: pass, Seed: func(context.Context, string) (creds.Seed, bool, error) { return seed, true, nil }}
			b.Codes = ladder
			if typed {
				b.Codes = codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
					for { // the phone's clock is right
						code, err := mfa.Code(seed, mfa.Step(seed, real))
						if err != nil || !r.Used(code) {
							return mfa.Answer{Code: code, From: "person"}, err
						}
						pass(t.Context(), 30*time.Second, "")
					}
				})
			}
			b.Fresh = true
			for run := range 2 {
				before := sent.refused
				if _, err := b.Credentials(t.Context(), plans["mfa"]); err != nil {
					t.Fatalf("%s, run %d: %v", name, run, err)
				}
				if run == 1 && sent.refused > before {
					t.Errorf("%s: the second run began with a refused code", name)
				}
			}
			for code, n := range sent.sent {
				if n > 1 {
					t.Errorf("%s: code %s was sent %d times", name, code, n)
				}
			}
			if sent.refused > 1 || typed && sent.refused > 0 {
				t.Errorf("%s: AWS refused %d codes", name, sent.refused)
			}
			if waited := real.Sub(start); waited > 90*time.Second {
				t.Errorf("%s: it took %v", name, waited)
			}
		}
	}
}
