package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/input"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/prompt"
	"fob/internal/signin"
	"fob/internal/source"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
)

// codeFlags say where an MFA code comes from; login has these alone.
type codeFlags struct {
	MFACode   string `short:"t" name:"mfa-code" aliases:"mfa-token" type:"code" help:"The MFA code, if one is needed; also $FOB_MFA_CODE." placeholder:"CODE"`
	MFAPrompt string `name:"mfa-prompt" aliases:"prompt" type:"prompt" help:"How to ask for a code: ${enum}; also $FOB_MFA_PROMPT." enum:"${prompts}" env:"FOB_MFA_PROMPT" default:"auto" placeholder:"NAME"`
	Fresh     bool   `help:"Ignore cached sessions."`
}

// credentialFlags say how credentials are made; exec, export and explain share them.
type credentialFlags struct {
	Duration time.Duration `short:"d" help:"How long the credentials last (e.g. 2h)." placeholder:"DURATION"`
	codeFlags
	NoSession bool     `short:"n" help:"Hand out the long-lived key itself. Prefer a session: a leaked key never expires."`
	Region    string   `help:"The region to use." placeholder:"REGION"`
	Policy    string   `help:"A file with a session policy that scopes the role down." placeholder:"FILE"`
	PolicyARN []string `name:"policy-arn" sep:"none" help:"A managed policy that scopes the role down; may be repeated." placeholder:"ARN"`
	ReadOnly  bool     `help:"Scope the role down to AWS's ReadOnlyAccess."`
}

// maxPolicy is far more than AWS takes, in bytes, with any white space.
const maxPolicy = 256 << 10

func readPolicy(path string) (string, error) { return input.Read(path, maxPolicy) }

// options are the flags as plans take them.
func (f *credentialFlags) options(a *app) (plan.Options, error) {
	o := plan.Options{
		Duration:   plan.Requested{Duration: f.Duration, From: "--duration"},
		NoSession:  f.NoSession,
		Region:     f.Region,
		PolicyARNs: f.PolicyARN,
		PolicyFrom: cmp.Or(a.setBy("policy"), "--policy"), PolicyARNsFrom: cmp.Or(a.setBy("policy-arn"), "--policy-arn"),
	}
	if from := a.setBy("duration"); from != "" {
		o.Duration.From, o.Duration.Soft = from, true
	}
	switch {
	case f.Duration < 0 && o.Duration.Soft:
		return o, usagef("%s: invalid duration -%s", o.Duration.From, plan.Duration(-f.Duration))
	case f.Duration < 0 || f.Duration > 0 && f.Duration < 15*time.Minute && !o.Duration.Soft:
		return o, usagef("%s: the shortest AWS session is 15m", o.Duration.From)
	case f.ReadOnly && (f.Policy != "" || len(f.PolicyARN) > 0):
		// Session policies add up: another one could allow more.
		return o, usagef("--read-only cannot be combined with another policy")
	case f.ReadOnly:
		o.PolicyARNs, o.PolicyARNsFrom = []string{plan.ReadOnlyAccess}, cmp.Or(a.setBy("read-only"), "--read-only")
	case f.Policy != "":
		path, err := a.settingPath("policy", f.Policy)
		if err != nil {
			return o, err
		}
		text, err := readPolicy(path)
		if err != nil {
			return o, usagef("--policy: %s", a.out.Path(err))
		}
		if strings.TrimSpace(text) == "" {
			return o, usagef("--policy: %s is empty", path)
		}
		o.Policy = text
	}
	return o, nil
}

// request is how a plan is carried out.
type request struct {
	codeFlags
	renew broker.Renewal
	// program is what the credentials are for.
	program func() string
	// prompters ask for MFA codes; nil for all there are.
	prompters []prompt.Prompter
	// given and seen are shared by the plans of a command; nil for one plan.
	given *mfa.Given
	seen  *broker.Seen
	// signer has a person sign in where a plan starts with that; nil for nobody.
	signer *signin.Signer
}

// givenCode is the code from the flag or the variable, for a device.
func (a *app) givenCode(f codeFlags, serial string) *mfa.Given {
	return &mfa.Given{Code: creds.NewSecret(cmp.Or(f.MFACode, a.secrets.mfaCode)), Serial: serial}
}

func named(name string) func() string { return func() string { return name } }

// credentials carries a plan out.
func (a *app) credentials(ctx context.Context, p plan.Plan, r request) (creds.Session, error) {
	b, err := a.broker(p, r)
	if err != nil {
		return creds.Session{}, err
	}
	if p.Agent.Gets == plan.AgentReads {
		a.out.Note("%s gets a read-only session of %s (recognized by %s; fob_agent, %s)", p.Agent.Name, p.Profile, p.Agent.Sign, p.Agent.From)
	}
	s, err := b.Credentials(withAsker(ctx, r.program), p)
	if err != nil {
		return s, &planError{Plan: p, Fresh: r.Fresh, Err: err}
	}
	if s.AccountID == "" {
		s.AccountID = p.Account
	}
	if key, ok := p.Steps[0].(plan.PlaintextKey); ok {
		a.out.Warn("%s is in plain text (%s), where every program can read it", key.KeyID, key.Origin())
	}
	return s, nil
}

