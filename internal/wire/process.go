package wire

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/host"
)

// ProcessError is a profile, or a path of fob, for which no credential_process can be
// written that every SDK reads alike.
type ProcessError struct {
	Profile string // "" if it is the path
	Program string
}

func (e *ProcessError) Error() string {
	what, word := "the profile name", e.Profile
	if word == "" {
		what, word = "the path of fob", e.Program
	}
	return fmt.Sprintf("%s %q cannot be used in credential_process: the AWS SDKs would not all read it the same way", what, word)
}

// Process is the credential_process with which SDKs get a profile's credentials from
// program, which is given as it was called. The path is absolute and keeps its
// symbolic links, because the real path of a Homebrew package is gone after the next
// upgrade. Errors: *ProcessError.
func Process(program, profile string) (string, error) {
	system := cmdline.System(runtime.GOOS == "windows")
	path, err := cmdline.Process(system, located(program))
	if err != nil {
		// Windows has a second name without blanks for most files.
		path, err = cmdline.Process(system, host.ShortPath(located(program)))
	}
	if err != nil {
		return "", &ProcessError{Program: located(program)}
	}
	name, err := cmdline.Process(system, profile)
	if err != nil || strings.HasPrefix(profile, "-") { // which would be a flag
		return "", &ProcessError{Profile: profile}
	}
	line := path + " export --profile " + name
	if strings.HasPrefix(line, `"`) && strings.HasSuffix(line, `"`) {
		line += " --format process" // the Go SDK removes quotes around a whole value
	}
	return line, nil
}

// located is the absolute path of this program. Who starts it may give it any name, so
// one that leads nowhere is not taken.
func located(program string) string {
	if found, err := exec.LookPath(program); err == nil {
		program = found
	} else if self, err := os.Executable(); err == nil && filepath.Base(program) == program {
		program = self
	}
	if abs, err := filepath.Abs(program); err == nil {
		program = abs
	}
	return program
}

// Doubt is the first character of a credential_process of fob's own that the SDKs
// here do not all take as it stands; "" if they agree on the line.
func Doubt(line string) string {
	return cmdline.Doubt(cmdline.System(runtime.GOOS == "windows"), line)
}
