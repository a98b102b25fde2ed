package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	"fob/internal/ststest"
	"fob/keyring"
)

// process is what the test binary does as another process, with the arguments
//
//	URL STORE PLAN CODE
//
// With an empty CODE it asks for one.
func process(args []string) error {
	ctx := context.Background()
	store := keyring.New(storeOptions(args[1]))
	b := brokerFor(store, args[0])
	if args[3] != "" {
		b.Codes = &mfa.Ladder{Given: &mfa.Given{Code: creds.NewSecret(args[3])}}
	} else {
		b.Codes = codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
			fmt.Fprintln(os.Stderr, "asked")
			if os.Getenv("FOB_TEST_HANG") != "" {
				select {}
			}
			return demoCode(r)
		})
	}
	b.Log = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	s, err := b.Credentials(ctx, plans[args[2]])
	if err == nil {
		fmt.Println(s.ID)
	}
	return err
}

// brokerFor is a broker with a real store and the fake AWS, without codes.
func brokerFor(store *keyring.Store, url string) *Broker {
	quiet := func(string, ...any) {}
	return &Broker{
		Source:   sourceOf(store),
		Sessions: store,
		Dial: func(e plan.Endpoint) (STS, error) {
			e.URL = url
			return awsapi.NewClient(awsapi.Limits{}, e, quiet)
		},
		Renew: RenewExec, Now: time.Now, Log: quiet, Note: quiet,
	}
}

// demoCode is a code of the demo world's device that was not used yet.
func demoCode(r mfa.Request) (mfa.Answer, error) {
	seed := creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
	step := mfa.Step(seed, time.Now())
	code, err := mfa.Code(seed, step)
	if err == nil && r.Used(code) {
		code, err = mfa.Code(seed, step+1) // AWS takes it already
	}
	return mfa.Answer{Code: code, From: "person"}, err
}

// count counts calls by action.
func count(s *ststest.Server) map[string]int {
	n := make(map[string]int)
	for _, c := range s.Calls() {
		n[c.Action]++
	}
	return n
}

// Many brokers that start at once with an empty cache need one code.
func TestManyGoroutines(t *testing.T) {
	for _, row := range []struct {
		n     int
		plans []string
		calls map[string]int
	}{
		{50, []string{"mfa"}, map[string]int{"GetSessionToken": 1}},
		{50, []string{"mfa role"}, map[string]int{"GetSessionToken": 1, "AssumeRole": 1}},
		{24, []string{"mfa role", "mfa audit"}, map[string]int{"GetSessionToken": 1, "AssumeRole": 2}},
		{24, []string{"role with code"}, map[string]int{"AssumeRole": 1}},
		{24, []string{"role"}, map[string]int{"AssumeRole": 1}},
	} {
		t.Run(fmt.Sprintf("%d/%s", row.n, row.plans), func(t *testing.T) {
			aws := newAWS(t, ststest.Config{})
			if err := aws.AddRole(ststest.Role{ARN: roleARN, Principals: []string{"arn:aws:iam::" + ststest.DemoAccount + ":root"}, MFA: true, MaxSession: 12 * hour}); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "fob")
			openStore(t, dir, nil)
			var asked atomic.Int32
			var all sync.WaitGroup
			var start sync.WaitGroup
			start.Add(1)
			ids := make([]string, row.n)
			for i := range ids {
				b := brokerFor(keyring.New(storeOptions(dir)), aws.URL)
				b.Codes = codesFunc(func(_ context.Context, r mfa.Request) (mfa.Answer, error) {
					asked.Add(1)
					return demoCode(r)
				})
				all.Go(func() {
					start.Wait()
					s, err := b.Credentials(t.Context(), plans[row.plans[i%len(row.plans)]])
					if err != nil {
						t.Error(err)
					}
					ids[i] = s.ID
				})
			}
			start.Done()
			all.Wait()
			if got := count(aws); fmt.Sprint(got) != fmt.Sprint(row.calls) || asked.Load() > 1 {
				t.Errorf("%v, asked %d times", got, asked.Load())
			}
			for i, id := range ids {
				if id != ids[i%len(row.plans)] {
					t.Errorf("%d: %s, another session than %s", i, id, ids[i%len(row.plans)])
				}
			}
		})
	}
}

