package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/completion"
	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/term"
	"fob/keyring"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"The shell: bash, zsh, fish or powershell."`
}

func (completionCmd) Help() string {
	return `Put the line for your shell into its startup file. The script stays current: it asks fob as
you type.

    eval "$(fob completion bash)"      in ~/.bashrc
    eval "$(fob completion zsh)"       in ~/.zshrc, after compinit
    fob completion fish | source       in ~/.config/fish/config.fish
    fob completion powershell | Out-String | Invoke-Expression    in $PROFILE`
}

func (c *completionCmd) Run(a *app) error {
	return a.out.Write([]byte(completion.Script(c.Shell)))
}

// complete answers a completion script; see package completion.
func complete(a *app, question []string) error {
	if len(question) == 0 {
		return noHelpf("fob %s is for completion scripts", completion.Arg)
	}
	k, err := new(commandLine).parser(a.start, commands())
	if err != nil {
		return err
	}
	word, typed := strings.TrimPrefix(question[0], "="), question[1:]
	before := asTyped(k.Model.Node, typed)
	if slices.Equal(before, []string{"--profile"}) {
		before = []string{"exec"} // or another command that takes one
	}
	answer := completion.Complete(k.Model.Node, before, word, func(n *kong.Node, v *kong.Value, given []string) []string {
		return values(a, n, v, given)
	})
	if answer.Command > 0 {
		// The words may have been put in order, but not those of the command.
		a.out.Print(":command %d\n", answer.Command+len(typed)-len(before))
		return nil
	}
	for _, c := range answer.Candidates {
		if term.Clean(c.Word) == c.Word { // others cannot be a line
			a.out.Print("%s\t%s\n", c.Word, c.About)
		}
	}
	if answer.Files {
		a.out.Print(":files\n")
	}
	return nil
}

// asTyped puts the words of a command line in the order that fob reads them in.
func asTyped(root *kong.Node, typed []string) []string {
	before, name := commandFirst(slices.Clone(typed))
	last := len(before) - 1
	if name == "" && last >= 0 && !slices.Contains(valueFlags(), before[last]) {
		return nil // flags that a command will take
	}
	for _, n := range root.Children {
		if n.Name != name {
			continue
		}
		before = profileArgument(n, before)
		takesProfile := slices.ContainsFunc(n.Positional, func(v *kong.Value) bool { return v.Name == "profile" })
		if last := len(before) - 1; takesProfile && before[last] == "--profile" {
			before = before[:last] // its value comes next
		}
	}
	return before
}

// values are what a flag or an argument of a command takes, if fob knows.
func values(a *app, command *kong.Node, v *kong.Value, given []string) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Name == "profile", v.Name == "source":
		return slices.DeleteFunc(profilesFor(a, commandPath(command)), func(n string) bool { return slices.Contains(given, n) })
	case v.Name == "region":
		return regions(a)
	case v.Name == "sso-session", v.Name == "session", v.Name == "sso":
		return signIns(a)
	case v.Name == "key":
		return known(a).SettingKeys()
	case commandPath(command) == "store add":
		return ways(a, false)
	case commandPath(command) == "store remove" && v.Name == "slot", v.Name == "drop":
		return ways(a, true)
	case v.Name == "backend":
		return backendNames()
	case v.Tag.PlaceHolder == "FORMAT":
		return append([]string{"process"}, format.Shells()...)
	}
	return nil
}

// known are the profiles; nil if they cannot be read, which the command itself reports.
func known(a *app) *profiles.Profiles {
	if a.host.Check() != nil {
		return nil // there is no place for any
	}
	all, err := a.profiles()
	if err != nil {
		return nil
	}
	return all
}

// profilesFor are the profiles that a command takes.
func profilesFor(a *app, command string) (fit []string) {
	all := known(a)
	if all == nil {
		return nil
	}
	names, _ := all.Names()
	stored, _ := all.Stored()
	switch command {
	case "remove":
		fit = all.Removable(a.args[0])
	case "wire":
		fit = all.Wirable(a.files, a.args[0])
	case "mfa enroll":
		fit = stored
	case "mfa code", "mfa remove":
		seeds, _ := a.store().Infos(keyring.KindSeed)
		for name, made := range all.Plans(names) {
			if slices.ContainsFunc(seeds, func(i keyring.Info) bool { return made.Err == nil && i.Name == made.Plan.MFASerial() }) {
				fit = append(fit, name)
			}
		}
	default:
		fit = names
	}
	return fit
}

// signIns are the sign-ins to Identity Center.
func signIns(a *app) (names []string) {
	if all := known(a); all != nil {
		for _, s := range all.SignIns() {
			names = append(names, s.Name())
		}
	}
	return names
}

// regions are those of the profiles, and the home of each partition.
func regions(a *app) (all []string) {
	if k := known(a); k != nil {
		for _, name := range k.Config.Names() {
			section, _ := k.Config.Profile(name)
			if v, ok := section.Get("region"); ok && plan.IsRegion(v.Text) {
				all = append(all, v.Text)
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(append(all, plan.HomeRegions()...))))
}

// lookTime is how long a look at the keyrings may take while somebody types.
const lookTime = 200 * time.Millisecond

// ways are the slots of the store, or what could be added.
func ways(a *app, slots bool) (names []string) {
	if a.host.Check() != nil {
		return nil
	}
	ctx, stop := context.WithTimeout(a.ctx, lookTime)
	defer stop()
	d := a.store().Describe(ctx)
	for _, w := range d.Ways {
		switch {
		case !d.Exists: // fob add creates it
		case w.Slot && slots:
			names = append(append(names, w.Name), w.Recipients...)
		case !w.Slot && !slots && w.Problem == "":
			names = append(names, w.Name)
		}
	}
	return names
}
