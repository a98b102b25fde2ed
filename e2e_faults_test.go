//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/ststest"
	"fob/keyring"
)

// Faults between fob and AWS, seen from outside. Tests in internal/awsapi check how the
// client handles each fault.

// securely has an AWS that speaks TLS, the demo key as dev without MFA, and the
// roles left and cold on it.
func securely(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.AWS.Close()
	var err error
	if w.AWS, err = ststest.Start(ststest.Config{TLS: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.AWS.Close() })
	if err := w.AWS.AddDemo(); err != nil {
		t.Fatal(err)
	}
	w.trust(t, w.AWS)
	w = w.with("AWS_ENDPOINT_URL_STS="+w.AWS.URL, "AWS_CA_BUNDLE="+w.bundle())
	for _, name := range []string{"left", "cold"} {
		arn := "arn:aws:iam::222222222222:role/" + name
		if err := w.AWS.AddRole(ststest.Role{ARN: arn, Principals: []string{"arn:aws:iam::" + ststest.DemoAccount + ":root"}}); err != nil {
			t.Fatal(err)
		}
		w.config(t, "[profile "+name+"]\nfob_source_profile = dev\nfob_role_arn = "+arn+"\n")
	}
	w.must(t, owners[0].stdin(), "add", "dev", "--stdin", "--no-config", "--no-verify")
	return w
}

// bundle is the file with the certificate authorities that fob trusts.
func (w *world) bundle() string { return filepath.Join(w.Home, "ca.pem") }

// trust makes fob trust a server's certificate, and no other.
func (w *world) trust(t *testing.T, s *ststest.Server) {
	t.Helper()
	if err := os.WriteFile(w.bundle(), s.CAPEM, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sessions returns the IDs of the sessions in the store.
func (w *world) sessions(t *testing.T) string {
	t.Helper()
	infos, err := w.store().Infos(keyring.KindSession)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range infos {
		ids = append(ids, i.ID)
	}
	return strings.Join(ids, " ")
}

// If fob cannot reach AWS, or AWS answers nonsense, fob prints one clear line before the
// budget of an export ends, and caches nothing. It hands out a cached session that has
// not expired.
func TestAWSFails(t *testing.T) {
	t.Parallel()
	if awsapi.MaxCall > exportBudget-10*time.Second {
		t.Errorf("a call may take %v, an export %v", awsapi.MaxCall, exportBudget)
	}
	always := func(f ststest.Fault) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.AWS.Fail("", f, ststest.Always) }
	}
	for _, row := range []struct {
		name  string
		spoil func(*testing.T, *world)
		says  string
	}{
		{"refused", func(_ *testing.T, w *world) { w.AWS.Close() }, "connection refused"},
		{"untrusted", func(t *testing.T, w *world) {
			other, err := ststest.Start(ststest.Config{TLS: true})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			w.trust(t, other)
		}, "this computer does not trust the server's certificate"},
		{"dropped", always(ststest.Drop()), "could not reach AWS at 127.0.0.1:"},
		{"reset", always(ststest.Reset()), "could not reach AWS at 127.0.0.1:"},
		{"broken", always(ststest.Status(500)), "AWS answered InternalFailure"},
		{"unavailable", always(ststest.Status(503)), "AWS answered ServiceUnavailable"},
		{"throttled", always(ststest.Throttle()), "AWS answered Throttling"},
		{"slow", always(ststest.Slow(time.Hour)), "no answer in time"},
		{"empty", always(ststest.Empty()), "no credentials"},
		{"portal", always(ststest.Portal()), "a web page"},
		{"truncated", always(ststest.Truncated()), "not an AWS response"},
		{"redirected", always(ststest.Redirect("https://127.0.0.1:1/")), "a redirect"},
		{"expired", always(ststest.Expired()), "have already expired"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := securely(t).raced()
			if row.name == "slow" {
				w = w.with(testAnswer + "=1s") // for each of three tries
			}
			w.AWS.SetSessionLife(12 * time.Minute) // less than export wants
			left := w.must(t, "", "export", "left")
			w.AWS.SetSessionLife(0)
			before := w.sessions(t)
			row.spoil(t, w)
			ran := filepath.Join(w.Home, "ran")
			var all sync.WaitGroup
			for _, c := range []struct {
				args []string
				code int
				out  string
				says string
			}{
				{[]string{"export", "dev"}, exitUnreachable, "", row.says},
				{[]string{"exec", "cold", "--", "touch", ran}, exitExec, "", row.says},
				{[]string{"export", "left"}, 0, left, "fob: note: the session of left expires in 1"},
			} {
				all.Go(func() {
					began := time.Now()
					r := w.input("", c.args...)
					if took := time.Since(began); took > exportBudget {
						t.Errorf("fob %q took %s", c.args, took)
					}
					if r.code != c.code || r.stdout != c.out || !strings.Contains(r.stderr, c.says) || r.problem() != "" {
						t.Errorf("fob %q: %v", c.args, r)
					}
				})
			}
			all.Wait()
			if _, err := os.Lstat(ran); err == nil {
				t.Error("the command ran without credentials")
			}
			if after := w.sessions(t); after != before {
				t.Errorf("sessions %q, before it %q", after, before)
			}
		})
	}
}

// After two failures fob tries a third time, and caches the right session.
func TestAWSRecovers(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"drop", "reset", "status=500", "status=503", "throttle"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := securely(t).raced()
			f, err := ststest.ParseFault(fault)
			if err != nil {
				t.Fatal(err)
			}
			w.AWS.Fail("", f, 2)
			doc := w.must(t, "", "export", "cold")
			if n := len(w.AWS.Calls()); n != 3 {
				t.Errorf("%d calls", n)
			}
			if again := w.must(t, "", "export", "cold"); again != doc || sessionOf(doc).AccountID != "222222222222" {
				t.Errorf("another session a second time, or of account %s", sessionOf(doc).AccountID)
			}
		})
	}
}
