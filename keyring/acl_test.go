package keyring

import "testing"

func TestEverybody(t *testing.T) {
	for sid, want := range map[string]string{
		"S-1-1-0":      "Everyone",
		"S-1-5-11":     "Authenticated Users",
		"S-1-5-32-545": "Users",
		"S-1-5-21-3623811015-3361044348-30300820-513":  "Domain Users",
		"S-1-5-21-3623811015-3361044348-30300820-1013": "", // somebody
		"S-1-5-21-3623811015-3361044348-30300820-512":  "", // Domain Admins
		"S-1-5-18":     "", // the system
		"S-1-5-32-544": "", // Administrators
		"S-1-3-0":      "", // the owner
		"":             "",
	} {
		if got := everybody(sid); got != want {
			t.Errorf("%s: %q, want %q", sid, got, want)
		}
	}
}
