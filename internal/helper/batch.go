package helper

import (
	"errors"
	"strings"
)

// Windows runs a batch file with cmd.exe, which reads its command line by rules of
// its own: with the quoting that every other program understands, an argument such
// as "http://host/?a=1&ver" runs the command ver.

// ErrBatchArgument means that an argument cannot be passed to a batch file.
var ErrBatchArgument = errors.New("it is a batch file, and cmd.exe cannot pass it an argument with a line break")

// ErrBatchLength means that the arguments for a batch file are too long.
var ErrBatchLength = errors.New("it is a batch file, and cmd.exe takes only 8,191 characters of arguments")

// maxBatchLine is the longest line that cmd.exe takes, in characters.
const maxBatchLine = 8191

// IsBatch reports whether Windows runs a file with cmd.exe. Windows ignores dots and
// blanks at the end of a name.
func IsBatch(path string) bool {
	name := strings.ToLower(strings.TrimRight(path, ". "))
	return strings.HasSuffix(name, ".bat") || strings.HasSuffix(name, ".cmd")
}

// batchLine is the command line that runs a batch file and passes the arguments on
// as they are. Command extensions are needed for what escapes a percent sign, delayed
// expansion would replace !NAME!, and AutoRun would run other commands first. cmd.exe
// removes the outermost quotes.
func batchLine(path string, args []string) (string, error) {
	var line strings.Builder
	line.WriteString(`cmd.exe /e:ON /v:OFF /d /c ""`)
	line.WriteString(escapePercent(path)) // the name of a file has no quote
	line.WriteString(`"`)
	for _, arg := range args {
		if strings.ContainsAny(arg, "\r\n") {
			return "", ErrBatchArgument // cmd.exe drops what follows it
		}
		line.WriteString(" ")
		line.WriteString(batchArg(arg))
	}
	line.WriteString(`"`)
	if line.Len() > maxBatchLine { // bytes, of which there are at least as many
		return "", ErrBatchLength
	}
	return line.String(), nil
}

// batchArg quotes an argument for cmd.exe and for the program that it is for: within
// quotes cmd.exe reads only quotes and percent signs, and both read a doubled quote as
// a quote. Backslashes before a quote are doubled, as for every program.
func batchArg(arg string) string {
	const harmless = `#$*+-./:?@\_`
	quote := arg == "" || strings.HasSuffix(arg, `\`)
	var b strings.Builder
	backslashes := 0
	for _, r := range arg {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune(harmless, r) {
			quote = true
		}
		switch r {
		case '\\':
			backslashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, backslashes) + `"`)
			backslashes = 0
		default:
			backslashes = 0
		}
		b.WriteRune(r)
	}
	text := escapePercent(b.String())
	if quote {
		return `"` + text + strings.Repeat(`\`, backslashes) + `"`
	}
	return text
}

// escapePercent keeps cmd.exe from replacing %NAME%: %cd:~,% is a part of the current
// directory that has no characters, and its first percent sign ends any name that the
// one before it begins.
func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%cd:~,%") }
