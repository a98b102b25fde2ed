package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// phrase is a way of putting things that nobody at AWS or GitHub would write.
type phrase struct {
	match  *regexp.Regexp
	fine   *regexp.Regexp // matches of it that are good English; may be nil
	better string
}

// foreignPhrases are the phrases that people must not meet in fob's texts.
func foreignPhrases() []phrase {
	var phrases []phrase
	add := func(match, fine, better string) {
		p := phrase{match: regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(match, " ", `\s+`) + `)\b`), better: better}
		if fine != "" {
			p.fine = regexp.MustCompile(`(?i)` + strings.ReplaceAll(fine, " ", `\s+`))
		}
		phrases = append(phrases, p)
	}
	add(`(?:\w+ )?(?:is|are|was|were) no \w+`, `^there |(?:longer|more)$`, "X is not a Y")
	add(`(?:\w+ )?(?:is|are|was|were) none`, `^there `, "is not one")
	add(`(?:is|are|was|were) (?:not )?to be`, "", "must be")
	add(`anew`, "", "again")
	add(`mend(?:s|ed|ing)?`, "", "fix")
	add(`who(?:ever|soever)`, "", "anyone who")
	add(`that which`, "", "what")
	add(`he|him|his|himself`, "", "they")
	add(`(?:take|takes|taken|took)(?: \w+)? away`, "", "remove")
	add(`(?:take|takes|taken|took)(?: \w+){0,2} out of`, "", "remove from")
	add(`(?:go|goes|went|gone) on`, "", "continue")
	add(`at AWS`, "", "in AWS")
	add(`for want of`, "", "without")
	add(`for ever`, "", "forever")
	add(`in vain`, "", "failed")
	add(`drop(?:s|ped)? (?:(?:the|its|all|\d+|%d|%s) )*(?:sessions?|cop(?:y|ies))`, "", "clear")
	add(`(?:the|its|an?|stored|MFA) seeds?`, "", "MFA secret")
	add(`colou?rs?`, `color`, "color: the spelling is American")
	add(`licences?|defences?|behaviours?|(?:recogn|synchron)is\w+`, "", "the spelling is American")
	return phrases
}

// checkWords reports the foreign phrases in a text that starts at a line of a file.
func checkWords(t *testing.T, file string, line int, text string) {
	t.Helper()
	for _, p := range foreignPhrases() {
		for _, at := range p.match.FindAllStringIndex(text, -1) {
			found := text[at[0]:at[1]]
			if p.fine == nil || !p.fine.MatchString(found) {
				t.Errorf("%s:%d: %q: %s", file, line+strings.Count(text[:at[0]], "\n"), found, p.better)
			}
		}
	}
}

// The pages are in the words of the field, and so are the scripts, with the messages
// that they expect.
func TestWordsOfPages(t *testing.T) {
	pages := []string{"README.md", "SECURITY.md", "CHANGELOG.md", "Makefile", "demo/run", "Formula/fob.rb"}
	for _, pattern := range []string{"doc/*", ".ci/*", ".github/*/*", "testdata/script/*"} {
		more, err := filepath.Glob(pattern)
		if err != nil || more == nil {
			t.Fatal(pattern, err)
		}
		pages = append(pages, more...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		words := string(text)
		if page == filepath.FromSlash("doc/format.md") {
			words = strings.ReplaceAll(words, "the seed (MFA secret)", "") // the format's own word, explained
		}
		checkWords(t, page, 1, words)
	}
}

// No string of the program, and so no message, has a foreign phrase.
func TestWordsOfProgram(t *testing.T) {
	for _, name := range sources(t) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					checkWords(t, name, files.Position(lit.Pos()).Line, s)
				}
			}
			return true
		})
	}
}

// Nor has a comment, which people read to understand the code. Seeds are the code's own
// word.
func TestWordsOfComments(t *testing.T) {
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if filepath.Ext(name) != ".go" || name == "words_test.go" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, c := range file.Comments {
			checkWords(t, name, files.Position(c.Pos()).Line, regexp.MustCompile(`(?i)seeds?\b`).ReplaceAllString(c.Text(), ""))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
