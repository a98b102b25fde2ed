package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/term"
)

// credentialFlags say how credentials are made; exec, export and explain share them.
type credentialFlags struct {
	Duration  time.Duration `short:"d" help:"Lifetime of the credentials; impossible is an error." placeholder:"1h"`
	MFACode   string        `short:"t" name:"mfa-code" aliases:"mfa-token" help:"The MFA code, if one is needed; also $FOB_MFA_CODE." placeholder:"CODE"`
	MFAPrompt string        `name:"mfa-prompt" aliases:"prompt" help:"How a code is asked: ${enum}." enum:"${prompts}" env:"FOB_MFA_PROMPT" default:"auto" placeholder:"NAME"`
	NoSession bool          `short:"n" help:"Hand out the long-lived key itself. Prefer a session: a key that leaks is good for ever."`
	Fresh     bool          `help:"Ignore cached sessions."`
	Region    string        `help:"The region to use." placeholder:"REGION"`
	Policy    string        `help:"A file with a session policy that scopes the role down." placeholder:"FILE"`
	PolicyARN []string      `name:"policy-arn" sep:"none" help:"A managed policy that scopes the role down; may be repeated." placeholder:"ARN"`
	ReadOnly  bool          `help:"Scope the role down to AWS's ReadOnlyAccess."`
}

// readOnlyAccess is the AWS managed policy of that name, in the partition aws;
// plan puts in the role's.
const readOnlyAccess = "arn:aws:iam::aws:policy/ReadOnlyAccess"

func (f *credentialFlags) options(a *app) (plan.Options, error) {
	o := plan.Options{
		Duration:   plan.Requested{Duration: f.Duration, From: "--duration"},
		NoSession:  f.NoSession,
		Region:     f.Region,
		PolicyARNs: f.PolicyARN,
	}
	if from := a.defaults.From("duration"); from != "" {
		o.Duration.From, o.Duration.Soft = from, true
	}
	if f.Duration < 0 || f.Duration > 0 && f.Duration < 15*time.Minute {
		return o, &usageError{Command: a.name, Problem: o.Duration.From + ": AWS makes no session under 15m"}
	}
	if f.ReadOnly && (f.Policy != "" || len(f.PolicyARN) > 0) {
		// Session policies add up: another one could allow more.
		return o, &usageError{Command: a.name, Problem: "--read-only goes with no other policy"}
	}
	if f.ReadOnly {
		o.PolicyARNs = append(o.PolicyARNs, readOnlyAccess)
	}
	if f.Policy != "" {
		text, err := os.ReadFile(f.Policy)
		if err != nil {
			return o, &usageError{Command: a.name, Problem: "--policy: " + err.Error()}
		}
		if strings.TrimSpace(string(text)) == "" {
			return o, &usageError{Command: a.name, Problem: "--policy: " + f.Policy + " is empty"}
		}
		o.Policy = string(text)
	}
	return o, nil
}

type execCmd struct {
	credentialFlags
	Profile string   `arg:"" optional:"" help:"The profile; else AWS_PROFILE, FOB_PROFILE, or a choice."`
	Command []string `arg:"" optional:"" passthrough:"partial" help:"The command and its arguments; else $SHELL."`
}

func (execCmd) Help() string {
	return `The command replaces fob: same process, signals, terminal and exit code.
If fob itself fails, the exit code is 125; 127 is "command not found", 126 "not executable".

    fob exec dev -- terraform plan
    fob exec dev            a shell with the credentials; exit leaves it`
}

// takeRest adds what followed the first -- of the command line, which no part
// of fob has read.
func (c *execCmd) takeRest(rest []string) {
	if len(c.Command) > 0 {
		c.Command = append(c.Command, "--") // the command's own
	}
	c.Command = append(c.Command, rest...)
}

