package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/ui"
)

// environment looks for variables that come before fob.
func (e *exam) environment(context.Context) error {
	id, shell := e.Getenv("AWS_ACCESS_KEY_ID"), e.Getenv("FOB_PROFILE") // of fob exec
	switch {
	case id == "":
	case id != e.Getenv("FOB_KEY_ID"):
		e.wrong(ui.TypeLine("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"), "AWS_ACCESS_KEY_ID is set: it overrides AWS_PROFILE in the AWS CLI and in SDKs other than JavaScript; aws --profile ignores it")
	case e.Getenv("AWS_PROFILE") != "":
		e.wrong(ui.TypeLine("unset AWS_PROFILE"), "AWS_PROFILE is set in this shell of fob exec %s: the JavaScript SDK uses that profile, the AWS CLI and Go use this session", cmdline.Quote(shell))
	case expired(e.Getenv("AWS_CREDENTIAL_EXPIRATION"), e.Now()):
		e.wrong(ui.TypeLine("exit"), "the session of this shell of fob exec %s has expired", cmdline.Quote(shell))
	default:
		e.ok("this is a shell of fob exec %s", cmdline.Quote(shell))
	}
	for _, other := range []struct{ name, why string }{
		{"AWS_WEB_IDENTITY_TOKEN_FILE", "the AWS CLI assumes its role and ignores AWS_PROFILE"},
		{"AWS_BEARER_TOKEN_BEDROCK", "programs call Bedrock with it, whatever the profile"},
	} {
		if e.Getenv(other.name) != "" {
			e.advise(ui.Type("unset", other.name), "%s is set: %s", other.name, other.why)
		}
	}
	for _, file := range []struct{ name, path string }{
		{"AWS_CONFIG_FILE", e.Files.Config}, {"AWS_SHARED_CREDENTIALS_FILE", e.Files.Credentials},
	} {
		value := e.Getenv(file.name)
		if value == "" {
			continue
		}
		if _, err := os.Stat(file.path); errors.Is(err, fs.ErrNotExist) {
			e.advise(ui.Type("unset", file.name), "%s names %s, which does not exist: every tool takes it for empty", file.name, e.Tilde(file.path))
		}
		if strings.HasPrefix(value, "~") {
			e.advise(ui.TypeLine("export "+file.name+"="+cmdline.Quote(file.path)), "%s begins with ~: the AWS CLI expands that, and the Go SDK does not", file.name)
		}
	}
	if names := plan.VariablesFor(e.Getenv); len(names) > 0 {
		e.ok("fob exec and fob login use %s where a profile does not say it itself; fob export does not", strings.Join(names, ", "))
	}
	for _, v := range VaultVariables(e.Getenv, e.Unasked) {
		e.advise(ui.Advise("%s", v.Use), "%s is for aws-vault; fob ignores it", v.Name)
	}
	if e.Passphrase {
		e.advise(ui.TypeLine("export FOB_PASSPHRASE_FILE=FILE"), "FOB_PASSPHRASE is set, so every program you start can read it; keep the passphrase in a file instead")
	}
	return nil
}

// expired reports whether a time in fob exec's notation has passed.
func expired(text string, now time.Time) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && now.After(t)
}