// 64 goroutines share a broker, a store, a client and a ladder, and want the
// credentials of 8 plans at once: one call makes each session, and each device
// gives one code.
func TestManyOfOneBroker(t *testing.T) {
	const otherSerial = "arn:aws:iam::" + ststest.DemoAccount + ":mfa/ann"
	otherKey := creds.Key{ID: "AKIAI44QH8DHBEXAMPLE", Secret: creds.NewSecret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")}
	aws := newAWS(t, ststest.Config{})
	seed := creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
	if err := aws.AddUser(ststest.User{ARN: "arn:aws:iam::" + ststest.DemoAccount + ":user/ann", Keys: []creds.Key{otherKey},
		MFA: []ststest.Device{{Serial: otherSerial, Seed: seed}}}); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, filepath.Join(t.TempDir(), "fob"), nil)
	if _, err := store.SetKey(t.Context(), "other", otherKey, keyring.Info{}); err != nil {
		t.Fatal(err)
	}
	other := plan.StoredKey{Profile: "other", KeyID: otherKey.ID}
	otherMFA := plan.SessionToken{MFASerial: otherSerial, DurationSeconds: 43200}
	wanted := []plan.Plan{
		planOf(stepKey, stepMFA), planOf(stepKey, stepMFA, stepRole), planOf(stepKey, stepMFA, stepAudit),
		planOf(stepKey, stepMFA, stepRole, stepAudit), planOf(stepKey, stepAudit),
		planOf(other, otherMFA), planOf(other, otherMFA, stepAudit), planOf(other, otherMFA, stepRole),
	}
	b := brokerFor(store, aws.URL)
	dial := b.Dial
	client := sync.OnceValues(func() (STS, error) { return dial(wanted[0].STS) })
	b.Dial = func(plan.Endpoint) (STS, error) { return client() }
	var asked sync.Map
	ladder := &mfa.Ladder{Seed: func(context.Context, string) (creds.Seed, bool, error) { return seed, true, nil }}
	b.Codes = codesFunc(func(ctx context.Context, r mfa.Request) (mfa.Answer, error) {
		if _, twice := asked.LoadOrStore(r.Serial, true); twice {
			t.Errorf("a second code of %s", r.Serial)
		}
		return ladder.Code(ctx, r)
	})
	ids := make([]string, 64)
	var start, all sync.WaitGroup
	start.Add(1)
	for i := range ids {
		all.Go(func() {
			start.Wait()
			s, err := b.Credentials(t.Context(), wanted[i%len(wanted)])
			if err != nil {
				t.Error(err)
			}
			ids[i] = s.ID
		})
	}
	start.Done()
	all.Wait()
	if got, want := fmt.Sprint(count(aws)), "map[AssumeRole:6 GetSessionToken:2]"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
	for i, id := range ids {
		if id != ids[i%len(wanted)] {
			t.Errorf("%d: %s, another session than %s", i, id, ids[i%len(wanted)])
		}
	}
}

// result is how another process ended.
type result struct {
	out, said string
	err       error
}

func command(url, dir, plan, code string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(os.Args[0], url, dir, plan, code)
	cmd.Env = append(os.Environ(), roleVariable+"=1")
	said := &bytes.Buffer{}
	cmd.Stderr = said
	return cmd, said
}

func together(n int, args func(i int) (url, dir, plan, code string)) []result {
	results := make([]result, n)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			cmd, said := command(args(i))
			out, err := cmd.Output()
			results[i] = result{strings.TrimSpace(string(out)), said.String(), err}
		})
	}
	all.Wait()
	return results
}

func TestManyProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("50 processes")
	}
	for _, row := range []struct {
		n     int
		plans []string
		calls map[string]int
	}{
		{50, []string{"mfa"}, map[string]int{"GetSessionToken": 1}},
		{24, []string{"mfa role", "mfa audit"}, map[string]int{"GetSessionToken": 1, "AssumeRole": 2}},
	} {
		aws := newAWS(t, ststest.Config{})
		dir := filepath.Join(t.TempDir(), "fob")
		openStore(t, dir, nil)
		asked := 0
		results := together(row.n, func(i int) (string, string, string, string) { return aws.URL, dir, row.plans[i%len(row.plans)], "" })
		for i, r := range results {
			if r.err != nil || r.out == "" || r.out != results[i%len(row.plans)].out {
				t.Errorf("%d: %q, %v: %s", i, r.out, r.err, r.said)
			}
			asked += strings.Count(r.said, "asked\n")
		}
		if got := count(aws); fmt.Sprint(got) != fmt.Sprint(row.calls) || asked != 1 {
			t.Errorf("%v, asked %d times", got, asked)
		}
	}
}

