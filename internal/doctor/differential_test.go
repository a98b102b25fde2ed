package doctor

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/plan"
)

// The environment of the readers and of fob, for credential_source = Environment.
const envKey, envSecret = "AKIAENVIRONMENT", "environment"

// TestDifferential asks botocore, the Go SDK, the JavaScript SDK and fob how they get the
// credentials of every profile of some thousand generated AWS files, and holds the answers
// against each other:
//
//   - what doctor says of the first two (reader) is what they do, unless it says that it
//     cannot tell, because of a line that they read differently; and where they differ, it
//     says so;
//   - what it says of the JavaScript SDK (jsSDK) is what that does, with every file that
//     fob can read;
//   - it names no line of files whose syntax is plain;
//   - fob does what expect says, and the same as both SDKs, unless a row of listed
//     applies; and every row is needed.
func TestDifferential(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh in which the Go SDK's commands could be caught")
	}
	n := 2000
	if os.Getenv("TORTURE") != "" {
		n = 30000
	}
	all := make([]trial, n)
	var questions []question
	ask := func(files [2]string, profiles []string) int {
		questions = append(questions, question{files[0], files[1], profiles})
		return len(questions) - 1
	}
	for i := range all {
		s := sampleOf(i)
		all[i] = trial{sample: s, number: i, asked: ask(s.files, s.profiles)}
		all[i].askedPlain = all[i].asked
		if s.plain != s.files {
			all[i].askedPlain = ask(s.plain, s.profiles)
		}
	}
	sdk, cli, js := answers(t, questions)
	c := counts{rows: map[string]int{}, doctor: map[string]int{}}
	for _, x := range all {
		for _, p := range x.profiles {
			x.check(t, p, sdk[x.asked][p], cli[x.asked][p], sdk[x.askedPlain][p], cli[x.askedPlain][p], &c)
			if js != nil {
				x.checkJS(t, p, js[x.asked][p])
			}
		}
		if t.Failed() && c.profiles%20 == 0 {
			t.Fatal("and so on")
		}
	}
	t.Logf("%d pairs of files, %d profiles; doctor cannot tell in %d cases; the SDKs differ about %d, in which doctor names", n, c.profiles, c.unsure, c.differ)
	if c.unsure > c.profiles/5 {
		t.Errorf("doctor cannot tell in %d cases of %d: it is to know more", c.unsure, 2*c.profiles)
	}
	for _, what := range slices.Sorted(maps.Keys(c.doctor)) {
		t.Logf("%7d %s", c.doctor[what], what)
	}
	t.Logf("fob is different from one SDK or both in %d:", c.fob)
	for _, l := range listed {
		t.Logf("%7d %s", c.rows[l.name], l.name)
		if c.rows[l.name] == 0 {
			t.Errorf("%q is listed, and was not seen: remove it from the list", l.name)
		}
	}
}

// counts are figures of a run.
type counts struct {
	profiles, differ, fob, unsure int
	rows, doctor                  map[string]int
}

// trial is a sample and the numbers of the questions about it.
type trial struct {
	sample
	number, asked, askedPlain int
}

