package wire

import (
	"errors"
	"strings"
	"testing"
)

const process = "/usr/local/bin/fob export --profile dev"

var dev = Lines{{"region", "eu-west-1"}, {"credential_process", process}, {"fob_mfa_serial", "arn:aws:iam::111111111111:mfa/jo"}}

const whole = `[profile dev]
region = eu-west-1
credential_process = ` + process + `
fob_mfa_serial = arn:aws:iam::111111111111:mfa/jo
`

// The lines that are added to a config, and the text after they are removed again.
func TestAddAndRemove(t *testing.T) {
	const others = "# mine\r\n[profile x]\r\nregion=us-east-1 ; here\r\n"
	for _, c := range []struct{ name, before, after, removed string }{
		{"empty", "", whole, ""},
		{"others", others, others + "\r\n" + strings.ReplaceAll(whole, "\n", "\r\n"), others},
		{
			"a section that says nothing of credentials",
			"[profile dev]\noutput = json # so\n",
			"[profile dev]\noutput = json # so\n" + strings.TrimPrefix(whole, "[profile dev]\n"),
			"[profile dev]\noutput = json # so\nregion = eu-west-1\n", // whose it is cannot be told any more
		},
		{
			"with a region and a device",
			"[profile dev]\nregion = us-east-1\nmfa_serial = GAHT12345678\ncli_pager =\n",
			"[profile dev]\nregion = us-east-1\nmfa_serial = GAHT12345678\ncli_pager =\ncredential_process = " + process + "\n",
			"[profile dev]\nregion = us-east-1\nmfa_serial = GAHT12345678\ncli_pager =\n",
		},
		{"fob's already", whole, whole, ""},
	} {
		got, added, err := Add(c.before, "dev", "/usr/local/bin/fob", dev)
		if err != nil || got != c.after || (len(added) == 0) != (c.before == c.after) {
			t.Errorf("%s: added %v, %v:\n%s", c.name, added, err, got)
		}
		if got, err = Remove(got, "dev", "/opt/fob"); err != nil || got != c.removed {
			t.Errorf("%s: removed, %v:\n%s", c.name, err, got)
		}
	}
}

func TestAddLeavesOthersAlone(t *testing.T) {
	for _, line := range []string{
		"credential_process = other", "credential_process = fob export --profile prod", "role_arn = arn:aws:iam::222222222222:role/x",
		"source_profile = x", "sso_session = x", "sso_start_url = x", "web_identity_token_file = x", "credential_source = Environment",
	} {
		text := "[profile dev]\n" + line + "\n"
		var taken *TakenError
		if _, _, err := Add(text, "dev", "fob", dev); !errors.As(err, &taken) || taken.By.Line != 2 {
			t.Errorf("%s: %v", line, err)
		}
		if got, err := Remove(text, "dev", "fob"); err != nil || got != text {
			t.Errorf("%s: removed, %v: %q", line, err, got)
		}
	}
}

func TestSerial(t *testing.T) {
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	for _, c := range []struct{ before, after, dropped string }{
		{"", "[profile dev]\nfob_mfa_serial = " + serial + "\n", ""},
		{"[profile dev]\nregion = x # y\n", "[profile dev]\nregion = x # y\nfob_mfa_serial = " + serial + "\n", "[profile dev]\nregion = x # y\n"},
		{"[profile dev]\nfob_mfa_serial=old\nregion = x\n", "[profile dev]\nfob_mfa_serial=" + serial + "\nregion = x\n", "[profile dev]\nregion = x\n"},
	} {
		got, err := SetSerial(c.before, "dev", serial)
		if err != nil || got != c.after {
			t.Errorf("%q: set, %v: %q", c.before, err, got)
		}
		if other, err := DropSerial(got, "dev", "another"); err != nil || other != got {
			t.Errorf("%q: another's dropped, %v: %q", c.before, err, other)
		}
		if got, err = DropSerial(got, "dev", serial); err != nil || got != c.dropped {
			t.Errorf("%q: dropped, %v: %q", c.before, err, got)
		}
	}
	if got, err := DropSerial("[profile x]\n", "dev", serial); err != nil || got != "[profile x]\n" {
		t.Errorf("without a section: %q, %v", got, err)
	}
}
