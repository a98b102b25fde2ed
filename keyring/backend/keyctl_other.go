//go:build !linux

package backend

import "context"

func keyctlState(context.Context, World) State { return State{false, "only Linux has it"} }
