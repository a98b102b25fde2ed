package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/helper"
	"fob/internal/lastfail"
	"fob/internal/later"
	"fob/internal/plan"
	"fob/internal/term"
)

const (
	// exportBudget is the time an export has, from the start of the process: the
	// Go SDK gives up on a credential_process after 60 s.
	exportBudget = 50 * time.Second
	// minExport: botocore asks again for credentials with less than 15 minutes
	// left, on every request.
	minExport = 20 * time.Minute
)

type exportCmd struct {
	credentialFlags
	Name    string `arg:"" optional:"" name:"profile" help:"The profile."`
	Profile string `help:"The profile, as credential_process lines have it." placeholder:"PROFILE"`
	Format  string `help:"process, env, env-no-export, fish, powershell, windows-cmd or dotenv." placeholder:"FORMAT"`
}

func (exportCmd) Help() string {
	return `Without --format it prints the document that AWS SDKs take from a credential_process:

    [profile dev]
    credential_process = fob export --profile dev

For a shell:

    eval "$(fob export dev --format env)"`
}

func (c *exportCmd) Run(a *app) error {
	profile := c.Profile
	switch {
	case profile == "":
		profile = c.Name
	case c.Name != "" && c.Name != profile:
		return &usageError{Command: "export", Problem: fmt.Sprintf("two profiles: %q and %q", profile, c.Name)}
	}
	if profile == "" {
		// No *_PROFILE variable is read: under credential_process it names
		// somebody else's profile.
		return &usageError{Command: "export", Problem: "which profile? fob export --profile NAME"}
	}
	name, err := c.format(profile)
	if err != nil {
		return err
	}
	err = c.export(a, profile, name)
	a.noteExport(profile, err)
	return err
}

// export prints a profile's credentials in a format.
func (c *exportCmd) export(a *app, profile, name string) error {
	if err := a.checkChain(profile); err != nil {
		return err
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	if d := o.Duration; d.Duration > 0 && d.Duration < minExport {
		return &usageError{Command: "export", Problem: d.From + ": under 20m, SDKs would ask again for every request"}
	}
	p, err := a.resolve(profile, o)
	if err != nil {
		return err
	}
	parent := os.Getppid()
	ctx, stop := later.Context(func() (context.Context, context.CancelFunc) {
		return untilOrphaned(a.ctx, parent, a.started.Add(cmp.Or(a.budget, exportBudget)))
	})
	defer stop()
	renew := broker.RenewExport
	if name != "process" {
		renew = broker.RenewShell
	}
	s, err := a.credentials(ctx, p, c.credentialFlags, renew, func() string { return callerName(parent) })
	if err != nil {
		return err
	}
	var doc []byte
	if name == "process" {
		doc, err = format.Process(s)
	} else {
		doc, err = format.Shell(name, format.Vars(s, p.Region))
	}
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(doc) // whole, in one piece
	return err
}

// noteExport keeps how an export failed, for programs hide it, or forgets it.
func (a *app) noteExport(profile string, err error) {
	var noted error
	code, hints := 0, []string(nil)
	if err != nil {
		code, hints = a.judge(err)
	}
	switch code {
	case 0:
		noted = lastfail.Clear(a.statePath(), profile)
	case exitInterrupted:
	default:
		r := lastfail.Record{Profile: profile, Time: time.Now().UTC().Truncate(time.Second), Code: code, Problem: ownWords(err)}
		if len(hints) > 0 {
			r.Hint = hints[0]
		}
		noted = lastfail.Save(a.statePath(), r)
	}
	if noted != nil && !errors.Is(noted, fs.ErrNotExist) {
		a.logf("what came of this export is not kept: %v", noted)
	}
}

// ownWords is an error without what others have said.
func ownWords(err error) string {
	var refused *awsapi.RefusedError
	var shared *broker.SharedError
	switch {
	case errors.As(err, &refused):
		short := *refused
		short.Message = ""
		return strings.TrimSuffix(sentence(&short), ":")
	case errors.As(err, &shared):
		return "another fob, which this one waited for, got no session with " + shared.Serial
	}
	return sentence(err)
}

// format is the name of the format; a secret is not shown on a terminal unless
// its format is named.
func (c *exportCmd) format(profile string) (string, error) {
	switch c.Format {
	case "":
		if term.IsTerminal(os.Stdout) {
			return "", &terminalError{Profile: profile}
		}
		return "process", nil
	case "process", "json":
		return "process", nil
	case "export-env":
		return "env", nil
	}
	if !slices.Contains(format.Shells(), c.Format) {
		return "", &usageError{Command: "export", Problem: fmt.Sprintf("no format %q: process, %s", c.Format, list(format.Shells()))}
	}
	return c.Format, nil
}

// untilOrphaned ends a context at a time, or when the process that wanted the
// credentials is gone: nobody would read the answer to a prompt.
func untilOrphaned(ctx context.Context, parent int, end time.Time) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithDeadline(ctx, end)
	if parent == 1 {
		return ctx, stop
	}
	ctx, cancel := context.WithCancelCause(ctx)
	waiting := callers(parent)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if orphaned(waiting) {
					cancel(errOrphaned)
				}
			}
		}
	}()
	return ctx, stop
}

