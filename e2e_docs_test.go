//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/cmdline"
	"fob/internal/ststest"
)

// A page has blocks of code, and there is a way to try each of them: the first whose
// name its first line begins with.
type page struct {
	file   string
	blocks []pageBlock
}

type pageBlock struct {
	begins string
	try    func(t *testing.T, r *reader, code string)
}

// Every block of code of the pages runs, in the order of the page and in the home of a
// new user, or is at least what it says it is.
func TestPages(t *testing.T) {
	t.Parallel()
	aws := need(t, "aws", "--version")
	pages := []page{
		{"README.md", []pageBlock{
			{"make build", tryInstall},
			{"fob add dev ", onTerminal(demoKey+"MFA code to sign in => $CODE\n", `(?s)"`+devARN+`".*"`+devARN+`".*\ndev +AKIA`)},
			{"[profile dev]", tryWritten},
			{"fob add prod", onTerminal("", `"`+deployARN+`"`)},
			{"fob explain prod ", onTerminal("", `(?s)AssumeRole.* `+ststest.DemoRole+".*FOB_PASSPHRASE is set")},
			{"$ aws", tryTranscript},
			{"[profile live]", tryGuards},
			{"export FOB_NO_INPUT", tryWithoutPerson("terraform plan")},
			{"fob import", tryVault},
			{"fob wire", tryWire},
			{"[profile prod]", tryProfile},
		}},
		{"doc/recipes.md", []pageBlock{
			{"[profile store]", tryConfig},
			{"fob add store --no-verify", tryDialects("minio", "ceph")},
			{"fob add store --mfa-serial", tryDialects("seaweedfs")},
			{"[profile local]", tryConfig},
			{"fob add local", tryDialects("localstack")},
			{"fob add ops --console", onTerminal("", `"`+devARN+`"`)},
			{"fob add prod --source ops", tryConsoleRole},
			{"fob exec dev -- docker", tryContainer},
			{"fob exec prod --secret", tryContainerValue},
			{"[Service]", tryUnit},
			{"0 3 * * *", tryCron},
			{"export FOB_NO_INPUT", tryWithoutPerson("make deploy")},
			{"[profile ci]", tryConfig},
			{"web_identity_token_process", tryGitHub},
			{"fob exec ci", tryJob},
			{"fob leaks\n", tryHook},
			{"- repo: local", tryFramework},
			{"fob leaks --sarif", tryInRepository},
			{"[profile machine]", tryConfig},
			{"fob wire machine", trySigningHelper},
		}},
		{"doc/guide.md", []pageBlock{
			{"$ ", seenBy("e2e_guide_linux_test.go", "TestGuide")},
			{"0 4 1 * *", tryRotateCron},
			{"leaks:\n", tryLeaksJob},
		}},
		{"doc/format.md", []pageBlock{
			// Parts of files. TestFormatPage reads a store with the program, and
			// TestRecoverWithoutFob one that fob made, with age.
			{"store  ", seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{"subkey = ", seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{`{"fob":1`, seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{"fob-vault-key-1", seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{`"fob1 "`, seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{`"fob item v1"`, seenBy("keyring/formatpage_test.go", "TestFormatPage")},
			{"age -d ", seenBy("e2e_recover_test.go", "TestRecoverWithoutFob")},
			{"import base64", seenBy("keyring/formatpage_test.go", "TestFormatPage")},
		}},
		{"doc/fob.1", []pageBlock{
			{`eval "$(fob completion bash)"`, tryCompletion},
			{"[profile prod]", tryConfig},
			{"no_input = true", trySettings},
			{"fob add dev", onTerminal(demoKey+"MFA code to sign in => $CODE\n", `"`+devARN+`"`, "prod.*until ")},
		}},
	}
	for _, p := range pages {
		t.Run(filepath.Base(p.file), func(t *testing.T) {
			t.Parallel()
			r := newReader(t, aws)
			blocks := codeBlocks(t, p.file)
			for _, code := range blocks {
				first, _, _ := strings.Cut(code, "\n")
				i := slices.IndexFunc(p.blocks, func(b pageBlock) bool { return strings.HasPrefix(code, b.begins) })
				if i < 0 {
					t.Fatalf("nothing tries the block that begins with %q", first)
				}
				t.Run(p.blocks[i].begins, func(t *testing.T) { p.blocks[i].try(t, r, code) })
			}
			checkHome(t, r)
			for _, b := range p.blocks {
				if !slices.ContainsFunc(blocks, func(code string) bool { return strings.HasPrefix(code, b.begins) }) {
					t.Errorf("no block begins with %q", b.begins)
				}
			}
		})
	}
	for _, file := range pageFiles(t) {
		if !slices.ContainsFunc(pages, func(p page) bool { return p.file == file }) && codeBlocks(t, file) != nil {
			t.Errorf("nothing tries the blocks of %s", file)
		}
	}
}

// seenBy leaves a block to another test.
func seenBy(file, test string) func(*testing.T, *reader, string) {
	return func(t *testing.T, _ *reader, _ string) { holds(t, text(t, file), "\nfunc "+test+"(") }
}

// A reader is a new user who types what a page says. Programs that this machine may not
// have are stand-ins in bin, which write their command lines to the file calls.
type reader struct {
	*world
	bin, calls string
	aws        string // the AWS CLI
}

const standIn = `#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "${0##*/} $*" in
sudo*)
	for word; do
		shift
		set -- "$@" "$(echo "$word" | sed "s,^/usr/local,$HOME/usr/local,")"
	done
	exec "$@"
	;;
"make build")
	echo fob >fob
	;;
"make deploy" | backup* | docker* | terraform* | "aws s3 ls")
	echo "with $AWS_ACCESS_KEY_ID ${AWS_SESSION_TOKEN:+and a token}${MFA_SECRET:+, and the secret}" >>"$CALLS"
	;;
esac
`

func newReader(t *testing.T, aws string) *reader {
	t.Helper()
	w := newWorld(t)
	w.AWS.Allow("ListMFADevices")
	r := &reader{world: w, bin: filepath.Join(w.Home, "bin"), calls: filepath.Join(w.Home, "calls"), aws: aws}
	if err := os.Mkdir(r.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"aws", "backup", "docker", "make", "sudo", "terraform"} {
		text := standIn
		if name == "aws" { // the fake AWS has no S3
			text = strings.Replace(text, "\n", "\n[ \"$1\" = s3 ] || exec "+cmdline.Quote(aws)+" \"$@\"\n", 1)
		}
		if err := os.WriteFile(filepath.Join(r.bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.world = w.with("PATH="+r.bin+":"+filepath.Dir(w.Fob)+":"+os.Getenv("PATH"), "CALLS="+r.calls, "FAKE_AWS="+w.AWS.URL,
		"KEY="+ststest.DemoKeyID, "SECRET="+ststest.DemoSecret)
	return r
}

// file writes a file in the home.
func (r *reader) file(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(r.Home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fob runs fob, which must succeed.
func (r *reader) fob(t *testing.T, stdin string, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr, code := r.RunWith(stdin, args...)
	if code != 0 {
		t.Fatalf("fob %q: exit code %d\n%s", args, code, stderr)
	}
	return stdout
}

// checkHome looks for files in the home that the manual does not mention. Of those
// whose names differ from home to home it says how they begin.
func checkHome(t *testing.T, r *reader) {
	t.Helper()
	_, files, _ := strings.Cut(manualText(t), ".SH FILES\n")
	files, _, _ = strings.Cut(files, ".SH ENVIRONMENT")
	for _, dir := range []string{".local/*", ".config", ".cache"} {
		found, err := filepath.Glob(filepath.Join(r.Home, dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			path = "~/" + strings.TrimPrefix(path, r.Home+"/")
			name := filepath.Base(path)
			kind, _, ok := strings.Cut(name, "-")
			if ok {
				name = kind + "- *"
			}
			if dir := filepath.Dir(path); !strings.Contains(files, dir) || dir == "~/.local/state/fob" && !strings.Contains(files, name) {
				t.Errorf("the manual does not know %s", path)
			}
		}
	}
}

// sh runs a script of a shell at a terminal, and returns the screen.
func (r *reader) sh(t *testing.T, dialogue, shell, script string, env ...string) string {
	t.Helper()
	pty := filepath.Join(filepath.Dir(r.Fob), "pty")
	cmd := exec.Command(pty, r.file(t, "dialogue", dialogue), shell, "-e", r.file(t, "script", script))
	cmd.Dir, cmd.Env = r.Home, slices.Concat(r.Env, env)
	out, err := cmd.CombinedOutput()
	screen, _ := os.ReadFile(filepath.Join(r.Home, "screen"))
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, script, out, screen)
	}
	r.checkNoSecret(t, string(screen))
	return string(screen)
}

// called are the command lines of stand-ins since it last ran.
func (r *reader) called(t *testing.T) string {
	t.Helper()
	calls, err := os.ReadFile(r.calls)
	if err == nil {
		err = os.Remove(r.calls)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(calls)
}

// holds checks that a text has these words.
func holds(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no %q in\n%s", word, text)
		}
	}
}

// demoKey answers fob add.
const demoKey = "Access key ID: => $KEY\nSecret access key: => $SECRET\nDefault region => eu-west-1\n"

// onTerminal runs a block in sh, with a person who answers, and looks for a pattern on
// the screen.
func onTerminal(dialogue string, patterns ...string) func(*testing.T, *reader, string) {
	return func(t *testing.T, r *reader, code string) {
		screen := r.sh(t, dialogue, "sh", code)
		for _, pattern := range patterns {
			if !regexp.MustCompile(pattern).MatchString(screen) {
				t.Errorf("no %q in\n%s", pattern, screen)
			}
		}
	}
}

func tryInstall(t *testing.T, r *reader, code string) {
	if !regexp.MustCompile(`(?m)^build:$`).MatchString(text(t, "Makefile")) {
		t.Error("make cannot build")
	}
	for _, m := range regexp.MustCompile("`(brew .*?)`").FindAllStringSubmatch(text(t, "README.md"), -1) {
		holds(t, text(t, "Formula/fob.rb"), "#   "+m[1]+"\n") // Homebrew is not here
	}
	r.file(t, "doc/fob.1", text(t, "doc/fob.1"))
	r.sh(t, "", "sh", code)
	for name, mode := range map[string]os.FileMode{"bin/fob": 0o755, "share/man/man1/fob.1": 0o644} {
		fi, err := os.Stat(filepath.Join(r.Home, "usr/local", name))
		if err != nil || fi.Mode() != mode {
			t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
}

// tryWritten compares lines with those that fob has written to the AWS config.
func tryWritten(t *testing.T, r *reader, code string) {
	config := text(t, filepath.Join(r.Home, ".aws/config"))
	for line := range strings.Lines(strings.ReplaceAll(code, "/usr/local/bin/fob", r.Fob)) {
		holds(t, config, line)
	}
	tryConfig(t, r, code)
}

// tryConfig has fob and botocore read a piece of the AWS config.
func tryConfig(t *testing.T, r *reader, code string) {
	profile, _, _ := strings.Cut(strings.TrimPrefix(code, "[profile "), "]")
	want := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\s*(\w+) = (.*)$`).FindAllStringSubmatch(code, -1) {
		want[m[1]] = m[2]
	}
	fresh := newReader(t, r.aws)
	config := fresh.file(t, ".aws/config", regexp.MustCompile(`(?m)^ +`).ReplaceAllString(code, ""))
	if names := fresh.fob(t, "", "list", "--names"); names != profile+"\n" {
		t.Errorf("fob list: %q", names)
	}
	python := need(t, "python3", "-c", "import botocore")
	out, err := exec.Command(python, "-c", `import botocore.configloader, json, sys
print(json.dumps(botocore.configloader.load_config(sys.argv[1])["profiles"][sys.argv[2]]))`, config, profile).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(out, &got); err != nil || !maps.Equal(got, want) {
		t.Errorf("botocore has %q, %v; want %q", got, err, want)
	}
}

// tryTranscript types the command line of a transcript, and compares the screen.
func tryTranscript(t *testing.T, r *reader, code string) {
	command, want, _ := strings.Cut(strings.TrimPrefix(code, "$ "), "\n")
	r.fob(t, "", "clear")
	screen := changing.ReplaceAllString(r.sh(t, "MFA code => $CODE", "sh", command), "${1}..")
	if want = changing.ReplaceAllString(want, "${1}.."); screen != want {
		t.Errorf("the screen shows\n%s\nthe page says\n%s", screen, want)
	}
}

// tryWithoutPerson runs a block with nobody to ask, and looks at what its last command gets.
func tryWithoutPerson(command string) func(*testing.T, *reader, string) {
	return func(t *testing.T, r *reader, code string) {
		r = newReader(t, r.aws)
		secrets, secret := filepath.Join(r.Home, "run"), ""
		if strings.Contains(code, "MFA_SECRET") {
			secret = ststest.DemoSeed
		}
		passphrase := r.file(t, "run/secrets/fob", testPassphrase+"\n")
		r.file(t, "run/secrets/mfa", ststest.DemoSeed+"\n")
		r.sh(t, "", "sh", strings.ReplaceAll(code, "/run/", secrets+"/"), "FOB_PASSPHRASE=", "FOB_PASSPHRASE_FILE="+passphrase,
			"MFA_SECRET="+secret, "AWS_ACCESS_KEY_ID="+ststest.DemoKeyID, "AWS_SECRET_ACCESS_KEY="+ststest.DemoSecret)
		calls := r.called(t)
		holds(t, calls, command+"\nwith ASIA", "and a token\n")
	}
}

func tryVault(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.file(t, ".awsvault/keys/dev", text(t, "internal/awsvault/testdata/99designs/dev"))
	r.config(t, "[profile dev]\nmfa_serial = "+ststest.DemoSerial+"\n[profile prod]\nsource_profile = dev\nrole_arn = "+ststest.DemoRole+"\nmfa_serial = "+ststest.DemoSerial+"\n")
	r.sh(t, "Move it into the store? => y\naws-vault's passphrase => hunter2\nMFA code for dev => $CODE", "sh", code)
	holds(t, r.called(t), "terraform plan\nwith ASIA")
	holds(t, text(t, filepath.Join(r.Home, ".aws", "config")), "fob_source_profile = dev\n")
}

// tryWire rewrites a role profile that another tool has used.
func tryWire(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial)
	r.config(t, "[profile prod]\nsource_profile = dev\nrole_arn = "+ststest.DemoRole+"\nmfa_serial = "+ststest.DemoSerial+"\nregion = eu-west-1\n")
	onTerminal("MFA code for prod => $CODE", `(?s)\+fob_role_arn.*Rewrote prod in .*prod: signed in until`)(t, r, code)
	onTerminal("", `"`+deployARN+`"`)(t, r, "aws --profile prod sts get-caller-identity")
}

// tryProfile has the AWS CLI use a profile.
func tryProfile(t *testing.T, r *reader, code string) {
	tryConfig(t, r, code)
	r = newReader(t, r.aws)
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin")
	r.config(t, strings.ReplaceAll(code, "/usr/local/bin/fob", r.Fob)+"region = eu-west-1\n")
	onTerminal("MFA code for prod => $CODE", `"`+deployARN+`"`)(t, r, "aws --profile prod sts get-caller-identity")
}

// tryGuards has the guards of a section count, each in its line.
func tryGuards(t *testing.T, r *reader, code string) {
	tryConfig(t, r, code)
	r = newReader(t, r.aws)
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin")
	code = strings.ReplaceAll(code, "/usr/local/bin/fob", r.Fob)
	r.config(t, code)
	explained := r.fob(t, "", "explain", "live")
	guards := regexp.MustCompile(`(?m)^\s*(fob_(?:account|agent|confirm|regions) = .*)$`).FindAllStringSubmatch(code, -1)
	for _, g := range guards {
		holds(t, explained, "\nGuard: "+g[1]+" (~/.aws/config:")
	}
	if n := strings.Count(explained, "\nGuard: "); n != len(guards) || n == 0 {
		t.Errorf("%d guards:\n%s", n, explained)
	}
	onTerminal("Type live to confirm (account 222222222222): => live\nMFA code for live => $CODE", deployARN)(t, r, "fob exec live -- aws sts get-caller-identity")
	if _, report, _ := r.Run("doctor"); strings.Contains(report, "without its guards") {
		t.Error(report)
	}
}

// tryDialects follows a recipe with the servers that it is for.
func tryDialects(names ...string) func(*testing.T, *reader, string) {
	return func(t *testing.T, r *reader, code string) {
		role := regexp.MustCompile(`--role (\S+)`).FindStringSubmatch(code)
		for _, d := range dialects {
			if !slices.Contains(names, d.name) || role != nil && strings.Count(d.role, ":") != strings.Count(role[1], ":") {
				continue
			}
			if role != nil && d.name != "minio" {
				d.role = role[1]
			}
			address, _ := d.serve(t)
			r := newReader(t, r.aws)
			r.world = r.with("AWS_ENDPOINT_URL_STS=", "AWS_ENDPOINT_URL_IAM=", "KEY="+d.id, "SECRET="+d.secret)
			r.file(t, "readonly.json", `{"Version":"2012-10-17","Statement":[]}`)
			profile := cmdline.Words(code)[2]
			r.config(t, "[profile "+profile+"]\nregion = us-east-1\nendpoint_url = "+address+"\n")
			dialogue := strings.Replace(demoKey, "Default region => eu-west-1\n", "", 1)
			if !strings.Contains(code, "--mfa-serial") {
				dialogue += "MFA device => \n"
			}
			r.sh(t, dialogue, "sh", code)
			holds(t, r.called(t), "aws s3 ls\nwith TEMPORARY")
		}
	}
}

// tryConsoleRole assumes a role that trusts the account of who signed in.
func tryConsoleRole(t *testing.T, r *reader, code string) {
	if err := r.AWS.AddRole(ststest.Role{ARN: ststest.DemoRole, Principals: []string{"arn:aws:iam::" + ststest.DemoAccount + ":root"}}); err != nil {
		t.Fatal(err)
	}
	onTerminal("", `"`+deployARN+`"`)(t, r, code)
}

func tryContainer(t *testing.T, r *reader, code string) {
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin")
	r.sh(t, "MFA code => $CODE", "sh", code)
	holds(t, r.called(t), "docker run --rm -e AWS_ACCESS_KEY_ID", "with ASIA", "and a token")
}

// tryContainerValue has docker get a variable from fob, and not in its command line.
func tryContainerValue(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.file(t, "bin/docker", "#!/bin/sh\necho \"docker $*: $DB_PASSWORD\" >>\"$CALLS\"\n")
	if err := os.Chmod(filepath.Join(r.bin, "docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.AWS.AddRole(ststest.Role{ARN: ststest.DemoRole, Principals: []string{ststest.DemoUser}}); err != nil {
		t.Fatal(err)
	}
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", "none", "--region", "eu-west-1")
	r.fob(t, "", "add", "prod", "--source", "dev", "--role", ststest.DemoRole, "--region", "eu-west-1")
	r.sh(t, "", "sh", code)
	if got, want := r.called(t), "docker run --rm -e DB_PASSWORD app: "+ststest.DemoParameters()[1].Value+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func tryUnit(t *testing.T, r *reader, code string) {
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		lacking(t, "systemd")
	}
	code = strings.NewReplacer("/usr/local/bin/fob", r.Fob, "/usr/local/bin/backup", filepath.Join(r.bin, "backup")).Replace(code)
	unit := r.file(t, "backup.service", strings.ReplaceAll(code, "User=backup", "User=root"))
	if out, err := exec.Command(systemd, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), unit) {
		t.Errorf("%v\n%s", err, out)
	}
}

func tryCron(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.file(t, ".config/fob/passphrase", testPassphrase)
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "backup", "--stdin")
	r.fob(t, ststest.DemoSeed, "mfa", "add", "backup", "--stdin")
	command := strings.Join(strings.Fields(code)[5:], " ")
	r.sh(t, "", "sh", strings.ReplaceAll(command, "/usr/local/bin/fob", r.Fob), "FOB_PASSPHRASE=")
	holds(t, r.called(t), "backup \nwith ASIA")
}

// blockOf is the block of a page that begins so.
func blockOf(t *testing.T, file, begins string) string {
	t.Helper()
	for _, code := range codeBlocks(t, file) {
		if strings.HasPrefix(code, begins) {
			return code
		}
	}
	t.Fatalf("%s has no %s", file, begins)
	return ""
}

// tryJob deploys with the token of a job, and nothing else of fob's.
func tryJob(t *testing.T, r *reader, code string) {
	job := newReader(t, r.aws)
	job.config(t, blockOf(t, "doc/recipes.md", "[profile ci]"))
	token, err := job.AWS.WebToken(ststest.DemoClaims())
	if err != nil {
		t.Fatal(err)
	}
	job.sh(t, "", "sh", code, "AWS_ID_TOKEN="+token, "FOB_PASSPHRASE=")
	holds(t, job.called(t), "make deploy\nwith ASIA", "and a token\n")
}

// tryGitHub has the line for GitHub print a token, as a part of that profile.
func tryGitHub(t *testing.T, r *reader, code string) {
	need(t, "curl", "--version")
	need(t, "jq", "--version")
	job := newReader(t, r.aws)
	profile, _, _ := strings.Cut(blockOf(t, "doc/recipes.md", "[profile ci]"), "web_identity_token_process")
	job.config(t, profile+code)
	token, err := job.AWS.WebToken(ststest.DemoClaims())
	if err != nil {
		t.Fatal(err)
	}
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer request-token" || r.URL.Query().Get("audience") != ststest.DemoAudience {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"count":1,"value":%q}`, token)
	}))
	defer github.Close()
	job.sh(t, "", "sh", "fob exec ci -- make deploy", "FOB_PASSPHRASE=",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=request-token", "ACTIONS_ID_TOKEN_REQUEST_URL="+github.URL+"/?api-version=2")
	holds(t, job.called(t), "make deploy\nwith ASIA")
}

// trySigningHelper counts how often a stand-in of the helper runs.
func trySigningHelper(t *testing.T, r *reader, code string) {
	machine := newReader(t, r.aws)
	machine.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", "none", "--region", "eu-west-1")
	machine.file(t, "bin/aws_signing_helper", "#!/bin/sh\necho \"aws_signing_helper $*\" >>\"$CALLS\"\ncat ~/session\n")
	machine.file(t, "session", machine.fob(t, "", "export", "dev"))
	if err := os.Chmod(filepath.Join(machine.bin, "aws_signing_helper"), 0o700); err != nil {
		t.Fatal(err)
	}
	machine.config(t, blockOf(t, "doc/recipes.md", "[profile machine]"))
	screen := machine.sh(t, "", "sh", code+"\n"+code[strings.LastIndex(strings.TrimSpace(code), "\n"):])
	calls := machine.called(t)
	if n := strings.Count(calls, "aws_signing_helper credential-process --certificate"); n != 1 || strings.Count(screen, ststest.DemoUser) != 2 {
		t.Errorf("the helper ran %d times:\n%s\n%s", n, calls, screen)
	}
}

// tryRotateCron replaces a key that is old enough, and asks nobody.
func tryRotateCron(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.file(t, ".config/fob/passphrase", testPassphrase)
	r.AWS.AgeKey(ststest.DemoKeyID, 91*24*time.Hour)
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "backup", "--stdin", "--mfa-serial", "none")
	command := strings.Join(strings.Fields(code)[5:], " ")
	r.sh(t, "", "sh", strings.ReplaceAll(command, "/usr/local/bin/fob", r.Fob), "FOB_PASSPHRASE=")
	if keys := r.AWS.Keys(ststest.DemoUser); len(keys) != 1 || keys[0].ID == ststest.DemoKeyID {
		t.Errorf("the keys are %v", keys)
	}
}

// tryLeaksJob runs the job's step in a repository with a key, and without a store.
func tryLeaksJob(t *testing.T, r *reader, code string) {
	line := regexp.MustCompile(`(?m)^ *- run: (.*)$`).FindStringSubmatch(code)[1]
	r.file(t, "repository/config.py", "key = 'AKIA6RVFFB77RE7OLMKI'\n")
	holds(t, code, "security-events: write", "fetch-depth: 0")
	step := exec.Command("sh", "-c", "cd repository && git init -q && git add . && "+line)
	step.Dir, step.Env = r.Home, r.Env
	out, err := step.CombinedOutput()
	if exitCode(err) != exitFailed {
		t.Errorf("%v\n%s", err, out)
	}
	file := filepath.Join(r.Home, "repository", regexp.MustCompile(`sarif_file: ([^\s}]+)`).FindStringSubmatch(code)[1])
	holds(t, text(t, file), `"config.py"`, "AKIA...LMKI")
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
}

// tryCompletion has each shell run its line, and then asks whether it completes fob.
func tryCompletion(t *testing.T, r *reader, code string) {
	for line := range strings.Lines(code) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "   ")
		shell := regexp.MustCompile(`completion (\w+)`).FindStringSubmatch(line)[1]
		script := map[string]string{
			"bash":       "%s\ncomplete -p fob",
			"zsh":        "autoload -U compinit; compinit -u\n%s\necho ${_comps[fob]:?}",
			"fish":       "%s\ncomplete -C 'fob expl' | grep explain",
			"powershell": "%s",
		}[shell]
		program := map[string]string{"powershell": "pwsh"}[shell]
		if program == "" {
			program = shell
		}
		if _, err := exec.LookPath(program); err != nil {
			if shell != "powershell" { // few machines have it
				lacking(t, shell)
			}
			continue
		}
		r.script(t, program, fmt.Sprintf(script, line))
	}
}

// trySettings has fob read a config.toml.
func trySettings(t *testing.T, r *reader, code string) {
	r = newReader(t, r.aws)
	r.file(t, ".config/fob/config.toml", code)
	r.fob(t, "", "list")
	r.fob(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--mfa-serial", "none")
	if got := r.fob(t, "", "exec", "dev", "--", "env"); strings.Contains(got, "AWS_VAULT=") {
		t.Errorf("compat_env counts for nothing:\n%s", got)
	}
}
