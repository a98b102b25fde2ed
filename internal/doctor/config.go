package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/lastfail"
	"fob/internal/plan"
	"fob/internal/profiles"
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
		if e.Profile != "" && !u.Means(e.Profile) {
			continue
		}
		e.wrong(ui.Advise("rename it: use letters, digits and _.%%@:/+-"), "%v: fob ignores this section", &u)
	}
	for _, m := range all.Config.Misplaced() {
		if e.Profile == "" || e.Profile == m.Section.Name {
			e.misplaced(m, all.Config)
		}
	}
	r := newReader(all.Config)
	e.differences(all.Config, func(d awsconfig.Difference) bool {
		return e.Profile == "" || r.concerns(d, e.Profile)
	})
	names, _ := all.Names() // the store's check has said what is damaged
	e.report.Profiles = len(names)
	for _, name := range all.Config.Names() {
		if e.Profile == "" || name == e.Profile {
			section, _ := all.Config.Profile(name)
			found := len(e.findings)
			e.section(all, section)
			if line, ok := plan.Parent(section); ok {
				e.advise(ui.Advise("rename it to include_profile"), "%s: fob does not read parent_profile, which aws-vault takes for include_profile", plan.At(line))
				e.alike("parent", name)
			}
			e.includesNobody(all.Config, section)
			included := e.included(all, section)
			_, served := e.served(section)
			if at, what, ok := r.disagreement(name); ok && !included && !(served && len(e.findings) > found) {
				var do Remedy
				if e.rewrites(all, name) {
					do = Remedy{ui.Type("fob", "wire", name).To("has every tool ask fob")}
				} else if _, err := all.Plan(name, plan.Options{Shown: true}); err == nil {
					do = Remedy{ui.Type("fob", "exec", name).To("gives every tool the same")}
				}
				e.add(Advice, at+": "+what, do...)
				cli, sdk := r.cli(name), r.goSDK(name)
				e.alike(cli.outline()+"|"+sdk.outline(), name)
			}
		}
	}
	if want := e.Getenv("AWS_PROFILE"); want != "" && !slices.Contains(all.Config.Names(), want) {
		e.wrong(ui.TypeLine("unset AWS_PROFILE"), "AWS_PROFILE names %q, which is not in the AWS files", want)
	}
	return nil
}

// differences looks for lines that tools read differently: those of interest, and those
// for which a tool rejects the whole file.
func (e *exam) differences(config *awsconfig.Config, interest func(awsconfig.Difference) bool) {
	misplaced := config.Misplaced()
	for _, diff := range config.Differences() {
		if !diff.Kind.Fails() && !interest(diff) {
			continue
		}
		if diff.Kind == awsconfig.HeaderName && slices.ContainsFunc(misplaced, func(m awsconfig.Misplaced) bool { return m.Section.File == diff.File && m.Section.Line == diff.Line }) {
			continue
		}
		level := Advice
		if diff.Kind.Fails() {
			level = Wrong
		}
		problem, fix := difference(diff)
		do := Remedy{ui.Advise("%s", fix)}
		if e.repairs(config, diff) {
			do = append(do, e.byFix())
		}
		e.add(level, plan.At(place(diff))+": "+problem, do...)
		e.alike(diff.File+problem, fmt.Sprintf("line %d", diff.Line))
	}
}

