//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"fob/internal/broker"
	"fob/internal/host"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// One process may make the credentials of several plans at once: each session is
// made once, whichever goroutine asks first, and with -race nothing that commands share races.
func TestManyInOneProcess(t *testing.T) {
	w := signedUp(t, true)
	names := []string{"dev", "deploy"}
	for i := range 6 {
		name := fmt.Sprintf("role%d", i)
		w.config(t, fmt.Sprintf("[profile %s]\nregion = us-east-1\nsource_profile = dev\nrole_arn = %s\nrole_session_name = %s\n", name, ststest.DemoRole, name))
		names = append(names, name)
	}
	a := appIn(t, w)
	plans := make([]plan.Plan, len(names))
	for i, name := range names {
		var err error
		if plans[i], err = a.plan(name, plan.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	got := make([][]string, len(plans))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			n := i % len(plans)
			s, err := a.credentials(context.Background(), plans[n], request{renew: broker.RenewExec, program: named("test")})
			if err != nil {
				t.Errorf("%s: %v", names[n], err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[n] = append(got[n], s.ID)
		})
	}
	wg.Wait()
	seen := map[string]string{}
	for n, ids := range got {
		if strings.Count(strings.Join(ids, " "), ids[0]) != len(ids) {
			t.Errorf("%s: several sessions: %q", names[n], ids)
		}
		if other := seen[ids[0]]; other != "" {
			t.Errorf("%s and %s share a session", names[n], other)
		}
		seen[ids[0]] = names[n]
	}
	calls := map[string]int{}
	for _, c := range w.AWS.Calls() {
		calls[c.Action]++
	}
	if calls["GetSessionToken"] != 1 || calls["AssumeRole"] != len(plans)-1 || len(calls) != 2 {
		t.Errorf("AWS was called %v", calls)
	}
}

// appIn is what commands work with in a world.
func appIn(t *testing.T, w *world) *app {
	t.Helper()
	p := start{args: []string{w.Fob}, environ: w.Env, getenv: host.Lookup(w.Env), stdout: io.Discard, stderr: io.Discard}
	p.secrets.passphrase = testPassphrase
	l, err := parse(p, []string{"version"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(context.Background(), program{workFactor: 10}, p, l)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
