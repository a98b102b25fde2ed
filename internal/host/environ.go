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

func fold(name string) string {
	if FoldCase {
		return strings.ToUpper(name)
	}
	return name
}