// Rewritten says what keeps tools from using profiles that ask fob now: a file that the AWS
// CLI rejects, lines in these sections that tools read differently, and what the sections
// have only from an included one.
func Rewritten(m Moving, names []string) []Finding {
	e := &exam{check: "config", Setup: Setup{
		Profiles: func() (*profiles.Profiles, error) { return m.Profiles, nil },
		Files:    m.Files, Program: m.Program, Getenv: m.Getenv,
	}}
	config := m.Profiles.Config
	e.differences(config, func(d awsconfig.Difference) bool {
		return slices.ContainsFunc(names, func(name string) bool { return config.Inside(name, d.File, d.Line) })
	})
	for _, name := range names {
		section, _ := config.Profile(name)
		e.included(m.Profiles, section)
	}
	return Report{Findings: e.findings}.Grouped().Findings
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
		return "the AWS CLI cannot read a file that starts with a byte order mark, and the Go SDK skips a section that begins there", "save the file as UTF-8 without a byte order mark"
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

// ReadDifferently says that the AWS CLI and the Go SDK make something else of the line of a
// value; "" if they do not.
func ReadDifferently(config *awsconfig.Config, v awsconfig.Value) (problem string) {
	for _, diff := range config.Differences() {
		if diff.File == v.File && diff.Line == v.Line {
			problem, _ = difference(diff)
		}
	}
	return problem
}

// takes says what a tool takes a header for.
func takes(meaning string) string {
	if meaning == "" {
		return "ignores this section"
	}
	return "takes this section for " + meaning
}

// section looks for what comes before fob in a profile.
func (e *exam) section(all *profiles.Profiles, section awsconfig.Profile) {
	_, process := e.served(section)
	for _, v := range wire.Rivals(section) {
		if why, do := rival(section, v.Key); why != "" && process {
			fix := ui.Advise("%s", do)
			if e.rewrites(all, section.Name) {
				fix = ui.Type("fob", "wire", section.Name)
			}
			e.wrong(fix, "%s: %s next to credential_process: %s", plan.At(v), v.Key, why)
			e.alike(v.Key, section.Name)
		}
	}
	e.tokenFile(section)
	for _, key := range []string{"duration_seconds", "fob_duration_seconds", "fob_session_duration"} {
		v, ok := section.Own(key)
		if d, err := plan.ParseDuration(v.Text); ok && err == nil && d < plan.MinSession {
			e.advise(ui.Advise("write 2h for two hours"), "%s: %s = %s is %s, and the shortest AWS session is %s", plan.At(v), v.Key, v.Text, plan.Duration(d), plan.Duration(plan.MinSession))
		}
	}
}

// tokenFile looks for the token of a web identity. For a profile that nobody asks about it
// may be meant for another machine.
func (e *exam) tokenFile(section awsconfig.Profile) {
	v, ok := section.Get("web_identity_token_file")
	if ok && e.Profile != "" && filepath.IsAbs(v.Text) && !exists(v.Text) {
		e.advise(ui.Advise("correct the path, or run this where the file is, such as in the CI job"), "%s: there is no file %s", plan.At(v), e.Tilde(v.Text))
	}
}

// includesNobody looks for an included profile that does not exist. fob passes over it, as
// aws-vault does, so that a typo leaves out all that the other profile has, such as guards.
func (e *exam) includesNobody(config *awsconfig.Config, section awsconfig.Profile) {
	v, ok := section.Get("include_profile")
	if !ok || v.Text == "" {
		return
	}
	if _, exists := config.Profile(v.Text); exists {
		return
	}
	do := ui.Advise("correct the name, or remove the line")
	if near := plan.Nearest(v.Text, config.Names()); len(near) > 0 {
		do = ui.Advise("did you mean %q?", near[0])
	}
	e.wrong(do, "%s: %s includes %q, which does not exist", plan.At(v), section.Name, v.Text)
}

// included looks for what a profile has only from an included one: aws-vault knew
// include_profile, and AWS's own tools do not. It reports whether they have no
// credentials because of that.
func (e *exam) included(all *profiles.Profiles, section awsconfig.Profile) bool {
	include, ok := section.Get("include_profile")
	if !ok || !e.planned(section.Name) {
		return false // nor does fob exec get its credentials
	}
	advise := func(lacks string, do ui.Hint) {
		e.advise(do, "%s: AWS tools do not know include_profile: outside fob exec, they have no %s for %s", plan.At(include), lacks, section.Name)
		e.alike("include "+lacks, section.Name)
	}
	c := awsCLI{all.Config}.chain(section.Name)
	if c.refused != "" || c.steps[0].kind == "none" {
		do := ui.Type("fob", "exec", section.Name).To("works with every tool")
		if e.rewrites(all, section.Name) {
			do = ui.Type("fob", "wire", section.Name)
		}
		advise("credentials", do)
		return true
	}
	region, _ := section.Get("region")
	_, own := section.Own("region")
	if region.Text != "" && !own && e.Getenv("AWS_REGION") == "" && e.Getenv("AWS_DEFAULT_REGION") == "" {
		advise("region", ui.Type("fob", "config", "set", "region", region.Text, "--profile", section.Name))
	}
	return false
}

// rival says what comes of a key next to credential_process, and what to do about it;
// nothing for the key in plain text.
func rival(section awsconfig.Profile, key string) (why, do string) {
	switch key {
	case "aws_access_key_id", "aws_secret_access_key":
		return "", ""
	case "role_arn":
		for _, from := range []string{"source_profile", "credential_source"} {
			if _, ok := section.Own(from); ok {
				return "the AWS CLI and JavaScript assume the role with " + from + ", and Go fails", "rename it to fob_role_arn"
			}
		}
		return "the AWS CLI fails, Go assumes the role a second time, JavaScript ignores it", "rename it to fob_role_arn"
	case "source_profile", "credential_source":
		return "the Go SDK fails", "rename it to fob_" + key
	}
	return "the AWS SDKs use that instead of fob", "remove it"
}

// served reports whether tools ask fob for a profile's credentials, and by which line.
func (e *exam) served(section awsconfig.Profile) (line awsconfig.Value, ok bool) {
	line, _ = section.Own("credential_process")
	_, ok = cmdline.FobProfile(line.Text, e.Program)
	return line, ok
}

// profiles looks at what fob and other tools can do with each profile.
func (e *exam) profiles(context.Context) error {
	all, err := e.Profiles()
	if err != nil {
		return nil // the config's check has reported it
	}
	names, _ := all.Names()
	if e.Profile != "" {
		names = []string{e.Profile}
	}
	stored, _ := all.Stored()
	ours := map[string]bool{} // those that programs ask fob for, or that have a key here
	for _, name := range names {
		section, _ := all.Config.Profile(name)
		line, asks := e.served(section)
		misdirected := all.Misdirected(name, e.Program)
		switch {
		case misdirected != nil:
			verdict := e.Judge(misdirected)
			e.add(Wrong, verdict.Sentence, verdict.Hints...)
		case asks:
			e.process(line, name)
		case cmdline.RunsFob(line.Text, e.Program):
			e.notExport(line, name)
		}
		ours[name] = asks || slices.Contains(stored, name) || name == e.Profile
	}
	e.unusable(all, names, ours)
	e.unguarded(all, names)
	e.variables(all, names)
	e.overlooked(all.Config, names)
	e.withoutMFA(all, names, ours)
	e.doubtful(all, names)
	if e.Unattended {
		e.unanswered(all, names, ours)
	}
	usable, served := 0, 0
	r := newReader(all.Config)
	for name, made := range all.Plans(names) {
		if made.Err == nil {
			usable++
		}
		if made.Err == nil && r.reaches(name, e.Program) && all.Misdirected(name, e.Program) == nil {
			served++
		}
	}
	switch {
	case usable == 0:
	case usable == served:
		e.ok("%s with fob exec, and with aws --profile, SDKs and IDEs, which ask fob (credential_process)", works(usable))
	default:
		e.ok("%s with fob exec; fob serves %s of them also to aws --profile, SDKs and IDEs (credential_process)", works(usable), number(served))
	}
	return nil
}

// withoutMFA looks for sessions that are made without an MFA code.
func (e *exam) withoutMFA(all *profiles.Profiles, names []string, ours map[string]bool) {
	var without []string
	var lost []plan.LostMFA
	users := map[plan.LostMFA][]string{}
	for name, made := range all.Plans(names) {
		if made.Err != nil || made.Plan.Steps[0].Kind() != (plan.StoredKey{}).Kind() {
			continue // of a key in plain text fob add finds the device
		}
		last, session := made.Plan.Steps[len(made.Plan.Steps)-1].(plan.SessionToken)
		switch device := made.Plan.LostMFA; {
		case device != plan.LostMFA{}:
			if users[device] == nil {
				lost = append(lost, device)
			}
			users[device] = append(users[device], name)
		case session && last.MFASerial == "" && ours[name]:
			without = append(without, name)
		}
	}
	for _, device := range lost {
		who := users[device]
		e.advise(ui.Type("fob", "config", "set", "fob_mfa_serial", device.Serial.Text, "--profile", device.Profile),
			"%s %s no MFA: the mfa_serial of [default] (%s) does not count for other profiles, unlike in aws-vault", someOf(who), uses(len(who)), plan.At(device.Serial))
	}
	if len(without) > 0 {
		e.advise(ui.Type("fob", "mfa", "enroll", without[0]), "the sessions of %s are made without MFA and cannot call IAM", someOf(without))
	}
}

// doubtful looks for MFA devices that are hardly those of their keys.
func (e *exam) doubtful(all *profiles.Profiles, names []string) {
	users := map[string][]string{}
	var doubts []string
	for name, made := range all.Plans(names) {
		doubt := made.Plan.Doubt
		if doubt == "" {
			continue
		}
		if users[doubt] == nil {
			doubts = append(doubts, doubt)
		}
		users[doubt] = append(users[doubt], name)
	}
	for _, doubt := range doubts {
		e.advise(ui.Advise("fob_mfa_serial names a device of the user whose key it is"), "%s: %s", someOf(users[doubt]), doubt)
	}
}

// unanswered looks for profiles whose MFA codes only a person could type, once for each
// device.
func (e *exam) unanswered(all *profiles.Profiles, names []string, ours map[string]bool) {
	users := map[string][]string{}
	var devices []string
	for name, made := range all.Plans(names) {
		serial := made.Plan.MFASerial()
		if made.Err != nil || serial == "" || !ours[name] || made.Plan.MFAProcess.Line != "" {
			continue
		}
		if _, err := e.Store.SeedInfo(serial); err == nil {
			continue
		}
		if users[serial] == nil {
			devices = append(devices, serial)
		}
		users[serial] = append(users[serial], name)
	}
	for _, serial := range devices {
		who := users[serial]
		needs := "need"
		if len(who) == 1 {
			needs = "needs"
		}
		e.advise(ui.Type("fob", "mfa", "add", who[0], "--stdin").To("stores the MFA secret, so that fob makes the codes"),
			"%s %s MFA codes (%s), and nobody is there to type them", someOf(who), needs, plan.ShortSerial(serial))
	}
}

// included are the profiles that others include: they need not work by themselves.
func included(config *awsconfig.Config) map[string]bool {
	found := map[string]bool{}
	for _, name := range config.Names() {
		section, _ := config.Profile(name)
		if v, ok := section.Get("include_profile"); ok {
			found[v.Text] = true
		}
	}
	return found
}

func number(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

func works(n int) string {
	if n == 1 {
		return "1 profile works"
	}
	return fmt.Sprintf("%d profiles work", n)
}

// unusable says why profiles cannot be used, each reason once. That there is no key yet
// for a profile that fob does not serve is for the check of what is left to move in.
func (e *exam) unusable(all *profiles.Profiles, names []string, ours map[string]bool) {
	var wrong, doubtful, foreign []profiles.Row
	lent := included(all.Config)
	for _, r := range all.Rows(names, e.Now()) {
		if ours[r.Profile] {
			r.Idle = false // it is wanted
			wrong = append(wrong, r)
			continue
		}
		switch problem := r.Problem.(type) {
		case nil:
		case *plan.NoKeyError:
			if problem.Role && !lent[r.Profile] {
				wrong = append(wrong, r)
			}
		case *plan.MissingSourceError:
			if !slices.Contains(e.Vault, problem.Source) { // aws-vault needs no section for it
				wrong = append(wrong, r)
			}
		case *plan.MachineRoleError:
			foreign = append(foreign, r)
		case *plan.ConfigError: // may be none in another environment
			doubtful = append(doubtful, r)
		default:
			wrong = append(wrong, r)
		}
	}
	// What is wrong for one is wrong for all.
	doubtful = slices.DeleteFunc(doubtful, func(r profiles.Row) bool {
		same := slices.ContainsFunc(wrong, func(w profiles.Row) bool {
			return w.Problem != nil && w.Problem.Error() == r.Problem.Error()
		})
		if same {
			wrong = append(wrong, r)
		}
		return same
	})
	for _, of := range []struct {
		level Level
		rows  []profiles.Row
	}{{Wrong, wrong}, {Advice, doubtful}, {OK, foreign}} {
		for _, cause := range profiles.Causes(of.rows) {
			verdict := e.Judge(cause.Err)
			if of.level == Advice && len(verdict.Hints) == 0 {
				verdict.Hints = []ui.Hint{ui.Advise("correct that line, unless it is for another machine")}
			}
			what := cause.Text
			if cause.Profiles == 1 {
				what = verdict.Sentence // with the place
			}
			e.add(of.level, what, verdict.Hints...)
		}
	}
}

// process looks at a line that runs fob for a profile.
func (e *exam) process(line awsconfig.Value, profile string) {
	wrong := func(problem string, fix []ui.Hint) {
		e.add(Wrong, plan.At(line)+": "+problem, fix...)
		e.alike(problem, profile)
	}
	fix := e.again(line, profile)
	if _, ok := e.corrected(line, profile); ok && !e.Fix && awsconfig.Writable(e.pathOf(line.File)) {
		fix = append(fix, e.byFix())
	}
	if program := cmdline.Words(line.Text)[0]; !isProgram(program) {
		wrong("there is no program "+program, fix)
	}
	switch doubt := wire.Doubt(line.Text); {
	case doubt == `"` && runtime.GOOS == "windows":
		wrong("the Go SDK, and so Terraform, cannot run a credential_process with quotes on Windows", fix)
	case doubt != "":
		wrong(fmt.Sprintf("the AWS SDKs do not agree on the %s in this credential_process: some run it in a shell", doubt), fix)
	}
}

// again is the hint at the line with which this program exports what a line does. That may
// be another profile; and what its flags ask for, such as a policy, must not get lost.
func (e *exam) again(line awsconfig.Value, profile string) []ui.Hint {
	same, _ := cmdline.ReadExport(line.Text, e.Program)
	better, err := wire.Process(e.Program, same.Profile)
	switch {
	case err != nil:
		return e.Judge(err).Hints
	case same.Duration+same.Policy+same.Strange != "" || len(same.PolicyARNs) > 0 || same.ReadOnly:
		program, _, _ := strings.Cut(better, " export ")
		return []ui.Hint{ui.Advise("have the line run %s, and keep its flags", program)}
	}
	return []ui.Hint{setProcess(profile, better)}
}

// notExport is a line that runs fob, which prints no credentials then.
func (e *exam) notExport(line awsconfig.Value, profile string) {
	var fix []ui.Hint
	if better, err := wire.Process(e.Program, profile); err == nil {
		fix = []ui.Hint{setProcess(profile, better)}
	}
	e.add(Wrong, fmt.Sprintf("%s: this credential_process runs fob, but not fob export --profile %s", plan.At(line), cmdline.Quote(profile)), fix...)
}

// setProcess writes the line that makes tools ask fob for a profile's credentials.
func setProcess(profile, line string) ui.Hint {
	return ui.Type("fob", "config", "set", "credential_process", line, "--profile", profile)
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
		if (e.Profile == "" || f.Profile == e.Profile) && !(f.NoKey() && e.planned(f.Profile)) {
			e.wrong(written(cmp.Or(f.Hint, "fob export --profile "+cmdline.Quote(f.Profile)+" >/dev/null")),
				"the last export of %s failed, %s: %s", f.Profile, e.Clock(f.Time), f.Problem)
		}
	}
	return nil
}

// rewrites reports whether fob wire would have every tool ask fob for a profile. The Go SDK
// refuses some sections whatever their credentials are.
func (e *exam) rewrites(all *profiles.Profiles, profile string) bool {
	section, _ := all.Config.Profile(profile)
	return read(section).unusable() == awsconfig.Value{} && all.CanRewrite(e.Files, profile, e.Program)
}

// planned reports whether a profile has a key, and all else that its plan needs.
func (e *exam) planned(profile string) bool {
	all, err := e.Profiles()
	if err == nil {
		_, err = all.Plan(profile, plan.Options{Shown: true})
	}
	return err == nil
}

// written is a hint that was written down as a text.
func written(text string) ui.Hint {
	command, words, both := strings.Cut(text, "   ")
	switch {
	case both:
		return ui.TypeLine(command).To("%s", words)
	case strings.HasPrefix(text, "fob "):
		return ui.TypeLine(text)
	}
	return ui.Advise("%s", text)
}
