//go:build darwin && cgo && !fob_no_keychain

package backend

/*
#cgo CFLAGS: -Wno-deprecated-declarations
#cgo LDFLAGS: -framework Security
#include <Security/Security.h>

// NULL is the default keychain, where new items go.
static OSStatus fob_status(SecKeychainStatus *status) { return SecKeychainGetStatus(NULL, status); }
static OSStatus fob_forbid(void) { return SecKeychainSetUserInteractionAllowed(0); }
*/
import "C"

// keychainSystem is the GOOS that has the keychain.
const keychainSystem = "darwin"

// keychainLocked asks nobody. A keychain that does not tell counts as unlocked: then
// the call itself fails, and says why.
func keychainLocked() bool {
	var status C.SecKeychainStatus
	return C.fob_status(&status) == 0 && status&C.kSecUnlockStateStatus == 0
}

// forbidWindows makes calls of this process fail that would have to ask a person.
func forbidWindows() bool { return C.fob_forbid() == 0 }
