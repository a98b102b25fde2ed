package backend

import (
	"context"

	"golang.org/x/sys/unix"
)

func keyctlState(context.Context, World) State {
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); err != nil {
		return State{Ready: false, Reason: notAllowed}
	}
	return State{Ready: true, Reason: "kept by the kernel until this machine restarts"}
}
