//go:build !linux

package keyring

import "context"

func keyctlReady(context.Context, *Store) (bool, string) { return false, "only Linux has it" }
