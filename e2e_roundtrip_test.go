//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// fob add and fob remove give the AWS config back byte for byte, through a symbolic link
// and with its mode. internal/wire tries generated configs.
func TestConfigGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(w.Home, ".aws")
	real := filepath.Join(w.Home, "dotfiles-config")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../dotfiles-config", filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	for i, text := range []string{
		"\n", "# mine", "# mine\n\n\n", "[profile x]\nregion = y", "[profile x]\r\nregion = y\r\n", "\ufeff[profile x]\n", "[profile x] # note\n\tregion = y ; note  \n",
		"[default]\n", "[default]", "[default]\nregion = us-east-1\n", "[profile default]\nregion=us-east-1", "[default]\r\nregion = us-east-1\r\n\r\n[profile x]\r\n",
		"[profile dev]\n", "[profile dev]\n\n\n[profile x]\n", "[profile dev] ; mine\n", "[ profile \"dev\" ]\n# mine\n", "[profile dev]\nfob_mfa_serial = " + ststest.DemoSerial + "\n",
		"[profile dev]\nfob_mfa_serial=GAHT12345678 ; why\nregion=\n", "[profile dev]\nmfa_serial = GAHT12345678\nregion = us-east-1\n", "[profile dev]\ns3 =\n  addressing_style = path\n# b\n[profile x]\n",
		"[profile dev]\nregion = us-east-1\n[profile x]\n[profile dev]\noutput = json\n", "[profile dev]\nregion = us-east-1\nregion = us-west-2\n", "[profile dev]\nrole_arn = x\n", "[profile dev]\ncredential_process = other\n",
	} {
		profile := "dev"
		if strings.Contains(text, "default]") {
			profile = "default"
		}
		if err := os.WriteFile(real, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		for _, add := range [][]string{{"--region", "eu-west-1", "--mfa-serial", ststest.DemoSerial}, {"--mfa-serial", "none"}, {"--region", "us-east-1"}}[:1+i%3] {
			w.do(t, key, append([]string{"add", profile, "--stdin", "--no-verify", "--yes"}, add...)...)
		}
		w.do(t, "", "remove", profile, "--yes")
		if got, err := os.ReadFile(real); err != nil || string(got) != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
		if fi, err := os.Stat(real); err != nil || fi.Mode().Perm() != 0o640 {
			t.Errorf("%q: %v, %v", text, fi.Mode(), err)
		}
	}
	if link, err := os.Readlink(filepath.Join(dir, "config")); err != nil || link != "../dotfiles-config" {
		t.Errorf("the link leads to %q, %v", link, err)
	}
	if notes, err := filepath.Glob(filepath.Join(w.Home, ".local/state/fob/wired-*")); err != nil || len(notes) > 0 {
		t.Errorf("fob still remembers %q, %v", notes, err)
	}
}

// What fob remembers of its lines is not secret, and a memory that is damaged, for
// another config or somebody else's removes nothing that fob did not write.
func TestConfigMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := filepath.Join(w.Home, ".aws", "config")
	key := ststest.DemoKeyID + "\n" + ststest.DemoSecret + "\n"
	note := func() string {
		t.Helper()
		notes, err := filepath.Glob(filepath.Join(w.Home, ".local/state/fob/wired-*"))
		if err != nil || len(notes) != 1 {
			t.Fatalf("%q, %v", notes, err)
		}
		return notes[0]
	}
	for _, c := range []struct{ name, memory string }{
		{"damaged", "{"},
		{"empty", ""},
		{"of another profile", fmt.Sprintf(`{"config":%q,"profile":"prod","record":{"made":true,"lines":[["region","eu-west-1"]]}}`, config)},
		{"of another config", `{"config":"/other","profile":"dev","record":{"made":true,"lines":[["region","eu-west-1"]]}}`},
		{"forged", fmt.Sprintf(`{"config":%q,"profile":"dev","record":{"made":true,"lines":[["output","json"]],"changed":[{"set":["output","json"],"was":"output = x"}]}}`, config)},
	} {
		w.do(t, key, "add", "dev", "--stdin", "--no-verify", "--region", "eu-west-1")
		path := note()
		if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, []byte(ststest.DemoSecret)) {
			t.Fatalf("%s, %v", text, err)
		}
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", fi, err)
		}
		if err := os.WriteFile(path, []byte(c.memory), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(config)
		if err == nil {
			err = os.WriteFile(config, append(text, "output = json\n"...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.do(t, "", "remove", "dev", "--yes")
		const want = "[profile dev]\nregion = eu-west-1\noutput = json\n"
		if got, err := os.ReadFile(config); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err := os.Remove(config); err != nil {
			t.Fatal(err)
		}
	}
}
