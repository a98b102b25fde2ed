//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"fob/internal/ststest"
)

// Text from others: names, configs, answers of AWS, input. It must not move a cursor,
// cause a panic or a hang, or leave its place.

// Pieces of text that control a terminal, or look like something else.
const (
	escape = "\x1b]0;owned\x07\x1b[2J"
	eight  = "\u009b31m"         // the same in one character, for some terminals
	turned = "\u202egnp.txt"     // right to left
	hidden = "d\u200be\u2060v"   // with characters of no width
	broken = "\xff\xfe\x9b31m"   // not UTF-8
	lines  = "a\r\nfob: error: " // a line that looks like ours
)

// unclean returns the first thing in a text that is not safe for a terminal. fob itself
// prints only line ends and two colors.
func unclean(text string) string {
	text = strings.NewReplacer("\r\n", "", "\n", "", "\x1b[31m", "", "\x1b[0m", "").Replace(text)
	for i, r := range text {
		if _, n := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			return fmt.Sprintf("%q", text[max(0, i-20):min(len(text), i+20)])
		}
	}
	return ""
}

// show runs fob on a terminal, where it must print only clean text, and returns the
// screen. If fob asks for a profile, the person gives up.
func (w *world) show(t *testing.T, args ...string) (screen string, code int) {
	t.Helper()
	cmd := w.command(args...)
	tty, err := startOnTerminal(cmd, true)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if tty.await("Profile (") == nil {
			tty.answer("^C")
		}
	}()
	code = exitCode(tty.wait())
	screen = tty.screen()
	if bad := unclean(screen); bad != "" {
		t.Errorf("fob %.60q shows %s", args, bad)
	}
	if strings.Contains(screen, "panic:") || strings.Contains(screen, "goroutine ") {
		t.Errorf("fob %.60q: %s", args, screen)
	}
	if len(screen) > 64<<10 && !slices.Contains(args, "--json") {
		t.Errorf("fob %.60q floods the screen: %d bytes", args, len(screen))
	}
	return screen, code
}

func TestUnclean(t *testing.T) {
	for _, text := range []string{escape, eight, turned, hidden, broken, "\r", "\t", "\x00", "\x7f"} {
		if unclean("a"+text) == "" {
			t.Errorf("%q is not noticed", text)
		}
	}
	if bad := unclean("\x1b[31mfob: error:\x1b[0m ü „x“\r\n"); bad != "" {
		t.Error(bad)
	}
}

// A profile's name is a name: not a path, a flag, a line or an escape.
func TestHostileNames(t *testing.T) {
	w := plainWorld(t)
	stdin := owners[1].stdin()
	for name, stored := range map[string]bool{
		"../../../evil": true, "/etc/passwd": false, "/etc/none": true, ".": true, "..": true, "session+dev+0123": true, "key+dev": true, ".tmp-x": true,
		"d\u0435v": true, "DEV": true, "a b": true, "%s%n": true, "store": true, "=64ev": true,
		"$(id)": false, "dev\x00": false, "": false, "-x": false, "--yes": false, "--": false, "a\nb": false, "a\tb": false, "x]": false, "a#b": false,
		escape: false, eight: false, lines: false, broken: false, turned: false, hidden: false,
		strings.Repeat("n", 300): false, strings.Repeat("\U0001F600", 60): false,
	} {
		if strings.Contains(name, "\x00") {
			continue // no program can get it as an argument
		}
		r := w.input(stdin, "add", name, "--stdin")
		if (r.code == 0) != stored || r.problem() != "" || unclean(r.stderr) != "" || r.code != 0 && r.code != exitUsage {
			t.Errorf("add %.40q: %v", name, r)
		}
		for _, args := range [][]string{{"export", "--profile=" + name}, {"explain", name}, {"clear", name}, {"remove", name, "--yes"}} {
			r := w.input("", args...)
			if r.problem() != "" || unclean(r.stderr) != "" || unclean(r.stdout) != "" {
				t.Errorf("%.60q: %v", args, r)
			}
			if args[0] != "clear" && (r.code == 0) != stored {
				t.Errorf("%.60q: %v", args, r)
			}
		}
	}
	// The existing profile is unchanged, and there are no files next to the store.
	if now := w.check(t, w.store()); now != owners[0] {
		t.Error("dev's key was replaced")
	}
	names, err := os.ReadDir(filepath.Join(w.storeDir(), "g1", "items"))
	if err != nil || len(names) > 2 {
		t.Errorf("%v, %v", names, err)
	}
	for _, dir := range []string{w.Home, filepath.Dir(w.storeDir()), filepath.Join(w.storeDir(), "g1")} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 2 {
			t.Errorf("%s: %v, %v", dir, entries, err)
		}
	}
}

