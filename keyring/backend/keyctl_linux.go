package backend

import (
	"context"

	"golang.org/x/sys/unix"
)

func keyctlState(context.Context, World) State {
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); err != nil {
		return State{false, notAllowed}
	}
	return State{true, "kept by the kernel until this machine restarts"}
}
