//go:build !darwin || !cgo || fob_no_keychain

package backend

// keychainSystem is the GOOS that has the keychain. Here the library has none, and
// what follows is not called.
const keychainSystem = "darwin"

func keychainLocked() bool { return false }

func forbidWindows() bool { return true }