// check checks one profile. sdk and cli are what the SDKs do with the files; sdkPlain
// and cliPlain, with the files that say the same in their words.
func (x trial) check(t *testing.T, profile string, sdk, cli, sdkPlain, cliPlain outcome, n *counts) {
	n.profiles++
	fob := resolved(x.files, profile)
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("sample %d, profile %q: %s\nGo  %v\nCLI %v\nfob %v\n%v\n%s-- credentials\n%s",
			x.number, profile, fmt.Sprintf(format, args...), sdk, cli, fob, slices.Sorted(maps.Keys(x.traits)), x.files[0], x.files[1])
	}
	raw, err := parse(x.files)
	if err != nil {
		if len(x.traits) == 0 {
			wrong("%v", err)
		}
		if fob.Error == "" {
			wrong("fob has credentials in spite of %v", err)
		}
		if !sdk.same(cli) {
			n.differ++
			n.doctor["a mistake in a file"]++
		}
		n.rows["a file with a mistake"]++
		return
	}

	named := map[string]bool{}
	for _, d := range raw.Differences() {
		named[fmt.Sprintf("a line: %v", kindNames[d.Kind])] = true
	}
	if len(raw.Unreadable()) > 0 {
		named["a line: a section that fob cannot read"] = true
	}
	if len(named) > 0 && len(x.traits) == 0 {
		wrong("doctor names lines of plain files: %v", raw.Differences())
	}
	region := strings.Contains(sdk.Error+cli.Error, "region") // an SDK refused to call it
	r := newReader(raw)
	at, what, differ := r.disagreement(profile)
	if differ && (at == "" || what == "") {
		wrong("doctor says %q of line %q", what, at)
	}
	_, exists := raw.Profile(profile) // doctor says nothing of other names
	for _, tool := range []struct {
		name string
		chain
		outcome
	}{{"Go", r.goSDK(profile), sdk}, {"the CLI", r.cli(profile), cli}} {
		if !exists && len(named) > 0 {
			continue
		}
		if tool.unsure.File != "" {
			n.unsure++
			if len(named) == 0 {
				wrong("doctor cannot tell what %s does, and there is no line to see", tool.name)
			}
		} else if got := foreseen(tool.chain); !region && !got.same(tool.outcome) {
			wrong("doctor expects of %s: %v", tool.name, got)
		}
	}
	if len(named) == 0 && !region {
		if sdk.Error == "" && cli.Error == "" && sdk.Region != cli.Region {
			wrong("doctor does not know about the region")
		}
	}
	if !sdk.same(cli) && !region {
		n.differ++
		if differ {
			named["a profile's sources"] = true
		}
		if len(named) == 0 {
			wrong("doctor does not name the difference")
		}
		for what := range named {
			n.doctor[what]++
		}
	}

	read := raw
	if len(x.traits) == 0 { // fob's own keys are only in files whose syntax is plain
		if read, err = parse(x.plain); err != nil {
			wrong("%v", err)
			return
		}
	}
	e := expect(read, profile)
	if quotesKept.MatchString(x.files[0]) || quotesKept.MatchString(x.files[1]) {
		e.row("quotes and a comment in an indented line")
	}
	if got := foreseen(e.chain); !fob.same(got.withoutMFA()) {
		wrong("fob is to have %v: %v", got, slices.Sorted(maps.Keys(e.rows)))
		return
	}
	if fob.Error == "" && !fob.partly() && (fob.serial != e.serial || !slices.Equal(fob.seconds(), e.seconds)) {
		wrong("fob is to ask for MFA with %q, and for the durations %v", e.serial, e.seconds)
	}
	like := map[string]bool{"go": fob.agrees(sdkPlain), "cli": fob.agrees(cliPlain)}
	for _, name := range []string{"go", "cli"} {
		if !like[name] && e.with(name) {
			wrong("fob is to agree with %s: %v", name, slices.Sorted(maps.Keys(e.rows)))
		}
	}
	if !like["go"] || !like["cli"] {
		n.fob++
		for row := range e.rows {
			n.rows[row]++
		}
	}
	if !sdkPlain.same(sdk) || !cliPlain.same(cli) {
		row := "keys of fob's own"
		if len(x.traits) > 0 {
			row = "a byte order mark or quotes around a name"
		}
		n.rows[row]++
	}
}

// checkJS checks what doctor says of the JavaScript SDK.
func (x trial) checkJS(t *testing.T, profile string, js outcome) {
	config, err := parse(x.files)
	if err != nil || strings.Contains(js.Error, "Region not accepted") {
		return
	}
	got := foreseen(jsSDK{config.JavaScript()}.chain(profile))
	if !got.same(js) {
		t.Errorf("sample %d, profile %q: doctor expects of JavaScript: %v\nit does %v\n%v\n%s-- credentials\n%s",
			x.number, profile, got, js, slices.Sorted(maps.Keys(x.traits)), x.files[0], x.files[1])
	}
}

