package awsconfig

import (
	"errors"
	"testing"
)

func TestMoveKeys(t *testing.T) {
	keys := []string{"role_arn", "source_profile"}
	above := [2]string{"credential_process", "fob"}
	for _, tt := range []struct{ name, header, text, want string }{
		{"in their places", "[profile a]", "[profile a]\nregion = x\nrole_arn = r\n# c\nsource_profile = s\noutput = y\n[profile b]\nrole_arn = r\n",
			"[profile a]\nregion = x\ncredential_process = fob\nfob_role_arn = r\n# c\nfob_source_profile = s\noutput = y\n[profile b]\nrole_arn = r\n"},
		{"spelling and comments", "[profile a]", "[profile a]\nRole_ARN\t=r ; c\n", "[profile a]\ncredential_process = fob\nfob_Role_ARN\t=r ; c\n"},
		{"indented", "[profile a]", "[profile a]\n  region = x\n  role_arn = r\n", "[profile a]\n  region = x\n  credential_process = fob\n  fob_role_arn = r\n"},
		{"a space that is none", "[profile a]", "[profile a]\n\u00a0role_arn = r\n", "[profile a]\n\u00a0credential_process = fob\n\u00a0fob_role_arn = r\n"},
		{"CRLF", "[profile a]", "[profile a]\r\nrole_arn = r\r\n", "[profile a]\r\ncredential_process = fob\r\nfob_role_arn = r\r\n"},
		{"BOM, no last line end", "[profile a]", "\ufeff[profile a]\nrole_arn = r", "\ufeff[profile a]\ncredential_process = fob\nfob_role_arn = r"},
		{"CRLF, no last line end", "[profile a]", "[profile a]\r\nrole_arn = r", "[profile a]\r\ncredential_process = fob\r\nfob_role_arn = r"},
		{"a value of more lines", "[profile a]", "[profile a]\nrole_arn = r\n  more\nk = v\n", "[profile a]\ncredential_process = fob\nfob_role_arn = r\n  more\nk = v\n"},
		{"not a nested one", "[profile a]", "[profile a]\ns3 =\n  role_arn = r\nsource_profile = s\n", "[profile a]\ns3 =\n  role_arn = r\ncredential_process = fob\nfob_source_profile = s\n"},
		{"twice, in two sections", "[profile a]", "[profile a]\nrole_arn = r\nrole_arn = q\n[profile b]\n[profile a]\nsource_profile = s\n",
			"[profile a]\ncredential_process = fob\nfob_role_arn = r\nfob_role_arn = q\n[profile b]\n[profile a]\nfob_source_profile = s\n"},
		{"the default that counts", "[default]", "[default]\nrole_arn = r\n[profile default]\nrole_arn = q\n", "[default]\nrole_arn = r\n[profile default]\ncredential_process = fob\nfob_role_arn = q\n"},
	} {
		got, err := MoveKeys(tt.text, tt.header, keys, above)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
		back, err := MoveKeysBack(got, tt.header, keys)
		if err == nil {
			back, _, err = RemoveKeys(back, tt.header, [][2]string{above})
		}
		if err != nil || back != tt.text {
			t.Errorf("%s: came back as %q, %v", tt.name, back, err)
		}
	}
	if got, err := MoveKeys("[profile a]\nrole_arn = r\n", "[profile a]", keys, [2]string{}); err != nil || got != "[profile a]\nfob_role_arn = r\n" {
		t.Errorf("nothing above: %q, %v", got, err)
	}
	if _, err := MoveKeys("[profile b]\n", "[profile a]", keys, above); !errors.Is(err, ErrNoSection) {
		t.Errorf("no section: %v", err)
	}
	if _, err := MoveKeys("[profile a]\n", "[profile a]", keys, [2]string{"k", "v # c"}); err == nil {
		t.Error("a value that would not be read back is written")
	}
}
