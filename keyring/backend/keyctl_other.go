//go:build !linux

package backend

import "context"

func keyctlState(context.Context, World) State {
	return State{Ready: false, Reason: "only Linux has it"}
}