// A secret that was typed where it does not belong is not repeated and not kept, and fob
// says how to get rid of the line.
func TestTypedSecrets(t *testing.T) {
	w := plainWorld(t)
	const age = "AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN"
	seed := ststest.DemoSeed
	for _, tt := range []struct {
		secret string
		args   []string
	}{
		{keySecret, []string{keySecret}},
		{keySecret, []string{"add", keySecret}},
		{keySecret, []string{"add", "x", "--secret-access-key", keySecret}},
		{keySecret, []string{"add", "x", "--no-such-flag=" + keySecret}},
		{keySecret, []string{"add", "x", ststest.DemoKeyID, keySecret}},
		{keySecret, []string{"add", "x", "--source", keySecret, "--role", ststest.DemoRole}},
		{keySecret, []string{"exec", keySecret, "true"}},
		{keySecret, []string{"exec", " '" + keySecret + "'\n", "true"}},
		{keySecret, []string{"exec", "aws_secret_access_key=" + keySecret, "true"}},
		{keySecret, []string{"export", "--profile", keySecret}},
		{keySecret, []string{"export", "dev", "--region", keySecret}},
		{seed, []string{"mfa", "add", "dev", "--secret", seed}},
		{seed, []string{"mfa", "add", seed}},
		{seed, []string{"mfa", "code", seed}},
		{"shortseed", []string{"mfa", "add", "dev", "--stdin", "otpauth://totp/AWS:jo?secret=shortseed"}},
		{age, []string{"store", "add", age}},
		{age, []string{"store", "add", "age", age}},
		{"hunter2", []string{"exec", "--passphrase=hunter2", "dev", "true"}},
		{"hunter2", []string{"store", "passphrase", "hunter2"}},
	} {
		r := w.input("", tt.args...)
		if strings.Contains(r.stdout+r.stderr, tt.secret) {
			t.Errorf("%q: fob repeats it: %v", tt.args, r)
		}
		if r.code == 0 || r.problem() != "" || !strings.Contains(r.stderr, "is now in the shell's history") {
			t.Errorf("%q: %v", tt.args, r)
		}
	}
	checkFiles(t, w.Home, []string{keySecret, seed, age, "hunter2", "shortseed"})
}

// Text from a config reaches the screen as text.
func TestHostileConfig(t *testing.T) {
	w := plainWorld(t)
	keys := []string{"fob_role_arn", "fob_source_profile", "fob_mfa_serial", "region", "fob_session_duration", "credential_process", "role_session_name", "fob_external_id"}
	for i, bad := range []string{escape, eight, turned, hidden, broken, "a\rb", "\x00"} {
		for j, key := range keys {
			w.hostileProfile(t, fmt.Sprintf("p%d%d", i, j), key, bad)
		}
	}
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"list", "--names"}} {
		w.show(t, args...)
	}
	commands := []string{"explain NAME", "explain --json NAME", "exec NAME -- true", "login NAME", "export NAME --format env", "mfa code NAME", "clear NAME"}
	for j := range keys {
		// This does not test all pairs, but every command sees every text and every key.
		for i := range commands {
			name := fmt.Sprintf("p%d%d", (i+j)%7, j)
			w.show(t, strings.Fields("-v "+strings.ReplaceAll(commands[i], "NAME", name))...)
		}
	}

	w = plainWorld(t)
	for j, key := range keys {
		w.hostileProfile(t, fmt.Sprintf("p%d", j), key, strings.Repeat("x", 1<<20))
	}
	for j, command := range commands {
		w.show(t, strings.Fields("-v "+strings.ReplaceAll(command, "NAME", fmt.Sprintf("p%d", j)))...)
	}
	w.show(t, "list")
}

