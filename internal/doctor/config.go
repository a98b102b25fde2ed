package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/lastfail"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/internal/wire"
)

// config looks for lines in the AWS files that tools read differently, and for
// settings that come before fob in a profile.
func (e *exam) config(context.Context) error {
	all, err := e.Profiles()
	if err != nil {
		return e.blame(err)
	}
	for _, u := range all.Config.Unreadable() {
		e.wrong(ui.Advise("rename it: use letters, digits and _.%%@:/+-"), "%v: fob ignores this section", &u)
	}
	misplaced := all.Config.Misplaced()
	for _, m := range misplaced {
		if e.Profile == "" || e.Profile == m.Section.Name {
			e.misplaced(m, all.Config)
		}
	}
	for _, diff := range all.Config.Differences() {
		if diff.Kind == awsconfig.HeaderName && slices.ContainsFunc(misplaced, func(m awsconfig.Misplaced) bool { return m.Section.File == diff.File && m.Section.Line == diff.Line }) {
			continue
		}
		level := Advice
		if diff.Kind.Fails() {
			level = Wrong
		}
		problem, fix := difference(diff)
		e.add(level, plan.At(awsconfig.Value{File: diff.File, Line: diff.Line})+": "+problem, ui.Advise("%s", fix))
	}
	names, _ := all.Names() // the store's check has said what is damaged
	e.report.Profiles = len(names)
	for _, name := range all.Config.Names() {
		if e.Profile == "" || name == e.Profile {
			section, _ := all.Config.Profile(name)
			found := len(e.findings)
			e.section(section)
			_, served := e.served(section)
			if at, what, ok := disagreement(all.Config, name); ok && !(served && len(e.findings) > found) {
				e.advise(ui.Type("fob", "exec", name).To("gives every tool the same"), "%s: %s", at, what)
			}
		}
	}
	if want := e.Getenv("AWS_PROFILE"); want != "" && !slices.Contains(all.Config.Names(), want) {
		e.wrong(ui.TypeLine("unset AWS_PROFILE"), "AWS_PROFILE names %q, which is not in the AWS files", want)
	}
	return nil
}

// misplaced looks at a section that is in the wrong file, or has the wrong header there.
func (e *exam) misplaced(m awsconfig.Misplaced, config *awsconfig.Config) {
	do := ui.Advise("rename it to %s", m.Want)
	if _, exists := config.InFile(m.InCredentials, m.Section.Name); exists {
		do = ui.Advise("move its lines to %s", m.Want)
	}
	e.wrong(do, "%s:%d: no tool takes %s for the profile %s, whose header in this file is %s", m.Section.File, m.Section.Line, m.Header, m.Section.Name, m.Want)
}

// difference says what the AWS CLI and the Go SDK make of a line, and what to do about it.
func difference(d awsconfig.Difference) (problem, fix string) {
	switch d.Kind {
	case awsconfig.ByteOrderMark:
		return "the AWS CLI cannot read a file that starts with a byte order mark", "save the file as UTF-8 without a byte order mark"
	case awsconfig.NotUTF8:
		return "the AWS CLI cannot read a file that is not UTF-8", "save the file as UTF-8"
	case awsconfig.CarriageReturn:
		return "for the AWS CLI a new line begins in the middle of this one, at a carriage return", "remove the carriage return"
	case awsconfig.Unparsable:
		return "the AWS CLI cannot read this line, and rejects the file", "fix or remove the line"
	case awsconfig.DuplicateSection:
		return "a second [" + d.Name + "], which the AWS CLI rejects", "merge the two sections"
	case awsconfig.SameSection:
		return "a second section for " + d.Name + ": the AWS CLI reads only the last one, other tools another one or both", "merge the two sections"
	case awsconfig.DefaultValues:
		return "the AWS CLI gives the values of [DEFAULT] to every profile, other tools do not", "rename it to [default]"
	case awsconfig.HeaderName:
		return "the AWS CLI " + takes(d.CLI) + ", the Go SDK " + takes(d.Go), "use a name of letters, digits and _.%@:/+-, without quotes or extra spaces"
	case awsconfig.DuplicateKey:
		return "a second " + d.Name + " in this section, which the AWS CLI rejects", "remove one of them"
	case awsconfig.InlineComment:
		return "the AWS CLI reads the comment as part of the value of " + d.Name, "put the comment on a line of its own"
	case awsconfig.QuotedValue:
		return "the quotes are part of the value of " + d.Name + " for the AWS CLI, and not for the Go SDK", "remove the quotes"
	case awsconfig.LoneQuote:
		return "programs that use the Go SDK crash on the value of " + d.Name + ", a single quote", "remove the quote"
	case awsconfig.Continuation:
		return "the AWS CLI and the Go SDK do not agree whether this line continues the one above", "start the line in the first column, or join it with the one above"
	case awsconfig.EmptyLine:
		return "the AWS CLI makes the empty lines above part of the value of " + d.Name, "remove the empty lines"
	case awsconfig.WhiteSpace:
		return "the AWS CLI and the Go SDK do not agree which invisible characters belong to " + d.Name, "type the line again"
	}
	return "", ""
}

