//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// Scripts run the real program and check what users see. Besides testscript's commands
// they have these:
//
//	[!] fob ARG...                run fob
//	[!] pty|tty DIALOGUE CMD...   run a command at a terminal: see terminalMain
//	code N                        the exit code of the last of these
//	stored PROFILE [FLAG...]      fob add with the demo key
//	sts calls [ACTION...]         AWS was called for exactly these since the last look
//	sts ACTION...                 do something to the fake AWS: see scriptSTS
//
// In every script, stderr and the screen must show no secret and no panic, and an error
// must be one line.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		Setup:              setUpScript,
		RequireUniqueNames: true,
		UpdateScripts:      os.Getenv("UPDATE_SCRIPTS") != "",
		Condition: func(name string) (bool, error) {
			if name == "userns" { // a kernel keyring that is not the developer's own
				err := exec.Command("unshare", "-Ur", "true").Run()
				if os.Getenv("FOB_TEST_REQUIRE") != "" {
					return true, err // in CI, where a skipped test fails
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("no condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fob":    scriptFob,
			"pty":    func(ts *testscript.TestScript, neg bool, args []string) { scriptTerminal(ts, neg, "pty", args) },
			"tty":    func(ts *testscript.TestScript, neg bool, args []string) { scriptTerminal(ts, neg, "tty", args) },
			"code":   scriptCode,
			"sts":    scriptSTS,
			"stored": scriptStored,
		},
	})
}

type scriptKey struct{}

// script is the state that the commands of one script share.
type script struct {
	*world
	last int // exit code
}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func setUpScript(env *testscript.Env) error {
	w, err := makeWorld(env.WorkDir, true)
	if err != nil {
		return err
	}
	env.Defer(func() { w.AWS.Close() })
	env.Values[scriptKey{}] = &script{world: w}
	env.Vars = append(env.Vars, w.Env...)
	env.Vars = append(env.Vars,
		"FOB="+w.Fob,
		"FAKE_AWS="+w.AWS.URL,
		"KEY="+ststest.DemoKeyID,
		"SECRET="+ststest.DemoSecret,
		"SEED="+ststest.DemoSeed,
		"SERIAL="+ststest.DemoSerial,
		"ROLE="+ststest.DemoRole,
		"NO_COLOR=1", // so that screens are compared as text; flags-global tests the colors
	)
	return nil
}

func scriptFob(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts)
	s.last = exitCode(ts.Exec(s.Fob, args...))
	checkMessages(ts, s.AWS, ts.ReadFile("stderr"))
	if !slices.ContainsFunc(args, func(a string) bool { return a == "exec" || a == "export" }) {
		checkSecrets(ts, s.AWS, ts.ReadFile("stdout"))
	}
	s.checkCode(ts, neg)
}

func scriptTerminal(ts *testscript.TestScript, neg bool, kind string, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: %s DIALOGUE COMMAND...", kind)
	}
	s := scriptOf(ts)
	s.last = exitCode(ts.Exec(kind, args...))
	screen := changing.ReplaceAllString(ts.ReadFile("screen"), "${1}..")
	screen = machine.ReplaceAllString(screen, "Here${1}")
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(screen), 0o600))
	ts.Logf("[screen]\n%s", screen)
	if s.last == 124 {
		ts.Fatalf("the dialogue did not come about")
	}
	checkMessages(ts, s.AWS, ts.ReadFile("stderr"))
	checkMessages(ts, s.AWS, screen)
	s.checkCode(ts, neg)
}

// changing matches text that differs each time: times and codes.
var changing = regexp.MustCompile(`(until |MFA code.*: )(?:(?:[A-Z][a-z]{2} )?\d\d:\d\d|\d{6}\b)`)

// machine matches text that differs between machines: why there is no desktop keyring.
var machine = regexp.MustCompile(`(?m)^[^\n:]+(: the store gets a passphrase)`)

// scriptStored puts the demo key into the store, as the first steps of a script
// about something else.
func scriptStored(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: stored PROFILE [FLAG...]")
	}
	s := scriptOf(ts)
	cmd := exec.Command(s.Fob, append([]string{"add", "--stdin", "--quiet"}, args...)...)
	cmd.Env = s.Env
	cmd.Stdin = strings.NewReader(ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		ts.Fatalf("%v\n%s", err, out)
	}
	s.AWS.ResetCalls()
}

func (s *script) checkCode(ts *testscript.TestScript, neg bool) {
	if neg != (s.last != 0) {
		ts.Fatalf("exit code %d", s.last)
	}
}

func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: code N")
	}
	if got := strconv.Itoa(scriptOf(ts).last); got != args[0] {
		ts.Fatalf("exit code %s", got)
	}
}

