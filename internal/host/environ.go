package host

import (
	"runtime"
	"strings"
)

// FoldCase reports whether the names of variables have no case here (Windows).
const FoldCase = runtime.GOOS == "windows"

// Lookup returns a function that finds variables in environ, a list of NAME=VALUE.
// The first value of a variable counts.
func Lookup(environ []string) func(name string) string {
	values := make(map[string]string, len(environ))
	for _, entry := range environ {
		// A name may begin with "=" on Windows (=C:=C:\dir).
		if i := strings.IndexByte(entry, '='); i > 0 {
			if _, again := values[fold(entry[:i])]; !again {
				values[fold(entry[:i])] = entry[i+1:]
			}
		}
	}
	return func(name string) string { return values[fold(name)] }
}

// FitsVariable reports whether the system can give a program a variable of that length.
func FitsVariable(name, value string) bool {
	n := len(name) + len("=") + len(value) + len("\x00")
	switch runtime.GOOS {
	case "linux":
		return n <= 128<<10 // MAX_ARG_STRLEN of execve(2)
	case "windows":
		return n <= 32767 // characters, which are at most as many as bytes
	}
	return true // one limit for the whole environment, which is the command's error
}

func fold(name string) string {
	if FoldCase {
		return strings.ToUpper(name)
	}
	return name
}