// hostileProfile is a role profile with one hostile key.
func (w *world) hostileProfile(t *testing.T, name, key, value string) {
	t.Helper()
	text := "[profile " + name + "]\n"
	if key == "credential_process" {
		value = "false '" + value + "'" // a program may print what it likes
	} else {
		text += "fob_source_profile = dev\nfob_role_arn = " + ststest.DemoRole + "\n"
	}
	w.config(t, text+key+" = "+value+"\n")
}

// fob names an invalid header or line by its number, and does not quote it.
func TestHostileConfigLines(t *testing.T) {
	for _, text := range []string{
		"[profile " + escape + "]\n", "[profile " + eight + "]\n", "[profile " + turned + "]\n", "[profile " + broken + "]\n", "[" + escape + "\n",
		escape + "\n", "[profile a]\n" + escape + " = 1\n", "[profile a]\n" + escape + "\n", "\x00", strings.Repeat("[", 1<<20), strings.Repeat("[profile a]\n", 1<<16),
		"[profile a]\ncredential_process = \"" + escape + "\n",
	} {
		w := plainWorld(t)
		w.config(t, text)
		for _, args := range [][]string{{"list"}, {"list", "--names"}, {"list", "--json"}, {"exec"}, {"explain", "a"}, {}} {
			w.show(t, args...)
		}
	}
}