// errorLine matches an error: it starts in lower case, except for names such as AWS and
// AKIA..., and has no final period.
var errorLine = regexp.MustCompile(`^fob: error: ([^A-Z]|[A-Z]{2}).*([^.\n]|\.\.\.)\n$`)

var color = regexp.MustCompile("\x1b\\[[0-9;]*m")

func checkMessages(ts *testscript.TestScript, aws *ststest.Server, text string) {
	checkSecrets(ts, aws, text)
	text = color.ReplaceAllString(text, "")
	if strings.Contains(text, "panic:") || strings.Contains(text, "goroutine ") {
		ts.Fatalf("a panic")
	}
	errors := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, "error:") && strings.HasPrefix(line, "fob:") {
			errors++
			if !errorLine.MatchString(line) {
				ts.Fatalf("no error message of our style: %q", line)
			}
		}
	}
	// A credential_process that is another fob prints messages, too.
	if errors > 1 && !strings.Contains(text, "error: the credential_process of") {
		ts.Fatalf("%d errors", errors)
	}
}

func checkSecrets(ts *testscript.TestScript, aws *ststest.Server, text string) {
	// The last of these is the beginning of every session token.
	secrets := append(aws.CreatedSecrets(), ststest.DemoSecret, ststest.DemoSeed, testPassphrase, "IQoJb3JpZ2luX2Vj")
	for _, p := range ststest.DemoParameters() {
		if p.Type == "SecureString" {
			secrets = append(secrets, p.Value)
		}
	}
	for _, c := range ststest.DemoSecrets() {
		_, token, _ := strings.Cut(c.Text, `"token":"`)
		secrets = append(secrets, strings.TrimSuffix(token, `"}`))
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			ts.Fatalf("a secret is shown: %s...", secret[:8])
		}
	}
}

