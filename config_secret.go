package main

import (
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/ui"
)

// envPrefix begins the settings whose values go into a command's environment.
const envPrefix = "fob_env_"

// accessKeyID is the one part of an access key that is not a secret.
const accessKeyID = "aws_access_key_id"

// isKeyPart reports whether a setting of that name holds an access key or a part of one.
func isKeyPart(name string) bool {
	return slices.Contains([]string{accessKeyID, "aws_secret_access_key", "aws_session_token", "aws_security_token"}, strings.TrimPrefix(name, "fob_"))
}

// secretKey reports whether a setting holds an access key or a part of one, also where it
// is nested under another setting.
func secretKey(s awsconfig.Setting) bool { return isKeyPart(s.Key) || isKeyPart(s.Sub) }

// secretPart is secretKey without the ID.
func secretPart(s awsconfig.Setting) bool {
	return isKeyPart(s.Key) && s.Key != accessKeyID || isKeyPart(s.Sub) && s.Sub != accessKeyID
}

// secretIn reports whether a value is an access key, or has one in it. The parts of a path,
// of an ARN and of the name of an application secret may look like one.
func secretIn(s awsconfig.Setting, value string) bool {
	value = strings.TrimSpace(value)
	if strings.TrimPrefix(s.Key, "fob_") == "external_id" { // any text will do
		return false
	}
	if whole := strings.Trim(value, `"'`); creds.LooksSecret(whole) || creds.IsKeyID(whole) {
		return true
	}
	if strings.HasPrefix(s.Key, envPrefix) {
		value = withoutReferences(value)
	}
	return creds.HasKey(value)
}

// unprintable reports whether a value has an access key in it. The lines that continue a
// value may be one, as the Go SDK reads them.
func unprintable(s awsconfig.Setting, value string) bool {
	first, more, _ := strings.Cut(value, "\n")
	return !(secretKey(s) && creds.IsKeyID(first)) && secretIn(s, first) || secretIn(s, more)
}

// withoutReferences is the text of a variable's value beside the secrets that it names.
func withoutReferences(value string) string {
	v, err := plan.ParseSecret("NAME="+value, "")
	if err != nil {
		return value
	}
	var b strings.Builder
	for _, part := range v.Value {
		b.WriteString(part.Text.Reveal() + " ")
	}
	return b.String()
}

// hides reports whether messages do not show a value, because standard error may be a log:
// it may be a secret, or a command with one in it.
func hides(a *app, s awsconfig.Setting, value string) bool {
	if _, ours := cmdline.FobProfile(value, a.args[0]); ours {
		return false
	}
	return strings.HasPrefix(s.Key, envPrefix) || strings.HasSuffix(s.Key, "_process") || creds.HasKey(value)
}

// shownSetting is a setting and its value, as people write them.
func shownSetting(a *app, s awsconfig.Setting, value string) string {
	if value == "" || hides(a, s, value) {
		return s.String()
	}
	return s.String() + " = " + quoted(value)
}

// quoted shows a value that would not be seen.
func quoted(value string) string {
	if strings.TrimSpace(value) == "" {
		return `""`
	}
	return strings.ReplaceAll(value, "\n", " ")
}

// refuseSecret keeps access keys, and what looks like one, out of the AWS files.
func refuseSecret(a *app, config *awsconfig.Config, s awsconfig.Setting, value string) error {
	e := &usageError{NoHelp: true}
	if s.Profiled() {
		e.Way = a.addHint(s.Name, "asks for the key, and stores it encrypted", otherName())
	}
	switch {
	case secretKey(s):
		e.Problem, e.Secret = "fob keeps access keys in its store, not in plain text in the AWS files", secretPart(s)
		if movable(config, s.Name) {
			e.Also = moveHint()
		}
	case secretIn(s, value):
		e.Problem = "the value looks like an access key, which fob keeps in its store, not in plain text"
	default:
		return nil
	}
	return e
}

// keepKey is the error for a setting that is not removed because an access key would go
// with it.
func keepKey(config *awsconfig.Config, s awsconfig.Setting) error {
	for _, v := range config.Nested(s) {
		if isKeyPart(v.Key) || secretIn(s, v.Text) {
			return noHelpf("%s: %s under %s may be the only copy of an access key, which fob does not remove; edit the file", plan.At(v), v.Key, s)
		}
	}
	lines := config.Settings(s)
	if !secretKey(s) {
		for _, v := range lines {
			if err := keepValue(s, v); err != nil {
				return err
			}
		}
		return nil
	}
	if len(lines) == 0 {
		return nil
	}
	e := &usageError{Problem: "this may be the only copy of the key, which fob does not remove", NoHelp: true, Way: moveHint()}
	if strings.Contains(lines[0].Text, "\n") {
		e.Way, e.Also = ui.Advise("start the line below %s in the first column", plan.At(lines[0])), moveHint()
	} else if s.Sub != "" || !movable(config, s.Name) {
		e.Way = ui.Advise("if you do not need it, delete the line: %s", plan.At(lines[0]))
	}
	return e
}

// keepValue is the error for a value that is not changed or removed because it has an
// access key in it. Of one that continues on further lines only the first counts here.
func keepValue(s awsconfig.Setting, v awsconfig.Value) error {
	first, _, _ := strings.Cut(v.Text, "\n")
	if !secretIn(s, first) {
		return nil
	}
	return noHelpf("%s: the value of %s has what looks like an access key in it, perhaps the only copy, which fob does not remove; edit the file", plan.At(v), s)
}

// movable reports whether a profile has an access key that fob import can move.
func movable(config *awsconfig.Config, profile string) bool {
	section, _ := config.Profile(profile)
	static, err := plan.Static(section)
	return err == nil && static.ID.Text != "" && static.Token.Text == ""
}

func moveHint() ui.Hint {
	return ui.Type("fob", "import").To("moves the key in plain text into the store")
}
