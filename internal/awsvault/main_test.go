package awsvault

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	ring "github.com/99designs/keyring"

	"fob/keyring/backend"
)

// vaultVariable makes the test binary aws-vault, which stores something: it has the same
// library, and the same settings. The library dials D-Bus before main, so this is
// another process.
const vaultVariable = "FOB_TEST_AWS_VAULT"

// vault is what aws-vault is to store.
type vault struct {
	Backend, Collection, Prefix string
	Items                       []ring.Item
	// Remove: the items go.
	Remove bool
}

// config is aws-vault's, with its defaults.
func (v vault) config() ring.Config {
	return ring.Config{
		AllowedBackends:          []ring.BackendType{ring.BackendType(v.Backend)},
		ServiceName:              "aws-vault",
		LibSecretCollectionName:  v.Collection,
		KWalletAppID:             "aws-vault",
		KWalletFolder:            "aws-vault",
		KeychainTrustApplication: true,
		WinCredPrefix:            "aws-vault",
		PassPrefix:               v.Prefix,
	}
}

// store has aws-vault store something, in another process.
func store(t testing.TB, v vault, env ...string) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], backend.ChildArg)
	cmd.Env = append(env, vaultVariable+"="+string(text))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// vaultItems are two keys of different versions, a session and a sign-in.
func vaultItems() []ring.Item {
	return []ring.Item{
		keyItem("dev", keyForms["5"]), keyItem("team/dev 1", keyForms["fork"]),
		keyItem("sts.GetSessionToken,ZGV2,,1700000000", `{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE"}`),
		keyItem("oidc:https://d-1.awsapps.com/start", "{}"),
	}
}

// names are the profiles of entries.
func names(entries []Entry) (all []string) {
	for _, e := range entries {
		all = append(all, e.Profile)
	}
	return all
}

// readAll reads what is listed, and wants keys of the given profiles.
func readAll(t *testing.T, w World, want ...string) {
	t.Helper()
	entries, problems := List(t.Context(), w)
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	readThese(t, w, entries, want...)
}

func readThese(t *testing.T, w World, entries []Entry, want ...string) {
	t.Helper()
	if got := names(entries); !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	r := Reader{World: w}
	for _, e := range entries {
		key, err := r.Read(t.Context(), e)
		if err != nil || key.ID != exampleID || key.Secret.Reveal() != exampleSecret {
			t.Errorf("%s: %v, %v", e.Place, key.ID, err)
		}
	}
}

// The test binary is fob's hidden child when it is called as one, and aws-vault when a
// test says so.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != backend.ChildArg {
		os.Exit(m.Run())
	}
	text := os.Getenv(vaultVariable)
	if text == "" {
		syscall.Exit(backend.ChildMain())
	}
	var v vault
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	k, err := ring.Open(v.config())
	for _, i := range v.Items {
		switch {
		case err != nil:
		case v.Remove:
			err = k.Remove(i.Key)
		default:
			err = k.Set(i)
		}
	}
	if err != nil {
		panic(err)
	}
	syscall.Exit(0)
}