// warnEndless says that a program gets a long-lived key, whether the user asked for
// that or a credential_process prints one.
func warnEndless(a *app, s creds.Session, where string) {
	if s.Token.IsZero() && s.Expires.IsZero() {
		a.out.Warn("the long-lived key %s itself is %s, and it does not expire", s.ID, where)
	}
}

// broker wires a plan to the store, the terminal and AWS.
func (a *app) broker(p plan.Plan, r request) (*broker.Broker, error) {
	reader, err := a.reader()
	if err != nil {
		return nil, err
	}
	if r.prompters == nil {
		r.prompters = a.prompters(p.Profile)
	}
	if r.given == nil {
		r.given = a.givenCode(r.codeFlags, p.MFASerial())
	}
	if r.signer == nil {
		r.signer = a.signer(func() (bool, error) { return false, nil })
	}
	reader.SignIn = r.signer
	// One client for all steps, which is one connection, made when AWS is first called.
	client := sync.OnceValues(func() (*awsapi.Client, error) { return a.newClient(p.STS, a.out.Log) })
	reader.Dial = func(plan.Endpoint) (source.STS, error) { return client() }
	return &broker.Broker{
		Source:   reader.Read,
		Ask:      r.signer.Ask,
		Sessions: a.sessions(p),
		Given:    r.given.For(p.MFASerial()),
		Nobody:   a.nobodyHere,
		Codes: &mfa.Ladder{
			Given:     r.given,
			Seed:      storedSeed(a.store()),
			Process:   reader.MFAProcess(p),
			Prompters: r.prompters,
			Prompt:    r.MFAPrompt,
			NoInput:   a.NoInput,
			Wait:      a.wait,
			Now:       a.now,
		},
		QuietCodes: &mfa.Ladder{Seed: storedSeed(a.store().Quiet()), Now: a.now},
		Dial: func(plan.Endpoint) (broker.STS, error) {
			sts, err := client()
			if err != nil {
				return nil, err // and not a nil *Client in an interface that is not nil
			}
			return sts, nil
		},
		Renew:   r.renew,
		Fresh:   r.Fresh,
		Seen:    r.seen,
		Program: r.program,
		Now:     a.now,
		Clock:   a.noteClock,
		Log:     a.out.Log,
		Note:    a.out.Note,
	}, nil
}

// sessions is where the sessions of a plan are kept.
func (a *app) sessions(p plan.Plan) broker.Sessions {
	switch p.Steps[0].(type) {
	case plan.StoredKey:
		return a.store()
	case plan.SSO:
		return source.Sessions{Store: a.store()}
	}
	// A console sign-in, too, may be one of AWS's tools, which needs no store.
	return source.QuietSessions{Store: a.store().Quiet(), Log: a.out.Log}
}

// signer signs in to what plans start from; mayAsk is signin.Signer's.
func (a *app) signer(mayAsk func() (ok bool, why error)) *signin.Signer {
	home, _ := a.host.Home() // without one, nobody has signed in to the console
	return &signin.Signer{
		Store: a.store(),
		Home:  home,
		Open: func(ctx context.Context) error {
			if err := a.makeStore(ctx); err != nil {
				return err
			}
			return a.store().Unlock(ctx, keyring.KindSession)
		},
		MayAsk:   mayAsk,
		Dial:     a.newClient,
		Apart:    a.apart(),
		Loopback: func() bool { return a.loopback || a.host.Loopback() },
		Paste: func(ctx context.Context, prompt string, check func(string) error) (string, error) {
			return a.person.Ask(ctx, "ask for the code", prompt, check)
		},
		Browser: func(address string) error {
			return signin.Browsers{Getenv: a.getenv, LookPath: exec.LookPath, Environ: a.helperEnviron("")}.Open(address)
		},
		Say: a.tell, Waiting: a.out.Waiting,
		Pause: a.pause,
		Now:   a.now, Log: a.out.Log, Note: a.out.Note,
	}
}

// tell prints a line that a person must see to sign in: on the terminal if standard error
// is somewhere else, and with --quiet.
func (a *app) tell(format string, args ...any) {
	if t, err := a.person.Terminal("sign in"); err == nil && (a.Quiet || !term.IsTerminal(os.Stderr)) {
		if t.Print(a.ctx, fmt.Sprintf(format, args...)+"\n") == nil {
			return
		}
	}
	a.out.Say(format, args...)
}