// The other ways in: variables, flags, config.toml, the parent's name.
func TestHostileSurroundings(t *testing.T) {
	w := plainWorld(t)
	for _, name := range []string{"FOB_BACKEND", "FOB_MFA_PROMPT", "FOB_UNLOCK_TTL", "FOB_PASSPHRASE", "FOB_PASSPHRASE_FILE", "FOB_PASSPHRASE_FD", "FOB_MFA_CODE", "FOB_NO_INPUT",
		"AWS_REGION", "AWS_CONFIG_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL_STS", "AWS_PROFILE", "HTTPS_PROXY", "XDG_DATA_HOME", "HOME", "USER"} {
		for _, bad := range []string{escape, "/" + eight + turned} {
			w.with(name+"="+bad).show(t, "exec", "-v", "--fresh", "dev", "true")
		}
	}
	w.with(`FOB_CHAIN=["a","\u001b[2J\u009b\u202e","dev"]`).show(t, "exec", "dev", "true")
	w.with("FOB_CHAIN="+escape).show(t, "exec", "dev", "true")
	for _, args := range [][]string{
		{escape}, {"--" + eight}, {"exec", "--duration", escape, "dev"}, {"exec", "dev", "--", escape}, {"export", "dev", "--format", eight}, {"exec", "--policy", escape, "dev", "true"},
		{"exec", "--region", escape, "dev", "true"}, {"add", "x", "--source", escape, "--role", eight}, {"add", "y", "--source", "dev", "--role", ststest.DemoRole, "--region", escape},
		{"mfa", "code", "dev", "--serial", turned}, {"help", escape},
	} {
		w.show(t, args...)
	}

	settings := filepath.Join(w.Home, ".config", "fob", "config.toml")
	if err := os.MkdirAll(filepath.Dir(settings), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`"\u001b[2J" = true`, `backend = "\u001b[2J\u202e"`, "backend = \"" + eight + "\"", escape, broken, `["\u009b"]` + "\na = 1", strings.Repeat("a = [", 1<<16)} {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.show(t, "list")
	}
	if err := os.Remove(settings); err != nil {
		t.Fatal(err)
	}

	// A prompt names the program that asks, and that program chose its name.
	w = devWorld(t)
	sh, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	shell := filepath.Join(w.Home, "\x1b[2J\u009bsh")
	if err := os.WriteFile(shell, sh, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(w.Home, "script")
	if err := os.WriteFile(script, []byte("fob export dev --format env; true"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(shell, script)
	cmd.Dir, cmd.Env = w.Home, w.Env
	tty, err := startOnTerminal(cmd, true)
	if err != nil {
		t.Fatal(err)
	}
	mustTalk(t, tty, `, for \x1b[2J`, "^C")
	tty.wait()
	if bad := unclean(strings.ReplaceAll(tty.screen(), "^C", "")); bad != "" {
		t.Errorf("the prompt shows %s", bad)
	}
}

// sham answers like AWS, with the text of a test.
func sham(t *testing.T, w *world, answer http.HandlerFunc) *world {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return w.with("AWS_ENDPOINT_URL_STS=" + s.URL)
}

// xmlText returns text as XML, without the characters that XML cannot contain.
func xmlText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s)
}

// An impostor's answer gives an error in clean text, and fob keeps nothing of it.
func TestHostileAnswers(t *testing.T) {
	refusal := func(code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>", xmlText(code), xmlText(message), xmlText(message))
		}
	}
	body := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	session := func(id, secret, token, expires string) string {
		return "<GetSessionTokenResponse><GetSessionTokenResult><Credentials><AccessKeyId>" + xmlText(id) + "</AccessKeyId><SecretAccessKey>" + xmlText(secret) +
			"</SecretAccessKey><SessionToken>" + xmlText(token) + "</SessionToken><Expiration>" + xmlText(expires) + "</Expiration></Credentials></GetSessionTokenResult></GetSessionTokenResponse>"
	}
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	w := plainWorld(t)
	for name, answer := range map[string]http.HandlerFunc{
		"message":          refusal("AccessDenied", eight+turned+hidden+"\na\r\nfob: error: you are owned"),
		"code":             refusal(eight+turned, "no"),
		"long message":     refusal("AccessDenied", strings.Repeat("no ", 1<<16)),
		"escape in XML":    refusal("AccessDenied", escape),
		"escape as entity": body(403, "text/xml", "<ErrorResponse><Error><Code>A&#27;[2J</Code><Message>&#155;31m&#x202e;</Message></Error></ErrorResponse>"),
		"text":             body(403, "text/plain", escape),
		"page":             body(200, "text/html", "<title>"+escape+"</title>"),
		"type":             body(418, "x/"+eight, escape),
		"redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+eight+"/"+turned)
			w.WriteHeader(302)
		},
		"date": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", eight)
			w.WriteHeader(500)
		},
		"endless":        body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", "x", strings.Repeat("y", 4<<20), soon)),
		"line in ID":     body(200, "text/xml", session("ASIA\nAWS_PROFILE=x", "x", "y", soon)),
		"escape in ID":   body(200, "text/xml", session("ASIA"+eight, "x", "y", soon)),
		"turned secret":  body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", turned, "y", soon)),
		"space in token": body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", "x", "y z", soon)),
		"no time":        body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", "x", "y", eight)),
		"the year 99999": body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", "x", "y", "99999-01-01T00:00:00Z")),
		"the year 1":     body(200, "text/xml", session("ASIAIOSFODNN7EXAMPLE", "x", "y", "0001-01-01T00:00:00Z")),
		"nesting":        body(200, "text/xml", strings.Repeat("<a>", 1<<18)),
		"entities":       body(200, "text/xml", `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><GetSessionTokenResponse>&b;</GetSessionTokenResponse>`),
	} {
		t.Run(name, func(t *testing.T) {
			w := sham(t, w, answer)
			screen, code := w.show(t, "export", "dev", "--format", "env", "--fresh", "-v")
			if code != exitRefused && code != exitUnreachable {
				t.Errorf("exit code %d\n%s", code, screen)
			}
			if r := w.input(owners[0].stdin(), "add", "new", "--stdin"); r.code != exitRefused && r.code != exitUnreachable || r.problem() != "" || unclean(r.stderr) != "" {
				t.Errorf("add: %v", r)
			}
		})
	}
	if out := w.must(t, "", "list", "--names"); out != "dev\n" {
		t.Errorf("stored: %q", out)
	}
	w.checkExport(t, w.check(t, w.store()))
}

