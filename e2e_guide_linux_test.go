package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/ststest"
)

// doc/guide.md tells how a newcomer leaves plain text behind. A block of it that begins
// with "$ " is what a terminal showed when its commands ran, in the order of the page.
// After a change
//
//	UPDATE_SCRIPTS=1 go test -run TestGuide .
//
// writes the blocks again: read the difference as a newcomer would.
const guidePage = "doc/guide.md"

// guideColumns is how wide the terminal is. Lines that it wraps are one line on the page.
const guideColumns = 80

// A guidePart prepares a home for the part of the page below a heading.
type guidePart struct {
	prepare func(*testing.T, *world)
	// fresh makes a new home, and aside one that only this part has.
	fresh, aside bool
}

var guideParts = map[string]guidePart{
	"## From ~/.aws/credentials": {plainText, true, false},
	"## From aws-vault":          {vaultUser, true, true},
	"## Find what has leaked":    {leakyApp, false, false},
}

// A guideTalk is what happens while the commands of a block run, of which it has the first.
type guideTalk struct {
	// unset are variables that the block's commands do not have.
	unset string
	steps []guideStep
}

// A guideStep waits until the screen shows something, as often as the steps so far have
// waited for it, and types. CODE is a code of the demo device.
type guideStep struct{ shows, types, key string }

var guideTalks = map[string]guideTalk{
	"fob list": {"", []guideStep{
		{"MFA code", "CODE", "Enter"},
	}},
	"ls ~/.awsvault/keys": {"FOB_PASSPHRASE", []guideStep{
		{"Move it into the store?", "y", "Enter"},
		{"aws-vault's passphrase", vaultPassphrase, "Enter"},
		{"New passphrase:", testPassphrase, "Enter"},
		{"Repeat it:", testPassphrase, "Enter"},
		{"MFA code", "CODE", "Enter"},
	}},
	"fob import": {"FOB_PASSPHRASE", []guideStep{
		{"Move which", "all", "Enter"},
		{"New passphrase:", testPassphrase, "Enter"},
		{"Repeat it:", testPassphrase, "Enter"},
		{"MFA code", "CODE", "Enter"},
	}},
}

func TestGuide(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		lacking(t, "tmux")
	}
	need(t, "aws", "--version")
	need(t, "git", "--version")
	t.Parallel()
	var page, block strings.Builder
	var w, main *world
	inside, blocks := false, 0
	for line := range strings.Lines(text(t, guidePage)) {
		switch {
		case !inside && strings.HasPrefix(line, "## "):
			part := guideParts[strings.TrimSpace(line)]
			w = main
			if part.fresh {
				w = guideWorld(t)
			}
			if !part.aside {
				main = w
			}
			if part.prepare != nil {
				part.prepare(t, w)
			}
		case strings.HasPrefix(line, "```"):
			inside = !inside
			if shown := block.String(); !inside && strings.HasPrefix(shown, "$ ") {
				got := w.guide(t, shown)
				if got != shown && os.Getenv("UPDATE_SCRIPTS") == "" {
					t.Errorf("got\n%s\nwant\n%s", got, shown)
				}
				blocks++
				block.Reset()
				block.WriteString(got)
			}
			if !inside {
				page.WriteString(block.String())
				block.Reset()
			}
		case inside:
			block.WriteString(line)
			continue
		}
		page.WriteString(line)
	}
	if blocks == 0 {
		t.Errorf("%s shows nothing", guidePage)
	}
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(guidePage, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// guideWorld is the home of a newcomer.
func guideWorld(t *testing.T) *world {
	w := newWorld(t)
	w.AWS.Allow("ListMFADevices")
	w.AWS.NameKeys("AKIARTXV5AHDSNEWKEY2")
	dir := w.install(t)
	return w.with("PATH="+dir+":"+os.Getenv("PATH"), "FOB_BACKEND=file", "LC_ALL=C.UTF-8", "AWS_PAGER=",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Jo", "GIT_AUTHOR_EMAIL=jo@example.com", "GIT_AUTHOR_DATE=2026-01-02T12:00:00Z",
		"GIT_COMMITTER_NAME=Jo", "GIT_COMMITTER_EMAIL=jo@example.com", "GIT_COMMITTER_DATE=2026-01-02T12:00:00Z")
}

// guide runs the commands of a block, and returns the block as it is now.
func (w *world) guide(t *testing.T, block string) string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(block) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			lines = append(lines, strings.TrimSuffix(command, "\n"))
		}
	}
	talk := guideTalks[lines[0]]
	s := &pane{world: w, socket: filepath.Join(t.TempDir(), "tmux"), columns: guideColumns, rows: 200}
	script := `cd; for line; do printf '$ %s\n' "$line"; eval "$line"; done; printf '$ '; exec sleep 600`
	if talk.unset != "" {
		script = "unset " + talk.unset + "; " + script
	}
	s.do(t, append([]string{"start-server", ";", "set", "-g", "status", "off", ";",
		"new-session", "-d", "-x", fmt.Sprint(s.columns), "-y", fmt.Sprint(s.rows), "sh", "-c", script, "sh"}, lines...)...)
	defer exec.Command("tmux", "-S", s.socket, "kill-server").Run()
	waited := make(map[string]int)
	for _, step := range talk.steps {
		waited[step.shows]++
		s.await(t, func(shown string) bool { return strings.Count(shown, step.shows) >= waited[step.shows] })
		if step.types == "CODE" {
			step.types = s.AWS.Code(ststest.DemoSerial)
		}
		s.do(t, "send-keys", "-l", step.types, ";", "send-keys", step.key)
	}
	s.await(t, func(shown string) bool { return strings.HasSuffix(strings.TrimSpace(shown), "\n$") })
	time.Sleep(50 * time.Millisecond) // for the rest of the screen
	return w.guideText(s.do(t, "capture-pane", "-p", "-J"))
}

