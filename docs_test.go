package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fob/internal/cmdline"
	"fob/internal/host"
)

// Every command line of fob in a page, in the manual and in the help is one that fob reads.
func TestCommandLinesOfPages(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // not the developer's config.toml
	texts := map[string][]string{}
	for _, file := range pageFiles(t) {
		texts[file] = codeIn(t, file)
	}
	for _, leaf := range grammar(t).Leaves(true) {
		words := append(helpWords(leaf), "--help")
		for line := range strings.Lines(printed(t, words...)) {
			if example, ok := strings.CutPrefix(line, "    "); ok {
				example, _, _ = strings.Cut(strings.TrimSpace(example), "   ")
				texts["fob "+strings.Join(words, " ")] = append(texts["fob "+strings.Join(words, " ")], example)
			}
		}
	}
	if n := len(texts["README.md"]); n < 100 {
		t.Errorf("%d pieces of code in README.md", n)
	}
	for where, all := range texts {
		for _, text := range all {
			for _, line := range fobLines(text) {
				if err := readsLine(line); (err != nil) != slices.Contains(mistakes, line) {
					t.Errorf("%s: %q: %v", where, line, err)
				}
			}
		}
	}
}

// codeIn is the code in a page, blocks and spans.
func codeIn(t *testing.T, file string) (code []string) {
	t.Helper()
	span, page := "(?s)`([^`]+)`", text(t, file)
	if filepath.Ext(file) == ".1" {
		span, page = `(?m)^\.(?:SS|BR?) "?(fob [^"\n]*)`, manualText(t)
	}
	page = regexp.MustCompile("(?ms)^```\\w*\n.*?^```$").ReplaceAllString(page, "") // codeBlocks has these
	for _, m := range regexp.MustCompile(span).FindAllStringSubmatch(page, -1) {
		code = append(code, strings.Join(strings.Fields(strings.ReplaceAll(m[1], `\|`, "|")), " "))
	}
	for _, block := range codeBlocks(t, file) {
		for line := range strings.Lines(block) {
			code = append(code, strings.TrimSpace(line))
		}
	}
	return code
}

// pageFiles are the pages for people.
func pageFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("doc/*")
	if err != nil {
		t.Fatal(err)
	}
	return append(files, "README.md", "SECURITY.md", "CHANGELOG.md")
}

// codeBlocks are the blocks of a page, fenced or indented; in the manual, unfilled.
func codeBlocks(t *testing.T, file string) (blocks []string) {
	t.Helper()
	page := text(t, file)
	if filepath.Ext(file) == ".1" {
		for _, m := range regexp.MustCompile(`(?ms)^\.nf\n(.*?)^\.fi$`).FindAllStringSubmatch(manualText(t), -1) {
			blocks = append(blocks, strings.TrimPrefix(m[1], "    "))
		}
		return blocks
	}
	for _, m := range regexp.MustCompile("(?m)(?s:^```\\w*\n(.*?)^```$)|(?:^    .*\n|\n(?:    .*\n))+").FindAllStringSubmatch("\n"+page, -1) {
		code := m[1]
		if code == "" {
			code = regexp.MustCompile(`(?m)^    `).ReplaceAllString(strings.TrimLeft(m[0], "\n"), "")
		}
		blocks = append(blocks, code)
	}
	return blocks
}

var (
	// fobLine is where a command line of fob begins in a piece of code, and its end.
	fobLine = regexp.MustCompile(`(?:^|[(/]|[|&;-] )fob ((?:[a-z-]|COMMAND)[^;)#]*)`)
	// optional is what a synopsis has in brackets; either is words that exclude each other.
	optional = regexp.MustCompile(`\[(?:[^][]|\[[^][]*\])*\]`)
	either   = regexp.MustCompile(`\S+\|\S+`)
)

// placeholders are words of pages that stand for something, and an example of it.
var placeholders = map[string]string{
	"COMMAND": "list", "CMD...": "true", "PROFILE...": "dev", "SHELL": "bash", "NAME": "file", "BACKEND|RECIPIENT": "file",
}

// mistakes are lines that a page shows because fob refuses them.
var mistakes = []string{"s3 ls"}

// fobLines are the command lines of fob in a piece of code, without its name.
func fobLines(code string) (lines []string) {
	for _, m := range fobLine.FindAllStringSubmatch(code, -1) {
		line := strings.TrimSuffix(strings.TrimSpace(m[1]), `"`)
		line, _, _ = strings.Cut(line, " | ")
		line, _, _ = strings.Cut(line, " || ")
		line, _, _ = strings.Cut(line, " < ")
		line, _, _ = strings.Cut(line, " > ")
		line, _, _ = strings.Cut(line, ", ") // of a heading: fob list, fob ls
		whole := optional.ReplaceAllString(line, "")
		lines = append(lines, choices(whole)...)
		for _, o := range optional.FindAllString(line, -1) {
			for _, choice := range choices(strings.Trim(o, "[]")) {
				lines = append(lines, whole+" "+choice)
			}
		}
	}
	return lines
}

// choices are the lines that a synopsis stands for.
func choices(line string) (lines []string) {
	words := either.FindString(line)
	if words == "" || placeholders[words] != "" {
		return []string{line}
	}
	for word := range strings.SplitSeq(words, "|") {
		lines = append(lines, strings.Replace(line, words, word, 1))
	}
	return lines
}

// readsLine has fob read a command line. One that only names a command, or a flag of it,
// may lack what the command needs.
func readsLine(line string) error {
	var words []string
	for _, word := range cmdline.Words(line) {
		if example, ok := placeholders[word]; ok {
			word = example
		}
		words = append(words, word)
	}
	var valued []string // with a value for each flag
	for _, word := range words {
		if valued = append(valued, word); strings.HasPrefix(word, "--") {
			valued = append(valued, "x")
		}
	}
	tries := [][]string{words, append(slices.Clone(words), "dev"), append(slices.Clone(words), "--help"), append(valued, "dev")}
	var first error
	for _, argv := range tries {
		_, err := parse(start{args: []string{"fob"}, getenv: host.Lookup(os.Environ())}, argv)
		if err == nil {
			return nil
		}
		if first = cmp.Or(first, err); slices.Contains(words, "--") {
			break
		}
	}
	return first
}
