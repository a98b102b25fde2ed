package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is a word that may come next, and what it is.
type Candidate struct{ Word, About string }

// Candidates are the words that may stand where word does, after the words before
// it; without any the shell offers its own files. values are what a flag or an
// argument takes, as far as that is known.
func Candidates(root *kong.Node, before []string, word string, values func(*kong.Value) []string) []Candidate {
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
			return nil // not a command of fob's
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
	var all []Candidate
	name, _, given := strings.Cut(word, "=")
	switch {
	case flag != nil:
		all = taken(values(flag.Value))
	case arg != nil && arg.Passthrough: // a command of exec's
	case strings.HasPrefix(word, "--") && given:
		if f := flagOf(node, name); f != nil {
			all = taken(values(f.Value))
		}
		for i := range all {
			all[i].Word = name + "=" + all[i].Word
		}
	case strings.HasPrefix(word, "-"):
		all = flags(node)
	case len(node.Children) > 0:
		for _, c := range node.Children {
			if !c.Hidden {
				all = append(all, Candidate{c.Name, c.Help})
			}
		}
	case arg != nil:
		all = taken(values(arg))
	}
	return slices.DeleteFunc(all, func(c Candidate) bool { return !strings.HasPrefix(c.Word, word) })
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

func flags(node *kong.Node) (all []Candidate) {
	for _, f := range flagsOf(node) {
		if !f.Hidden {
			all = append(all, Candidate{"--" + f.Name, f.Help})
		}
	}
	return all
}

func taken(words []string) (all []Candidate) {
	for _, w := range words {
		all = append(all, Candidate{Word: w})
	}
	return all
}
