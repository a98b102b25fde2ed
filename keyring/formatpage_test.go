package keyring

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/keyring/backend/backendtest"
)

// The program in doc/format.md, by another language's hand, reads what we write:
// the page is right and complete.
func TestFormatPage(t *testing.T) {
	python := backendtest.Need(t, "python3")
	page, err := os.ReadFile("../doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "```python\n")
	program, _, found := strings.Cut(program, "```")
	if !found {
		t.Fatal("no program in doc/format.md")
	}
	reader := filepath.Join(t.TempDir(), "read.py")
	if err := os.WriteFile(reader, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}

	s := newStore(t)
	info := mustSetKey(t, s, "Prod é", exampleKey)
	if err := s.SetSeed(t.Context(), serial, seed); err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(time.Hour).UTC()
	if err := s.SaveSession(t.Context(), "Prod é", "0af1", info.Rev, exampleSession(ends)); err != nil {
		t.Fatal(err)
	}
	mustSetToken(t, s, exampleToken("1", portalEnds))
	if _, err := s.SetToken(t.Context(), exampleARN, portalID, consoleToken(ends), Info{}); err != nil {
		t.Fatal(err)
	}
	slot := slotsDir(1) + "/passphrase"
	file, err := os.ReadFile(inStore(s, slot))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := unsealPassphrase(creds.NewSecret(testPassphrase), file, slot)
	if err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) {
		cmd := exec.Command(python, reader, s.opts.Dir)
		cmd.Stdin = strings.NewReader(payload + "\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := read()
	want := `key+=50rod=20=c3=a9 {"v":1,"id":"AKIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
seed+arn=3aaws=3aiam=3a=3a111111111111=3amfa=2fjo {"v":1,"secret":"JBSWY3DPEHPK3PXP","algorithm":"SHA1","digits":6,"period_seconds":30}
session+=50rod=20=c3=a9+0af1 {"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"` + ends.Format("2006-01-02T15:04:05Z") + `","account":"111111111111"}
token+arn=3aaws=3aiam=3a=3a111111111111=3auser=2fjo+0af1 {"v":1,"refresh":"refresh","client":{"id":"arn:aws:signin:::devtools/same-device"},"session":{"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"` + ends.Format("2006-01-02T15:04:05Z") + `","account":"111111111111"},"dpop_key":"-----BEGIN EC PRIVATE KEY-----\n","id_token":"e30.e30.x"}
token+https=3a=2f=2fd-1.awsapps.com=2fstart+0af1 {"v":1,"access":"access 1","refresh":"refresh 1","expires":"2100-01-01T00:00:00Z","client":{"id":"client","secret":"client secret 1","expires":"2100-04-01T00:00:00Z","grant":"authorization_code"}}
`
	if err != nil || out != want {
		t.Errorf("%v\n got %s\nwant %s", err, out, want)
	}

	if err := os.Rename(itemPath(t, s, KindKey, "Prod é"), itemPath(t, s, KindKey, "dev")); err != nil {
		t.Fatal(err)
	}
	if out, err := read(); err == nil || !strings.Contains(out, "damaged item") {
		t.Errorf("a renamed item was read: %s", out)
	}
}