// runProcess gets credentials from a credential_process that is not fob. It is
// told for which profiles it runs, so that a loop through wrappers ends.
func (a *app) runProcess(ctx context.Context, step plan.Process) (creds.Session, error) {
	out, err := helper.Output(ctx, step.Command, a.helperEnviron(step.Profile), term.Foreign(a.stderr))
	if err != nil {
		return creds.Session{}, fmt.Errorf("the credential_process of %q %w", step.Profile, err)
	}
	s, err := format.ReadProcess(out)
	if err != nil {
		return creds.Session{}, fmt.Errorf("the credential_process of %q %w", step.Profile, err)
	}
	if !s.Expires.IsZero() && !s.Expires.After(time.Now()) {
		return creds.Session{}, fmt.Errorf("the credential_process of %q printed credentials that have ended", step.Profile)
	}
	return s, nil
}

// mfaProcess runs what prints the codes of a plan; nil if nothing does.
func (a *app) mfaProcess(p plan.Plan) func(context.Context) ([]byte, error) {
	if p.MFAProcess.Line == "" {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		a.logf("running the mfa_process from %s", p.MFAProcess.From)
		return helper.Output(ctx, p.MFAProcess.Line, a.helperEnviron(p.Profile), term.Foreign(a.stderr))
	}
}

// helperEnviron is what the programs inherit that fob runs for itself: nothing
// of AWS's or fob's secrets, and for which profiles they run.
func (a *app) helperEnviron(profile string) []string {
	environ := format.Clean(a.environ, runtime.GOOS == "windows", chainVariable)
	links := chain()
	if profile != "" {
		links = append(links, profile)
	}
	if len(links) == 0 {
		return environ
	}
	text, err := json.Marshal(links)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return append(environ, chainVariable+"="+string(text))
}

// chainVariable is the environment's list of profiles, in JSON, that the
// programs above this one are run for.
const chainVariable = "FOB_CHAIN"

func chain() []string {
	var names []string
	if json.Unmarshal([]byte(os.Getenv(chainVariable)), &names) != nil {
		return nil // not fob's
	}
	return names
}

// process is what the system tells of another program that runs; nothing of one
// that has ended.
type process struct {
	name   string
	parent int
	args   []string // not on Windows
}

// callers are the processes that wait for credentials, nearest first: the parent
// and, while that is a shell that runs one line for another program, its parent.
// The SDKs for Go and JavaScript start a credential_process so.
func callers(parent int) []int {
	const deepest = 4
	all := []int{parent}
	for p := processOf(parent); len(all) < deepest && p.runsLine() && p.parent != 0; p = processOf(p.parent) {
		all = append(all, p.parent)
	}
	return all
}

func (p process) runsLine() bool {
	return len(p.args) > 2 && strings.HasSuffix(p.args[0], "sh") && p.args[1] == "-c"
}

// orphaned: one of the callers is not there any more.
func orphaned(callers []int) bool {
	parent := os.Getppid()
	for _, pid := range callers {
		p := processOf(pid)
		// Windows gives an orphan no other parent.
		if pid != parent || runtime.GOOS == "windows" && p.name == "" {
			return true
		}
		parent = p.parent
	}
	return false
}

// callerName is the program that asks for credentials, where that can be known.
func callerName(parent int) string {
	all := callers(parent)
	return processOf(all[len(all)-1]).name
}