// If many processes are given the same wrong code, one sends it.
func TestManyWithWrongCode(t *testing.T) {
	n := 50
	if testing.Short() {
		n = 8
	}
	aws := newAWS(t, ststest.Config{})
	dir := filepath.Join(t.TempDir(), "fob")
	openStore(t, dir, nil)
	code := wrongCode(aws)
	for i, r := range together(n, func(int) (string, string, string, string) { return aws.URL, dir, "mfa", code }) {
		lines := strings.Split(strings.TrimSpace(r.said), "\n")
		last := lines[len(lines)-1]
		publishable(t, last, code)
		// One of them sent it, some waited for that, and some came later.
		if r.err == nil || r.out != "" || !strings.Contains(last, "invalid MFA one time pass code") && !strings.Contains(last, "that code has been used") {
			t.Errorf("%d: %q, %v: %s", i, r.out, r.err, r.said)
		}
	}
	if got := actions(aws); got != "GetSessionToken" {
		t.Errorf("calls: %s", got)
	}
}

// until waits for another process.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for: %s", what)
		}
	}
}

// lines collects the output of a process while it runs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

// If the process that holds the lock is killed while it asks a person or calls AWS,
// the next one asks. It does not send the first one's code again.
func TestHolderKilled(t *testing.T) {
	for _, sending := range []bool{false, true} {
		t.Run(fmt.Sprintf("sending %v", sending), func(t *testing.T) {
			aws := newAWS(t, ststest.Config{})
			dir := filepath.Join(t.TempDir(), "fob")
			openStore(t, dir, nil)
			start := func(env string) (*exec.Cmd, *lines) {
				cmd, _ := command(aws.URL, dir, "mfa role", "")
				cmd.Env = append(cmd.Env, env)
				said := &lines{}
				cmd.Stderr = said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd, said
			}
			env := "FOB_TEST_HANG=1"
			if sending {
				env = "FOB_TEST_HANG="
				aws.Fail("", ststest.Slow(time.Minute), 1) // carried out, but not answered
			}
			holder, said := start(env)
			until(t, "the holder to ask", func() bool { return said.has("asked") && (!sending || len(aws.Calls()) == 1) })
			waiter, heard := start("")
			until(t, "the other one to wait", func() bool { return heard.has("waiting for another fob") })
			if err := holder.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			holder.Wait()
			if err := waiter.Wait(); err != nil || !heard.has("asked") {
				t.Errorf("%v: %s", err, heard.text.String())
			}
			want := "GetSessionToken AssumeRole"
			if sending {
				want = "GetSessionToken " + want
			}
			if got := actions(aws); got != want {
				t.Errorf("calls: %s", got)
			}
			for _, c := range aws.Calls() {
				if c.Code != "OK" {
					t.Errorf("%s: %s", c.Action, c.Code)
				}
			}
		})
	}
}

// Waiting for another fob ends with the context.
func TestWaitEnds(t *testing.T) {
	b := newBench(t, RenewExport)
	lock, ok, err := keyring.New(storeOptions(b.dir)).TryLock(deviceLock(deviceARN))
	if !ok || err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := b.Credentials(ctx, plans["mfa"]); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	gone := errors.New("the parent is gone")
	gctx, leave := context.WithCancelCause(t.Context())
	leave(gone)
	if _, err := b.Credentials(gctx, plans["mfa"]); err != gone {
		t.Error(err)
	}
	// The broker uses the rest of a cached session, unless the caller is gone.
	b.keep(plans["mfa"], 2, "OLD2", 11*hour, 9*time.Minute)
	if _, err := b.Credentials(gctx, plans["mfa"]); err != gone {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if s, err := b.Credentials(ctx, plans["mfa"]); err != nil || s.ID != "OLD2" || len(b.notes) != 1 {
		t.Error(s.ID, err, b.notes)
	}
}
