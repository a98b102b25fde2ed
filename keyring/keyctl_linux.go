package keyring

import (
	"context"

	"golang.org/x/sys/unix"
)

func keyctlReady(context.Context, *Store) (bool, string) {
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); err != nil {
		return false, "the system does not allow it here, as in most containers"
	}
	return true, "kept by the kernel until this machine restarts"
}