var kindNames = map[awsconfig.DifferenceKind]string{
	awsconfig.ByteOrderMark: "byte order mark", awsconfig.NotUTF8: "not UTF-8", awsconfig.CarriageReturn: "carriage return",
	awsconfig.Unparsable: "unparsable", awsconfig.DuplicateSection: "duplicate section", awsconfig.SameSection: "same section",
	awsconfig.DefaultValues: "[DEFAULT]", awsconfig.HeaderName: "name in a header", awsconfig.DuplicateKey: "duplicate key",
	awsconfig.InlineComment: "inline comment", awsconfig.QuotedValue: "quoted value", awsconfig.LoneQuote: "lone quote",
	awsconfig.Continuation: "continuation", awsconfig.EmptyLine: "empty line in a value", awsconfig.WhiteSpace: "white space",
}

// outcome is how a profile gets its credentials. A source that ends with a question
// mark is known in kind only, and its roles are not.
type outcome struct {
	Error  string // why it gets none
	Source string
	Roles  []assumed
	Region string
	serial string // of the device whose code fob asks for, at the start
}

// assumed is what is asked of AssumeRole.
type assumed struct {
	ARN        string `json:"arn"`
	ExternalID string `json:"external_id"`
	MFASerial  string `json:"mfa_serial"`
	Name       string `json:"name"`
	Seconds    int    `json:"seconds"` // 0: none are asked for
}

func (o outcome) String() string {
	s := o.Source
	for _, r := range o.Roles {
		s += fmt.Sprintf(" > %s %s %s %s %d", r.ARN, r.ExternalID, r.MFASerial, r.Name, r.Seconds)
	}
	if o.Error != "" {
		s = "refused: " + o.Error
	}
	return s + " @" + o.Region
}

func (o outcome) partly() bool { return strings.HasSuffix(o.Source, " ?") }

func (o outcome) kind() string { kind, _, _ := strings.Cut(o.Source, " "); return kind }

// same: both are refused, or have the same source and roles. Regions and durations are
// compared elsewhere.
func (o outcome) same(p outcome) bool {
	if o.Error != "" || p.Error != "" {
		return o.Error != "" && p.Error != ""
	}
	if o.partly() || p.partly() {
		return o.kind() == p.kind()
	}
	return o.Source == p.Source && slices.EqualFunc(o.Roles, p.Roles, func(r, s assumed) bool {
		r.Seconds = s.Seconds
		return r == s
	})
}

func (o outcome) withoutMFA() outcome {
	o.Roles = slices.Clone(o.Roles)
	for i := range o.Roles {
		o.Roles[i].MFASerial = ""
	}
	return o
}

func (o outcome) seconds() (all []int) {
	for _, r := range o.Roles {
		all = append(all, r.Seconds)
	}
	return all
}

// agrees reports whether an SDK does in everything the same as fob.
func (o outcome) agrees(sdk outcome) bool {
	switch {
	case o.partly(): // what fob does not support it may refuse
		return sdk.Error != "" || o.same(sdk)
	case o.Error != "":
		return sdk.Error != ""
	}
	return o.same(sdk) && o.Region == sdk.Region && o.serial == "" && slices.Equal(o.seconds(), sdk.seconds())
}

// foreseen is a chain as an outcome.
func foreseen(c chain) outcome {
	o := outcome{Error: c.refused}
	for _, s := range c.steps {
		text := func(i int) string { return s.values[i].Text }
		switch s.kind {
		case "role":
			o.Roles = append(o.Roles, assumed{ARN: text(0), ExternalID: text(1), MFASerial: text(2), Name: text(3)})
		case "key":
			o.Source = keySource(text(0), text(1), text(2))
		case "environment":
			o.Source = keySource(envKey, envSecret, "")
		case "sso":
			o.Source = strings.Join([]string{"sso", text(0), text(1), cmp.Or(text(2), text(3)), text(4)}, " ")
		case "login":
			o.Source = "login " + strings.TrimSpace(text(0))
		case "process", "web", "web-process":
			o.Source = s.kind + " " + text(0)
		case "none":
			o.Source = "container"
		default:
			o.Source = s.kind
		}
	}
	return o.hidden()
}

