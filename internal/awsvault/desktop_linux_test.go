package awsvault

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"fob/keyring/backend/backendtest"
)

func TestSecretService(t *testing.T) {
	d := backendtest.NewGNOMEDesktop(t)
	w := world(t.TempDir(), nil, "dev", "other")
	w.DBusAddress = d.Address
	readAll(t, w) // no collection yet, and none is made
	collection := d.NewCollection(t, "awsvault")
	store(t, vault{Backend: "secret-service", Collection: "awsvault", Items: vaultItems()}, "DBUS_SESSION_BUS_ADDRESS="+d.Address)
	readAll(t, w, "dev", "team/dev 1")

	// Locked, it tells of what it is asked for, and of nothing else.
	d.Lock(t, collection)
	entries, problems := List(t.Context(), w)
	if got := names(entries); !slices.Equal(got, []string{"dev"}) {
		t.Errorf("%q", got)
	}
	if want := []Problem{{Kind: "secret-service", Reason: `the desktop keyring "awsvault" is locked`, Locked: true}}; !slices.Equal(problems, want) {
		t.Errorf("%+v", problems)
	}
	var locked *LockedError
	if _, err := (&Reader{World: w}).Read(t.Context(), entries[0]); !errors.As(err, &locked) {
		t.Errorf("%v", err)
	}
}

func TestKWallet(t *testing.T) {
	address, call, _ := backendtest.KWallet(t)
	quiet := world(t.TempDir(), nil, "dev", "other")
	quiet.DBusAddress = address
	readAll(t, quiet) // no wallet yet, and none is made
	open := backendtest.NewWallet(t, call, "aws-vault")
	store(t, vault{Backend: "kwallet", Items: vaultItems()}, "DBUS_SESSION_BUS_ADDRESS="+address)
	asks := quiet
	asks.Prompt, asks.Display = true, true
	readAll(t, asks, "dev", "team/dev 1")

	// KDE tells anybody whether a wallet had an item of a name when it was opened.
	for _, state := range []bool{false, true} {
		if err := call("close", "aws-vault", true).Err; err != nil {
			t.Fatal(err)
		}
		if state {
			open()
		}
		entries, problems := List(t.Context(), quiet)
		if got := names(entries); !slices.Equal(got, []string{"dev"}) || len(problems) != 1 || problems[0].Kind != "kwallet" {
			t.Fatalf("%q, %v", got, problems)
		}
		var locked *LockedError
		if _, err := (&Reader{World: quiet}).Read(t.Context(), entries[0]); !errors.As(err, &locked) {
			t.Errorf("%v", err)
		}
		var is bool
		if err := call("isOpen", "aws-vault").Store(&is); err != nil || is != state {
			t.Errorf("open: %v, %v", is, err)
		}
	}
}

// A keyring that aws-vault shares with other programs has passwords of theirs.
func TestSharedCollection(t *testing.T) {
	d := backendtest.NewGNOMEDesktop(t)
	store(t, vault{Backend: "secret-service", Collection: "login", Items: append(vaultItems(), keyItem("somebody's password", "x"))}, "DBUS_SESSION_BUS_ADDRESS="+d.Address)
	w := world(t.TempDir(), map[string]string{"AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME": "login"}, "dev", "other")
	w.DBusAddress = d.Address
	readAll(t, w, "dev")
}

// A look starts no keyring.
func TestNothingIsActivated(t *testing.T) {
	address, _ := backendtest.Bus(t)
	w := world(t.TempDir(), nil, "dev")
	w.DBusAddress, w.Display, w.Prompt = address, true, true
	readAll(t, w)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if backendtest.HasOwner(conn, backendtest.SecretsName) || backendtest.HasOwner(conn, backendtest.WalletService) {
		t.Error("a service was started")
	}
}

