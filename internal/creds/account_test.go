package creds

import "testing"

func TestGuessAccount(t *testing.T) {
	for id, want := range map[string]string{
		"ASIAY34FZKBOKMUTVV7A": "609629065308",
		"ASIAQNZGKIQY56JQ7WML": "029608264753",
		"AKIA6RVFFB77RE7OLMKI": "999999999999",
		"AKIARTXV5AHDVJK2UEJC": "111111111111",
		"AKIATHPL2AOHFJK2UEJC": "222222222222",
		"ABIARTXV5AHDVJK2UEJC": "111111111111",
		// Made before 2019.
		"AKIAIOSFODNN7EXAMPLE": "",
		"AKIAJTXV5AHDVJK2UEJC": "",
		// The sum is too large for an account, or there is none.
		"AKIA777777777777777A": "",
		"AKIAQAAAAAAAVJK2UEJC": "000000000001",
		"AKIAQAAAAAAAAAAAAAAA": "",
		"AKIAQAAAAAAAAAAAAAA":  "",
		"AKIAAAAAAAAAAAAAAAAA": "",
		// Other forms.
		"":                      "",
		"AIDARTXV5AHDVJK2UEJC":  "",
		"AKIARTXV5AHDVJK2UEJCX": "",
		"AKIARTXV5AHDVJK2UEJ1":  "", // 0, 1, 8 and 9 are not in base 32
		"akiartxv5ahdvjk2uejc":  "",
		"A ASRTXV5AHDVJK2UEJC":  "",
		"minioadmin":            "",
	} {
		if got := GuessAccount(id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}
