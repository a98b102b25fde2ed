//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// remedy is a situation in which a command fails, a hint of it, and what works once
// somebody has done what the hint says.
type remedy struct {
	name string
	// given makes the situation. Here as in the other lines, add NAME stores the demo key.
	given string
	// fails is the command that fails, and dialogue what a person answers it at a
	// terminal; without one there is no terminal.
	fails, dialogue string
	// hint matches the hint, and typed is what a person types then, at a terminal if
	// there are answers: $1 is what the hint's parentheses match.
	hint, typed, answers string
	// works is what does not work before; "" for the command that failed.
	works string
}

func remedies() []remedy {
	const (
		key    = "Access key ID: => $KEY\nSecret access key: => $SECRET\nMFA device => -\nDefault region => \n"
		code   = "MFA code => $CODE\n"
		stored = "add dev --mfa-serial $SERIAL"
		enroll = "Press Enter to continue => \n"
	)
	return []remedy{
		{name: "a typo", given: "add dev", fails: "fob exec dve -- true",
			hint: `did you mean "(dev)"\?`, typed: "fob exec $1 -- true", works: "true"},
		{name: "a new name", fails: "fob exec new -- true",
			hint: "(fob add new) ", answers: key},
		{name: "no key", given: "config '[profile lonely]'", fails: "fob exec lonely -- true",
			hint: "(fob add lonely) ", answers: key},
		{name: "no source", given: "config '[profile prod]' source_profile=gone role_arn=$ROLE", fails: "fob exec prod -- true",
			hint: "(fob add gone) ", answers: key, works: "fob explain prod"},
		{name: "a source almost", given: "add dev; config '[profile prod]' source_profile=dve role_arn=$ROLE", fails: "fob exec prod -- true",
			hint: `did you mean "(dev)"\?`, typed: `sed -i.bak s/dve/$1/ ~/.aws/config`, works: "fob explain prod"},
		{name: "half a key", given: "credentials '[half]' aws_access_key_id=$KEY", fails: "fob exec half -- true",
			hint: "(fob add half) ", answers: key},
		{name: "a typo in a guard", given: "add dev; config fob_acount=111111111111", fails: "fob exec dev -- true",
			hint: `did you mean "(fob_account)"\?`, typed: `sed -i.bak s/fob_acount/$1/ ~/.aws/config`},
		{name: "an age without a device", given: "add dev --region eu-west-1; config fob_mfa_max_age=1h", fails: "fob exec dev -- true",
			hint: "(fob mfa enroll dev) ", answers: enroll},
		{name: "a security key", given: "add dev --region eu-west-1; config fob_mfa_serial=arn:aws:iam::111111111111:u2f/user/jo/x", fails: "fob exec dev -- true",
			hint: "(fob mfa enroll dev) ", answers: enroll},
		{name: "a taken device name", given: "add dev --region eu-west-1", fails: "fob mfa enroll dev --name jo",
			hint: "(fob mfa enroll dev --name) NAME", typed: "$1 phone", answers: enroll, works: "fob exec dev -- true"},

		{name: "a role that is there", given: stored + "; config '[profile prod]' source_profile=dev role_arn=$ROLE", fails: "fob add prod --source dev --role $ROLE",
			hint: "(fob wire prod) ", answers: code, works: "fob export --profile prod >document && grep fob_role_arn ~/.aws/config"},

		{name: "nobody to ask", given: stored, fails: "fob exec dev -- true",
			hint: "(fob login dev)$", answers: code},
		{name: "nobody to ask for a new session", given: stored, fails: "fob exec dev --fresh -- true",
			hint: "(fob login dev --fresh) ", answers: code, works: "fob exec dev -- true"},
		{name: "nobody to ask for a longer one", given: stored, fails: "fob exec dev -d 20h -- true",
			hint: "(fob mfa add dev) ", answers: "MFA secret => $SEED\n"},
		{name: "a code for a longer one", given: stored, fails: "fob exec dev -d 20h -- true",
			hint: "this needs a code of its own: run it in a terminal, or put the code into (FOB_MFA_CODE)", typed: "export $1=$CODE"},
		{name: "nobody to ask at login", given: stored, fails: "fob login dev",
			hint: "(fob mfa add dev) ", answers: "MFA secret => $SEED\n"},
		{name: "no stored MFA secret", given: stored, fails: "fob mfa code dev",
			hint: "(fob mfa add dev) ", answers: "MFA secret => $SEED\n"},

		{name: "nobody to ask for the passphrase", given: "add dev; printf %s \"$FOB_PASSPHRASE\" >pass", fails: "FOB_PASSPHRASE= fob exec dev -- true",
			hint: "(export FOB_PASSPHRASE_FILE=)FILE ", typed: "$1$HOME/pass"},
		{name: "nobody to ask for a new passphrase", given: "printf 'twelve letters' >pass", fails: "FOB_PASSPHRASE= add dev",
			hint: "(export FOB_PASSPHRASE_FILE=)FILE ", typed: "$1$HOME/pass", works: "FOB_PASSPHRASE= add dev && FOB_PASSPHRASE= fob exec dev -- true"},
		{name: "a code in a CI job", given: stored, fails: "CI=true fob exec dev -- true",
			hint: "(fob mfa add dev --stdin) ", typed: `echo "$SEED" | $1`},
		{name: "a forgotten passphrase", given: "add dev", fails: "FOB_PASSPHRASE= fob exec dev -- true",
			dialogue: "Passphrase => x\nPassphrase => y\nPassphrase => z\n",
			hint:     "(mv .* && fob store trust)$", answers: "[y/N] => y\n", works: "add dev && fob exec dev -- true"},
		{name: "another passphrase", given: "add dev", fails: "FOB_PASSPHRASE=x fob exec dev -- true",
			hint: "the passphrase comes from (FOB_PASSPHRASE)$", typed: "export $1=\"$PASSPHRASE\"", works: "fob exec dev -- true"},
		{name: "something else opens it", given: "identity; add dev && fob store add $RECIPIENT", fails: "FOB_PASSPHRASE=x fob exec dev -- true",
			hint: "(export FOB_BACKEND=age) "},
		{name: "a store that others can read", given: "add dev; chmod 755 .local/share/fob", fails: "fob exec dev -- true",
			hint: "(chmod 700 .*)$"},
		{name: "a store that is gone", given: "add dev; mv .local/share/fob old", fails: "add dev",
			hint: "if you know why: (fob store trust)$", answers: "[y/N] => y\n"},
		{name: "no store", fails: "echo x | fob store passphrase --stdin",
			hint: "(fob add) PROFILE", typed: "$1 dev", answers: key, works: "fob exec dev -- true"},
		{name: "a damaged key", given: "add dev; echo x >.local/share/fob/g1/items/key+dev", fails: "fob exec dev -- true",
			hint: "(fob add dev)   stores this key again", answers: "[y/N] => y\n" + key},
		{name: "a damaged MFA secret", given: stored + "; echo $SEED | fob mfa add dev --stdin; for f in .local/share/fob/g1/items/seed+*; do echo x >$f; done",
			fails: "fob mfa code dev",
			hint:  "(fob mfa add) PROFILE", typed: "$1 dev", answers: "MFA secret => $SEED\n"},
		{name: "a damaged passphrase slot", given: "identity; add dev && fob store add $RECIPIENT; echo x >.local/share/fob/g1/slots/passphrase",
			fails: "FOB_BACKEND=file fob exec dev -n -- true",
			hint:  "if something else opens the store: (fob store add file) ", typed: "FOB_BACKEND=age $1"},
		{name: "the only slot", given: "add dev", fails: "fob store remove file",
			hint: "(fob store) ", works: "identity; fob store add $RECIPIENT && fob store remove file"},
		{name: "a slot that is there", given: "add dev", fails: "fob store add file",
			hint: "(fob store passphrase)", typed: "FOB_PASSPHRASE= $1", answers: "Passphrase => $PASSPHRASE\nNew passphrase: => another passphrase\nRepeat it: => another passphrase\n",
			works: "FOB_PASSPHRASE='another passphrase' fob exec dev -n -- true"},
		{name: "a slot that cannot be reached", given: "identity; add dev && fob store add $RECIPIENT && fob store add $OTHER", fails: "FOB_BACKEND=age FOB_PASSPHRASE= fob store remove $OTHER",
			hint: "(fob store remove .* --drop file) ", typed: "export FOB_BACKEND=age FOB_PASSPHRASE=; $1", works: "fob exec dev -n -- true"},
		{name: "no room for the store", fails: "XDG_DATA_HOME=/proc/none add dev",
			hint: "(XDG_DATA_HOME) names another place", typed: "export $1=$HOME/other", works: "add dev"},

		{name: "a flag almost", given: "add dev", fails: "fob exec --fresch dev -- true",
			hint: `did you mean (--fresh)\?`, typed: "fob exec $1 dev -- true", works: "true"},
		{name: "a command almost", given: "add dev", fails: "fob exce dev -- true",
			hint: `did you mean fob (exec)\?`, typed: "fob $1 dev -- true", works: "true"},
		{name: "too many arguments", fails: "fob add dev $KEY $SECRET",
			hint: "(fob add) PROFILE", typed: "$1 dev", answers: key, works: "fob exec dev -- true"},
		{name: "a key ID for a name", fails: "fob add $KEY",
			hint: "(fob add) NAME", typed: "$1 dev", answers: key, works: "fob exec dev -- true"},
		{name: "a key ID for a profile", given: "add dev", fails: "fob exec $KEY -- true",
			hint: `that is the access key of profile "(dev)"`, typed: "fob exec $1 -- true", works: "true"},
		{name: "credentials on a terminal", given: "add dev", fails: "fob export dev", dialogue: "not printing\n",
			hint: `for a shell: (eval "\$\(fob export dev --format env\)")`, typed: "$1", works: `test -n "$AWS_SESSION_TOKEN"`},
		{name: "a mistake in a section", given: "add dev; config '[profile lost]' role_arn=$ROLE source_profile=gone", fails: "fob clear lost",
			hint: "(fob clear) ", works: "true"},
		{name: "no profile", given: "add dev", fails: "fob exec -- true",
			hint: "profiles: (dev)", typed: "fob exec $1 -- true", works: "true"},
		{name: "a config that is not there", given: "add dev", fails: "export AWS_CONFIG_FILE=$HOME/none; fob explain other",
			hint: "(AWS_CONFIG_FILE) names ~/none, which does not exist", typed: "config '[profile other]' role_arn=$ROLE source_profile=dev; unset $1", works: "fob explain other"},
	}
}