// scriptSTS: the fake AWS.
//
//	sts calls [ACTION...]       it was called for exactly these since the last look
//	sts log                     all calls since the last look, a line of JSON each, on stdout
//	sts code [SERIAL]           $CODE becomes a code that it accepts now
//	sts fail ACTION FAULT [N]   see ststest.ParseFault; ACTION may be any
//	sts heal
//	sts delete|deactivate KEY
//	sts age|advance|life D      sessions get older; its clock moves; how long sessions live
//	sts period D                how long a code of the demo device lasts, and of those that fob creates
//	sts role ARN PRINCIPAL AGE  a role that demands MFA, not longer ago than that
//	sts trust ARN PRINCIPAL     a role that demands no MFA
//	sts token FILE [LIFE [SUBJECT]]   FILE gets a web identity token of the demo world, and a line break
//	sts aws-login               $CACHE becomes the file of a sign-in of the demo user with aws login
//	sts user NAME KEY           another user of the account, with a key whose secret is $SECRET
//	sts deny|demand-mfa|allow ACTION [NAME...]    what IAM's policies say, of all or of these
//	                            parameters and secrets; ListMFADevices is denied at first
//	sts keys STATUS...          the demo user's access keys are active or inactive, the oldest first;
//	                            $OLDEST and $NEWEST become the IDs at the ends
//	sts old KEY D               a key was created that long before
//	sts late N                  AWS does not know a new key for N calls
//	sts device SERIAL...        more devices of the user, with the demo seed
//	sts device-of NAME SERIAL   another user's
//	sts devices SERIAL...       the user has these, and none is half-made
//	sts assign ACCOUNT ACCOUNTNAME ROLE    Identity Center's user has this role
//	sts unassign ACCOUNT ROLE   Identity Center's user has this role no more
//	sts stop                    nothing listens any more
func scriptSTS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: sts ACTION ARG...")
	}
	aws := scriptOf(ts).AWS
	arg := func(i int) string {
		if i >= len(args) {
			ts.Fatalf("sts %s: too few arguments", args[0])
		}
		return args[i]
	}
	duration := func(i int) time.Duration {
		d, err := time.ParseDuration(arg(i))
		ts.Check(err)
		return d
	}
	switch args[0] {
	case "calls":
		var got []string
		for _, c := range aws.Calls() {
			got = append(got, c.Action)
		}
		aws.ResetCalls()
		if !slices.Equal(got, args[1:]) {
			ts.Fatalf("AWS was called for %v", got)
		}
	case "log":
		enc := json.NewEncoder(ts.Stdout())
		for _, c := range aws.Calls() {
			ts.Check(enc.Encode(c))
		}
	case "code":
		serial := ststest.DemoSerial
		if len(args) > 1 {
			serial = args[1]
		}
		ts.Setenv("CODE", aws.Code(serial))
	case "fail":
		f, err := ststest.ParseFault(arg(2))
		ts.Check(err)
		times := 1
		if len(args) > 3 {
			times, err = strconv.Atoi(args[3])
			ts.Check(err)
		}
		action := arg(1)
		if action == "any" {
			action = ""
		}
		aws.Fail(action, f, times)
	case "heal":
		aws.Heal()
	case "order": // whatever another process may ask of ststest, in JSON
		res, err := http.Post(aws.URL+"/_control", "application/json", strings.NewReader(arg(1)))
		ts.Check(err)
		defer res.Body.Close()
		if reply, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
			ts.Fatalf("%s %v", reply, err)
		}
	case "delete":
		aws.DeleteKey(arg(1))
	case "deactivate":
		aws.DeactivateKey(arg(1))
	case "age":
		aws.AgeSessions(duration(1))
	case "advance":
		aws.Advance(duration(1))
	case "life":
		aws.SetSessionLife(duration(1))
	case "period":
		aws.SetDevicePeriod(duration(1))
		ts.Check(setPeriod(aws, duration(1)))
		ts.Setenv(testPeriod, arg(1))
	case "role":
		ts.Check(aws.AddRole(ststest.Role{ARN: arg(1), Principals: []string{arg(2)}, MFA: true, MaxMFAAge: duration(3)}))
	case "trust":
		ts.Check(aws.AddRole(ststest.Role{ARN: arg(1), Principals: []string{arg(2)}}))
	case "token":
		claims := ststest.DemoClaims()
		if len(args) > 2 {
			claims.Life = duration(2)
		}
		if len(args) > 3 {
			claims.Subject = args[3]
		}
		token, err := aws.WebToken(claims)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(arg(1)), []byte(token+"\n"), 0o644))
	case "aws-login":
		file, err := awsLogin(aws, scriptOf(ts).Home, ststest.DemoUser)
		ts.Check(err)
		ts.Setenv("CACHE", file)
		aws.ResetCalls()
	case "user":
		ts.Check(aws.AddUser(ststest.User{
			ARN:  "arn:aws:iam::" + ststest.DemoAccount + ":" + arg(1),
			Keys: []creds.Key{{ID: arg(2), Secret: creds.NewSecret(ststest.DemoSecret)}},
		}))
	case "assign":
		ts.Check(aws.AddPermissionSet(ststest.PermissionSet{StartURL: ststest.DemoStartURL, Account: arg(1), AccountName: arg(2), Name: arg(3)}))
	case "unassign":
		aws.RemovePermissionSet(ststest.DemoStartURL, arg(1), arg(2))
	case "deny":
		aws.Deny(arg(1), args[2:]...)
	case "demand-mfa":
		aws.DemandMFA(arg(1), args[2:]...)
	case "allow":
		aws.Allow(arg(1), args[2:]...)
	case "keys":
		var got []string
		for _, k := range aws.Keys(ststest.DemoUser) {
			got = append(got, map[bool]string{true: "active", false: "inactive"}[k.Active])
			ts.Setenv("NEWEST", k.ID)
		}
		if !slices.Equal(got, args[1:]) {
			ts.Fatalf("the user's keys are %v", got)
		}
		if len(got) > 0 {
			ts.Setenv("OLDEST", aws.Keys(ststest.DemoUser)[0].ID)
		}
	case "old":
		aws.AgeKey(arg(1), duration(2))
	case "late":
		n, err := strconv.Atoi(arg(1))
		ts.Check(err)
		aws.DelayKeys(n)
	case "device":
		u := ststest.User{ARN: ststest.DemoUser}
		for _, serial := range args[1:] {
			u.MFA = append(u.MFA, ststest.Device{Serial: serial, Seed: creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed)}})
		}
		ts.Check(aws.AddUser(u))
	case "device-of":
		ts.Check(aws.AddUser(ststest.User{
			ARN: "arn:aws:iam::" + ststest.DemoAccount + ":user/" + arg(1),
			MFA: []ststest.Device{{Serial: arg(2), Seed: creds.Seed{Secret: creds.NewSecret(ststest.DemoSeed)}}},
		}))
	case "devices":
		if got := aws.Devices(ststest.DemoUser); !slices.Equal(got, args[1:]) {
			ts.Fatalf("the user has %v", got)
		}
		if left := aws.Devices(""); left != nil {
			ts.Fatalf("left behind: %v", left)
		}
	case "stop":
		ts.Check(aws.Close())
	default:
		ts.Fatalf("sts %s: unknown", args[0])
	}
}
