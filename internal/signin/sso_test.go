package signin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ststest"
)

// The first use of a sign-in registers fob and asks once; then its roles need nobody.
func TestSignInOnce(t *testing.T) {
	for _, device := range []bool{false, true} {
		b := newBench(t)
		b.Device = device
		if device {
			b.Say = func(_ string, args ...any) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) }
		}
		if err := b.quiet(b.step()); wantErr[*NeededError](t, err).Error() != "ops is not signed in to "+to {
			t.Error(err)
		}
		b.want("")
		s, err := b.get(b.Signer, b.step())
		if err != nil || s.ID == "" || s.AccountID != ststest.DemoAccount || s.Expires.Sub(b.now()) < 59*m || s.Expires.Sub(b.now()) > time.Hour {
			t.Fatal(s.ID, s.AccountID, s.Expires, err)
		}
		if device {
			b.want("RegisterClient StartDeviceAuthorization device_code! device_code GetRoleCredentials")
		} else {
			b.want("RegisterClient Authorize authorization_code GetRoleCredentials")
		}
		if err := b.quiet(b.step(func(s *plan.SSO) { s.RoleName = "ReadOnlyAccess" })); err != nil {
			t.Error(err)
		}
		b.want("GetRoleCredentials")
	}
}

// When a token is refreshed, and what happens if that fails.
func TestRefresh(t *testing.T) {
	lost := ststest.Lost()
	for _, row := range []struct {
		name  string
		later time.Duration
		do    func(b *bench)
		calls string
		again string // a few seconds later
	}{
		{"has time", 44 * m, nil, "GetRoleCredentials", "GetRoleCredentials"},
		{"due", 46 * m, nil, "refresh_token GetRoleCredentials", "GetRoleCredentials"},
		{"expired", 2 * time.Hour, nil, "refresh_token GetRoleCredentials", "GetRoleCredentials"},
		{"due, no answer", 46 * m, func(b *bench) { b.aws.Fail("CreateToken", lost, 1) }, "refresh_token GetRoleCredentials", "GetRoleCredentials"},
		{"due, AWS is down", 46 * m, func(b *bench) { b.aws.Fail("CreateToken", ststest.Drop(), 9) }, "refresh_token! GetRoleCredentials", "GetRoleCredentials"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.signIn(b.step())
			b.later(row.later)
			if row.do != nil {
				row.do(b)
			}
			if err := b.quiet(b.step()); err != nil {
				t.Error(err)
			}
			if got := b.did(); got != row.calls && !strings.HasPrefix(got, row.calls) {
				t.Errorf("calls: %s, want %s", got, row.calls)
			}
			b.later(20 * time.Second)
			if err := b.quiet(b.step()); err != nil {
				t.Error(err)
			}
			b.want(row.again)
		})
	}
}

// A refresh that failed is tried again after a minute.
func TestRefreshAgain(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	b.later(52 * m) // it must be refreshed now
	b.aws.Fail("CreateToken", ststest.Refuse(400, "InternalServerException", ""), 1)
	if err := b.quiet(b.step()); err != nil {
		t.Error(err)
	}
	b.want("refresh_token! GetRoleCredentials")
	b.later(50 * time.Second)
	if err := b.quiet(b.step()); err != nil {
		t.Error(err)
	}
	b.want("GetRoleCredentials")
	b.later(11 * time.Second)
	if err := b.quiet(b.step()); err != nil {
		t.Error(err)
	}
	b.want("refresh_token GetRoleCredentials")
}

// A new refresh token is in the store before the token that came with it is used; without
// a new one the old one stays.
func TestRefreshTokenIsKept(t *testing.T) {
	for _, keep := range []bool{false, true} {
		b := newBench(t)
		if err := b.aws.AddInstance(ststest.Instance{StartURL: ststest.DemoStartURL, KeepRefreshTokens: keep}); err != nil {
			t.Fatal(err)
		}
		b.signIn(b.step())
		first := b.token(b.step())
		for range 3 {
			b.later(59 * m)
			b.aws.Fail("GetRoleCredentials", ststest.Drop(), 9) // the sign-in is renewed all the same
			if err := b.quiet(b.step()); err == nil {
				t.Error("no error")
			}
			b.aws.Heal()
			got := b.token(b.step())
			if got.Refresh.IsZero() || got.Refresh.Equal(first.Refresh) != keep || got.Access.Equal(first.Access) {
				t.Errorf("keep %v: kept %v, access %v", keep, got.Refresh.Equal(first.Refresh), got.Access.Equal(first.Access))
			}
		}
		b.did()
		b.later(59 * m)
		if err := b.quiet(b.step()); err != nil {
			t.Error(err)
		}
		b.want("refresh_token GetRoleCredentials")
	}
}

