package profiles

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

// A row says whether somebody has to sign in: by the token in the store, without opening
// it.
func TestSignIn(t *testing.T) {
	now := time.Now()
	for _, row := range []struct {
		name      string
		token     creds.Token // zero: none
		state     string
		signedOut bool
		until     time.Duration
		renews    bool
	}{
		{"never", creds.Token{}, "signed out", true, 0, false},
		{"registered only", creds.Token{Client: creds.Client{ID: "c", Secret: creds.NewSecret("s"), Expires: now.Add(time.Hour)}}, "signed out", true, 0, false},
		{"live", creds.Token{Access: creds.NewSecret("a"), Expires: now.Add(time.Hour)}, "signed in", false, time.Hour, false},
		{"ended", creds.Token{Access: creds.NewSecret("a"), Expires: now.Add(-time.Hour)}, "signed out", true, 0, false},
		{"renewed", creds.Token{Access: creds.NewSecret("a"), Refresh: creds.NewSecret("r"), Expires: now.Add(-time.Hour)}, "signed in", false, 0, true},
		{"both", creds.Token{Access: creds.NewSecret("a"), Refresh: creds.NewSecret("r"), Expires: now.Add(time.Hour)}, "signed in", false, time.Hour, true},
	} {
		dir := t.TempDir()
		files := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials"), Tilde: filepath.Base}
		config := "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n" +
			"[profile ops]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\n"
		if err := os.WriteFile(files.Config, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		store := keyring.New(keyring.Options{
			Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
			Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery"), true, nil },
		})
		if _, err := store.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := Read(files, store, World{Getenv: func(string) string { return "" }, User: func() string { return "jo" }, Program: "fob", Log: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		made, err := all.Plan("ops", plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		name, id, ok := made.Token()
		if !ok {
			t.Fatal("the plan has no token")
		}
		if row.name != "never" {
			if _, err := store.SetToken(t.Context(), name, id, row.token, keyring.Info{}); err != nil {
				t.Fatal(err)
			}
		}
		r := all.Rows([]string{"ops"}, now)[0]
		if got := r.State(now); got.Text != row.state || r.SignedOut() != row.signedOut || r.Route != "SSO corp > Admin" || r.Account != "111111111111" {
			t.Errorf("%s: %q, signed out %v, %q, %q", row.name, got.Text, r.SignedOut(), r.Route, r.Account)
		}
		if got := all.SignIn(made, now); got.Renews != row.renews || got.Live() == row.signedOut || got.Until.IsZero() != (row.until == 0) {
			t.Errorf("%s: %+v", row.name, got)
		}
		if got := all.SignedInUntil(made, now); got.IsZero() != (row.until == 0) || !got.IsZero() && ui.Left(got.Sub(now)) != ui.Left(row.until-time.Second) {
			t.Errorf("%s: signed in until %v", row.name, got)
		}
	}
}