// browserSigner signs in with the browser where there is one, also without a terminal; with
// device, with one anywhere.
func (a *app) browserSigner(device bool) *signin.Signer {
	s := a.signer(func() (ok bool, why error) {
		ok, why = a.maySignIn()
		return ok || !a.NoInput && (device || a.host.Desktop() || a.getenv("BROWSER") != ""), why
	})
	s.Device = s.Device || device
	return s
}

// maySignIn reports whether somebody at a terminal can be asked to sign in.
func (a *app) maySignIn() (ok bool, why error) {
	_, err := a.person.Terminal("sign in")
	return err == nil, err
}

// chooseProfile is the argument, AWS_PROFILE, FOB_PROFILE, or the user's choice of
// those that can be used.
func (a *app) chooseProfile(given string) (string, error) {
	if name := cmp.Or(given, a.getenv("AWS_PROFILE"), a.getenv("FOB_PROFILE")); name != "" {
		return name, nil
	}
	all, err := a.profiles()
	if err != nil {
		return "", err
	}
	names, err := a.profileNames(all)
	if err != nil {
		return "", err
	}
	now := a.now()
	rows := all.Rows(names, now)
	usable, causes := profiles.Offer(rows, a.files.Recent()), profiles.Causes(rows)
	switch {
	case len(names) == 0:
		return "", noHelpf("no profiles yet; fob add PROFILE stores a key")
	case len(usable) == 0 && len(causes) == 0:
		return "", noHelpf("no profile has a key yet; fob add PROFILE stores one")
	case len(usable) == 0:
		return "", &unusableError{causes[0]}
	}
	if _, err := a.person.Terminal("ask for the profile"); err != nil {
		return "", &usageError{Problem: "which profile?", Names: names}
	}
	broken := 0
	for _, c := range causes {
		broken += c.Profiles
	}
	if broken > 0 {
		a.out.Say("%s cannot be used: fob list", ui.Count(broken, "profile"))
	}
	var choices []ui.Choice
	for _, r := range usable {
		choices = append(choices, r.Choice(now))
	}
	i, err := a.person.Pick(a.ctx, "ask for the profile", "profile", choices)
	if err != nil {
		return "", err
	}
	return usable[i].Profile, nil
}

// unusableError means that no profile can be used, for the reason that most of them have.
type unusableError struct{ profiles.Cause }

func (e *unusableError) Error() string { return "no profile can be used: " + e.Text }

func (e *unusableError) Unwrap() error { return e.Err }

// used remembers which profiles a person used, to offer them first the next time. What
// programs run all day is nobody's choice.
func (a *app) used(profiles ...string) {
	if !term.IsTerminal(os.Stdin) && !term.IsTerminal(os.Stderr) {
		return
	}
	if err := a.files.Used(profiles...); err != nil {
		a.out.Log("cannot remember which profile was used: %v", err)
	}
}

// disused forgets that profiles were used; all of them, if none is named.
func (a *app) disused(profiles ...string) {
	if err := a.files.Forget(profiles...); err != nil {
		a.out.Log("cannot forget which profile was used: %v", err)
	}
}

// reader reads what plans start from.
func (a *app) reader() (source.Reader, error) {
	all, err := a.profiles()
	if err != nil {
		return source.Reader{}, err
	}
	return source.Reader{
		Store: a.store(), Config: all.Config, Getenv: a.getenv,
		Environ: a.helperEnviron, Stderr: a.out.Foreign(), Waiting: a.out.Waiting, Now: a.now,
	}, nil
}

// storedSeed looks up the seed of an MFA device.
func storedSeed(store *keyring.Store) func(context.Context, string) (creds.Seed, bool, error) {
	return func(ctx context.Context, serial string) (creds.Seed, bool, error) {
		_, err := store.SeedInfo(serial)
		if _, none := errors.AsType[*keyring.NotFoundError](err); none {
			return creds.Seed{}, false, nil
		}
		if err != nil {
			return creds.Seed{}, false, err
		}
		s, err := store.Seed(ctx, serial)
		return s, err == nil, err
	}
}

// serialFlag is the orFlag of the commands that have --serial.
const serialFlag = "--serial ARN, or "

// seedBroker makes codes from a seed, and takes none from elsewhere.
func (a *app) seedBroker(seed creds.Seed) *broker.Broker {
	stored := func(context.Context, string) (creds.Seed, bool, error) { return seed, true, nil }
	return &broker.Broker{
		Sessions: a.store(),
		Codes:    &mfa.Ladder{Seed: stored, Wait: a.wait, Now: a.now},
		Now:      a.now, Log: a.out.Log, Note: a.out.Note,
	}
}

