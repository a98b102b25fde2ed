package awsvault

import (
	"encoding/json"
	"os"
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
		if err == nil {
			err = k.Set(i)
		}
	}
	if err != nil {
		panic(err)
	}
	syscall.Exit(0)
}
