package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"fob/internal/completion"
	"fob/internal/format"
	"fob/internal/term"
	"fob/keyring"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"The shell: ${enum}."`
}

func (completionCmd) Help() string {
	return `The script that it prints asks fob while you type, so it never grows old.

    eval "$(fob completion bash)"        in ~/.bashrc
    eval "$(fob completion zsh)"         in ~/.zshrc, after compinit
    fob completion fish | source         in ~/.config/fish/config.fish
    fob completion powershell | Out-String | Invoke-Expression    in $PROFILE`
}

func (c *completionCmd) Run(a *app) error {
	_, err := a.stdout.Write([]byte(completion.Script(c.Shell)))
	return err
}

// complete answers a completion script; see package completion.
func (a *app) complete(question []string) error {
	if len(question) == 0 {
		return &usageError{Problem: "fob __complete is for completion scripts"}
	}
	k, err := a.parser(commands())
	if err != nil {
		return err
	}
	profiles := func() []string {
		names, _ := a.profileNames() // the command itself says what is wrong
		return names
	}
	word := strings.TrimPrefix(question[0], "=")
	for _, c := range candidates(k.Model.Node, question[1:], word, profiles) {
		if term.Clean(c.word) == c.word { // others cannot be a line
			fmt.Fprintf(a.stdout, "%s\t%s\n", c.word, c.about)
		}
	}
	return nil
}

// candidate is a word that may come next.
type candidate struct{ word, about string }

// candidates are what may stand at the place of word, after the words before it;
// none is for the shell's own files.
func candidates(root *kong.Node, before []string, word string, profiles func() []string) []candidate {
	var (
		node = root
		flag *kong.Flag // whose value comes next
		args int
	)
	for _, w := range before {
		switch child := childOf(node, w); {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(w, "-"):
			if f := flagOf(node, w); f != nil && !f.IsBool() {
				flag = f
			}
		case child != nil:
			node = child
		case len(node.Children) > 0:
			return nil // no command of fob's
		default:
			args++
		}
	}
	// The last of a cumulative argument's takes all that follow.
	var arg *kong.Value
	if n := len(node.Positional); args < n {
		arg = node.Positional[args]
	} else if n > 0 && node.Positional[n-1].IsCumulative() {
		arg = node.Positional[n-1]
	}
	var all []candidate
	name, _, given := strings.Cut(word, "=")
	switch {
	case flag != nil:
		all = values(flag.Value, profiles)
	case arg != nil && arg.Passthrough: // a command of exec's
	case strings.HasPrefix(word, "--") && given:
		if f := flagOf(node, name); f != nil {
			all = values(f.Value, profiles)
		}
		for i := range all {
			all[i].word = name + "=" + all[i].word
		}
	case strings.HasPrefix(word, "-"):
		all = flags(node)
	case len(node.Children) > 0:
		for _, c := range node.Children {
			if !c.Hidden {
				all = append(all, candidate{c.Name, c.Help})
			}
		}
	case arg != nil:
		all = values(arg, profiles)
	}
	return slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.word, word) })
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return nil
}

// flagsOf are a command's and, as kong has it, those of all above it.
func flagsOf(node *kong.Node) []*kong.Flag {
	own := node.Flags
	if node.DefaultCmd != nil {
		own = slices.Concat(own, node.DefaultCmd.Flags)
	}
	if node.Parent == nil {
		return own
	}
	return slices.Concat(own, flagsOf(node.Parent))
}

func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, f := range flagsOf(node) {
		if word == "--"+f.Name || word == "-"+string(f.Short) || slices.Contains(f.Aliases, strings.TrimPrefix(word, "--")) {
			return f
		}
	}
	return nil
}

func flags(node *kong.Node) (all []candidate) {
	for _, f := range flagsOf(node) {
		if !f.Hidden {
			all = append(all, candidate{"--" + f.Name, f.Help})
		}
	}
	return all
}

// values are what a flag or an argument takes, as far as that is a list.
func values(v *kong.Value, profiles func() []string) (all []candidate) {
	var words []string
	switch {
	case v.Enum != "":
		words = v.EnumSlice()
	case v.Name == "profile", v.Name == "source":
		words = profiles()
	case v.Name == "backend":
		words = append([]string{"auto", "file", "age"}, keyring.BackendKinds()...)
	case v.Tag.PlaceHolder == "FORMAT":
		words = append([]string{"process"}, format.Shells()...)
	}
	for _, w := range words {
		all = append(all, candidate{word: w})
	}
	return all
}