// Giving up does not lose a refresh token that AWS has replaced.
func TestRefreshTokenOutlivesCancel(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	first := b.token(b.step())
	b.later(59 * m)
	b.aws.Fail("CreateToken", ststest.Slow(300*time.Millisecond), 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.RoleCredentials(ctx, b.step()); err == nil {
		t.Error("no error")
	}
	if got := b.token(b.step()); got.Refresh.IsZero() || got.Refresh.Equal(first.Refresh) {
		t.Error("the new refresh token is lost")
	}
}

// What ends a sign-in, and what does not.
func TestEnds(t *testing.T) {
	for _, row := range []struct {
		name  string
		later time.Duration
		do    func(b *bench)
		ended bool
		calls string
		left  bool // in the store
	}{
		{"the portal session", 9 * time.Hour, nil, true, "refresh_token!", false},
		{"by the administrator", 0, func(b *bench) { b.aws.EndSignIns(); b.later(2 * m) }, true, "GetRoleCredentials! refresh_token!", false},
		{"without scopes, by the administrator", 3 * time.Hour, func(b *bench) { b.aws.EndSignIns() }, true, "GetRoleCredentials!", false},
		{"the token only", 0, func(b *bench) { b.aws.RevokeTokens(); b.later(2 * m) }, false, "GetRoleCredentials! refresh_token GetRoleCredentials", true},
		{"the registration", 2 * time.Hour, func(b *bench) { b.aws.ForgetClients() }, true, "refresh_token!", false},
		{"the registration, while the token lives", 55 * m, func(b *bench) { b.aws.ForgetClients() }, false, "refresh_token! GetRoleCredentials", true},
		{"by nobody, as a KMS key refuses", 2 * time.Hour, func(b *bench) {
			b.aws.Fail("CreateToken", ststest.Refuse(400, "AccessDeniedException", KeyDenied), 1)
		}, false, "refresh_token!", true},
		{"by a proxy", 59 * m, func(b *bench) { b.aws.Fail("CreateToken", ststest.Portal(), 9); b.later(2 * m) }, false, "refresh_token!", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			step := b.step()
			if strings.HasPrefix(row.name, "without scopes") {
				b.Device, step.Scopes = true, nil
				b.Say = func(string, ...any) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) }
			}
			b.signIn(step)
			b.later(row.later)
			if row.do != nil {
				row.do(b)
			}
			err := b.quiet(step)
			needed, isNeeded := errors.AsType[*NeededError](err)
			if isNeeded != row.ended || isNeeded && (!needed.Ended || needed.Error() != "the sign-in of ops to "+to+" has ended") {
				t.Error(err)
			}
			if got := b.did(); !strings.HasPrefix(got, row.calls) {
				t.Errorf("calls: %s, want %s", got, row.calls)
			}
			if left := !b.token(step).Access.IsZero(); left != row.left {
				t.Errorf("left: %v", left)
			}
			if !row.ended {
				return
			}
			if _, err := b.get(b.Signer, step); err != nil {
				t.Error(err)
			}
		})
	}
}

// A token that AWS refuses although it has just been made does not make fob ask again.
func TestRefusedAtOnce(t *testing.T) {
	b := newBench(t)
	b.aws.Fail("GetRoleCredentials", ststest.Refuse(401, "UnauthorizedException", "Session token not found or invalid"), 9)
	_, err := b.get(b.Signer, b.step())
	if e := wantErr[*awsapi.RefusedError](t, err); e.Code != codeUnauthorized {
		t.Error(err)
	}
	b.want("RegisterClient Authorize authorization_code GetRoleCredentials!")
	if len(b.pages) != 1 {
		t.Errorf("%d pages", len(b.pages))
	}
}

// No such role is not a reason to sign in again, and neither is too many calls.
func TestRefusals(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	err := b.quiet(b.step(func(s *plan.SSO) { s.RoleName = "Boss" }))
	if got := wantErr[*AssignmentError](t, err).Error(); got != `the user signed in to Identity Center (corp) has no role "Boss" in account 111111111111` {
		t.Error(got)
	}
	b.want("GetRoleCredentials!")
	b.aws.Fail("GetRoleCredentials", ststest.Throttle(), 2)
	if err := b.quiet(b.step()); err != nil {
		t.Error(err)
	}
	b.want("GetRoleCredentials! GetRoleCredentials! GetRoleCredentials")
	b.aws.Fail("GetRoleCredentials", ststest.Throttle(), ststest.Always)
	wantErr[*awsapi.UnreachableError](t, b.quiet(b.step()))
	b.aws.Heal()
	if b.token(b.step()).Access.IsZero() {
		t.Error("signed out")
	}
}