// checkChain stops a loop through wrappers.
func (a *app) checkChain(profile string) error {
	chain := source.Chain(a.getenv(source.ChainVariable))
	for _, name := range chain {
		if name == profile {
			return &plan.LoopError{Chain: append(chain, profile)}
		}
	}
	return nil
}

// dial makes a client for a profile that may not exist yet.
func (a *app) dial(profile, region string) (*awsapi.Client, error) {
	all, err := a.profiles()
	if err != nil {
		return nil, err
	}
	e, err := all.STS(profile, region)
	if err != nil {
		return nil, err
	}
	return a.newClient(e, a.out.Log)
}

// newClient makes a client for an endpoint.
func (a *app) newClient(e plan.Endpoint, log func(format string, args ...any)) (*awsapi.Client, error) {
	client, err := awsapi.NewClient(a.limits, e, log)
	if err == nil {
		client.Waiting = func() (done func()) { return a.out.Waiting("waiting for AWS ...") }
	}
	return client, err
}

// ownKey is the stored key that a profile uses, and whose profile it is.
func (a *app) ownKey(profile string) (owner string, key creds.Session, err error) {
	// Without sessions, so that the MFA device of the profile does not matter:
	// enrolment is what helps against one that AWS takes no code from.
	p, err := a.plan(profile, plan.Options{NoSession: true, Unguarded: true})
	if _, role := errors.AsType[*plan.UsageError](err); role {
		p, err = a.plan(profile, plan.Options{Unguarded: true})
	}
	if err != nil {
		return "", key, err
	}
	switch source := p.Steps[0].(type) {
	case plan.StoredKey:
	case plan.PlaintextKey:
		return "", key, &usageError{
			Problem: fmt.Sprintf("the key of profile %q is in plain text, not in the store", source.Profile),
			NoHelp:  true, Way: ui.Type("fob", "add", source.Profile).To("stores it"),
		}
	default:
		return "", key, noHelpf("profile %q does not use a stored key", profile)
	}
	reader, err := a.reader()
	if err != nil {
		return "", key, err
	}
	key, _, err = reader.Read(a.ctx, p, false)
	return p.Source(), key, err
}

// iamUser asks AWS whose the key of a profile is, and what time it is there.
func (a *app) iamUser(profile string, key creds.Session) (iam.User, error) {
	sts, err := a.dial(profile, "")
	if err != nil {
		return iam.User{}, err
	}
	id, err := sts.Identity(a.ctx, key)
	if err != nil {
		return iam.User{}, err
	}
	all, err := a.profiles()
	if err != nil {
		return iam.User{}, err
	}
	u, err := a.iamUserOf(all, profile, key, id)
	u.Skew = sts.RawSkew() // AWS has just said what time it is
	return u, err
}

// iamUserOf is the IAM user of a key whose identity is known.
func (a *app) iamUserOf(all *profiles.Profiles, profile string, key creds.Session, id awsapi.Identity) (iam.User, error) {
	e, err := all.IAM(profile, id.ARN)
	if err != nil {
		return iam.User{}, err
	}
	client, err := a.newClient(e, a.out.Log)
	if err != nil {
		return iam.User{}, err
	}
	u, err := iam.NewUser(client, profile, key, id)
	u.Period = a.devicePeriod
	return u, err
}

// withIAM calls IAM with the key itself, because there AWS does not accept a
// session without MFA; and once more with an MFA session, where a policy requires
// that.
func (a *app) withIAM(profile string, c *iam.Client, call func() error) error {
	err := call()
	if !iam.Refused(err, iam.Denied) {
		return err
	}
	p, problem := a.plan(profile, plan.Options{})
	if problem != nil || len(p.Steps) < 2 {
		return err
	}
	if session, ok := p.Steps[1].(plan.SessionToken); !ok || session.MFASerial == "" {
		return err
	}
	a.out.Note("AWS refused the key alone; trying again with a session of %s", p.MFASerial())
	p.Steps = p.Steps[:2] // the user's own session, and no role's
	if c.With, problem = a.credentials(a.ctx, p, request{renew: broker.RenewExec, program: named("fob mfa")}); problem != nil {
		return problem
	}
	return call()
}

// mfaDevice is the MFA device of a profile, or the one given. orFlag is what to say
// of a flag that gives it; "" if the command has none.
func (a *app) mfaDevice(profile, serial, orFlag string) (string, error) {
	if serial != "" {
		if problem := plan.CheckSerial(serial, plan.ARN{}); problem != "" {
			return "", usagef("%s", problem)
		}
		return serial, nil
	}
	p, err := a.plan(profile, plan.Options{})
	if err != nil {
		return "", err
	}
	if serial = p.MFASerial(); serial == "" {
		return "", noHelpf("profile %q has no MFA device: use %sfob_mfa_serial in its section", profile, orFlag)
	}
	return serial, nil
}