// remedyTools are commands of the situations.
const remedyTools = `
add() { printf '%s\n%s\n' "$KEY" "$SECRET" | fob add --stdin --quiet --yes "$@"; }
lines() { file=$1; shift; mkdir -p .aws; for l in "$@"; do echo "$l" >>.aws/$file; done; }
config() { lines config "$@"; }
credentials() { lines credentials "$@"; }
identity() { echo "$IDENTITY" >identity; }
`

// In these situations a hint helps: once it is followed, what failed works.
func TestHintsHelp(t *testing.T) {
	t.Parallel()
	for _, r := range remedies() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.AWS.SetDevicePeriod(5 * time.Second) // of those that fob creates
			w = w.with(
				"KEY="+ststest.DemoKeyID, "SECRET="+ststest.DemoSecret, "SEED="+ststest.DemoSeed,
				"SERIAL="+ststest.DemoSerial, "ROLE="+ststest.DemoRole, "PASSPHRASE="+testPassphrase,
				"FAKE_AWS="+w.AWS.URL, "FOB_AGE_IDENTITY="+filepath.Join(w.Home, "identity"), testPeriod+"=5s",
				"IDENTITY=AGE-SECRET-KEY-12SKHWVK0GCUZKVH9LUX9K3HVDR5FNPS4WFT2J69QV67FAZH26QVS8KKEN5",
				"RECIPIENT=age15f5vddp6r0ettdwaf86p9vrsm2kgq49rcr67qrceeg5yyflgeufs0nhsly",
				"OTHER=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
			)
			if out, code := w.shell(t, "", r.given); code != 0 {
				t.Fatalf("given %q: exit code %d\n%s", r.given, code, out)
			}
			said, code := w.shell(t, r.dialogue, r.fails)
			if code == 0 {
				t.Fatalf("%q works:\n%s", r.fails, said)
			}
			match := regexp.MustCompile("(?m)^fob: hint: " + r.hint).FindStringSubmatch(said)
			if match == nil {
				t.Fatalf("%q: no hint %q:\n%s", r.fails, r.hint, said)
			}
			typed := match[1]
			if r.typed != "" {
				typed = strings.ReplaceAll(r.typed, "$1", match[1])
			}
			typed = strings.ReplaceAll(typed, "$CODE", w.AWS.Code(ststest.DemoSerial))
			works := r.works
			if works == "" {
				works = r.fails
			}
			lines := []string{typed, works}
			if r.answers == "" {
				lines = []string{typed + "\n" + works} // variables stay
			}
			for i, line := range lines {
				dialogue := ""
				if i == 0 {
					dialogue = r.answers
				}
				if out, code := w.shell(t, dialogue, line); code != 0 {
					t.Fatalf("%q after the hint %q: exit code %d\n%s", line, match[0], code, out)
				}
			}
		})
	}
}

// shell runs a command line in the home, at a terminal if there is a dialogue.
func (w *world) shell(t *testing.T, dialogue, line string) (said string, code int) {
	t.Helper()
	argv := []string{"sh", "-c", remedyTools + line}
	if dialogue != "" {
		file := filepath.Join(w.Home, "dialogue")
		if err := os.WriteFile(file, []byte(dialogue), 0o600); err != nil {
			t.Fatal(err)
		}
		argv = append([]string{"pty", file}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	if dialogue != "" {
		cmd.Path = filepath.Join(filepath.Dir(w.Fob), "pty")
		cmd.Err = nil
	}
	cmd.Dir, cmd.Env = w.Home, w.Env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	code = exitCode(cmd.Run())
	if dialogue != "" {
		screen, err := os.ReadFile(filepath.Join(w.Home, "screen"))
		if err != nil {
			t.Fatal(err)
		}
		out.Write(screen)
	}
	return out.String(), code
}
