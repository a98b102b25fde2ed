package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fob/internal/awsconfig"
)

const ask = "credential_process = " + process + "\n"

// The form that every SDK takes, of each kind of section, and the way back.
func TestRewrite(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{
			"a role", "[profile dev]\nregion = eu-west-1\n\n# mine\nRole_ARN=r ; deploys\nsource_profile\t= base\nduration_seconds = 3600\n\n[profile x]\n",
			"[profile dev]\nregion = eu-west-1\n\n# mine\n" + ask + "fob_Role_ARN=r ; deploys\nfob_source_profile\t= base\nduration_seconds = 3600\n\n[profile x]\n",
		},
		{
			"with a device and more", "[profile dev]\r\nmfa_serial = m\r\nrole_arn = r\r\nsource_profile = base\r\nexternal_id = e\r\nrole_session_name = n\r\n",
			strings.ReplaceAll("[profile dev]\n"+ask+"fob_mfa_serial = m\nfob_role_arn = r\nfob_source_profile = base\nfob_external_id = e\nfob_role_session_name = n\n", "\n", "\r\n"),
		},
		{"of the environment", "[profile dev]\nrole_arn = r\ncredential_source = Environment\n", "[profile dev]\n" + ask + "fob_role_arn = r\nfob_credential_source = Environment\n"},
		{"of a web identity", "[profile dev]\nrole_arn = r\nweb_identity_token_file = /t", "[profile dev]\n" + ask + "fob_role_arn = r\nfob_web_identity_token_file = /t"},
		{
			"of another program", "\ufeff[profile dev]\nrole_arn = r\ncredential_process = other # why\n",
			"\ufeff[profile dev]\n" + ask + "fob_role_arn = r\nfob_credential_process = other # why\n",
		},
		{"of another profile of fob's", "[profile dev]\nrole_arn = r\ncredential_process = fob export --profile base\n", "[profile dev]\n" + ask + "fob_role_arn = r\nfob_credential_process = fob export --profile base\n"},
		{"another program alone", "[profile dev]\ncredential_process = other\n", "[profile dev]\n" + ask + "fob_credential_process = other\n"},
		{
			"Identity Center", "[profile dev]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = u\n",
			"[profile dev]\n" + ask + "fob_sso_session = corp\nfob_sso_account_id = 1\nfob_sso_role_name = R\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = u\n",
		},
		{
			"Identity Center in one section", "[profile dev]\nsso_start_url = u\nsso_region = r\nsso_account_id = 1\nsso_role_name = R\nsso_registration_scopes = s\nregion = r\n",
			"[profile dev]\n" + ask + "fob_sso_start_url = u\nfob_sso_region = r\nfob_sso_account_id = 1\nfob_sso_role_name = R\nfob_sso_registration_scopes = s\nregion = r\n",
		},
		{"a console sign-in", "[profile dev]\nlogin_session = a\n", "[profile dev]\n" + ask + "fob_login_session = a\n"},
		{"begun by hand", "[profile dev]\n" + ask + "fob_role_arn = r\nsource_profile = base\n", "[profile dev]\n" + ask + "fob_role_arn = r\nfob_source_profile = base\n"},
		{"a device of its own for fob", "[profile dev]\nrole_arn = r\nmfa_serial = m\nfob_mfa_serial = n\n", "[profile dev]\n" + ask + "fob_role_arn = r\nmfa_serial = m\nfob_mfa_serial = n\n"},
		{"an empty value", "[profile dev]\nrole_arn =\nsource_profile = base\n", "[profile dev]\n" + ask + "fob_role_arn =\nfob_source_profile = base\n"},
		{"only settings", "[profile dev]\nregion = eu-west-1 # home\n", "[profile dev]\nregion = eu-west-1 # home\n" + ask},
		{"no section", "[profile x]\nrole_arn = r\n", "[profile x]\nrole_arn = r\n\n[profile dev]\n" + ask},
		{"done", "[profile dev]\n" + ask + "fob_role_arn = r\n", "[profile dev]\n" + ask + "fob_role_arn = r\n"},
		{"another profile of fob's alone", "[profile dev]\ncredential_process = fob export --profile base\n", "[profile dev]\ncredential_process = fob export --profile base\n"},
	} {
		edit, err := Rewrite(c.before, "dev", program, process, Record{})
		if err != nil || edit.Text != c.after {
			t.Errorf("%s: %v\n%s", c.name, err, edit.Text)
			continue
		}
		again, err := Rewrite(edit.Text, "dev", program, process, remembered(t, edit.Record))
		if err != nil || again.Text != c.after {
			t.Errorf("%s, again: %v\n%s", c.name, err, again.Text)
		}
		for what, undo := range map[string]func(string, string, string, Record) (Edit, error){"restored": Restore, "removed": Remove} {
			if c.before == c.after || what == "removed" && c.name == "begun by hand" {
				continue // fob wire has not written all of it
			}
			back, err := undo(again.Text, "dev", program, remembered(t, again.Record))
			if err != nil || back.Text != c.before || back.Record.Rewritten() {
				t.Errorf("%s, %s: %v, %+v\n%s", c.name, what, err, back.Record, back.Text)
			}
		}
	}
}

