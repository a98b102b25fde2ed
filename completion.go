package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"fob/internal/completion"
	"fob/internal/format"
	"fob/internal/term"
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
	profiles := func() []string {
		if a.host.Check() != nil {
			return nil // there is no place for any
		}
		all, err := a.profiles()
		if err != nil {
			return nil // the command itself says what is wrong
		}
		names, _ := all.Names()
		return names
	}
	word := strings.TrimPrefix(question[0], "=")
	for _, c := range completion.Candidates(k.Model.Node, question[1:], word, values(profiles)) {
		if term.Clean(c.Word) == c.Word { // others cannot be a line
			a.out.Print("%s\t%s\n", c.Word, c.About)
		}
	}
	return nil
}

// values are what a flag or an argument takes, if fob knows.
func values(profiles func() []string) func(v *kong.Value) []string {
	return func(v *kong.Value) []string {
		switch {
		case v.Enum != "":
			return v.EnumSlice()
		case v.Name == "profile", v.Name == "source":
			return profiles()
		case v.Name == "backend":
			return backendNames()
		case v.Tag.PlaceHolder == "FORMAT":
			return append([]string{"process"}, format.Shells()...)
		}
		return nil
	}
}
