package awsvault

import (
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/cmdline"
)

// Runs reports whether a credential_process asks aws-vault.
func Runs(line string) bool {
	_, ok := Target(line)
	return ok
}

// Target is the profile for which a credential_process asks aws-vault; "" if nobody
// knows.
func Target(line string) (profile string, ok bool) {
	words := cmdline.Words(line)
	if len(words) == 0 || strings.TrimSuffix(filepath.Base(words[0]), ".exe") != "aws-vault" {
		return "", false
	}
	command := slices.IndexFunc(words, func(w string) bool { return w == "exec" || w == "export" })
	for i := command + 1; command > 0 && i < len(words); i++ {
		switch flag := words[i]; {
		case flag == "-d" || flag == "-t" || flag == "--duration" || flag == "--mfa-token" || flag == "--region" || flag == "--format":
			i++ // has a value
		case !strings.HasPrefix(flag, "-"):
			return flag, true
		}
	}
	return "", true
}