// AWS says nothing about a wrong region or start URL, so fob does.
func TestWrongPlace(t *testing.T) {
	for name, edit := range map[string]func(*plan.SSO){
		"region": func(s *plan.SSO) { s.Region = "eu-north-1"; s.OIDC.URL += "/_region/eu-north-1" },
		"start URL": func(s *plan.SSO) {
			s.StartURL, s.Session = "https://d-9999999999.awsapps.com/start", ""
		},
	} {
		for _, device := range []bool{false, true} {
			b := newBench(t)
			b.Device = device
			step := b.step(edit)
			e := wantErr[*SetupError](t, b.Ask(t.Context(), planOf(step)))
			want := "AWS knows no Identity Center " + step.StartURL + " in " + step.Region
			if e.Error() != want || len(b.pages) > 0 {
				t.Errorf("%s, device %v: %v; opened %v", name, device, e, b.pages)
			}
		}
	}
}

// A registration is used until shortly before its end, and each way to sign in has its own.
func TestRegistration(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	again := func(calls string) {
		t.Helper()
		if err := b.Ahead(t.Context(), planOf(b.step()), true); err != nil {
			t.Error(err)
		}
		b.want(calls)
	}
	again("Authorize authorization_code")
	b.later(90*24*time.Hour - 16*m)
	again("Authorize authorization_code")
	b.later(2 * m)
	again("RegisterClient Authorize authorization_code")
	b.Device = true
	b.Say = func(string, ...any) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) }
	again("RegisterClient StartDeviceAuthorization device_code! device_code")
	b.Device = false
	b.later(91 * 24 * time.Hour)
	b.aws.Fail("RegisterClient", ststest.Refuse(400, "SlowDownException", ""), 2)
	again("RegisterClient! RegisterClient! RegisterClient Authorize authorization_code")
	b.Device = true
	b.later(-24 * time.Hour)
	again("RegisterClient StartDeviceAuthorization device_code! device_code")
	b.aws.ForgetClients()
	again("StartDeviceAuthorization! RegisterClient StartDeviceAuthorization device_code! device_code")
}

// A start URL in the profile itself has no scopes: with a code, its token lasts 8 hours.
func TestLegacy(t *testing.T) {
	b := newBench(t)
	b.Device = true
	b.Say = func(string, ...any) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) }
	step := b.step(func(s *plan.SSO) { s.Session, s.Scopes = "", nil })
	b.signIn(step)
	b.later(7*time.Hour + 58*m)
	if err := b.quiet(step); err != nil {
		t.Error(err)
	}
	b.want("GetRoleCredentials")
	b.later(2 * m)
	if e := wantErr[*NeededError](t, b.quiet(step)); !e.Ended || e.To != "Identity Center (d-1234567890.awsapps.com)" {
		t.Error(e)
	}
	b.want("")
}

// Ahead: a sign-in that will last asks nobody, one that ends soon does.
func TestAhead(t *testing.T) {
	for _, row := range []struct {
		name   string
		later  time.Duration
		scopes []string
		calls  string
	}{
		{"new", 0, []string{defaultScope}, ""},
		{"half", 31 * m, []string{defaultScope}, "refresh_token"},
		{"expired", 5 * time.Hour, []string{defaultScope}, "refresh_token"},
		{"ended", 9 * time.Hour, []string{defaultScope}, "refresh_token! StartDeviceAuthorization device_code! device_code"},
		{"without scopes", 3 * time.Hour, nil, ""},
		{"half, without scopes", 5 * time.Hour, nil, "StartDeviceAuthorization device_code! device_code"},
	} {
		b := newBench(t)
		b.Device = true
		b.Say = func(string, ...any) { b.aws.AnswerDevice("", ststest.Person{Does: ststest.Approve}) }
		step := b.step(func(s *plan.SSO) { s.Scopes = row.scopes })
		b.signIn(step)
		b.later(row.later)
		if err := b.Ahead(t.Context(), planOf(step), false); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if got := b.did(); got != row.calls {
			t.Errorf("%s: calls: %s, want %s", row.name, got, row.calls)
		}
	}
}

