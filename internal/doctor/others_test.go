package doctor

import (
	"strings"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/plan"
)

// What doctor says of the Java SDK, which cannot be run here: each row is a rule of its
// source. JavaScript stands beside it, where TestDifferential holds it against the real one.
func TestOtherSDKs(t *testing.T) {
	const pair, session = "aws_access_key_id = AKIA1\naws_secret_access_key = s\n", "[sso-session corp]\nsso_start_url = u\nsso_region = r\n"
	const role, process = "role_arn = arn:r\n", "credential_process = p\n"
	for _, tt := range []struct{ name, config, credentials, java, js string }{
		{"no such profile", "[profile b]\n", "", "container, there is no profile \"a\"", "container, there is no profile \"a\""},
		{"nothing in it", "[profile a]\nregion = x\n", "", "container", "container"},
		{"a key in either file", "[profile a]\n" + pair, "", "key |AKIA1|s|", "key |AKIA1|s|"},
		{"a session", "", "[a]\n" + pair + "aws_session_token = t\n", "key |AKIA1|s|t", "key |AKIA1|s|t"},
		{"half a key", "", "[a]\naws_access_key_id = x\n", "container, the profile has only half of an access key (line 2)", "container, the profile has only half of an access key (line 2)"},
		{"a key before a process", "[profile a]\n" + process, "[a]\n" + pair, "process p", "key |AKIA1|s|"},
		{"a role before a key", "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + process, "[a]\n" + pair, "process p > arn:r", "process p > arn:r"},
		{"a role beside a process", "[profile a]\n" + role + process, "", "process p", "process p"},
		{"a role with a source, beside a process", "[profile a]\n" + role + process + "source_profile = b\n", "[b]\n" + pair, "key |AKIA1|-| > arn:r", "key |AKIA1|-| > arn:r"},
		{"two sources", "[profile a]\n" + role + "source_profile = b\ncredential_source = Environment\n", "[b]\n" + pair, "container, credential_source next to source_profile (line 4)", "container, role_arn without source_profile (line 2)"},
		{"no source", "[profile a]\n" + role, "", "container, role_arn without source_profile (line 2)", "container, role_arn without source_profile (line 2)"},
		{"its own source", "[profile a]\n" + role + "source_profile = a\n" + pair, "", "container, its source profiles form a loop (line 3)", "key |AKIA1|-| > arn:r"},
		{"a source with a role of its own and a key", "[profile a]\n" + role + "source_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = c\n" + pair + "[profile c]\n" + process, "", "process p > arn:b > arn:r", "key |AKIA1|-| > arn:r"},
		{"a loop", "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n", "", "container, its source profiles form a loop (line 3)", "container, its source profiles form a loop (line 3)"},
		{"a source without credentials", "[profile a]\n" + role + "source_profile = b\n[profile b]\nregion = x\n", "", `container, source profile "b" has no credentials (line 3)`, `container, source profile "b" has no credentials (line 3)`},
		{"a source that is not there", "[profile a]\n" + role + "source_profile = b\n", "", `container, there is no profile "b" (line 3)`, `container, there is no profile "b" (line 3)`},
		{"MFA", "[profile a]\n" + role + "source_profile = b\nmfa_serial = m\n[profile b]\n" + process, "", "process p > arn:r with m", "process p > arn:r with m"},
		{"a source that is named in other letters", "[profile a]\n" + role + "credential_source = environment\n", "", "key |AKIAENVIRONMENT|-| > arn:r", "container, it does not know this credential_source (line 3)"},
		{"a web identity before a sign-in", "[profile a]\n" + role + "web_identity_token_file = /t\nsso_session = corp\n", "", "web /t > arn:r", "web /t > arn:r"},
		{"a sign-in before a process", "[profile a]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\n" + process + session, "", "sso 1 R corp r", "process p"},
		{"a sign-in before a key", "[profile a]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\n" + pair + session, "", "sso 1 R corp r", "key |AKIA1|s|"},
		{"no such session", "[profile a]\nsso_session = lab\nsso_account_id = 1\nsso_role_name = R\n", "", "container, there is no [sso-session lab] (line 2)", "refused: there is no [sso-session lab]"},
		{"a session that says something else", "[profile a]\nsso_session = corp\nsso_region = other\nsso_account_id = 1\nsso_role_name = R\n" + session, "", "container, another sso_region than in [sso-session corp] (line 3)", "sso 1 R corp r"},
		{"half a session", "[profile a]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = R\n[sso-session corp]\nsso_region = r\n", "", "container, no sso_start_url in [sso-session corp] (line 2)", "refused: no sso_start_url"},
		{"half a sign-in", "[profile a]\nsso_start_url = u\nsso_region = r\n", "", "container, no sso_account_id (line 2)", "refused: no sso_account_id"},
		{"a console sign-in before a process", "[profile a]\nlogin_session = jo\n" + process, "", "login jo", "process p"},
		{"keys in capitals", "[profile a]\nCredential_process = p\n", "", "container", "container"},
		{"a comment", "[profile a] # x\ncredential_process = p # x\n", "", "process p", "process p"},
		{"quotes", "[profile a]\ncredential_process = \"p\"\n", "", `process "p"`, `process "p"`},
		{"letters of other alphabets", "[profile ä]\n" + process, "", "container, there is no profile \"a\"", "container, there is no profile \"a\""},
		{"two spaces", "[profile  a]\n" + process, "", "process p", "container, there is no profile \"a\""},
		{"an indented section", "[profile a]\n  credential_process = p\n", "", "container, it cannot read the AWS files: an indented line with nothing to continue (line 2)", "process p"},
		{"an indented section that it ignores", "[plugins]\n  x = y\n[profile a]\n" + process, "", "process p", "process p"},
		{"a byte order mark", "\ufeff[profile a]\n" + process, "", "container, it cannot read the AWS files: a property outside a section (line 1)", "process p"},
		{"the default", "[default]\nregion = x\n[profile default]\n" + process + "[default]\n" + pair, "", "process p", "process p"},
		{"a continued value", "[profile a]\ncredential_process = p\n  q\n", "", "process p\nq", "process p"},
		{"an empty value", "[profile a]\nrole_arn =\n" + process, "", "process p", "process p"},
		{"an empty process", "[profile a]\ncredential_process =\n", "", "process ", "container, there is no profile \"a\""},
	} {
		c, err := parse([2]string{tt.config, tt.credentials})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		profile := "a"
		if tt.name == "the default" {
			profile = "default"
		}
		if got := summed(javaSDK{c.Java()}.chain(profile)); got != tt.java {
			t.Errorf("%s: Java %q, want %q", tt.name, got, tt.java)
		}
		if got := summed(jsSDK{c.JavaScript()}.chain(profile)); got != tt.js {
			t.Errorf("%s: JavaScript %q, want %q", tt.name, got, tt.js)
		}
	}
}

// summed is a chain in a line.
func summed(c chain) string {
	if c.refused != "" {
		return "refused: " + c.refused
	}
	o := foreseen(c)
	text := o.Source
	for _, r := range o.Roles {
		text += " > " + r.ARN
		if r.MFASerial != "" {
			text += " with " + r.MFASerial
		}
	}
	if c.stumbled != "" {
		text += ", " + c.stumbled
		if c.at != (awsconfig.Value{}) {
			_, line, _ := strings.Cut(plan.At(c.at), ":")
			text += " (line " + line + ")"
		}
	}
	return text
}
