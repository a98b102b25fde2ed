package doctor

// VaultVariable is a variable of aws-vault's that fob does not read.
type VaultVariable struct {
	Name string
	// Instead is fob's variable for it, if there is one; Use says what to do.
	Instead, Use string
}

// VaultVariables are those that are set, and that nothing takes the place of.
// hasPassphrase: fob has the store's passphrase from elsewhere.
func VaultVariables(getenv func(name string) string, hasPassphrase bool) (unread []VaultVariable) {
	for _, v := range []VaultVariable{
		{"AWS_VAULT_BACKEND", "FOB_BACKEND", "use FOB_BACKEND"},
		{"AWS_VAULT_PROMPT", "FOB_MFA_PROMPT", "use FOB_MFA_PROMPT"},
		{"AWS_VAULT_PASS_PASSWORD_STORE_DIR", "PASSWORD_STORE_DIR", "use PASSWORD_STORE_DIR"},
		{"AWS_VAULT_FILE_PASSPHRASE", "FOB_PASSPHRASE_FILE", "use FOB_PASSPHRASE_FILE"},
		{"AWS_SESSION_TOKEN_TTL", "FOB_SESSION_DURATION", "use FOB_SESSION_DURATION"},
		{"AWS_CHAINED_SESSION_TOKEN_TTL", "FOB_SESSION_DURATION", "use FOB_SESSION_DURATION"},
		{"AWS_ASSUME_ROLE_TTL", "", "use duration_seconds in the profile"},
	} {
		set, replaced := getenv(v.Name), v.Instead != "" && getenv(v.Instead) != ""
		if v.Instead == "FOB_PASSPHRASE_FILE" {
			replaced = replaced || hasPassphrase
		}
		usual := v.Name == "AWS_VAULT_PROMPT" && set == "terminal" // fob asks there, too
		if set != "" && !usual && !replaced {
			unread = append(unread, v)
		}
	}
	return unread
}
