//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	filippo "filippo.io/age"
	ring "github.com/99designs/keyring"
	"github.com/alecthomas/kong"

	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/ststest"
	"fob/keyring"
)

// Where secrets are: the test runs every command with all its messages and watches it
// from outside. The key, the MFA secret, the passphrase and the sessions must appear only
// where the command may put them.

// A watched command, and where secrets may go.
type watched struct {
	args  []string
	stdin string
	env   []string
	code  int
	// hands is what the command hands out, on stdout or to the program that replaces fob:
	// "session", "key", "session values", or nothing.
	hands string
}

// A trace is everything seen of one command.
type trace struct {
	watched
	dir string
	result
}

func (tr trace) file(name string) string { return filepath.Join(tr.dir, name) }

// watch runs fob under strace, after the given prefix of a command line. Its streams are
// files, so that strace shows which is which.
func (w *world) watch(t *testing.T, begin []string, c watched) trace {
	t.Helper()
	tr := trace{watched: c, dir: t.TempDir()}
	argv := slices.Concat(begin, []string{
		"strace", "-f", "--seccomp-bpf", "-qq", "-y", "-v", "-s", "1000000", "-e", "signal=none",
		"-e", "trace=execve,execveat,write,writev,pwrite64,pwritev,sendto,sendmsg", "-o", tr.file("trace"), w.Fob}, c.args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.Home, slices.Concat(w.Env, c.env), strings.NewReader(c.stdin)
	for name, stream := range map[string]*io.Writer{"stdout": &cmd.Stdout, "stderr": &cmd.Stderr} {
		f, err := os.Create(tr.file(name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		*stream = f
	}
	code := exitCode(cmd.Run())
	tr.result = result{slurp(t, tr.file("stdout")), slurp(t, tr.file("stderr")), code}
	if code != c.code {
		t.Errorf("fob %q: %v, want %d", c.args, tr.result, c.code)
	}
	return tr
}

// needStrace skips the test if this machine does not let strace look into processes.
func needStrace(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 { // strace cannot read the memory of another user's process, see noDumps
		lacking(t, "root")
	}
	if exec.Command("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true").Run() != nil {
		lacking(t, "strace")
	}
}

const (
	keySecret  = ststest.DemoSecret
	wrongWords = "a wrong passphrase, which is one too"
	newWords   = "four words and a fifth"
	vaultWords = "the passphrase of another program"

	valueOfParameter = "the value of a parameter"
	valueOfSecret    = "the value in a secret"
)

// addValues adds what the commands read from Parameter Store and Secrets Manager.
func (w *world) addValues(t *testing.T) {
	t.Helper()
	_, err := w.AWS.AddParameter(ststest.Parameter{Name: "/db", Type: "SecureString", Value: valueOfParameter})
	_, _, err2 := w.AWS.AddSecret(ststest.Secret{Name: "api", Text: `{"token":"` + valueOfSecret + `","list":["` + valueOfSecret + `"],"nul":"` + valueOfSecret + `\u0000"}`})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsStayInside(t *testing.T) {
	needStrace(t)
	w := newWorld(t).with("FOB_UNLOCK_TTL=1h", "FOB_UNLOCK_KEYS_TTL=1h")
	enter := ownKernelKeyring(t) // one of the commands is fob lock
	w.hurry(t)
	w.config(t, "[profile proc]\nregion = eu-west-1\ncredential_process = env >&2; "+
		`printf '{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"abc","SessionToken":"def"}'`+"\n")
	w.config(t, "[sso-session corp]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+"\n"+
		"[profile ops]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = "+ststest.DemoAccount+"\nsso_role_name = AdministratorAccess\n")
	// A token of 8 minutes is renewed as soon as it is used.
	if err := w.AWS.AddInstance(ststest.Instance{StartURL: ststest.DemoStartURL, TokenLife: 8 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	identity, err := filippo.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	all := everyCommand(t, w, identity)
	for _, leaf := range grammar(t).Leaves(true) {
		words := commandWords(leaf)
		if !slices.ContainsFunc(all, func(c watched) bool {
			return c.code == 0 && len(c.args) > len(words) && slices.Equal(c.args[1:len(words)+1], words)
		}) && !slices.Equal(words, []string{"mfa", "enroll"}) { // which takes its time: TestEnrolmentStaysInside
			t.Errorf("fob %s is not watched", strings.Join(words, " "))
		}
	}
	known := map[string][]string{
		"key": {keySecret}, "never": {ststest.DemoSeed, testPassphrase, wrongWords, newWords, vaultWords, identity.String()},
		"values": {valueOfParameter, valueOfSecret},
	}
	w.addValues(t)
	var traces []trace
	for _, c := range all {
		traces = append(traces, w.watch(t, enter, c))
		known["sign-in"] = append(known["sign-in"], w.signInSecrets(t)...)
	}
	known["never"] = append(known["never"], w.AWS.CreatedSecrets()...) // fob rotate made one
	if n := len(known["sign-in"]); n < 20 {
		t.Fatalf("only %d secrets of sign-ins were stored", n)
	}
	for _, tr := range traces {
		if strings.HasPrefix(tr.hands, "session") {
			known["session"] = append(known["session"], sessionSecrets(tr.stdout)...)
		}
	}
	if n := len(known["session"]); n < 10 {
		t.Fatalf("only %d secrets of sessions were handed out", n)
	}
	known["session"] = append(known["session"], tokenStart)
	for _, tr := range traces {
		tr.check(t, known)
	}
	checkFiles(t, filepath.Dir(w.Home), slices.Concat(known["key"], known["never"], known["session"], known["sign-in"], known["values"]))
}

// signInSecrets are the secrets of all sign-ins in the store, but not those of their
// sessions, which are handed out.
func (w *world) signInSecrets(t *testing.T) (secrets []string) {
	t.Helper()
	store := w.store()
	infos, err := store.Infos(keyring.KindToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		token, _, err := store.Token(t.Context(), i.Name, i.ID)
		if errors.Is(err, keyring.ErrWrongPassphrase) {
			return nil // for now
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []creds.Secret{token.Access, token.Refresh, token.Client.Secret, token.IDToken} {
			if !s.IsZero() {
				secrets = append(secrets, s.Reveal())
			}
		}
		for line := range strings.Lines(token.DPoPKey.Reveal()) { // of a text that is encoded in several ways
			if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "-") {
				secrets = append(secrets, line)
			}
		}
	}
	return secrets
}

// The secret of a device that fob creates comes from AWS, and stays inside fob.
func TestEnrolmentStaysInside(t *testing.T) {
	t.Parallel()
	needStrace(t)
	w := newWorld(t).with(testPeriod + "=5s") // the command needs three codes
	w.AWS.SetDevicePeriod(5 * time.Second)
	w.must(t, ststest.DemoKeyID+"\n"+keySecret+"\n", "add", "dev", "--stdin")
	tr := w.watch(t, nil, watched{args: []string{"--verbose", "mfa", "enroll", "dev"}})
	seed, err := w.store().Seed(t.Context(), ststest.DemoSerial+"-fob")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{"key": {keySecret}, "never": {seed.Secret.Reveal(), testPassphrase}, "session": {tokenStart}}
	tr.check(t, known)
	checkFiles(t, filepath.Dir(w.Home), slices.Concat(known["key"], known["never"], known["session"]))
}

// commandWords returns the words that a person types for a command.
func commandWords(n *kong.Node) []string {
	if n.Parent == nil {
		return nil
	}
	if n.Type != kong.CommandNode {
		return commandWords(n.Parent)
	}
	return append(commandWords(n.Parent), n.Name)
}

// tokenStart is the beginning of every session token.
const tokenStart = "IQoJb3JpZ2luX2Vj"

// everyCommand returns all commands, and some of their failures.
func everyCommand(t *testing.T, w *world, identity *filippo.X25519Identity) []watched {
	t.Helper()
	file := filepath.Join(t.TempDir(), "identity") // the user's own file
	if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	csv := filepath.Join(t.TempDir(), "jo_accessKeys.csv") // deleted by the command
	if err := os.WriteFile(csv, []byte("Access key ID,Secret access key\n"+ststest.DemoKeyID+","+keySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vault := t.TempDir() // of aws-vault
	k, err := ring.Open(ring.Config{AllowedBackends: []ring.BackendType{ring.FileBackend}, FileDir: vault, FilePasswordFunc: ring.FixedStringPrompt(vaultWords)})
	if err == nil {
		err = k.Set(ring.Item{Key: "vaulted", Data: []byte(`{"AccessKeyID":"` + ststest.DemoKeyID + `","SecretAccessKey":"` + keySecret + `"}`)})
	}
	if err != nil {
		t.Fatal(err)
	}
	vaulted := filepath.Join(vault, "vaulted")
	leak := t.TempDir()
	if err := os.WriteFile(filepath.Join(leak, "notes"), []byte(keySecret+"\n"+ststest.DemoSeed+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := ststest.DemoKeyID + "\n" + keySecret + "\n"
	nobus := "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent"
	env := []string{"AWS_ACCESS_KEY_ID=" + ststest.DemoKeyID, "AWS_SECRET_ACCESS_KEY=" + keySecret}
	all := []watched{
		{args: []string{"add", "nobus", "--stdin", "--backend", "secret-service"}, stdin: key, env: []string{nobus}, code: exitStore},
		{args: []string{"add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial}, stdin: key},
		{args: []string{"add", "bad", "--stdin"}, stdin: `{"AccessKeyId":"` + keySecret, code: exitUsage},
		{args: []string{"add", "swapped", "--stdin"}, stdin: keySecret + "\n" + ststest.DemoKeyID, code: exitUsage},
		{args: []string{"add", "pasted", "--stdin"}, stdin: keySecret + "\n" + keySecret, code: exitUsage},
		{args: []string{"add", "env", "--from-env"}, env: env},
		{args: []string{"add", "env", "--from-env"}, env: env, code: exitUsage},
		{args: []string{"add", "env", "--from-env", "--yes"}, env: env},
		{args: []string{"add", "prod", "--source", "dev", "--role", ststest.DemoRole}},
		{args: []string{"mfa", "add", "dev", "--stdin"}, stdin: ststest.DemoSeed + "!", code: exitUsage},
		{args: []string{"mfa", "add", "dev", "--stdin"}, stdin: "otpauth://totp/x?secret=" + ststest.DemoSeed + "&period=1&period=2", code: exitUsage},
		{args: []string{"lock"}},
		{args: []string{"export", "dev"}, env: []string{"FOB_PASSPHRASE=" + wrongWords}, code: exitStore},
		{args: []string{"export", "dev"}, code: exitNoPerson},
		{args: []string{"export", "dev"}, env: []string{"FOB_MFA_CODE=" + wrongCode(w)}, code: exitRefused},
		{args: []string{"export", "dev"}, env: []string{"FOB_MFA_CODE=" + ststest.DemoSeed}, code: exitUsage},
		{args: []string{"mfa", "add", "dev", "--stdin"}, stdin: hurriedSeed},
		{args: []string{"login", "dev", "prod"}},
		{args: []string{"import", "--dry-run"}}, {args: []string{"import", csv, "--yes"}},
		{args: []string{"import", vaulted, "--all"}, env: []string{"AWS_VAULT_FILE_PASSPHRASE=" + wrongWords}, code: exitNoPerson},
		{args: []string{"--verbose", "import", vaulted, "--all"}, env: []string{"AWS_VAULT_FILE_PASSPHRASE=" + vaultWords}},
		{args: []string{"remove", "vaulted", "--yes"}},
		{args: []string{"export", "prod", "--fresh"}, hands: "session"},
		{args: []string{"export", "prod"}, hands: "session"},
		{args: []string{"export", "dev"}, hands: "session"},
		{args: []string{"export", "env"}, hands: "session"},
		{args: []string{"export", "dev", "--no-session"}, hands: "key"},
		{args: []string{"export", "proc"}, hands: "session"},
		{args: []string{"exec", "dev", "--", "sh", "-c", "env; cat /proc/self/environ"}, hands: "session"},
		{args: []string{"exec", "prod", "--", "env"}, hands: "session"},
		{args: []string{"exec", "dev", "--no-session", "--", "env"}, hands: "key"},
		{args: []string{"exec", "proc", "--", "env"}, hands: "session"},
		{args: []string{"exec", "--region", "eu-west-1", "--secret", "DB=ssm:/db", "--secret", "TOKEN=secretsmanager:api#token", "dev", "--", "sh", "-c", "env; cat /proc/self/environ"}, hands: "session values"},
		{args: []string{"exec", "--region", "eu-west-1", "--secret", "DB=ssm:/db", "dev", "--", w.Fob, "export", "proc"}, hands: "session values"}, // proc prints what it inherits
		{args: []string{"exec", "--region", "eu-west-1", "--secret", "DB=ssm:/db", "--secret", "TOKEN=secretsmanager:api#nope", "dev", "--", "env"}, code: exitExec},
		{args: []string{"exec", "--region", "eu-west-1", "--secret", "DB=secretsmanager:api#list", "dev", "--", "env"}, code: exitExec},
		{args: []string{"exec", "--region", "eu-west-1", "--secret", "DB=secretsmanager:api#nul", "dev", "--", "env"}, code: exitExec},
		{args: []string{"exec", "dev", "--", "no-such-command"}, code: 127},
		{args: []string{"mfa", "code", "env", "--json"}, code: exitUsage},
		{args: []string{"mfa", "code", "dev"}}, {args: []string{"mfa", "code", "dev", "--json"}},
	}
	for _, format := range []string{"env", "env-no-export", "fish", "powershell", "windows-cmd", "dotenv"} {
		all = append(all, watched{args: []string{"export", "prod", "--format", format}, hands: "session"})
	}
	all = append(all, []watched{
		{args: []string{"export", "ops"}, code: exitNoPerson},
		{args: []string{"login", "ops"}}, {args: []string{"login", "ops", "--fresh"}},
		{args: []string{"export", "ops"}, hands: "session"}, {args: []string{"exec", "ops", "--", "env"}, hands: "session"},
		{args: []string{"sso", "accounts"}}, {args: []string{"sso", "accounts", "corp", "--json"}},
		{args: []string{"sso", "profiles", "corp", "--dry-run"}}, {args: []string{"sso", "profiles", "corp"}},
		{args: []string{"sso", "add", "lab", "--start-url", "https://d-9876543210.awsapps.com/start", "--region", "eu-west-1"}},
		{args: []string{"wire", "ops", "--dry-run"}}, {args: []string{"wire", "ops"}}, {args: []string{"export", "ops", "--fresh"}, hands: "session"},
		{args: []string{"add", "con", "--console", "--region", "eu-west-1"}}, {args: []string{"login", "con", "--fresh"}},
		{args: []string{"export", "con"}, hands: "session"}, {args: []string{"explain", "con"}},
		{args: []string{"sso"}}, {args: []string{"sso", "--json"}},
		{args: []string{"explain", "prod"}}, {args: []string{"explain", "prod", "--json"}},
		{args: []string{"list"}}, {args: []string{"list", "--json"}},
		{args: []string{"config", "get", "region", "--profile", "dev"}, code: exitFailed}, {args: []string{"config", "get", "dev.credential_process"}}, {args: []string{"config", "set", "dev.output", "json"}}, {args: []string{"config", "unset", "dev.output"}},
		{args: []string{"status"}, env: []string{"AWS_PROFILE=prod"}}, {args: []string{"status", "--all", "--json"}},
		{args: []string{"exec", "prod", "--", w.Fob, "status"}, hands: "session"},
		{args: []string{"completion", "bash"}},
		{args: []string{"doctor"}}, {args: []string{"doctor", "--json"}}, {args: []string{"doctor", "dev", "--fix"}},
		{args: []string{"leaks"}}, {args: []string{"leaks", leak}, code: exitFailed}, {args: []string{"leaks", leak, "--json"}, code: exitFailed}, {args: []string{"leaks", leak, "--sarif"}, code: exitFailed},
		{args: []string{"leaks", leak, "--baseline", filepath.Join(leak, "known"), "--accept"}},
		{args: []string{"store"}}, {args: []string{"store", "--json"}},
		{args: []string{"store", "add", identity.Recipient().String()}},
		{args: []string{"export", "dev", "--backend", "age"}, env: []string{"FOB_AGE_IDENTITY=" + file}, hands: "session"},
		{args: []string{"store", "passphrase", "--stdin"}, stdin: newWords, env: []string{"FOB_PASSPHRASE=" + wrongWords}, code: exitStore},
		{args: []string{"store", "passphrase", "--stdin"}, stdin: newWords},
		{args: []string{"store", "passphrase", "--stdin"}, stdin: testPassphrase, env: []string{"FOB_PASSPHRASE=" + newWords}},
		{args: []string{"store", "remove", "age"}}, {args: []string{"store", "trust"}},
		{args: []string{"clear", "--sso", "corp"}}, {args: []string{"clear", "dev"}}, {args: []string{"clear"}}, {args: []string{"remove", "env", "--yes"}}, {args: []string{"rotate", "dev"}},
		{args: []string{"mfa", "remove", "dev"}}, {args: []string{"remove", "dev", "--yes"}},
		{args: []string{"version"}}, {args: []string{"--help"}}, {args: nil},
	}...)
	for i := range all {
		if len(all[i].args) > 0 {
			// -v comes before the first word: words after exec's command are not fob's.
			all[i].args = append([]string{"--verbose"}, all[i].args...)
		}
	}
	return all
}

// sessionSecrets finds the secrets in fob's output, in any format.
func sessionSecrets(out string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?:SECRET_ACCESS_KEY|SESSION_TOKEN|SecretAccessKey|SessionToken)[^A-Za-z0-9]+([A-Za-z0-9+/=]{40,})`).FindAllStringSubmatch(out, -1) {
		found = append(found, m[1])
	}
	return found
}

// check looks for secrets in everything that a command wrote, and in everything it ran.
func (tr trace) check(t *testing.T, known map[string][]string) {
	var kept, handed []string
	for kind, secrets := range known {
		if slices.Contains(strings.Fields(tr.hands), kind) {
			handed = append(handed, secrets...)
			continue
		}
		kept = append(kept, secrets...)
	}
	all := slices.Concat(kept, handed)
	complain := func(where, secret string) { t.Errorf("fob %q: a secret (%.4s...) %s", tr.args, secret, where) }
	find(tr.stdout, kept, func(s string) { complain("on stdout", s) })
	find(tr.stderr, all, func(s string) { complain("on stderr", s) })
	first := true
	for line := range strings.Lines(slurp(t, tr.file("trace"))) {
		call := regexp.MustCompile(`^\d+ +(\w+)\((?:\d+<([^>]*)>)?`).FindStringSubmatch(line)
		switch {
		case call == nil: // the end of a call whose beginning came earlier
		case call[1] == "execve" || call[1] == "execveat":
			argv, env, ok := strings.Cut(line, "], [")
			if !ok {
				t.Fatalf("what is run here? %.200q", line)
			}
			find(argv, all, func(s string) { complain("in an argument", s) })
			if first { // fob itself
				first = false
				break
			}
			find(env, kept, func(s string) { complain("in an environment", s) })
			if strings.Contains(env, `"FOB_PASSPHRASE`) || strings.Contains(env, `"FOB_MFA_CODE`) {
				t.Errorf("fob %q: a variable that is fob's own is inherited", tr.args)
			}
			if !slices.Contains(tr.args, "exec") {
				find(env, handed, func(s string) { complain("in a helper's environment", s) })
			}
		case call[2] == tr.file("stdout"):
			find(line, kept, func(s string) { complain("on stdout", s) })
		case strings.HasPrefix(call[2], "socket:"):
			// Requests are signed with secrets and carry tokens.
			find(line, slices.Concat(known["key"], known["never"]), func(s string) { complain("on the network", s) })
		case strings.HasPrefix(call[2], "pipe:") && slices.Contains(tr.args, "import"):
			// It runs a credential_process once, and is given a session as SDKs are.
			find(line, slices.Concat(known["key"], known["never"]), func(s string) { complain("in a pipe", s) })
		default:
			find(line, all, func(s string) { complain("in "+call[2], s) })
		}
	}
	if first {
		t.Errorf("fob %q: nothing was traced", tr.args)
	}
}

// find looks for secrets, verbatim and in the encodings that fob could use.
func find(text string, secrets []string, found func(secret string)) {
	for _, s := range secrets {
		for _, form := range []string{s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)), url.QueryEscape(s)} {
			if strings.Contains(text, form) {
				found(s)
				break
			}
		}
	}
}

// checkFiles looks for secrets in all files left behind, and checks who may read them.
func checkFiles(t *testing.T, dir string, secrets []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		find(path, secrets, func(s string) { t.Errorf("a secret (%.4s...) in the name of %s", s, path) })
		find(slurp(t, path), secrets, func(s string) { t.Errorf("a secret (%.4s...) in %s", s, path) })
		if info, err := e.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s may be read by others: %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

// To test the test: check finds a secret in every place.
func TestSecretsAreFound(t *testing.T) {
	for _, form := range []string{keySecret, "x" + keySecret + "y", hex.EncodeToString([]byte(keySecret)),
		base64.StdEncoding.EncodeToString([]byte(keySecret)), "a=" + url.QueryEscape(keySecret)} {
		n := 0
		find(form, []string{"not this", keySecret}, func(string) { n++ })
		if n != 1 {
			t.Errorf("%q: found %d", form, n)
		}
	}
	doc := `{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"` + keySecret + `","SessionToken":"` + strings.Repeat("IQo/+=", 10) + `"}`
	if n := len(sessionSecrets(doc)); n != 2 {
		t.Errorf("%d of 2 secrets in %s", n, doc)
	}
	if n := len(sessionSecrets("export AWS_SECRET_ACCESS_KEY='" + keySecret + "'\n")); n != 1 {
		t.Errorf("%d of 1 secret in a line for a shell", n)
	}
}

// A core of the program that replaces fob would hold its session, and nothing from fob's
// own memory. fob itself leaves no core, see TestNoCore.
func TestImageOfCommand(t *testing.T) {
	needStrace(t) // reading memory takes the same permission as tracing
	w := devWorld(t)
	w.seeded(t)
	doc := w.must(t, "", "export", "dev")
	cmd := w.command("exec", "dev", "--", "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err) // by then cat has replaced fob
	}
	image := memory(t, cmd.Process.Pid)
	find(image, []string{keySecret, ststest.DemoSeed, testPassphrase}, func(s string) { t.Errorf("a secret (%.4s...) in the command's memory", s) })
	handed := 0
	find(image, sessionSecrets(doc), func(string) { handed++ })
	if handed != 2 {
		t.Errorf("%d of the session's 2 secrets were found: is this the command's memory?", handed)
	}
}

// memory returns all memory that a dump of a process could hold.
func memory(t *testing.T, pid int) string {
	t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var all strings.Builder
	for line := range strings.Lines(slurp(t, fmt.Sprintf("/proc/%d/maps", pid))) {
		var from, to uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		io.Copy(&all, io.NewSectionReader(mem, int64(from), int64(to-from))) // the kernel's own pages cannot be read
	}
	return all.String()
}

// nobody is the user of tests that must not run as root. It has no account, and so no
// home directory but the one that the environment names.
const nobody = 54321

// nobodyWorld belongs to another user than root.
func nobodyWorld(t *testing.T) *world {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking(t, "root")
	}
	w := newWorld(t)
	dir := filepath.Dir(w.Home)
	// The program is in a directory of root's.
	exe, err := os.ReadFile(w.Fob)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.Fob); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Fob, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, nobody, nobody)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	if out, code := w.asNobody(t, "", "test", "-x", w.Fob); code != 0 {
		t.Log(out)
		lacking(t, "temporary directory for everybody")
	}
	return w
}

// asNobody runs a command as that user.
func (w *world) asNobody(t *testing.T, stdin, name string, args ...string) (out string, code int) {
	t.Helper()
	cmd := w.nobodys(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	text, err := cmd.CombinedOutput()
	return string(text), exitCode(err)
}

func (w *world) nobodys(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = w.Home, w.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// While fob works, no other process of its user can look into it. The programs that it
// starts are ordinary processes.
func TestNobodyLooksInside(t *testing.T) {
	w := nobodyWorld(t)
	key := ststest.DemoKeyID + "\n" + keySecret + "\n"
	if out, code := w.asNobody(t, key, w.Fob, "add", "dev", "--stdin"); code != 0 {
		t.Fatal(out)
	}
	look := func(pid int) (seen []string) {
		for _, name := range []string{"environ", "mem", "maps", "auxv"} {
			if _, code := w.asNobody(t, "", "sh", "-c", `exec 3<"$1"`, "sh", fmt.Sprintf("/proc/%d/%s", pid, name)); code == 0 {
				seen = append(seen, name)
			}
		}
		return seen
	}
	// An ordinary process, to see that we can look at all.
	sleep := w.nobodys("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	if seen := look(sleep.Process.Pid); len(seen) != 4 {
		t.Errorf("of sleep only %q can be read", seen)
	}
	sleep.Process.Kill()
	sleep.Wait()

	w.AWS.Fail("GetSessionToken", ststest.Slow(time.Hour), 1)
	w.AWS.ResetCalls()
	fob := w.nobodys(w.Fob, "export", "dev")
	var out bytes.Buffer
	fob.Stdout = &out
	if err := fob.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a call", func() bool { return len(w.AWS.Calls()) > 0 })
	if seen := look(fob.Process.Pid); len(seen) > 0 {
		t.Errorf("of fob %q can be read", seen)
	}
	find(slurp(t, fmt.Sprintf("/proc/%d/cmdline", fob.Process.Pid)), []string{keySecret, testPassphrase}, func(s string) { t.Errorf("%.4s... in the command line", s) })
	fob.Process.Kill()
	fob.Wait()

	// The command that fob becomes.
	if got, code := w.asNobody(t, "", w.Fob, "exec", "dev", "--", "stat", "-c", "%u", "/proc/self/environ"); got != strconv.Itoa(nobody)+"\n" || code != 0 {
		t.Errorf("the command's environment belongs to %q (%d)", got, code)
	}
	// The hidden child: it starts, and finds no bus.
	again := w.with("DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent", "XDG_DATA_HOME="+filepath.Join(w.Home, "other"))
	got, code := again.asNobody(t, key, w.Fob, "add", "dev", "--stdin", "--no-config", "--backend", "secret-service")
	if code != exitStore || !strings.Contains(got, "secret-service") || strings.Contains(got, "helper process") {
		t.Errorf("the hidden child: exit code %d, %s", code, got)
	}
}

// fob asks for the passphrase once in 12 hours. If others may share the kernel's keyring,
// fob leaves nothing in it.
func TestUnlockedCopyDefault(t *testing.T) {
	root := plainWorld(t).with("FOB_UNLOCK_TTL=", "CI=")
	root.must(t, "", "export", "dev", "--no-session")
	if r := root.with("FOB_PASSPHRASE=").input("", "export", "dev", "--no-session"); r.code != exitNoPerson {
		t.Errorf("root's store: %v", r)
	}
	w := nobodyWorld(t).with("FOB_UNLOCK_TTL=", "CI=")
	t.Cleanup(func() { w.asNobody(t, "", w.Fob, "lock") })
	fob := func(w *world, want int, args ...string) string {
		t.Helper()
		out, code := w.asNobody(t, ststest.DemoKeyID+"\n"+keySecret+"\n", w.Fob, args...)
		if code != want {
			t.Errorf("fob %q: exit code %d, %s", args, code, out)
		}
		return out
	}
	locked := w.with("FOB_PASSPHRASE=")
	fob(w.with("CI=1"), 0, "add", "dev", "--stdin")
	fob(locked, exitNoPerson, "export", "dev", "--no-session")
	if (host.Host{Getenv: os.Getenv}).Container() {
		return
	}
	fob(w, 0, "export", "dev", "--no-session")
	fob(locked, 0, "export", "dev", "--no-session")
	fob(locked.with("container=podman"), exitNoPerson, "export", "dev", "--no-session")
	fob(locked.with("FOB_UNLOCK_TTL=0"), exitNoPerson, "export", "dev", "--no-session")
	if out := fob(w, 0, "lock"); out != "Locked.\n" {
		t.Error(out)
	}
	fob(locked, exitNoPerson, "export", "dev", "--no-session")
}

// fob leaves no core, however it dies.
func TestNoCore(t *testing.T) {
	w := plainWorld(t)
	// Go's own traces instead of a core would prove nothing.
	w = w.with("GOTRACEBACK=crash")
	die := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command("/bin/sh", slices.Concat([]string{"-c", `ulimit -c unlimited && exec "$@"`, "sh", name}, args)...)
		cmd.Dir, cmd.Env = w.Home, w.Env
		return cmd
	}
	ordinary := die("sh", "-c", "kill -QUIT $$")
	ordinary.Run()
	if !ordinary.ProcessState.Sys().(syscall.WaitStatus).CoreDump() {
		lacking(t, "core dump of an ordinary program")
	}
	w.AWS.ResetCalls()
	w.AWS.Fail("GetSessionToken", ststest.Slow(time.Hour), 1)
	fob := die(w.Fob, "export", "dev")
	if err := fob.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a call", func() bool { return len(w.AWS.Calls()) > 0 })
	fob.Process.Signal(syscall.SIGQUIT)
	fob.Wait()
	status := fob.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.CoreDump() {
		t.Errorf("it ended with %v", fob.ProcessState)
	}
}
