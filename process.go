package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/format"
	"fob/internal/host"
	"fob/internal/lastfail"
	"fob/internal/later"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
)

// exportBudget is the time an export has, from the start of the process: the Go SDK
// gives up on a credential_process after 60 s.
const exportBudget = 50 * time.Second

type exportCmd struct {
	Name    string `arg:"" optional:"" name:"profile" help:"The profile."`
	Profile string `help:"The profile, as credential_process lines have it." placeholder:"PROFILE"`
	Format  string `help:"The format: process, env, env-no-export, fish, powershell, windows-cmd or dotenv." placeholder:"FORMAT"`
	credentialFlags
}

func (exportCmd) Help() string {
	return `Programs call this by themselves: AWS SDKs run the credential_process of a profile, which
fob add writes, and read what it prints:

    [profile dev]
    credential_process = fob export --profile dev

It needs a person only if a code or a passphrase is needed, and asks on the terminal or in
a window, for at most 50 seconds. If nobody can be asked, the exit code is 4, and fob login
signs in ahead. With --format it prints variables for a shell or a file. Without, and on a
terminal, it prints nothing.

    eval "$(fob export dev --format env)"    in bash and zsh
    fob export dev --format fish | source    in fish
    fob export dev --format powershell | Out-String | Invoke-Expression`
}

func (c *exportCmd) Run(a *app) error {
	profile := c.Profile
	switch {
	case profile == "":
		profile = c.Name
	case c.Name != "" && c.Name != profile:
		return usagef("two profiles: %q and %q", profile, c.Name)
	}
	if profile == "" {
		// No *_PROFILE variable is read: under credential_process it names
		// somebody else's profile.
		return noHelpf("which profile? fob export --profile NAME")
	}
	name, err := c.format(profile)
	if err != nil {
		return err
	}
	err = c.export(a, profile, name)
	recordExport(a, profile, err)
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
	o.Export = true
	if d := o.Duration; d.Duration > 0 && d.Duration < plan.MinExport && !d.Soft {
		return usagef("%s: with less than 20m, SDKs would ask again for every request", d.From)
	}
	p, err := a.plan(profile, o)
	if err != nil {
		return err
	}
	caller := host.Parent()
	ctx, stop := later.Context(func() (context.Context, context.CancelFunc) {
		return caller.Until(a.ctx, a.began, cmp.Or(a.budget, exportBudget))
	})
	defer stop()
	r := request{codeFlags: c.codeFlags, renew: broker.RenewExport, program: caller.Name}
	if name != "process" {
		r.renew = broker.RenewShell
	}
	s, err := a.credentials(ctx, p, r)
	if err != nil {
		return err
	}
	warnEndless(a, s, "in what this printed")
	var document []byte
	if name == "process" {
		document, err = format.Process(s)
	} else {
		document, err = format.Session(name, s, profile, p.Region, a.environ)
	}
	if err != nil {
		return err
	}
	return a.out.Write(document)
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
		return "", &usageError{
			Problem: fmt.Sprintf("unknown format %q; use process, %s", c.Format, ui.List(format.Shells())),
			Typed:   "--format=" + c.Format,
		}
	}
	return c.Format, nil
}

// recordExport remembers how an export failed, because programs hide it, or
// forgets it after a success.
func recordExport(a *app, profile string, err error) {
	var failed error
	v := verdict{}
	if err != nil {
		v = a.judge(err)
	}
	hide, _ := a.hide()
	_, refused := errors.AsType[*plan.AgentError](err)
	switch {
	case hide.Replace(profile) != profile: // a secret that was typed in its place
	case refused: // the guard did what it is for
	case v.code == 0:
		failed = lastfail.Clear(a.host.StatePath(), profile)
	case v.code != exitInterrupted:
		r := lastfail.Record{Profile: profile, Time: a.now().UTC().Truncate(time.Second), Code: v.code, Problem: hide.Replace(ownWords(a.out, err))}
		if len(v.hints) > 0 {
			r.Hint = hide.Replace(v.hints[0].String())
		}
		failed = lastfail.Save(a.host.StatePath(), r)
	}
	if failed != nil && !errors.Is(failed, fs.ErrNotExist) {
		a.out.Log("the outcome of this export is not kept: %v", failed)
	}
}

// ownWords is an error without what others have said.
func ownWords(out *ui.Printer, err error) string {
	if refused, ok := errors.AsType[*awsapi.RefusedError](err); ok {
		short := *refused
		short.Message = ""
		return strings.TrimSuffix(out.Sentence(&short), ":")
	}
	if shared, ok := errors.AsType[*keyring.SharedError](err); ok && shared.Serial != "" {
		return "another fob, which this one waited for, got no session with " + shared.Serial
	}
	return out.Sentence(err)
}
