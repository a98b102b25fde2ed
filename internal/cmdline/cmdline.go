// Package cmdline reads and writes command lines of the AWS files and of shells: it
// splits a line into words, quotes a word, writes a credential_process that every
// SDK reads alike, and recognizes one that is fob itself.
//
// It runs nothing. Of fob's flags it knows only those of export.
package cmdline

import "strings"

// Words splits a command line by the rules that the SDKs have in common: white
// space separates words, quotes keep a word together, and a backslash is an
// ordinary character (as in Windows paths) unless a quote, a backslash or a space
// follows.
func Words(s string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	started := false
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(runes) && strings.ContainsRune("\"'\\ ", runes[i+1]):
			i++
			word.WriteRune(runes[i])
			started = true
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, started = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

// IsWord reports whether every shell, and Words, reads s as one word without
// quotes.
func IsWord(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("_.%@:/+-", c) < 0:
			return false
		}
	}
	return s != ""
}

// Quote returns s for a command line that a person is shown: as it is if it needs
// no quotes, else in single quotes for a POSIX shell.
func Quote(s string) string {
	if IsWord(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
