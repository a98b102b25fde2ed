package cmdline

import (
	"slices"
	"strings"
)

// FobProfile reports whether a credential_process is fob's own export, and for
// which profile. program is the name or path of this program.
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

// programName is the last part of a Unix or Windows path, without .exe.
func programName(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}

// takesNext reports whether a flag of export takes the next word as its value.
// Switches do not, nor do --flag=value and -d1h, which bring theirs along.
func takesNext(flag string) bool {
	if !strings.HasPrefix(flag, "--") {
		return len(flag) == 2 && !slices.Contains(switches, flag)
	}
	return !strings.Contains(flag, "=") && !slices.Contains(switches, flag)
}

// switches are export's flags that take no value.
var switches = []string{"--fresh", "--no-session", "-n", "--no-input", "-v", "--verbose", "--debug", "-q", "--quiet", "--read-only"}