// fob shows and stores the owner of a key, so the owner must look like an ARN.
func TestHostileIdentity(t *testing.T) {
	w := plainWorld(t)
	for name, id := range map[string][2]string{
		"escape":       {"111111111111", "arn:aws:iam::111111111111:user/" + eight},
		"turned":       {"111111111111", "arn:aws:iam::111111111111:user/" + turned},
		"long":         {"111111111111", "arn:aws:iam::111111111111:user/" + strings.Repeat("x", 100<<10)},
		"lines":        {"111111111111", "arn:aws:iam::111111111111:user/a\nb"},
		"account":      {eight, "arn:aws:iam::111111111111:user/jo"},
		"long account": {strings.Repeat("1", 100<<10), "arn:aws:iam::111111111111:user/jo"},
		"nothing":      {"", ""},
	} {
		w := sham(t, w, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprintf(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><UserId>x</UserId><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>", xmlText(id[1]), xmlText(id[0]))
		})
		r := w.input(owners[0].stdin(), "add", "new", "--stdin")
		if r.code == 0 || r.problem() != "" || unclean(r.stderr) != "" || len(r.stderr) > 8192 {
			t.Errorf("%s: exit code %d, %.300q", name, r.code, r.stderr)
		}
	}
	if out := w.must(t, "", "list", "--names"); out != "dev\n" {
		t.Errorf("stored: %q", out)
	}
}

// Input that is not a key, an MFA secret, a passphrase or a code.
func TestHostileInput(t *testing.T) {
	w := plainWorld(t)
	w.config(t, "[profile mfa]\nfob_source_profile = dev\nfob_mfa_serial = "+ststest.DemoSerial+"\nfob_role_arn = "+ststest.DemoRole+"\n")
	huge := strings.Repeat("x", 16<<20)
	for _, stdin := range []string{
		"", "\x00", "\n\n", huge, "{" + huge, strings.Repeat("\n", 1<<20), ststest.DemoKeyID + "\n" + huge, ststest.DemoKeyID + "\x00\n" + ststest.DemoSecret,
		ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\x00", ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\nmore\n", ststest.DemoKeyID + "\n" + escape, broken + "\n" + broken,
		`{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"a\u0000b"}`, `{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE\n","SecretAccessKey":"a\nb"}`, `{"AccessKeyId":1}`,
		strings.Repeat("[", 1<<15), `{"AccessKeyId":` + strings.Repeat("[", 1<<15),
	} {
		for _, args := range [][]string{{"add", "new", "--stdin", "--no-verify"}, {"mfa", "add", "mfa", "--stdin"}} {
			r := w.input(stdin, args...)
			if r.code != exitUsage || r.problem() != "" || unclean(r.stderr) != "" || len(r.stderr) > 1024 {
				t.Errorf("%q given %.60q: exit code %d, %.300q", args, stdin, r.code, r.stderr)
			}
		}
	}
	w.AWS.ResetCalls()
	for _, code := range []string{"12345", "1234567", "12345\x1b", "１２３４５６", "12345a", escape, huge[:100<<10]} {
		r := w.input("", "export", "mfa", "--mfa-code", code)
		if r.code != exitUsage || r.problem() != "" || unclean(r.stderr) != "" || strings.Contains(r.stderr, code) {
			t.Errorf("code %.20q: %v", code, r)
		}
	}
	if calls := w.calls(); calls != "" {
		t.Errorf("AWS was called for %q", calls)
	}
	file := filepath.Join(w.Home, "passphrase")
	for _, text := range []string{"", "\n", "a\x00b", broken, huge, "wrong\n\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := w.with("FOB_PASSPHRASE_FILE="+file).input("", "export", "dev"); r.code != exitStore || r.problem() != "" || unclean(r.stderr) != "" {
			t.Errorf("passphrase %.20q: %v", text, r)
		}
	}
	for _, path := range []string{"/dev/zero", w.Home, file + "/x", "/nonexistent"} {
		if r := w.with("FOB_PASSPHRASE_FILE="+path).input("", "export", "dev"); r.code == 0 || r.problem() != "" {
			t.Errorf("passphrase of %s: %v", path, r)
		}
	}
	w.checkExport(t, w.check(t, w.store()))
}