func keySource(id, secret, token string) string { return "key |" + id + "|" + secret + "|" + token }

// hidden leaves out the secret of a key that a role is assumed with, which the readers
// do not see.
func (o outcome) hidden() outcome {
	if f := strings.Split(o.Source, "|"); len(o.Roles) > 0 && f[0] == "key " {
		f[2] = "-"
		o.Source = strings.Join(f, "|")
	}
	return o
}

func parse(files [2]string) (*awsconfig.Config, error) {
	return awsconfig.Parse(awsconfig.File{Path: "config", Text: files[0]}, awsconfig.File{Path: "credentials", Text: files[1]})
}

// resolved is what fob does.
func resolved(files [2]string, profile string) outcome {
	c, err := parse(files)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	const user = "the-user"
	env := map[string]string{"AWS_ACCESS_KEY_ID": envKey, "AWS_SECRET_ACCESS_KEY": envSecret}
	p, err := plan.Resolve(plan.Facts{
		Config:      c,
		Key:         func(string) (plan.Key, bool, error) { return plan.Key{}, false, nil },
		StoredNames: func() []string { return nil },
		Getenv:      func(name string) string { return env[name] },
		User:        func() string { return user },
		Program:     "fob",
	}, profile, plan.Options{})
	if e, ok := errors.AsType[*plan.MachineRoleError](err); ok {
		return outcome{Source: sources[e.Source] + " ?"}
	}
	if e, ok := errors.AsType[*plan.NoKeyError](err); ok && !e.Role && e.For == e.Profile {
		return outcome{Source: "container ?"} // where the SDKs look next
	}
	if err != nil {
		return outcome{Error: fmt.Sprintf("%T: %v", err, err)}
	}
	o := outcome{Region: p.Region, serial: p.MFASerial()}
	byDefault := []string{user} // the names that role sessions have if a profile names none
	if s, ok := p.Steps[0].(plan.ConsoleLogin); ok {
		a, _ := plan.ParseARN(s.Session)
		byDefault = append(byDefault, strings.Trim(notInName.ReplaceAllString(a.UserName(), "-"), "-"))
	}
	given := func(name string) string {
		if slices.Contains(byDefault, name) {
			return ""
		}
		return name
	}
	for _, s := range p.Steps {
		switch s := s.(type) {
		case plan.PlaintextKey:
			section, _ := c.Profile(s.Profile)
			k, _ := plan.Static(section)
			o.Source = keySource(k.ID.Text, k.Secret.Text, k.Token.Text)
		case plan.Environment:
			o.Source = keySource(s.KeyID, envSecret, "")
		case plan.Process:
			o.Source = "process " + s.Command
		case plan.SSO:
			o.Source = strings.Join([]string{"sso", s.AccountID, s.RoleName, cmp.Or(s.Session, s.StartURL), s.Region}, " ")
		case plan.ConsoleLogin:
			o.Source = "login " + s.Session
		case plan.WebIdentity:
			o.Source = "web " + s.TokenFile
			if s.TokenProcess != "" {
				o.Source = "web-process " + s.TokenProcess
			}
			o.Roles = append(o.Roles, assumed{ARN: s.RoleARN, Name: given(s.RoleSessionName), Seconds: s.DurationSeconds})
		case plan.AssumeRole:
			o.Roles = append(o.Roles, assumed{s.RoleARN, s.ExternalID, "", given(s.RoleSessionName), s.DurationSeconds})
		}
	}
	return o.hidden()
}