func (c *execCmd) Run(a *app) error {
	profile, err := a.chooseProfile(c.Profile)
	if err != nil {
		return err
	}
	if err := a.checkChain(profile); err != nil {
		return err
	}
	shell := len(c.Command) == 0
	if shell {
		c.Command = []string{userShell()}
	}
	path, err := lookUp(c.Command[0])
	if err != nil {
		return err
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	p, err := a.resolve(profile, o)
	if err != nil {
		return err
	}
	s, err := a.credentials(a.ctx, p, c.credentialFlags, broker.RenewExec, func() string { return filepath.Base(c.Command[0]) })
	if err != nil {
		return err
	}
	if c.NoSession {
		a.warnf("the key %s itself is in the environment of %s: it does not expire, and whoever reads it has it", s.ID, filepath.Base(path))
	}
	if shell {
		a.say("fob: %s; exit leaves", summary(profile, s.AccountID, s.Expires))
	}
	env := format.Environ(a.environ, s, format.Child{
		Profile: profile, Region: p.Region, Compat: a.CompatEnv, FoldCase: runtime.GOOS == "windows",
	})
	if err := a.ctx.Err(); err != nil {
		return err // interrupted: the command is not started
	}
	a.close()
	return replace(path, c.Command, env)
}

func summary(profile, account string, until time.Time) string {
	text := term.Clean(profile)
	if account != "" {
		text += ", account " + account
	}
	if !until.IsZero() {
		text += ", until " + clock(until, time.Now())
	}
	return text
}

func userShell() string {
	if runtime.GOOS == "windows" {
		if s := os.Getenv("COMSPEC"); s != "" {
			return s
		}
		return "cmd.exe"
	}
	if s := os.Getenv("SHELL"); s != "" {
		return s
	}
	return "/bin/sh"
}

// lookUp finds the command before anything is asked.
func lookUp(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrDot):
		return "", &commandError{Name: name, Problem: "is only in the current directory; write ./" + filepath.Base(name), Code: 127}
	case errors.Is(err, fs.ErrPermission):
		return "", &commandError{Name: name, Problem: "is not executable", Code: 126}
	}
	if info, err := os.Stat(name); err == nil && filepath.Base(name) != name {
		problem := "is not executable"
		if info.IsDir() {
			problem = "is a directory"
		}
		return "", &commandError{Name: name, Problem: problem, Code: 126}
	}
	return "", &commandError{Name: name, Problem: "not found", Code: 127}
}

// chooseProfile is exec's: the argument, AWS_PROFILE, FOB_PROFILE, or a person.
func (a *app) chooseProfile(given string) (string, error) {
	for _, name := range []string{given, os.Getenv("AWS_PROFILE"), os.Getenv("FOB_PROFILE")} {
		if name != "" {
			return name, nil
		}
	}
	names, err := a.profileNames()
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", &usageError{Problem: "there is no profile yet; fob add PROFILE stores a key"}
	}
	t, err := a.person("a profile")
	if err != nil {
		return "", &usageError{Command: "exec", Problem: "which profile?", Names: names}
	}
	i, err := t.Choose(a.ctx, "Profile: ", names)
	if err != nil {
		return "", err
	}
	return names[i], nil
}

// credentials carries a plan out.
func (a *app) credentials(ctx context.Context, p plan.Plan, f credentialFlags, renew broker.Renewal, program func() string) (creds.Session, error) {
	a.asker = program
	b := a.broker(p, f, renew, program)
	s, err := b.Credentials(ctx, p)
	if err != nil {
		return s, &planError{Plan: p, Err: err}
	}
	if s.AccountID == "" {
		s.AccountID = p.Account
	}
	if key, ok := p.Steps[0].(plan.PlaintextKey); ok {
		a.warnf("%s is in plain text (%s), where every program can read it", key.KeyID, key.Origin())
	}
	return s, nil
}

// checkChain stops a loop through wrappers: FOB_CHAIN holds the profiles that
// programs above this process are being run for.
func (a *app) checkChain(profile string) error {
	chain := chain()
	for _, name := range chain {
		if name == profile {
			return &plan.LoopError{Chain: append(chain, profile)}
		}
	}
	return nil
}

// notRunnable is for a file that the kernel does not know how to run.
func notRunnable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		// A script whose interpreter is missing looks like this.
		return &commandError{Name: name, Problem: "cannot be run: it, or the interpreter it names, does not exist", Code: 127}
	}
	return &commandError{Name: name, Problem: fmt.Sprintf("cannot be run: %v", err), Code: 126}
}
