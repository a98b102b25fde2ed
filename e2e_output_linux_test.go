package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fob/internal/host"
	"fob/internal/ststest"
)

// A command whose answer does not reach standard output has failed, whatever it did
// before. If the reader has gone, nobody wants to hear about it.
//
// A standard output that is closed cannot be told from /dev/null: Go opens that in its
// place before any code of fob's runs.
func TestOutputIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	w.must(t, key, "add", "old", "--stdin", "--mfa-serial", "none")
	w.must(t, key, "add", "dev", "--stdin", "--mfa-serial", ststest.DemoSerial)
	w.seeded(t)
	const recipient = "age15f5vddp6r0ettdwaf86p9vrsm2kgq49rcr67qrceeg5yyflgeufs0nhsly"
	lines := map[string]string{
		"exec":             "-", // its command writes
		"export":           "export --profile dev",
		"login":            "login dev",
		"status":           "status --all",
		"add":              "-", // it talks to a person, on standard error
		"import":           "import --dry-run",
		"list":             "list",
		"explain":          "explain dev",
		"config get":       "config get sso_session --profile ops",
		"config set":       "-", // they talk to a person, on standard error
		"config unset":     "-",
		"remove":           "remove old --yes",
		"rotate":           "rotate dev --max-age 10000d",
		"wire":             "wire --all --dry-run",
		"sso":              "sso",
		"sso accounts":     "sso accounts",
		"sso profiles":     "sso profiles corp --dry-run",
		"sso add":          "-",
		"mfa add":          "-",
		"mfa code":         "mfa code dev",
		"mfa remove":       "-",
		"mfa enroll":       "-",
		"clear":            "clear",
		"store":            "store",
		"store add":        "store add " + recipient,
		"store remove":     "store remove " + recipient,
		"store passphrase": "store passphrase --stdin",
		"store trust":      "store trust --yes",
		"lock":             "lock",
		"doctor":           "doctor",
		"leaks":            "leaks",
		"completion":       "completion bash",
		"version":          "version",
	}
	w.config(t, "[sso-session corp]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+"\n"+
		"[profile ops]\nsso_session = corp\nsso_account_id = "+ststest.DemoAccount+"\nsso_role_name = AdministratorAccess\n")
	w.must(t, "", "login", "dev", "ops")
	all := []string{"", "--help", "--version", "status --all --format {profile}", "list --json", "list --names", "explain dev --json", "config get sso_session --profile ops --json", "store --json", "doctor --json", "__complete = exec"}
	model, err := new(commandLine).parser(start{getenv: host.Lookup(w.Env)}, commands())
	if err != nil {
		t.Fatal(err)
	}
	once := func(line string) bool { // what cannot be done twice, or before the rest
		return slices.ContainsFunc([]string{"remove ", "store remove ", "store add ", "store passphrase ", "clear"}, func(p string) bool { return strings.HasPrefix(line, p) })
	}
	var last []string
	for _, leaf := range model.Model.Leaves(true) {
		words := strings.Join(helpWords(leaf), " ")
		line, ok := lines[words]
		switch {
		case !ok:
			t.Errorf("no line for fob %s", words)
		case once(line):
			last = append(last, line)
		case line != "-":
			all = append(all, line)
		}
		all = append(all, words+" --help")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	read, gone, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	read.Close()
	for _, line := range append(all, last...) {
		run := func(stdout *os.File) (stderr string, code int) {
			cmd := w.command(strings.Fields(line)...)
			var errs bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("another passphrase of four words\n"), stdout, &errs
			code = exitCode(cmd.Run())
			return errs.String(), code
		}
		want := exitFailed
		if strings.HasPrefix(line, "exec ") {
			want = exitExec
		}
		if stderr, code := run(full); code != want || !strings.Contains(stderr, "fob: error: cannot write to standard output: no space left on device\n") {
			t.Errorf("fob %s >/dev/full: %d, %s", line, code, stderr)
		}
		if once(line) {
			continue
		}
		if stderr, code := run(gone); code != want && code != 128+int(syscall.SIGPIPE) || strings.Contains(stderr, "error") {
			t.Errorf("fob %s | true: %d, %s", line, code, stderr)
		}
	}
}
