package plan

import (
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// StaticKeys are the credentials a section holds in plain text.
type StaticKeys struct {
	ID, Secret, Token awsconfig.Value // Token may be empty
}

// Static reads a section's plain-text key; a PartialKeyError when half is there.
func Static(section awsconfig.Profile) (StaticKeys, error) {
	id, hasID := plain(section, "aws_access_key_id")
	secret, hasSecret := plain(section, "aws_secret_access_key")
	token, _ := plain(section, "aws_session_token")
	switch {
	case hasID && !hasSecret:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: id.Key, Lacks: "aws_secret_access_key", At: At(id)}
	case hasSecret && !hasID:
		return StaticKeys{}, &PartialKeyError{Profile: section.Name, Has: secret.Key, Lacks: "aws_access_key_id", At: At(secret)}
	}
	return StaticKeys{ID: id, Secret: secret, Token: token}, nil
}

// hasStatic reports whether a section holds a plain-text key, or half of one.
func hasStatic(section awsconfig.Profile) bool {
	_, id := plain(section, "aws_access_key_id")
	_, secret := plain(section, "aws_secret_access_key")
	return id || secret
}

func plain(p awsconfig.Profile, key string) (awsconfig.Value, bool) {
	v, ok := p.Plain(key)
	return v, ok && v.Text != ""
}

// FobProfile recognises a credential_process that is fob's own export, and
// names its profile. program is this program's name or path.
func FobProfile(command, program string) (profile string, ok bool) {
	words := Words(command)
	i := slices.Index(words, "export")
	if i < 1 {
		return "", false
	}
	name := programName(words[0])
	if name == "" || name != "fob" && name != programName(program) {
		return "", false
	}
	for args := words[i+1:]; len(args) > 0; {
		word := args[0]
		args = args[1:]
		flag, value, given := strings.Cut(word, "=")
		switch {
		case flag == "--profile" && given:
			return value, value != ""
		case word == "--profile" && len(args) > 0:
			return args[0], args[0] != ""
		case !strings.HasPrefix(word, "-"):
			return word, word != ""
		case takesNext(word) && len(args) > 0:
			args = args[1:]
		}
	}
	return "", false
}

// programName is the last part of a path of any system, without .exe.
func programName(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}

// takesNext reports whether the word after one of export's flags is its value:
// not after --flag=value, -d1h and switches.
func takesNext(flag string) bool {
	if !strings.HasPrefix(flag, "--") {
		return len(flag) == 2 && !slices.Contains(switches, flag)
	}
	return !strings.Contains(flag, "=") && !slices.Contains(switches, flag)
}

// switches are export's flags that take no value.
var switches = []string{"--fresh", "--no-session", "-n", "--no-input", "-v", "--verbose", "--debug", "-q", "--quiet", "--read-only"}

// Words splits a command line as the SDKs' common ground has it: white space
// separates, quotes hold together, and a backslash stands for itself unless it
// precedes a quote, a backslash or white space (Windows paths).
func Words(s string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(runes) && strings.ContainsRune("\"'\\ ", runes[i+1]):
			i++
			word.WriteRune(runes[i])
			begun = true
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// IsWord reports whether s is one word of a command line, the same to all shells
// and to Words, without quotes.
func IsWord(s string) bool { return spelled(s, 1, len(s), "_.%@:/+-") }