// What somebody has changed since stays, and what can no longer be told is refused.
func TestRestoreKeeps(t *testing.T) {
	const before = "[profile dev]\nrole_arn = r\nsource_profile = base\n"
	wired, err := Rewrite(before, "dev", program, process, Record{})
	if err != nil {
		t.Fatal(err)
	}
	edited := func(from, to string) string { return strings.Replace(wired.Text, from, to, 1) }
	for _, c := range []struct {
		name, text, want, problem string
		record                    Record
	}{
		{name: "another role", text: edited("= r", "= q # new"), want: strings.Replace(before, "= r", "= q # new", 1), record: wired.Record},
		{name: "more lines", text: "# above\n" + wired.Text + "region = x\nmfa_serial = m\n", want: "# above\n" + before + "region = x\nmfa_serial = m\n", record: wired.Record},
		{name: "fewer lines", text: edited("fob_source_profile = base\n", ""), want: "[profile dev]\nrole_arn = r\n", record: wired.Record},
		{name: "no process", text: edited(ask, ""), want: before, record: wired.Record},
		{name: "another path", text: edited("/usr/local", "/opt"), want: before, record: wired.Record},
		{name: "another path, and no other key", text: strings.Replace(whole, "/usr/local", "/opt", 1), want: strings.Replace(whole, ask, "", 1), record: Record{Process: process}},
		{name: "a lifetime", text: edited("--profile dev", "--profile dev -d 2h"), problem: "which fob wire did not write", record: wired.Record},
		{name: "another program", text: edited(process, "other"), problem: "has credential_process (line 2), which fob wire did not write", record: wired.Record},
		{name: "a second role", text: wired.Text + "role_arn = q\n", problem: "has role_arn (line 5), which fob wire did not write; remove it or fob_role_arn", record: wired.Record},
		{name: "a continued line", text: edited(process, process+"\n  more"), problem: "which fob wire did not write", record: wired.Record},
		{name: "restored by hand", text: before, want: before, record: wired.Record},
		{name: "gone", text: "[profile x]\n", want: "[profile x]\n", record: wired.Record},
		{name: "not remembered", text: wired.Text, want: before},
		{name: "not remembered, with a device", text: wired.Text + "fob_mfa_serial = m\n", want: before + "mfa_serial = m\n"},
		{name: "not remembered, and of fob add", text: whole, want: whole},
		{name: "of fob add", text: wired.Text, problem: "was written by fob add, not by fob wire", record: Record{Made: true, Lines: Lines{{"credential_process", process}, {"fob_role_arn", "r"}}}},
		{name: "forged", text: "[profile dev]\nfob_region = x\nfob_output = y\n" + ask, want: "[profile dev]\nfob_region = x\nfob_output = y\n", record: Record{Moved: []string{"region", "output"}, Process: process}},
	} {
		got, err := Restore(c.text, "dev", program, c.record)
		refused, ok := errors.AsType[*RewriteError](err)
		switch {
		case c.problem == "" && (err != nil || got.Text != c.want):
			t.Errorf("%s: %v\n%s", c.name, err, got.Text)
		case c.problem != "" && (!ok || !strings.Contains(refused.Problem, c.problem)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The undo keeps what other commands wrote to the section.
func TestRestoreAmongOthers(t *testing.T) {
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	text := "[profile dev]\nrole_arn = r\n"
	now, err := Add("[profile dev]\n", "dev", program, dev, Record{})
	if err != nil {
		t.Fatal(err)
	}
	added := now.Text
	now, err = Rewrite(now.Text+"role_arn = r\nsource_profile = base\n", "dev", program, process, now.Record)
	if err != nil || now.Text != added+"fob_role_arn = r\nfob_source_profile = base\n" {
		t.Fatalf("%v\n%s", err, now.Text)
	}
	back, err := Restore(now.Text, "dev", program, now.Record)
	if err != nil || back.Text != added+"role_arn = r\nsource_profile = base\n" {
		t.Errorf("%v\n%s", err, back.Text)
	}
	if now, err = Remove(back.Text, "dev", program, back.Record); err != nil || now.Text != text+"source_profile = base\n" {
		t.Errorf("fob remove: %v\n%s", err, now.Text)
	}

	if now, err = Rewrite(text, "dev", program, process, Record{}); err != nil {
		t.Fatal(err)
	}
	if now, err = SetSerial(now.Text, "dev", serial, now.Record); err != nil {
		t.Fatal(err)
	}
	back, err = Restore(now.Text, "dev", program, now.Record)
	if err != nil || back.Text != text+"fob_mfa_serial = "+serial+"\n" || back.Record.Rewritten() {
		t.Errorf("with a new device: %v\n%s", err, back.Text)
	}
	if back, err = DropSerial(back.Text, "dev", serial, back.Record); err != nil || back.Text != text || !back.Record.IsZero() {
		t.Errorf("without it again: %v\n%s", err, back.Text)
	}
}

func TestCheckRewrite(t *testing.T) {
	for _, c := range []struct{ config, credentials, problem string }{
		{config: "role_arn = r\nsource_profile = base\n"},
		{config: "aws_access_key_id = k\nrole_arn = r\n", problem: "has an access key in plain text (config:2), which every SDK uses first"},
		{config: "region = x\n  aws_access_key_id = k\n", problem: "has an access key in a line that continues the one above (config:3): start that line in the first column"},
		{config: "role_arn = r\n", credentials: "region = x\n  aws_secret_access_key = s\n", problem: "has an access key in a line that continues the one above (credentials:3): start that line in the first column"},
		{config: "role_arn = r\n", credentials: "aws_secret_access_key = s\n", problem: "has an access key in plain text (credentials:2), which every SDK uses first"},
		{config: "aws_access_key_id =\nrole_arn = r\n"},
		{config: "role_arn = r\nfob_role_arn = q\n", problem: "has both role_arn and fob_role_arn (config:3); remove one of them"},
		{config: "credential_process = a\nfob_credential_process = b\n", problem: "has both credential_process and fob_credential_process (config:3); remove one of them"},
		{config: "region = x\n", credentials: "role_arn = r\n", problem: "has its role_arn in credentials (line 2), and fob changes only config"},
		{config: "credential_process = fob exec dev\nrole_arn = r\n", problem: "has a credential_process that runs fob, but not fob export (config:2)"},
	} {
		config, err := awsconfig.Parse(awsconfig.File{Path: "config", Text: "[profile dev]\n" + c.config}, awsconfig.File{Path: "credentials", Text: "[dev]\n" + c.credentials})
		if err != nil {
			t.Fatal(err)
		}
		section, _ := config.Profile("dev")
		err = CheckRewrite(section, "config", program)
		if refused, ok := errors.AsType[*RewriteError](err); ok != (c.problem != "") || ok && (refused.Problem != c.problem || refused.PlainText != strings.Contains(c.problem, "plain text")) {
			t.Errorf("%q, %q: %v", c.config, c.credentials, err)
		}
	}
}

// Whatever is a rival of a credential_process for an SDK is moved, and fob reads each key
// under the name that it gets (TestUnderstood of package plan).
func TestMovable(t *testing.T) {
	for _, key := range rivals[2:] {
		if !slices.Contains(movable, key) {
			t.Errorf("%s stays next to credential_process", key)
		}
	}
}