// guideText is a screen as it would be in the home of jo at twenty to ten in the morning.
func (w *world) guideText(screen string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(strings.TrimSpace(screen), "\n$")) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	shown := strings.NewReplacer(filepath.Dir(w.Fob), "/usr/local/bin", w.Home, "/home/jo").Replace(b.String())
	shown = guideTime.ReplaceAllString(shown, "until 21:40")
	shown = guideDay.ReplaceAllString(shown, "until 9 Jan 2026")
	shown = guideSize.ReplaceAllString(shown, "24 files (24 KB)")
	shown = guideLeft.ReplaceAllString(shown, "${1}59m left")
	return guideCode.ReplaceAllString(shown, "${1}123456")
}

var (
	guideTime = regexp.MustCompile(`until (?:[A-Z][a-z]{2} )?\d\d:\d\d`)
	guideDay  = regexp.MustCompile(`until \d{1,2} [A-Z][a-z]{2} \d{4}`)
	guideSize = regexp.MustCompile(`\d+ files \(\d+ KB\)`)
	guideLeft = regexp.MustCompile(`\b((?:\d+h )?)5\dm left`)
	guideCode = regexp.MustCompile(`(MFA code[^\n]*: )\d{6}`)
)

// The keys of the guide. Their IDs hold the account, as those of AWS since 2019.
const (
	guideKey       = "AKIARTXV5AHDQLAPTOP7"
	guideBackupKey = "AKIARTXV5AHDRBACKUP3"
	backupSecret   = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
)

// plainText are two users' keys, and a role on the first.
func plainText(t *testing.T, w *world) {
	w.AWS.DeleteKey(ststest.DemoKeyID)
	for _, u := range []ststest.User{
		{ARN: ststest.DemoUser, Keys: []creds.Key{{ID: guideKey, Secret: creds.NewSecret(ststest.DemoSecret)}}},
		{ARN: "arn:aws:iam::" + ststest.DemoAccount + ":user/backup", Keys: []creds.Key{{ID: guideBackupKey, Secret: creds.NewSecret(backupSecret)}}},
	} {
		if err := w.AWS.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	w.AWS.AgeKey(guideKey, 700*24*time.Hour)
	w.AWS.AgeKey(guideBackupKey, 400*24*time.Hour)
	w.config(t, "[profile dev]\nregion = eu-west-1\n\n[profile prod]\nregion = eu-west-1\nsource_profile = dev\nrole_arn = "+ststest.DemoRole+
		"\nmfa_serial = "+ststest.DemoSerial+"\n\n[profile backup]\nregion = eu-central-1\n")
	text := "[dev]\naws_access_key_id = " + guideKey + "\naws_secret_access_key = " + ststest.DemoSecret +
		"\n\n[backup]\naws_access_key_id = " + guideBackupKey + "\naws_secret_access_key = " + backupSecret + "\n"
	if err := os.WriteFile(filepath.Join(w.Home, ".aws", "credentials"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// vaultUser has a key in aws-vault's file backend, and has set up AWS as its README says.
func vaultUser(t *testing.T, w *world) {
	w.config(t, "[profile dev]\nregion = eu-west-1\nmfa_serial = "+ststest.DemoSerial+"\n\n[profile prod]\nregion = eu-west-1\nsource_profile = dev\nrole_arn = "+
		ststest.DemoRole+"\nmfa_serial = "+ststest.DemoSerial+"\n")
	dir := filepath.Join(w.Home, ".awsvault", "keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// Made by aws-vault's library, with the passphrase vaultPassphrase.
	if err := os.WriteFile(filepath.Join(dir, "dev"), []byte(text(t, "testdata/guide/aws-vault-dev")), 0o600); err != nil {
		t.Fatal(err)
	}
}

const vaultPassphrase = "letmein-vault"

// leakyApp is a repository whose history has a key that somebody took out again, and a
// log that is not committed yet.
func leakyApp(t *testing.T, w *world) {
	script := `git init -q app && cd app
		printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$1" "$2" >.env && git add .env && git commit -qm 'first version'
		echo .env >.gitignore && git rm -q .env && git add .gitignore && git commit -qm 'keep .env out of git'
		printf 'DEBUG starting with %s\nDEBUG signing with %s\n' "$1" "$2" >debug.log`
	cmd := exec.Command("sh", "-ec", script, "sh", guideKey, ststest.DemoSecret)
	cmd.Dir, cmd.Env = w.Home, w.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