// takes says what a tool takes a header for.
func takes(meaning string) string {
	if meaning == "" {
		return "ignores this section"
	}
	return "takes this section for " + meaning
}

// section looks for what comes before fob in a profile.
func (e *exam) section(section awsconfig.Profile) {
	_, process := e.served(section)
	for _, v := range wire.Rivals(section) {
		if why, do := rival(v.Key); why != "" && process {
			e.wrong(ui.Advise("%s", do), "%s: %s next to credential_process: %s", plan.At(v), v.Key, why)
		}
	}
}

// rival says what comes of a key next to credential_process, and what to do about it;
// nothing for the key in plain text.
func rival(key string) (why, do string) {
	switch key {
	case "aws_access_key_id", "aws_secret_access_key":
		return "", ""
	case "role_arn":
		return "the AWS CLI fails, Go assumes the role a second time, JavaScript ignores it", "rename it to fob_role_arn"
	case "source_profile", "credential_source":
		return "the Go SDK fails", "rename it to fob_" + key
	}
	return "the AWS SDKs use that instead of fob", "remove it"
}

// served reports whether tools ask fob for a profile's credentials, and by which line.
func (e *exam) served(section awsconfig.Profile) (line awsconfig.Value, ok bool) {
	line, _ = section.Get("credential_process")
	_, ok = cmdline.FobProfile(line.Text, e.Program)
	return line, ok
}

// profiles makes the plans of the profiles that go through fob.
func (e *exam) profiles(context.Context) error {
	all, err := e.Profiles()
	if err != nil {
		return nil // the config's check has reported it
	}
	names, _ := all.Stored()
	for _, name := range all.Config.Names() {
		section, _ := all.Config.Profile(name)
		process, ok := e.served(section)
		if !ok {
			continue
		}
		names = append(names, name)
		if e.Profile == "" || e.Profile == name {
			e.process(process, name)
		}
	}
	if e.Profile != "" {
		names = []string{e.Profile}
	}
	slices.Sort(names)
	good := 0
	for _, name := range slices.Compact(names) {
		p, err := all.Plan(name, plan.Options{})
		if err != nil {
			if err := e.blame(err); err != nil {
				return err
			}
			continue
		}
		good++
		if last, ok := p.Steps[len(p.Steps)-1].(plan.SessionToken); ok && last.MFASerial == "" {
			e.advise(ui.Type("fob", "mfa", "enroll", name), "the sessions of %s are made without MFA and cannot call IAM", name)
		}
	}
	switch good {
	case 0:
	case 1:
		e.ok("1 profile goes through fob; fob explain PROFILE shows how")
	default:
		e.ok("%d profiles go through fob; fob explain PROFILE shows how", good)
	}
	return nil
}

// process looks at a line that runs fob for a profile.
func (e *exam) process(line awsconfig.Value, profile string) {
	var fix []ui.Hint
	if better, err := wire.Process(e.Program, profile); err != nil {
		fix = e.Judge(err).Hints
	} else {
		fix = []ui.Hint{setProcess(profile, better)}
	}
	if program := cmdline.Words(line.Text)[0]; !isProgram(program) {
		e.add(Wrong, fmt.Sprintf("%s: there is no program %s", plan.At(line), program), fix...)
	}
	switch doubt := wire.Doubt(line.Text); {
	case doubt == `"` && runtime.GOOS == "windows":
		e.add(Wrong, plan.At(line)+": the Go SDK, and so Terraform, cannot run a credential_process with quotes on Windows", fix...)
	case doubt != "":
		e.add(Wrong, fmt.Sprintf("%s: the AWS SDKs do not agree on the %s in this credential_process: some run it in a shell", plan.At(line), doubt), fix...)
	}
}

// setProcess writes the line that makes tools ask fob for a profile's credentials.
func setProcess(profile, line string) ui.Hint {
	return ui.Type("aws", "configure", "set", "credential_process", line, "--profile", profile)
}

func isProgram(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// exports tells of exports that failed: some programs hide it.
func (e *exam) exports(context.Context) error {
	failed, err := lastfail.All(e.StateDir)
	if err != nil {
		return e.blame(err)
	}
	for _, f := range failed {
		if e.Profile == "" || f.Profile == e.Profile {
			e.wrong(ui.TypeLine(cmp.Or(f.Hint, "fob export --profile "+cmdline.Quote(f.Profile)+" >/dev/null")),
				"the last export of %s failed, %s: %s", f.Profile, e.Clock(f.Time), f.Problem)
		}
	}
	return nil
}
