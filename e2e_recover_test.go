//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// Without fob, age and the program in doc/format.md read a store that fob made: with its
// passphrase, with an age identity, and after a new vault key.
func TestRecoverWithoutFob(t *testing.T) {
	for _, program := range []string{"age", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			lacking(t, program)
		}
	}
	_, program, _ := strings.Cut(slurp(t, "doc/format.md"), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	w := signedUp(t, true)
	session := sessionOf(w.must(t, "", "export", "dev"))
	w.config(t, "[profile ops]\nsso_start_url = "+ststest.DemoStartURL+"\nsso_region = "+ststest.DemoSSORegion+
		"\nsso_account_id = "+ststest.DemoAccount+"\nsso_role_name = ReadOnlyAccess\n")
	w.must(t, "", "login", "ops")
	signIn, _ := w.theSignIn(t)
	reader, identity := filepath.Join(w.Home, "read.py"), filepath.Join(w.Home, "identity")
	for name, text := range map[string]string{reader: program, identity: "AGE-SECRET-KEY-12SKHWVK0GCUZKVH9LUX9K3HVDR5FNPS4WFT2J69QV67FAZH26QVS8KKEN5\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(command, passphrase string) {
		t.Helper()
		sh := exec.Command("/bin/sh", "-c", command+" | python3 read.py .local/share/fob >recovered")
		sh.Dir, sh.Env = w.Home, w.Env
		tty, err := startOnTerminal(sh, true)
		if err != nil {
			t.Fatal(err)
		}
		if passphrase != "" {
			mustTalk(t, tty, "passphrase", passphrase)
		}
		if err := tty.wait(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, tty.screen())
		}
		got := slurp(t, filepath.Join(w.Home, "recovered"))
		for _, want := range []string{
			`key+dev {"v":1,"id":"` + ststest.DemoKeyID + `","secret":"` + ststest.DemoSecret + `"}`,
			`{"v":1,"secret":"` + ststest.DemoSeed + `"`,
			`"token":"` + session.Token.Reveal() + `"`,
			`"access":"` + signIn.Access.Reveal() + `"`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %.30s... in %s", command, want, got)
			}
		}
	}
	read("age -d .local/share/fob/g1/slots/passphrase", testPassphrase)
	w.must(t, "", "store", "add", "age15f5vddp6r0ettdwaf86p9vrsm2kgq49rcr67qrceeg5yyflgeufs0nhsly")
	read("age -d -i identity .local/share/fob/g1/slots/age", "")
	w.with("FOB_AGE_IDENTITY="+identity).must(t, "another four words", "store", "passphrase", "--stdin")
	read("age -d .local/share/fob/g2/slots/passphrase", "another four words")
	read("age -d -i identity .local/share/fob/g2/slots/age", "")
}