// notInName is what the name of a role session may not hold.
var notInName = regexp.MustCompile(`[^\w+=,.@-]`)

// question is what the readers are asked.
type question struct {
	Config, Credentials string
	Profiles            []string
}

// answers asks the SDKs, in processes that work at the same time.
func answers(t *testing.T, questions []question) (sdk, cli, js []map[string]outcome) {
	program := filepath.Join(t.TempDir(), "resolve")
	build := exec.Command("go", "build", "-o", program, "./resolve")
	build.Dir = filepath.Join("..", "..", "testdata", "consumers", "gosdk")
	out, err := build.CombinedOutput()
	need(t, err, out)
	python := []string{"python3", filepath.Join("..", "..", "testdata", "consumers", "resolve.py")}
	out, err = exec.Command(python[0], "-c", "import botocore").CombinedOutput()
	need(t, err, out)

	half := len(questions) / 2 // botocore takes longer
	parts := make([][]map[string]outcome, 4)
	var wg sync.WaitGroup
	for i, r := range []struct {
		argv      []string
		questions []question
	}{
		{[]string{program, t.TempDir()}, questions},
		{append(python, t.TempDir()), questions[:half]},
		{append(python, t.TempDir()), questions[half:]},
		{[]string{"node", "--no-warnings", javaScript(t), t.TempDir()}, questions},
	} {
		if r.argv[0] == "node" && r.argv[2] == "" {
			continue
		}
		wg.Go(func() {
			var err error
			if parts[i], err = askAll[question, map[string]outcome](r.argv, r.questions); err != nil {
				t.Errorf("%v: %v", r.argv, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return parts[0], slices.Concat(parts[1], parts[2]), parts[3]
}

// javaScript is the reader that uses the SDK for JavaScript. In CI, where no test may be
// skipped, it fetches the packages, to a directory of its own: the tests of the root
// package do the same at the same time. Elsewhere it is "" without them.
func javaScript(t *testing.T) string {
	dir := filepath.Join("..", "..", "testdata", "consumers", "jssdk")
	_, err := os.Stat(filepath.Join(dir, "node_modules"))
	switch {
	case err == nil:
		return filepath.Join(dir, "resolve.js")
	case os.Getenv("FOB_TEST_REQUIRE") != "1":
		t.Logf("JAVASCRIPT SKIPPED: %v (npm ci --ignore-scripts)", err)
		return ""
	}
	own := t.TempDir()
	if err := os.CopyFS(own, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = own
	out, err := cmd.CombinedOutput()
	need(t, err, out)
	return filepath.Join(own, "resolve.js")
}

// need ends the test where something is missing.
func need(t *testing.T, err error, output []byte) {
	switch {
	case err == nil:
	case os.Getenv("FOB_TEST_REQUIRE") == "1":
		t.Fatalf("needed (FOB_TEST_REQUIRE=1): %v\n%s", err, output)
	default:
		t.Skipf("SKIPPED, NOTHING TESTED: %v\n%s", err, output)
	}
}

// askAll runs a reader with all questions on its standard input.
func askAll[Q, A any](argv []string, questions []Q) (answers []A, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_ACCESS_KEY_ID=" + envKey, "AWS_SECRET_ACCESS_KEY=" + envSecret}
	in, write := io.Pipe()
	cmd.Stdin = in
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		w := bufio.NewWriter(write)
		enc := json.NewEncoder(w)
		var err error
		for _, q := range questions {
			err = errors.Join(err, enc.Encode(q))
		}
		write.CloseWithError(errors.Join(err, w.Flush()))
	}()
	dec := json.NewDecoder(stdout)
	for range questions {
		var answer A
		if err := dec.Decode(&answer); err != nil {
			in.CloseWithError(err)
			return nil, fmt.Errorf("%w, %w\n%s", err, cmd.Wait(), stderr.String())
		}
		answers = append(answers, answer)
	}
	return answers, cmd.Wait()
}
