package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/host"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/ui"
)

type execCmd struct {
	credentialFlags
	Secret  []string `sep:"none" help:"A variable of the command, read from Parameter Store or Secrets Manager; may be repeated." placeholder:"NAME=REF"`
	Profile string   `arg:"" optional:"" help:"The profile; else AWS_PROFILE, FOB_PROFILE, or your choice."`
	Command []string `arg:"" optional:"" name:"cmd" passthrough:"partial" help:"The command and its arguments; else $SHELL."`
}

func (execCmd) Help() string {
	return `fob signs in as the profile says and runs the command with the session's keys in its
environment, and with no other AWS credentials. It asks for the passphrase and an MFA
code before the command starts, and only if it has to. Without PROFILE, AWS_PROFILE or
FOB_PROFILE counts; without those, you choose. AWS_ROLE_ARN, AWS_MFA_SERIAL and aws-vault's
other variables count where the profile says nothing; fob export does not read them.

fob's flags come before the command; what follows the command or -- is its own. The
command replaces fob: same process, signals, terminal and exit code. If fob itself fails,
the exit code is 125; 127 means "command not found", 126 "not executable".

    fob exec dev -- terraform plan
    fob exec dev                     a shell; type exit to leave
    fob exec -d 4h prod -- ./deploy  a session of four hours, or an error
    fob exec prod --secret DB_PASSWORD=ssm:/prod/db/password -- ./server
    fob exec prod --secret TOKEN=secretsmanager:prod/api#token -- ./server`
}

// takeRest adds what followed the first -- of the command line; no part of fob
// reads it.
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
	argv, shell := c.Command, len(c.Command) == 0
	if shell {
		argv = []string{a.host.Shell()}
	}
	p, err := c.plan(a, profile)
	if err != nil {
		return c.withoutProfile(err)
	}
	path, err := lookUp(argv[0], shell)
	if err != nil {
		return err
	}
	read, err := variables(a, p)
	if err != nil {
		return err
	}
	if err := a.confirm(p); err != nil {
		return err
	}
	s, err := a.credentials(a.ctx, p, request{codeFlags: c.codeFlags, renew: broker.RenewExec, program: named(filepath.Base(argv[0])), signer: a.signer(a.maySignIn)})
	if err != nil {
		return err
	}
	a.used(profile)
	warnEndless(a, s, "in the environment of "+filepath.Base(path))
	set, err := read(s)
	if err != nil {
		return err
	}
	if shell && term.IsTerminal(os.Stdin) {
		greet(a, profile, s)
	}
	env := format.Environ(a.environ, s, format.Child{Profile: profile, Region: p.Region, Set: set, Compat: a.CompatEnv, FoldCase: host.FoldCase})
	return become(a, path, argv, env)
}

// become makes this process the command, unless somebody has interrupted it.
func become(a *app, path string, argv, env []string) error {
	if err := context.Cause(a.ctx); err != nil {
		return err
	}
	a.allowDumps()
	return replace(path, argv, env)
}

// withoutProfile sees that the profile was left out: its place has the command.
func (c *execCmd) withoutProfile(err error) error {
	missing, ok := errors.AsType[*plan.NoProfileError](err)
	if !ok || missing.Profile != c.Profile || len(missing.Nearest) > 0 && len(c.Command) == 0 {
		return err
	}
	if _, unknown := exec.LookPath(c.Profile); unknown != nil {
		return err
	}
	line := "fob exec PROFILE -- " + cmdline.Quote(c.Profile)
	if len(c.Command) > 0 {
		line += " ..."
	}
	return &usageError{Problem: fmt.Sprintf("no profile %q; that is a command", c.Profile), Way: ui.TypeLine(line)}
}

// greet says which session a shell has. A shell that reads a script has no use for it.
func greet(a *app, profile string, s creds.Session) {
	now := a.now()
	left := ""
	if !s.Expires.IsZero() {
		d := s.Expires.Sub(now)
		if d > time.Minute {
			d = d.Round(time.Minute) // a session of 12h is a moment old
		}
		left = " (" + ui.Left(d) + ")"
	}
	a.out.Say("fob: %s%s. Type exit to leave.", ui.Session(profile, s.AccountID, s.Expires, now), left)
}

// lookUp finds the command before anything is asked. shell: nobody typed its name.
func lookUp(name string, shell bool) (string, error) {
	path, err := search(name)
	if missing, ok := errors.AsType[*commandError](err); ok && shell {
		missing.Problem += " (SHELL names it)"
	}
	return path, err
}

func search(name string) (string, error) {
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
	problem := "not found"
	if words := strings.Fields(name); len(words) > 1 {
		if _, err := exec.LookPath(words[0]); err == nil {
			problem += ": leave out the quotes, or run it with sh -c"
		}
	}
	return "", &commandError{Name: name, Problem: problem, Code: 127}
}

// notRunnable is for a file that the kernel does not know how to run.
func notRunnable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		// A script whose interpreter is missing looks like this.
		return &commandError{Name: name, Problem: "cannot be run: it, or the interpreter it names, does not exist", Code: 127}
	}
	if errors.Is(err, syscall.E2BIG) {
		return &commandError{Name: name, Problem: "cannot be run: its arguments and its environment are too long for the system", Code: 126}
	}
	return &commandError{Name: name, Problem: fmt.Sprintf("cannot be run: %v", err), Code: 126}
}
