package backend

import (
	"os"

	keychain "github.com/99designs/go-keychain"
)

// This file takes the place of keychain_none.go when TestKeychain compiles fob with
// the fake of Apple's library.

const keychainSystem = "linux"

func keychainLocked() bool { return keychain.Load().Locked }

func forbidWindows() bool { return os.Setenv(keychain.Windows, "no") == nil }
