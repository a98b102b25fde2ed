package cmdline

import (
	"slices"
	"strings"
)

// Export is a command line of fob's own export.
type Export struct {
	Profile string
	// The wishes for the credentials, as they were typed.
	Duration   string
	Policy     string // a file
	PolicyARNs []string
	ReadOnly   bool
	// Strange is a flag that may mean other credentials in a way this package does not
	// know; "" if there is none.
	Strange string
}

// FobProfile reports whether a credential_process is fob's own export, and for
// which profile. program is the name or path of this program.
func FobProfile(command, program string) (profile string, ok bool) {
	e, ok := ReadExport(command, program)
	return e.Profile, ok
}

// RunsFob reports whether a credential_process is fob, even with a command other than
// export or with a quote that does not end.
func RunsFob(command, program string) bool {
	for _, words := range [][]string{Words(command), strings.Fields(strings.Trim(command, `"'`))} {
		if len(words) == 0 {
			continue
		}
		if name := programName(words[0]); name != "" && (name == "fob" || name == programName(program)) {
			return true
		}
	}
	return false
}

// ReadExport is FobProfile with the flags, which may stand before export, too.
func ReadExport(command, program string) (e Export, ok bool) {
	words := Words(command)
	i := slices.Index(words, "export")
	if i < 1 {
		return Export{}, false
	}
	name := programName(words[0])
	if name == "" || name != "fob" && name != programName(program) {
		return Export{}, false
	}
	given, literal := false, false // the profile; what follows --
	for args := slices.Concat(words[1:i], words[i+1:]); len(args) > 0; {
		word := args[0]
		args = args[1:]
		flag, value := word, ""
		switch {
		case word == "--" && !literal:
			literal = true
			continue
		case literal || !strings.HasPrefix(word, "-"):
			flag, value = "--profile", word
		case takesNext(word):
			if len(args) > 0 {
				value, args = args[0], args[1:]
			}
		case strings.HasPrefix(word, "--"):
			flag, value, _ = strings.Cut(word, "=")
		default:
			flag, value = word[:min(2, len(word))], word[min(2, len(word)):]
		}
		if flag != "--profile" {
			e.set(flag, value)
		} else if !given {
			e.Profile, given = value, true
		}
	}
	if e.Profile == "" {
		return Export{}, false
	}
	return e, true
}

// set notes a flag other than --profile.
func (e *Export) set(flag, value string) {
	switch {
	case flag == "-d" || flag == "--duration":
		e.Duration = value
	case flag == "--policy":
		e.Policy = value
	case flag == "--policy-arn":
		e.PolicyARNs = append(e.PolicyARNs, value)
	case flag == "--read-only" && value == "":
		e.ReadOnly = true
	case slices.Contains(switches, flag) && value != "" || !slices.Contains(harmless, flag):
		e.Strange = flag
	}
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
var switches = []string{
	"--compat-env", "--debug", "--fresh", "--no-compat-env", "--no-input", "--no-session", "--quiet", "--read-only", "--verbose",
	"-n", "-q", "-v",
}

// harmless are the flags that mean the same credentials, though they may come in
// another way or be newer. (The region alone does not change credentials.)
var harmless = []string{
	"--age-identity", "--backend", "--color", "--compat-env", "--debug", "--format", "--fresh", "--mfa-code", "--mfa-prompt",
	"--mfa-token", "--no-compat-env", "--no-input", "--prompt", "--quiet", "--region", "--verbose", "-q", "-t", "-v",
}
