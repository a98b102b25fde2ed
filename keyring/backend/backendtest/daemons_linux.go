package backendtest

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// KDE's wallet on D-Bus.
const (
	WalletService = "org.kde.kwalletd5"
	WalletName    = "kdewallet"
)

// KWallet starts kwalletd5 as pam_kwallet5 does at login: the wallet's key on a
// pipe, the environment on a socket. A wrong key would open a window. relogin kills it,
// and starts it again.
func KWallet(t testing.TB) (address string, call func(method string, args ...any) *dbus.Call, relogin func(testing.TB)) {
	t.Helper()
	daemon := Need(t, "kwalletd5")
	address, env := Bus(t)
	home := strings.TrimPrefix(env[0], "HOME=")
	salt := make([]byte, 56)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha512.New, "pw", salt, 50000, 56)
	if err != nil {
		t.Fatal(err)
	}
	Write(t, home+"/data/kwalletd/kdewallet.salt", string(salt))
	Write(t, home+"/config/kwalletrc", "[Wallet]\nEnabled=true\nFirst Use=false\nDefault Wallet=kdewallet\nPrompt on Open=false\nClose When Idle=false\n\n[Auto Allow]\nkdewallet=fob\naws-vault=aws-vault,fob\n")
	bus, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	call = func(method string, args ...any) *dbus.Call {
		return bus.Object(WalletService, "/modules/kwalletd5").Call("org.kde.KWallet."+method, dbus.FlagNoAutoStart, args...)
	}
	var running *exec.Cmd
	login := func(t testing.TB) {
		t.Helper()
		running = startWallet(t, exec.Command(daemon, "--pam-login", "3", "4"), env, home+"/kwallet5.socket", key)
		WaitFor(t, func() bool {
			var open bool
			return call("isOpen", WalletName).Store(&open) == nil && open
		})
	}
	login(t)
	return address, call, func(t testing.TB) {
		running.Process.Kill()
		WaitFor(t, func() bool { return !HasOwner(bus, WalletService) })
		login(t)
	}
}

// NewWallet makes a wallet and opens it, as pam_kwallet5 does: without asking. open opens
// it again.
func NewWallet(t testing.TB, call func(method string, args ...any) *dbus.Call, name string) (open func()) {
	t.Helper()
	key := make([]byte, 56)
	rand.Read(key)
	open = func() {
		t.Helper()
		if err := call("pamOpen", name, key, int32(0)).Err; err != nil {
			t.Fatal(err)
		}
		WaitFor(t, func() bool {
			var is bool
			return call("isOpen", name).Store(&is) == nil && is
		})
	}
	open()
	return open
}

func startWallet(t testing.TB, cmd *exec.Cmd, env []string, path string, key []byte) *exec.Cmd {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(env, "QT_QPA_PLATFORM=offscreen", "PAM_KWALLET5_LOGIN="+path)
	cmd.ExtraFiles = []*os.File{r, socket}
	Start(t, cmd)
	w.Write(key)
	w.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, strings.Join(cmd.Env, "\n"))
	conn.Close()
	return cmd
}

// Write writes a file and makes its directory.
func Write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// SealWithPublicKey writes an item of a password store as anybody can who knows the
// owner's public key.
func SealWithPublicKey(t testing.TB, env map[string]string, item, text string) {
	t.Helper()
	file := env["PASSWORD_STORE_DIR"] + "/" + item + ".gpg"
	Write(t, file, "")
	stranger := t.TempDir()
	run := func(home, line string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", line, "sh", stranger, file)
		cmd.Env = []string{"PATH=" + env["PATH"], "HOME=" + stranger, "GNUPGHOME=" + home}
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	run(env["GNUPGHOME"], `gpg --batch --export >"$1/key"`)
	run(stranger, `chmod 700 "$1"
gpg --batch --quiet --import "$1/key"
gpg --batch --quiet --yes --trust-model always -r fob@example.invalid -e -o "$2"`)
}

// PassStore sets up gpg and pass in a home of its own. The key has a passphrase,
// which gpg's agent knows until lock.
func PassStore(t testing.TB) (env map[string]string, lock func(t *testing.T)) {
	t.Helper()
	Need(t, "pass")
	Need(t, "gpg")
	home, err := os.MkdirTemp("", "fob") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	env = map[string]string{"HOME": home, "GNUPGHOME": home + "/gnupg", "PASSWORD_STORE_DIR": home + "/store", "PATH": os.Getenv("PATH")}
	if err := os.Mkdir(env["GNUPGHOME"], 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(t testing.TB, line string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", line)
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Cleanup(func() { run(t, "gpgconf --kill gpg-agent") })
	// Its derivation is made to take 0.1 s on a machine that has time; and a test is not about that.
	Write(t, env["GNUPGHOME"]+"/gpg-agent.conf", "s2k-count 65536\n")
	run(t, `gpg --batch --quiet --pinentry-mode loopback --passphrase pw --quick-generate-key 'fob test <fob@example.invalid>' default default never
pass init fob@example.invalid
echo | gpg --batch --quiet -e -r fob@example.invalid | gpg --batch --quiet --pinentry-mode loopback --passphrase pw -d`)
	return env, func(t *testing.T) { run(t, "gpg-connect-agent reloadagent /bye") }
}
