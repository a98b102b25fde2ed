package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/alecthomas/kong"

	"fob/internal/cmdline"
	"fob/internal/host"
)

// printed is what a command line prints to standard output, in an empty home.
func printed(t *testing.T, argv ...string) string {
	t.Helper()
	return printedIn(t, t.TempDir(), argv...)
}

func printedIn(t *testing.T, home string, argv ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	p := start{
		args: []string{"fob"}, environ: []string{"HOME=" + home}, stdout: &out, stderr: &errs,
	}
	p.getenv = host.Lookup(p.environ)
	l, err := parse(p, argv)
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	a, err := newApp(context.Background(), program{}, p, l)
	if err == nil {
		err = l.run(a)
	}
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%q: %v, %s", argv, err, errs.String())
	}
	return out.String()
}

// Every page of the help fits the narrowest terminal, and a command's page has an
// example and no flag of all commands.
func TestHelpPages(t *testing.T) {
	pages := map[string]string{"fob": printed(t), "fob --help": printed(t, "--help")}
	for _, leaf := range grammar(t).Leaves(true) {
		words := helpWords(leaf)
		line := "fob " + strings.Join(words, " ")
		page := printed(t, append(words, "--help")...)
		pages[line] = page
		if !strings.HasPrefix(page, "Usage: fob "+words[0]) {
			t.Errorf("%s: begins with %.40q", line, page)
		}
		if !strings.Contains(page, "\n\nExamples\n  ") || !strings.Contains(page, "fob "+strings.Join(words, " ")) {
			t.Errorf("%s: no example", line)
		}
		if strings.Contains(page, "--backend NAME  ") {
			t.Errorf("%s: shows the flags of all commands", line)
		}
		if help := printed(t, append([]string{"help"}, words...)...); help != page {
			t.Errorf("fob help %s: another page", strings.Join(words, " "))
		}
	}
	for line, page := range pages {
		for l := range strings.Lines(page) {
			if l = strings.TrimSuffix(l, "\n"); len(l) > helpWidth {
				t.Errorf("%s: %d columns: %s", line, len(l), l)
			} else if strings.TrimRight(l, " ") != l {
				t.Errorf("%s: spaces at the end: %q", line, l)
			}
		}
		if strings.Contains(page, "\n\n\n") {
			t.Errorf("%s: two empty lines", line)
		}
	}
}

// helpWords are the words of a command line, without those of hidden commands.
func helpWords(node *kong.Node) (words []string) {
	for n := node; n.Parent != nil; n = n.Parent {
		if !n.Hidden {
			words = append([]string{n.Name}, words...)
		}
	}
	return words
}

// The overview has every command, in groups.
func TestHelpOverview(t *testing.T) {
	page := printed(t)
	at := 0
	for _, g := range groups() {
		for _, want := range append([]string{"\n" + g.title + "\n"}, linesOf(g)...) {
			i := strings.Index(page[at:], want)
			if i < 0 {
				t.Fatalf("no %q after %.60q", want, page[at:])
			}
			at += i
		}
	}
}

func linesOf(g group) (lines []string) {
	for _, c := range g.commands {
		lines = append(lines, "\n  "+c.name+" ")
	}
	return lines
}

// The help of every command, flag and argument is one sentence.
func TestHelpSentences(t *testing.T) {
	sentence := func(where, text string) {
		t.Helper()
		first := []rune(text + " ")[0]
		if !strings.HasSuffix(text, ".") || !unicode.IsUpper(first) {
			t.Errorf("%s: %q", where, text)
		}
	}
	model := grammar(t)
	for _, f := range model.Flags {
		if !f.Hidden {
			sentence("--"+f.Name, f.Help)
		}
	}
	for _, leaf := range model.Leaves(false) {
		if !leaf.Hidden {
			sentence(leaf.Path(), leaf.Help)
		}
		for _, f := range leaf.Flags {
			if !f.Hidden {
				sentence(leaf.Path()+" --"+f.Name, f.Help)
			}
		}
		for _, p := range leaf.Positional {
			sentence(leaf.Path()+" "+p.Name, p.Help)
		}
	}
}

// Every example is a command line that fob takes.
func TestHelpExamples(t *testing.T) {
	p := start{args: []string{"fob"}, getenv: host.Lookup([]string{"HOME=" + t.TempDir()})}
	all := grammar(t).Leaves(true)
	all = append(all, grammar(t).Children...)
	tried := 0
	for _, node := range all {
		paragraphs := strings.Split(strings.Trim(node.Detail, "\n"), "\n\n")
		for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
			line = strings.TrimSpace(line)
			line, _, _ = strings.Cut(line, "  ")
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " || ")
			line, _, _ = strings.Cut(line, " < ")
			line = strings.TrimSuffix(strings.TrimPrefix(line, `eval "$(`), `)"`)
			words := cmdline.Words(line)
			if len(words) == 0 || words[0] != "fob" {
				t.Errorf("%s: %q", node.Path(), line)
				continue
			}
			if _, err := parse(p, words[1:]); err != nil {
				t.Errorf("%s: %q: %v", node.Path(), line, err)
			}
			tried++
		}
	}
	if tried < 40 {
		t.Errorf("only %d examples", tried)
	}
}
