package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is a word that may come next, and what it is.
type Candidate struct{ Word, About string }

// Answer is what may come next. Without anything in it nothing may, or nobody knows.
type Answer struct {
	Candidates []Candidate
	// Files: a file's name may come next.
	Files bool
	// Command is how many of the words before are fob's, where the words after them are
	// a command line of its own; 0 if they are all fob's.
	Command int
}

// Values are what a flag or an argument of a command takes, as far as that is known.
// given are the arguments before it.
type Values func(command *kong.Node, v *kong.Value, given []string) []string

// Complete says what may stand where word does, after the words before it.
func Complete(root *kong.Node, before []string, word string, values Values) Answer {
	if i := slices.Index(before, helpWord); i >= 0 && !slices.ContainsFunc(before[:i], isWord) {
		return fitting(commands(find(root, before[i+1:])), word)
	}
	p := position{node: root}
	for i, w := range before {
		if p.step(w); p.lost {
			return Answer{}
		}
		if p.command {
			return Answer{Command: i + p.skip}
		}
	}
	arg := p.argument()
	name, _, assigned := strings.Cut(word, "=")
	isFlag := !p.literal && strings.HasPrefix(word, "-")
	switch {
	case p.flag != nil:
		return p.taken(p.flag.Value, word, values)
	case isFlag && assigned:
		f := p.flagOf(name)
		if f == nil {
			return Answer{}
		}
		answer := p.taken(f.Value, word[len(name)+1:], values)
		for i := range answer.Candidates {
			answer.Candidates[i].Word = name + "=" + answer.Candidates[i].Word
		}
		return answer
	case isFlag:
		return fitting(p.flags(), word)
	case arg != nil && arg.Passthrough:
		return Answer{Command: len(before)}
	case len(p.node.Children) > 0:
		all := commands(p.node)
		if p.node == root {
			all = append(all, Candidate{helpWord, "Show help for a command."})
		}
		return fitting(all, word)
	case arg != nil:
		return p.taken(arg, word, values)
	}
	return Answer{}
}

// helpWord is the word before a command that asks for its help.
const helpWord = "help"

func isWord(w string) bool { return !strings.HasPrefix(w, "-") }

// position is a place in a command line.
type position struct {
	node *kong.Node
	flag *kong.Flag // whose value comes next
	args []string
	// literal: a -- came before, so that no flag follows.
	literal bool
	// command: what follows is a command line of its own, from this word on (skip is 0)
	// or from the next.
	command bool
	skip    int
	lost    bool // not a command line of fob's
}

// step goes past a word.
func (p *position) step(w string) {
	arg := p.argument()
	switch child := childOf(p.node, w); {
	case p.flag != nil:
		p.flag = nil
	case p.literal && arg == nil:
		p.lost = true
	case w == "--" && slices.ContainsFunc(p.node.Positional, func(v *kong.Value) bool { return v.Passthrough }):
		p.command, p.skip = true, 1
	case w == "--":
		p.literal = true
	case !p.literal && strings.HasPrefix(w, "-"):
		if f := p.flagOf(w); f != nil && !f.IsBool() {
			p.flag = f
		}
	case child != nil:
		p.node = child
	case len(p.node.Children) > 0:
		p.lost = true
	case arg != nil && arg.Passthrough:
		p.command = true
	default:
		p.args = append(p.args, w)
	}
}

// argument is the one that comes next; nil for none. The last of a cumulative
// argument's takes all that follow.
func (p *position) argument() *kong.Value {
	n := len(p.node.Positional)
	if len(p.args) < n {
		return p.node.Positional[len(p.args)]
	}
	if n > 0 && p.node.Positional[n-1].IsCumulative() {
		return p.node.Positional[n-1]
	}
	return nil
}

// taken are the values that a flag or an argument takes.
func (p *position) taken(v *kong.Value, word string, values Values) Answer {
	var all []Candidate
	for _, w := range values(p.node, v, p.args) {
		all = append(all, Candidate{Word: w})
	}
	answer := fitting(all, word)
	answer.Files = v.Tag.PlaceHolder == "FILE" || v.Flag == nil && (v.Name == "file" || v.Name == "path")
	return answer
}

// allFlags are a command's and, as kong has it, those of all above it.
func allFlags(node *kong.Node) []*kong.Flag {
	own := node.Flags
	if node.DefaultCmd != nil {
		own = slices.Concat(own, node.DefaultCmd.Flags)
	}
	if node.Parent == nil {
		return own
	}
	return slices.Concat(own, allFlags(node.Parent))
}

func (p *position) flagOf(word string) *kong.Flag {
	for _, f := range allFlags(p.node) {
		if word == "--"+f.Name || word == "-"+string(f.Short) || slices.Contains(f.Aliases, strings.TrimPrefix(word, "--")) {
			return f
		}
	}
	return nil
}

func (p *position) flags() (all []Candidate) {
	for _, f := range allFlags(p.node) {
		if !f.Hidden {
			all = append(all, Candidate{"--" + f.Name, f.Help})
		}
	}
	return all
}

// find is the command that words name; nil for none.
func find(node *kong.Node, words []string) *kong.Node {
	for _, w := range words {
		if isWord(w) && node != nil {
			node = childOf(node, w)
		}
	}
	return node
}

// commands are those below one.
func commands(node *kong.Node) (all []Candidate) {
	if node == nil {
		return nil
	}
	for _, c := range node.Children {
		if !c.Hidden {
			all = append(all, Candidate{c.Name, c.Help})
		}
	}
	return all
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return c
		}
	}
	return nil
}

// fitting are the candidates that begin with a word.
func fitting(all []Candidate, word string) Answer {
	return Answer{Candidates: slices.DeleteFunc(all, func(c Candidate) bool { return !strings.HasPrefix(c.Word, word) })}
}
