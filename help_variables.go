package main

import (
	"os"
	"slices"
	"strings"

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
	for _, v := range []struct{ theirs, ours, use string }{
		{"AWS_VAULT_BACKEND", "FOB_BACKEND", "use FOB_BACKEND"},
		{"AWS_VAULT_PROMPT", "FOB_MFA_PROMPT", "use FOB_MFA_PROMPT"},
		{"AWS_VAULT_PASS_PASSWORD_STORE_DIR", "PASSWORD_STORE_DIR", "use PASSWORD_STORE_DIR"},
		{"AWS_VAULT_FILE_PASSPHRASE", "FOB_PASSPHRASE_FILE", "use FOB_PASSPHRASE_FILE"},
		{"AWS_SESSION_TOKEN_TTL", "FOB_SESSION_DURATION", "use FOB_SESSION_DURATION"},
		{"AWS_CHAINED_SESSION_TOKEN_TTL", "FOB_SESSION_DURATION", "use FOB_SESSION_DURATION"},
		{"AWS_ASSUME_ROLE_TTL", "", "use duration_seconds in the profile"},
		{"AWS_MFA_SERIAL", "", "use fob_mfa_serial in the profile"},
	} {
		set, replaced := a.getenv(v.theirs), v.ours != "" && a.getenv(v.ours) != ""
		if v.ours == "FOB_PASSPHRASE_FILE" {
			replaced = a.secrets.hasPassphrase() // which are not in the environment any more
		}
		if set != "" && set != "terminal" && !replaced {
			unread = append(unread, v.theirs+" ("+v.use+")")
		}
	}
	if len(unread) > 0 {
		a.out.Note("fob does not read %s", strings.Join(unread, ", "))
	}
}
