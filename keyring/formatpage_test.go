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
	if _, err := s.SetRotation(t.Context(), "Prod é", exampleRotation(), Info{}); err != nil {
		t.Fatal(err)
	}
	files := []creds.BackupFile{{Path: "/home/jo/keys.csv", Mode: 0o600, Text: creds.NewSecret("a\xff"), After: creds.NewSecret("a")}, {Path: "/home/jo/gone.csv", Mode: 0o644, Text: creds.NewSecret("b")}}
	if _, err := s.SetBackup(t.Context(), "1", creds.Backup{Files: files, Profiles: []string{"Prod é"}, Keys: []string{exampleKey.ID}, Stored: []string{"p"}, From: []string{"/home/jo/keys.csv"}, Machine: "laptop"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Retire(t.Context(), "Prod é", otherKey, "rotated"); err != nil {
		t.Fatal(err)
	}
	retired := retiredText(t, s)
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
	want := `backup+1 {"v":1,"files":[{"path":"/home/jo/keys.csv","mode":384,"text":"Yf8=","after":"YQ=="},{"path":"/home/jo/gone.csv","mode":420,"text":"Yg==","after":""}],"profiles":["Prod é"],"keys":["AKIAIOSFODNN7EXAMPLE"],"stored":["p"],"from":["/home/jo/keys.csv"],"machine":"laptop"}
key+=50rod=20=c3=a9 {"v":1,"id":"AKIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
` + retired + `
rotation+=50rod=20=c3=a9 {"v":1,"step":"created","old":{"id":"AKIAI44QH8DHBEXAMPLE","secret":"je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"},"new":{"id":"AKIANEWNEWNEWEXAMPLE","secret":"new/secret"},"user":"jo","account":"111111111111","began":"2026-11-30T19:00:00Z","created":"2026-11-30T19:00:01Z","switched":"2026-11-30T19:00:02Z","deactivated":"2026-11-30T19:00:03Z","keep_old":true,"profiles":["p","q"],"used":{"at":"2026-11-30T17:00:00Z","service":"s3","region":"eu-west-1"},"use_unknown":true,"left":true,"machine":"M1"}
seed+arn=3aaws=3aiam=3a=3a111111111111=3amfa=2fjo {"v":1,"secret":"JBSWY3DPEHPK3PXP","algorithm":"SHA1","digits":6,"period_seconds":30}
session+=50rod=20=c3=a9+0af1 {"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"` + ends.Format("2006-01-02T15:04:05Z") + `","account":"111111111111"}
token+arn=3aaws=3aiam=3a=3a111111111111=3auser=2fjo+0af1 {"v":1,"refresh":"refresh","client":{"id":"arn:aws:signin:::devtools/same-device"},"session":{"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"` + ends.Format("2006-01-02T15:04:05Z") + `","account":"111111111111"},"dpop_key":"-----BEGIN EC PRIVATE KEY-----\n","id_token":"e30.e30.x"}
token+https=3a=2f=2fd-1.awsapps.com=2fstart+0af1 {"v":1,"access":"access 1","refresh":"refresh 1","expires":"2100-01-01T00:00:00Z","client":{"id":"client","secret":"client secret 1","expires":"2100-04-01T00:00:00Z","grant":"authorization_code"}}
`
	if err != nil || out != want {
		t.Errorf("%v\n got %s\nwant %s", err, out, want)
	}

	// The hashes are HMAC-SHA256 under the key beside them.
	check := exec.Command(python, "-c", `import base64, hmac, json, sys
r = json.loads(sys.argv[1])
for text, h in (sys.argv[2], r['id']), (sys.argv[3], r['secret']):
    assert hmac.digest(base64.b64decode(r['hash_key']), text.encode(), 'sha256') == base64.b64decode(h['hmac']) and h['length'] == len(text)
assert sys.argv[4] == 'retired+' + base64.b64decode(r['id']['hmac'])[:16].hex()`,
		strings.SplitN(retired, " ", 2)[1], otherKey.ID, otherKey.Secret.Reveal(), strings.SplitN(retired, " ", 2)[0])
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the hashes of %s: %v\n%s", retired, err, out)
	}

	if err := os.Rename(itemPath(t, s, KindKey, "Prod é"), itemPath(t, s, KindKey, "dev")); err != nil {
		t.Fatal(err)
	}
	if out, err := read(); err == nil || !strings.Contains(out, "damaged item") {
		t.Errorf("a renamed item was read: %s", out)
	}
}

// retiredText is the file name and the record of the one retired key, whose hash key is
// random.
func retiredText(t *testing.T, s *Store) string {
	t.Helper()
	infos, err := s.Infos(KindRetired)
	if err != nil || len(infos) != 1 {
		t.Fatal(infos, err)
	}
	var r retiredRecord
	if _, err := s.get(t.Context(), &r, KindRetired, infos[0].Name); err != nil {
		t.Fatal(err)
	}
	return infos[0].file() + " " + string(encodeJSON(r))
}
