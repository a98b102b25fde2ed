package main

import (
	"os"
	"slices"
	"strings"

	"fob/internal/doctor"
	"fob/internal/term"
)

// noteVariables says on a terminal which variables of aws-vault's are set that fob does
// not read, and what takes their place: who set them counts on them.
func noteVariables(a *app) {
	f, ok := a.stderr.(*os.File)
	if !ok || !slices.Contains([]string{"add", "exec", "login"}, a.name) || !term.IsTerminal(f) {
		return
	}
	var unread []string
	for _, v := range doctor.VaultVariables(a.getenv, a.secrets.hasPassphrase()) { // which is not in the environment any more
		unread = append(unread, v.Name+" ("+v.Use+")")
	}
	if len(unread) > 0 {
		a.out.Note("fob does not read %s", strings.Join(unread, ", "))
	}
}
