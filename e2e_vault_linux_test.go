package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"fob/internal/ststest"
	"fob/keyring/backend/backendtest"
)

// vaultItem is how aws-vault keeps a key in a keyring that has no fields of its own.
func vaultItem(t *testing.T, profile string) string {
	t.Helper()
	key, err := json.Marshal(map[string]any{"AccessKeyID": ststest.DemoKeyID, "SecretAccessKey": ststest.DemoSecret, "SessionToken": ""})
	if err != nil {
		t.Fatal(err)
	}
	item, err := json.Marshal(map[string]any{"Key": profile, "Data": key, "Label": "aws-vault (" + profile + ")"})
	if err != nil {
		t.Fatal(err)
	}
	return string(item)
}

// fob import takes keys from real keyrings, by the bus and the variables of the person who
// runs it. Package awsvault has the store written by aws-vault's library.
func TestImportFromKeyrings(t *testing.T) {
	const config = "[profile dev]\nmfa_serial = " + ststest.DemoSerial + "\n[profile prod]\nsource_profile = dev\nrole_arn = " + ststest.DemoRole + "\n"
	for kind, start := range map[string]func(*testing.T) (env []string){
		"the desktop keyring \"awsvault\"": func(t *testing.T) []string {
			d := backendtest.NewGNOMEDesktop(t)
			collection := d.NewCollection(t, "awsvault")
			storeSecret(t, d, collection, "dev", vaultItem(t, "dev"))
			storeSecret(t, d, collection, "sts.GetSessionToken,ZGV2,,1700000000", "{}")
			return []string{"DBUS_SESSION_BUS_ADDRESS=" + d.Address}
		},
		"pass": func(t *testing.T) (env []string) {
			store, _ := backendtest.PassStore(t)
			backendtest.SealWithPublicKey(t, store, "team/dev", vaultItem(t, "dev"))
			backendtest.SealWithPublicKey(t, store, "team/mail", "hunter2")
			for _, name := range []string{"GNUPGHOME", "PASSWORD_STORE_DIR"} {
				env = append(env, name+"="+store[name])
			}
			return append(env, "AWS_VAULT_PASS_PREFIX=team", "AWS_VAULT_BACKEND=pass")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).with(start(t)...)
			w.config(t, config)
			r := w.input("", "import", "--dry-run")
			if r.code != 0 || !strings.Contains(r.stdout, `dev" in `+kind) || strings.Contains(r.stdout, "Session") || w.calls() != "" {
				t.Fatalf("%v\n%s", r, r.stdout)
			}
			r = w.input("", "import", "--all", "-t", w.AWS.Code(ststest.DemoSerial))
			if kind == "pass" { // all names there are keys, as far as aws-vault's prefix says
				if want := `"team/mail" in pass: an item of another program`; r.code != exitFailed || !strings.Contains(r.stderr, want) {
					t.Errorf("%v, want %s", r, want)
				}
			} else if r.code != 0 {
				t.Errorf("%v", r)
			}
			if !strings.Contains(r.stdout, "into the store: dev and prod ask fob now.\n") || strings.Contains(r.stdout+r.stderr, "hunter") {
				t.Errorf("%v\n%s", r, r.stdout)
			}
			w.must(t, "", "export", "--profile", "prod")
			if r := w.input("", "import", "--all"); strings.Contains(r.stdout, `dev" in `+kind) {
				t.Errorf("it is offered again: %s", r.stdout)
			}
		})
	}
}

// storeSecret stores an item as aws-vault's library does.
func storeSecret(t *testing.T, d *backendtest.GNOMEDesktop, collection dbus.ObjectPath, name, text string) {
	t.Helper()
	conn, err := dbus.Connect(d.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var session, item, prompt dbus.ObjectPath
	var none dbus.Variant
	service := conn.Object(backendtest.SecretsName, backendtest.SecretsPath)
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		t.Fatal(err)
	}
	err = conn.Object(backendtest.SecretsName, collection).Call("org.freedesktop.Secret.Collection.CreateItem", 0, map[string]dbus.Variant{
		"org.freedesktop.Secret.Item.Label":      dbus.MakeVariant(name),
		"org.freedesktop.Secret.Item.Attributes": dbus.MakeVariant(map[string]string{"profile": name}),
	}, backendtest.Secret{Session: session, Parameters: []byte{}, Value: []byte(text), ContentType: "application/json"}, true).Store(&item, &prompt)
	if err != nil || prompt != "/" {
		t.Fatal(prompt, err)
	}
}

// Where gpg has to ask and no window can open, the error says what to type: pass on the
// terminal, which is how its user unlocks it.
func TestImportFromLockedPass(t *testing.T) {
	t.Parallel()
	store, lock := backendtest.PassStore(t)
	backendtest.SealWithPublicKey(t, store, "dev", vaultItem(t, "dev"))
	w := newWorld(t).with("GNUPGHOME="+store["GNUPGHOME"], "PASSWORD_STORE_DIR="+store["PASSWORD_STORE_DIR"])
	w.config(t, "[profile dev]\nregion = eu-west-1\n")
	lock(t)
	r := w.input("", "import", "--all")
	want := "fob: error: \"dev\" in pass: gpg cannot decrypt it without asking, or does not have the key\n" +
		"fob: hint: pass show dev >/dev/null   asks for the passphrase; then run fob import again\n"
	if r.code != exitNoPerson || r.stderr != want || w.calls() != "" {
		t.Errorf("%v, want %q", r, want)
	}
}

// Ctrl-C while the desktop asks for a locked keyring ends fob import.
func TestImportStopsAtDesktop(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	address, _ := backendtest.StartFakeSecrets(t, func(*backendtest.FakeSecrets) { close(asked) })
	w := newWorld(t).with("DBUS_SESSION_BUS_ADDRESS="+address, "DISPLAY=:9", "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME=login")
	cmd := w.command("import", "--all")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(cmd.Wait()); code != exitInterrupted || strings.Contains(out.String(), "No keys") || strings.Contains(out.String(), "may have more") {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}
