//go:build unix

package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fob/internal/ui"
)

// mustHelp panics if a hint of a command that failed cannot be followed. Every fob of
// the tests calls it, so that each script tries the hints that it meets.
func mustHelp(argv []string, hints []ui.Hint) {
	for _, h := range hints {
		if err := checkHint(argv, h); err != nil {
			panic(fmt.Sprintf("fob %q says %q: %v", argv, h, err))
		}
	}
}

// checkHint says why nobody could follow a hint of a command line that failed.
func checkHint(argv []string, h ui.Hint) error {
	if h.Command == "" && h.Words == "" {
		return errors.New("it says nothing")
	}
	for _, words := range []string{h.When, h.Words} {
		if err := checkHintWords(words); err != nil {
			return err
		}
	}
	if h.Command == "" {
		return nil
	}
	line := h.Command
	if inner := substitution.FindStringSubmatch(line); inner != nil {
		line = inner[1]
	}
	words, err := shellWords(line)
	if err != nil {
		return err
	}
	if slices.Contains([]string{"chmod", "chown", "export", "kill", "loginctl", "mv", "pass", "rm", "security", "systemctl", "aws"}, words[0]) {
		return nil
	}
	if words[0] != "fob" {
		return fmt.Errorf("nobody knows %q", words[0])
	}
	typed := slices.DeleteFunc(slices.Clone(argv), isGlobalFlag)
	if slices.Equal(typed, words[1:]) {
		return errors.New("it was just typed")
	}
	return parses(words[1:])
}

// substitution matches the command in eval "$(...)".
var substitution = regexp.MustCompile(`^eval "\$\((.*)\)"$`)

func isGlobalFlag(word string) bool {
	return slices.Contains([]string{"--no-input", "-v", "--verbose", "-q", "--quiet"}, word)
}

// checkHintWords: what is to be typed is a hint's command, and not among its words.
func checkHintWords(words string) error {
	if strings.HasPrefix(words, "did you mean ") || strings.Contains(words, "credential_process = ") {
		return nil
	}
	for _, at := range mention.FindAllStringSubmatch(words, -1) {
		if slices.ContainsFunc(commands(), func(c command) bool { return c.is(at[1]) }) {
			return fmt.Errorf("%q is among the words", at[0])
		}
	}
	return nil
}

// mention matches what may be a command of fob in a text.
var mention = regexp.MustCompile(`\bfob ([a-z]+)\b`)

// parses says why fob could not read a command line.
func parses(argv []string) error {
	line := make([]string, len(argv))
	for i, word := range argv {
		line[i] = word
		if placeholder.MatchString(word) {
			sample, ok := samples(argv[:i])[word]
			if !ok {
				return fmt.Errorf("nobody knows what to put for %s", word)
			}
			line[i] = sample
		}
	}
	_, err := parse(start{getenv: func(string) string { return "" }}, line)
	return err
}

// placeholder matches what a person has to fill in.
var placeholder = regexp.MustCompile(`^[A-Z][A-Z-]+$`)

// samples are what a person could put for the placeholders of a hint, after these words.
func samples(before []string) map[string]string {
	arn := "arn:aws:iam::111111111111:mfa/jo"
	if n := len(before); n > 0 && before[n-1] == "--role" {
		arn = "arn:aws:iam::222222222222:role/deploy"
	}
	return map[string]string{"PROFILE": "dev", "NAME": "other", "ARN": arn}
}

// shellWords splits a command line as a shell does, without its redirections.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\'':
			quoted = false
		case quoted:
			word.WriteByte(c)
		case c == '\'':
			started, quoted = true, true
		case c == '\\' && i+1 < len(line):
			i++
			started = true
			word.WriteByte(line[i])
		case c == ' ':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		case c == '>':
			if started || !strings.HasPrefix(line[i:], ">/dev/null") {
				return nil, fmt.Errorf("%q is redirected in a strange way", line)
			}
			i += len(">/dev/null") - 1
		case strings.IndexByte("\"$`;|&<()*?[]#~=%{}", c) >= 0 && !(c == '=' || c == '%'):
			return nil, fmt.Errorf("%q has a %c that a shell would take for itself", line, c)
		default:
			started = true
			word.WriteByte(c)
		}
	}
	if quoted {
		return nil, fmt.Errorf("%q has an open quote", line)
	}
	if started {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("an empty command")
	}
	return words, nil
}
