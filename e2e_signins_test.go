//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// The fake AWS is judged by the SDKs, each with a sign-in of the AWS CLI's or a web
// identity and without fob: what works with AWS works with the fake.
func TestFakeJudged(t *testing.T) {
	t.Parallel()
	admin := ststest.DemoPermissionSets()[0]
	for _, test := range []struct {
		name string
		// prepare puts something in the home, and returns the profile's section.
		prepare func(w *world) (section string, err error)
		arn     string
		calls   string
		not     string // consumers that cannot
	}{
		{"sso-session", func(w *world) (string, error) {
			return "sso_session = corp\nsso_account_id = 111111111111\nsso_role_name = AdministratorAccess\n",
				w.AWS.CLISignIn(filepath.Join(w.Home, ".aws/sso/cache"), "corp")
		}, admin.SessionARN(ststest.DemoSSOUser), "GetRoleCredentials GetCallerIdentity", ""},
		{"sso-session, refreshed", func(w *world) (string, error) {
			i := ststest.Instance{StartURL: ststest.DemoStartURL, TokenLife: -time.Second}
			err := w.AWS.AddInstance(i)
			err = errors.Join(err, w.AWS.CLISignIn(filepath.Join(w.Home, ".aws/sso/cache"), "corp"))
			i.TokenLife = time.Hour
			return "sso_session = corp\nsso_account_id = 111111111111\nsso_role_name = AdministratorAccess\n",
				errors.Join(err, w.AWS.AddInstance(i))
		}, admin.SessionARN(ststest.DemoSSOUser), "CreateToken GetRoleCredentials GetCallerIdentity", ""},
		{"inline", func(w *world) (string, error) {
			return "sso_start_url = " + ststest.DemoStartURL + "\nsso_region = " + ststest.DemoSSORegion +
					"\nsso_account_id = 111111111111\nsso_role_name = AdministratorAccess\n",
				w.AWS.CLISignIn(filepath.Join(w.Home, ".aws/sso/cache"), ststest.DemoStartURL)
		}, admin.SessionARN(ststest.DemoSSOUser), "GetRoleCredentials GetCallerIdentity", ""},
		{"web identity", func(w *world) (string, error) {
			token, err := w.AWS.WebToken(ststest.DemoClaims())
			file := filepath.Join(w.Home, "token")
			return "web_identity_token_file = " + file + "\nrole_arn = " + ststest.DemoWebRole + "\nrole_session_name = build\n",
				errors.Join(err, os.WriteFile(file, []byte(token), 0o600))
		}, "arn:aws:sts::222222222222:assumed-role/ci/build", "AssumeRoleWithWebIdentity GetCallerIdentity", ""},
		// botocore needs a library for this that is not part of it.
		{"login", func(w *world) (string, error) {
			return "login_session = " + ststest.DemoUser + "\n",
				w.AWS.CLILogin(filepath.Join(w.Home, ".aws/login/cache"), ststest.DemoUser)
		}, ststest.DemoUser, "GetCallerIdentity", "boto3 aws"},
		{"login, refreshed", func(w *world) (string, error) {
			w.AWS.SetSessionLife(-time.Second)
			err := w.AWS.CLILogin(filepath.Join(w.Home, ".aws/login/cache"), ststest.DemoUser)
			w.AWS.SetSessionLife(0)
			return "login_session = " + ststest.DemoUser + "\n", err
		}, ststest.DemoUser, "CreateOAuth2Token GetCallerIdentity", "boto3 aws"},
	} {
		for _, c := range []consumer{{name: "boto3", find: boto3}, {name: "aws", find: awsCLI}, {name: "go", find: goSDK}, {name: "js", find: jsSDK}} {
			if strings.Contains(test.not, c.name) {
				continue
			}
			t.Run(test.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				argv := c.find(t)
				w := newWorld(t)
				if err := os.Mkdir(filepath.Join(w.Home, ".aws"), 0o700); err != nil {
					t.Fatal(err)
				}
				section, err := test.prepare(w)
				if err != nil {
					t.Fatal(err)
				}
				w.setConfig(t, "[sso-session corp]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+
					"\nsso_registration_scopes = sso:account:access\n[profile p]\nregion = eu-west-1\n"+section)
				stdout, stderr, code := w.consume(t, []string{"AWS_PROFILE=p"}, argv...)
				if id := read(t, stdout, stderr, code); id.ARN != test.arn {
					t.Errorf("%s, want %s", id.ARN, test.arn)
				}
				var calls []string
				for _, call := range w.AWS.Calls() {
					calls = append(calls, call.Action)
					if call.Code != "OK" {
						t.Errorf("%s: %s", call.Action, call.Code)
					}
				}
				if got := strings.Join(calls, " "); got != test.calls {
					t.Errorf("calls: %s, want %s", got, test.calls)
				}
			})
		}
	}
}

// boto3 knows what AWS's answers and errors look like: it finds every field and error of
// the fake's where its model has it.
func TestFakeModels(t *testing.T) {
	t.Parallel()
	python := need(t, "python3", "-c", "import boto3")
	w := newWorld(t)
	w.AWS.Fail("ListAccountRoles", ststest.Throttle(), 1)
	env := []string{"AWS_MAX_ATTEMPTS=1", "AWS_DEFAULT_REGION=eu-west-1", "START_URL=" + ststest.DemoStartURL}
	stdout, stderr, code := w.consume(t, env, python, filepath.Join(programs(t), "models.py"))
	if code != 0 {
		t.Fatalf("%d\n%s", code, stderr)
	}
	if want := `RegisterClient: public only: InvalidClientMetadataException 400 invalid_client_metadata
StartDeviceAuthorization: InvalidRequestException 400 invalid_request
StartDeviceAuthorization: 5 600
CreateToken: AuthorizationPendingException 400 authorization_pending
CreateToken: SlowDownException 400 slow_down
CreateToken: InvalidClientException 401 invalid_client
CreateToken: Bearer 3600 refreshable
CreateToken: InvalidGrantException 400 invalid_grant
ListAccounts: 111111111111 dev, 222222222222 prod
ListAccountRoles: TooManyRequestsException 429
ListAccountRoles: AdministratorAccess, ReadOnlyAccess
GetRoleCredentials: ForbiddenException 403
GetRoleCredentials: 0:59
GetRoleCredentials: UnauthorizedException 401
CreateOAuth2Token: ValidationException 400 INVALID_REQUEST
`; stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
}
