package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/host"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/internal/wire"
)

// fixed says what has been repaired.
func (e *exam) fixed(format string, args ...any) {
	e.ok(format, args...)
	e.findings[len(e.findings)-1].Level = Fixed
}

// byFix is the command that repairs something.
func (e *exam) byFix() ui.Hint {
	if e.Profile != "" {
		return ui.Type("fob", "doctor", e.Profile, "--fix").To("does that")
	}
	return ui.Type("fob", "doctor", "--fix").To("does that")
}

// fixes repairs the AWS files so that every tool reads what fob reads there already, which
// stays the same. The values that it rewrites have no say in which credentials a profile
// gets. With a byte order mark gone, the tools that could not read the file or its first
// section read it, and get the credentials that its author wrote there.
func (e *exam) fixes(context.Context) error {
	for _, path := range []string{e.Files.Config, e.Files.Credentials} {
		err := e.alikeAfter(path, awsconfig.WithoutMark, "removed the byte order mark of %s, with which the AWS CLI cannot read the file", e.Tilde(path))
		if err == nil {
			err = e.plainLines(path)
		}
		if err != nil {
			if err := e.blame(err); err != nil {
				return err
			}
		}
	}
	return e.processes()
}

// alikeAfter edits a file, unless fob would then read something else in it.
func (e *exam) alikeAfter(path string, edit func(text string) string, said string, args ...any) error {
	changed, err := e.Files.EditFile(path, func(text string) (string, error) {
		after, _ := e.edited(path, text, edit)
		return after, nil
	})
	if err == nil && changed {
		e.fixed(said, args...)
	}
	return err
}

// edited is a text after an edit; the text itself if fob would then read something else.
func (e *exam) edited(path, text string, edit func(text string) string) (after string, changed bool) {
	after = edit(text)
	if after == text || !sameValues(text, after, path == e.Files.Credentials) {
		return text, false
	}
	return after, true
}

// pathOf is the path of an AWS file as messages name it.
func (e *exam) pathOf(file string) string {
	if file == e.Files.Tilde(e.Files.Config) {
		return e.Files.Config
	}
	return e.Files.Credentials
}

// repairs reports whether fixes would repair a line that tools read differently.
func (e *exam) repairs(config *awsconfig.Config, d awsconfig.Difference) bool {
	path := e.pathOf(d.File)
	edit := awsconfig.WithoutMark
	if d.Kind != awsconfig.ByteOrderMark {
		if what := e.plainLine(config, d); what == "" {
			return false
		}
		edit = func(text string) string { return awsconfig.Plain(text, d.Line) }
	}
	file, err := awsconfig.Read(path)
	_, changed := e.edited(path, file.Text, edit)
	return !e.Fix && err == nil && changed && awsconfig.Writable(path)
}

// sameValues reports whether two texts of a file have the same sections and values.
func sameValues(before, after string, credentials bool) bool {
	parsed := func(text string) (*awsconfig.Config, error) {
		if credentials {
			return awsconfig.Parse(awsconfig.File{}, awsconfig.File{Text: text})
		}
		return awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	}
	a, err := parsed(before)
	if err != nil {
		return false
	}
	b, err := parsed(after)
	if err != nil || len(a.Unreadable()) != len(b.Unreadable()) {
		return false
	}
	for _, kind := range []string{"profile", "sso-session", "services"} {
		names := a.SectionNames(kind)
		if !slices.Equal(names, b.SectionNames(kind)) {
			return false
		}
		for _, name := range names {
			was, _ := a.Section(kind, name)
			is, _ := b.Section(kind, name)
			keys := was.Keys()
			if !slices.Equal(keys, is.Keys()) || slices.ContainsFunc(keys, func(key string) bool {
				old, _ := was.Own(key)
				new, _ := is.Own(key)
				return old.Text != new.Text
			}) {
				return false
			}
		}
	}
	return true
}

// harmless are the settings that have no say in which credentials a profile gets.
var harmless = []string{"region", "output"}

// plainLines rewrites the lines of harmless settings that tools read differently, from the
// last one up, so that the numbers of the others stay.
func (e *exam) plainLines(path string) error {
	config, err := e.Files.Parse()
	if err != nil {
		return nil // the config's check reports it
	}
	for _, d := range slices.Backward(config.Differences()) {
		what := e.plainLine(config, d)
		if d.File != e.Files.Tilde(path) || what == "" {
			continue
		}
		edit := func(text string) string { return awsconfig.Plain(text, d.Line) }
		if err := e.alikeAfter(path, edit, what, d.Name, plan.At(place(d))); err != nil {
			return err
		}
	}
	return nil
}

// plainLine says what fixes does to a line of a harmless setting; "" for other lines.
func (e *exam) plainLine(config *awsconfig.Config, d awsconfig.Difference) (what string) {
	switch {
	case !slices.Contains(harmless, d.Name), e.Profile != "" && !config.Inside(e.Profile, d.File, d.Line):
		return ""
	case d.Kind == awsconfig.QuotedValue:
		return "removed the quotes around the value of %s (%s)"
	case d.Kind == awsconfig.InlineComment:
		return "moved the comment behind %s to a line of its own (%s)"
	}
	return ""
}

// processes corrects the lines that run fob for their own profile, with nothing else said,
// and that no tool can run because that fob does not exist.
func (e *exam) processes() error {
	config, err := e.Files.Parse()
	if err != nil {
		return nil // the config's check reports it
	}
	for _, name := range config.Names() {
		if e.Profile != "" && name != e.Profile {
			continue
		}
		section, _ := config.Profile(name)
		line, _ := section.Own("credential_process")
		better, ok := e.corrected(line, name)
		if !ok {
			continue
		}
		setting := awsconfig.Setting{Kind: "profile", Name: name, Key: line.Key}
		if _, changed, err := e.Files.Set(setting, better); err != nil {
			if err := e.blame(err); err != nil {
				return err
			}
		} else if changed {
			e.fixed("%s: %s asks %s now: there is no program %s", plan.At(line), name, e.Tilde(cmdline.Words(better)[0]), cmdline.Words(line.Text)[0])
		}
	}
	return nil
}

// corrected is what processes writes in the place of a line; false if it leaves it.
func (e *exam) corrected(line awsconfig.Value, profile string) (better string, ok bool) {
	words := cmdline.Words(line.Text)
	asked, _ := cmdline.FobProfile(line.Text, e.Program)
	if asked != profile || len(words) != 4 || isProgram(words[0]) {
		return "", false
	}
	better, err := wire.Process(e.Program, profile)
	return better, err == nil // else the check of profiles says why not
}

// private keeps other users from reading a file with access keys. It changes neither a
// device, such as the /dev/null that stands for no file, nor what belongs to somebody else,
// both of which root could.
func (e *exam) private(path string) {
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 == 0 || os.Getuid() < 0 {
		return
	}
	if e.Fix && host.IsOurs(fi) && os.Chmod(path, fi.Mode().Perm()&0o700) == nil {
		e.fixed("%s was open to others (mode %04o), and no longer is", e.Tilde(path), fi.Mode().Perm())
		return
	}
	if !e.Fix && host.IsOurs(fi) {
		e.add(Advice, fmt.Sprintf("%s is open to others (mode %04o)", e.Tilde(path), fi.Mode().Perm()), ui.Type("chmod", "600", path), e.byFix())
		return
	}
	e.advise(ui.Type("chmod", "600", path), "%s is open to others (mode %04o)", e.Tilde(path), fi.Mode().Perm())
}