// Without a prefix aws-vault's keys lie among all passwords.
func TestPass(t *testing.T) {
	env, lock := backendtest.PassStore(t)
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	store(t, vault{Backend: "pass", Items: vaultItems()}, environ...)
	store(t, vault{Backend: "pass", Prefix: "aws vault", Items: vaultItems()}, environ...)
	backendtest.SealWithPublicKey(t, env, "default", "hunter2\n")
	backendtest.SealWithPublicKey(t, env, "mail/work", "hunter2\n")
	plain := world(env["HOME"], env, "dev", "other")
	unnamed := Problem{Kind: "pass", Reason: "pass: fob looked only for the names of your profiles", Fix: "aws-vault exec --no-session PROFILE -- fob add PROFILE --from-env"}
	for chosen, want := range map[string][]Problem{"": {unnamed}, "pass": {unnamed}, "file": nil} {
		env["AWS_VAULT_BACKEND"] = chosen
		entries, problems := List(t.Context(), plain)
		if !slices.Equal(problems, want) {
			t.Errorf("with %q: %v", chosen, problems)
		}
		readThese(t, plain, entries, "dev")
	}
	delete(env, "AWS_VAULT_BACKEND")

	env["AWS_VAULT_PASS_PREFIX"] = "aws vault"
	readAll(t, plain, "dev", "team/dev 1")

	// What somebody else keeps under the name of a profile is not told, not even in part.
	delete(env, "AWS_VAULT_PASS_PREFIX")
	w := world(env["HOME"], env, "default")
	entries, _ := List(t.Context(), w)
	if got := names(entries); !slices.Equal(got, []string{"default"}) {
		t.Fatalf("%q", got)
	}
	_, err := (&Reader{World: w}).Read(t.Context(), entries[0])
	if want := `"default" in pass: an item of another program`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}

	// Anybody can seal to the owner's key, and who may write the directory can swap items.
	dir := env["PASSWORD_STORE_DIR"]
	if err := os.Rename(filepath.Join(dir, "team", "dev 1.gpg"), filepath.Join(dir, "dev.gpg")); err != nil {
		t.Fatal(err)
	}
	w = world(env["HOME"], env, "dev")
	entries, _ = List(t.Context(), w)
	var damaged *ReadError
	if _, err := (&Reader{World: w}).Read(t.Context(), entries[0]); !errors.As(err, &damaged) || !strings.HasSuffix(err.Error(), `it holds the key of "team/dev 1"`) {
		t.Errorf("%v", err)
	}

	lock(t)
	var locked *LockedError
	if _, err := (&Reader{World: w}).Read(t.Context(), entries[0]); !errors.As(err, &locked) || locked.Fix != "pass show dev >/dev/null" {
		t.Errorf("%+v", err)
	}
}

// aws-vault may call another program in place of pass, and there may be no pass.
func TestPassProgram(t *testing.T) {
	home := t.TempDir()
	backendtest.Write(t, home+"/.password-store/dev.gpg", "x")
	item, err := json.Marshal(keyItem("dev", keyForms["7"]))
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Write(t, home+"/item", string(item))
	backendtest.Write(t, home+"/bin/otherpass", "#!/bin/sh\n[ \"$*\" = \"show dev\" ] && exec /bin/cat "+home+"/item\n")
	if err := os.Chmod(home+"/bin/otherpass", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", home+"/bin")
	env := map[string]string{"HOME": home, "PATH": home + "/bin"}
	if entries, problems := List(t.Context(), world(home, env, "dev")); len(entries) != 0 || len(problems) != 0 {
		t.Fatal(entries, problems)
	}
	env["AWS_VAULT_BACKEND"] = "pass"
	_, problems := List(t.Context(), world(home, env, "dev"))
	if want := []Problem{{Kind: "pass", Reason: "aws-vault's backend pass cannot be used here"}}; !slices.Equal(problems, want) {
		t.Errorf("%+v", problems)
	}
	env["AWS_VAULT_PASS_CMD"] = "otherpass"
	readAll(t, world(home, env, "dev"), "dev")
}

// Names that pass would take for options or for places elsewhere reach nothing.
func TestPassNames(t *testing.T) {
	home := t.TempDir()
	backendtest.Write(t, home+"/.password-store/-c.gpg", "x")
	backendtest.Write(t, home+"/up.gpg", "x")
	env := map[string]string{"HOME": home, "PATH": os.Getenv("PATH")}
	w := world(home, env, "-c", "../up", "/etc/passwd", "", "x\x00")
	entries, problems := List(t.Context(), w)
	if len(problems) != 0 || !slices.Equal(names(entries), []string{"-c"}) {
		t.Fatalf("%v, %v", entries, problems)
	}
	for _, name := range []string{"-c", "../up", "/etc/passwd"} {
		_, err := (&Reader{World: w}).Read(t.Context(), Entry{Kind: "pass", Profile: name})
		if err == nil || !strings.Contains(err.Error(), "is not the name of an item") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