// Many goroutines, as many processes would: one browser, one registration, one token.
func TestManySignIn(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for range 24 {
		s := b.signer()
		all.Go(func() {
			if _, err := b.get(s, b.step()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := strings.Fields(strings.ReplaceAll(b.did(), "GetRoleCredentials", "")); strings.Join(got, " ") != "RegisterClient Authorize authorization_code" || len(b.pages) != 1 {
		t.Errorf("%v, %d pages", got, len(b.pages))
	}
	b.later(2 * time.Hour)
	for range 24 {
		s := b.signer()
		all.Go(func() {
			if _, err := s.RoleCredentials(t.Context(), b.step()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := strings.Count(b.did(), "refresh_token"); got != 1 {
		t.Errorf("%d refreshed", got)
	}
}

// A no is not asked for again by those who wait, and neither is silence.
func TestSharedRefusal(t *testing.T) {
	for _, does := range []ststest.Answer{ststest.Deny, ststest.Nobody} {
		b := newBench(t)
		if err := b.aws.SetPerson(ststest.Person{Does: does}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var shared atomic.Int32
		started := make(chan bool)
		open := b.Browser
		b.Browser = func(address string) error { <-started; return open(address) }
		for i := range 8 {
			s := b.signer()
			s.Browser, s.Patience = b.Browser, 300*time.Millisecond
			all.Go(func() {
				err := s.Ask(t.Context(), planOf(b.step()))
				if e, ok := errors.AsType[*SharedError](err); ok {
					shared.Add(1)
					if !strings.HasPrefix(e.Error(), "another fob, which this one waited for, did not sign in to "+to+": ") {
						t.Error(i, e)
					}
				} else if err == nil {
					t.Error(i, "no error")
				}
			})
		}
		time.Sleep(100 * time.Millisecond) // all wait by then
		close(started)
		all.Wait()
		if shared.Load() != 7 {
			t.Errorf("%s: %d shared, %d pages", does, shared.Load(), len(b.pages))
		}
		// Who comes later asks again.
		if err := b.aws.SetPerson(ststest.Person{Does: ststest.Approve}); err != nil {
			t.Fatal(err)
		}
		if err := b.Ask(t.Context(), planOf(b.step())); err != nil {
			t.Error(err)
		}
	}
}

// Where nobody can be asked, nothing is opened that does not help.
func TestNobody(t *testing.T) {
	b := newBench(t)
	opened := 0
	open := b.Open
	b.Open = func(ctx context.Context) error { opened++; return open(ctx) }
	why := errors.New("no terminal")
	b.MayAsk = func() (bool, error) { return false, why }
	if e := wantErr[*NeededError](t, b.Ask(t.Context(), planOf(b.step()))); e.Error() != "ops is not signed in to "+to+": no terminal" || opened > 0 {
		t.Error(e, opened)
	}
	b.MayAsk = func() (bool, error) { return true, nil }
	b.signIn(b.step())
	b.MayAsk = func() (bool, error) { return false, nil }
	opened = 0
	if err := b.Ask(t.Context(), planOf(b.step())); err != nil || opened != 1 {
		t.Error(err, opened)
	}
	if len(b.pages) != 1 {
		t.Errorf("pages: %v", b.pages)
	}
}

// Signing out ends a sign-in in AWS and here, and the registration stays.
func TestSignOut(t *testing.T) {
	b := newBench(t)
	for range 2 {
		b.signIn(b.step())
		if out, err := b.SignOut(t.Context(), b.step()); !out || err != nil {
			t.Error(out, err)
		}
		b.want("Logout")
		if out, err := b.SignOut(t.Context(), b.step()); out || err != nil {
			t.Error(out, err)
		}
		b.want("")
		wantErr[*NeededError](t, b.quiet(b.step()))
		b.signIn(b.step())
		if to, err := b.Forget(t.Context(), planOf(b.step())); to != "Identity Center (corp)" || err != nil {
			t.Error(to, err)
		}
		b.want("")
	}
	b.signIn(b.step())
	b.want("")
	b.aws.Fail("Logout", ststest.Drop(), 9)
	if _, err := b.SignOut(t.Context(), b.step()); err == nil || b.token(b.step()).Access.IsZero() {
		t.Error("signed out here and not in AWS:", err)
	}
	b.aws.Heal()
	b.later(9 * time.Hour)
	b.did()
	if out, err := b.SignOut(t.Context(), b.step()); !out || err != nil || !b.token(b.step()).Access.IsZero() {
		t.Error("AWS has ended it:", out, err)
	}
	b.want("refresh_token!")
}

// Answers are checked before anything trusts them.
func TestStrangeAnswers(t *testing.T) {
	b := newBench(t)
	b.signIn(b.step())
	b.aws.Fail("GetRoleCredentials", ststest.Expired(), 1)
	if e := wantErr[*awsapi.AnswerError](t, b.quiet(b.step())); !strings.Contains(e.Error(), "expired") {
		t.Error(e)
	}
	b.aws.Fail("GetRoleCredentials", ststest.Empty(), ststest.Always)
	wantErr[*awsapi.AnswerError](t, b.quiet(b.step()))
	b.aws.Heal()
	b.aws.Fail("CreateToken", ststest.Empty(), 1)
	if err := b.Ahead(t.Context(), planOf(b.step()), true); err == nil {
		t.Error("an empty token")
	}
	if b.token(b.step()).Access.IsZero() {
		t.Error("the sign-in that was good is gone")
	}
	for _, text := range []string{"", "a b", "a\nb", "\x7f", "é"} {
		if creds.IsPrintable(text) {
			t.Errorf("%q", text)
		}
	}
}
