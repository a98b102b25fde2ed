package profiles

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// What keeps thirty profiles from being used is said once, and a section that only has
// settings is nobody's problem.
func TestCauses(t *testing.T) {
	files, store, _ := home(t)
	const role = "role_arn = arn:aws:iam::222222222222:role/deploy\n"
	for _, row := range []struct {
		config string
		cells  string // of the profiles whose name begins with x
		causes []string
	}{
		{"[default]\nregion = eu-west-1\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n[profile xlend]\nregion = eu-west-1\n", "no key (idle)", nil},
		{"[profile x]\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n", "no key", []string{"x has no key"}},
		{"[profile x1]\nmfa_serial = GAHT12345678\n[profile x2]\nmfa_serial = GAHT12345678\n", "no key, no key", []string{"2 profiles have no key"}},
		{
			"[profile base]\n[profile x1]\nsource_profile = base\n" + role + "[profile x2]\nsource_profile = base\n" + role, `no key for "base", no key for "base"`,
			[]string{`3 profiles need a key for "base"`},
		},
		{"[profile x]\nsource_profile = default\n" + role + "[default]\nregion = eu-west-1\n", `no key for "default"`, []string{`2 profiles need a key for "default"`}},
		{
			"[profile x1]\nsource_profile = nobody\n" + role + "[profile x2]\nsource_profile = nobody\n" + role + "[profile x3]\nsource_profile = x1\n", `no profile "nobody", no profile "nobody", no profile "nobody"`,
			[]string{`3 profiles use source profile "nobody", which does not exist`},
		},
		{
			"[profile x1]\nsource_profile = x2\n" + role + "[profile x2]\nsource_profile = x1\n" + role + "[profile x3]\nsource_profile = x2\n" + role,
			"loop of source profiles, loop of source profiles, loop of source profiles",
			[]string{"3 profiles are in a loop of source profiles: x1 > x2 > x1"},
		},
		{"[profile x]\n" + role, "no source for its role", []string{"x has a role and nothing to assume it with"}},
		{
			"[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n" +
				"[profile x1]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\n" +
				"[profile x2]\nlogin_session = arn:aws:iam::111111111111:user/jo\n", "SSO corp > Admin, console sign-in", nil,
		},
		{"[profile x]\ncredential_source = EcsContainer\n" + role, "EcsContainer", []string{"x takes the role of the machine (EcsContainer), which AWS's tools get by themselves"}},
		{"[profile x]\nweb_identity_token_process = p\n" + role, "web identity > deploy", nil},
		{"[profile x]\nweb_identity_token_file = /t\n" + role, "web identity > deploy", nil},
		{
			"[profile x]\nsource_profile = twin\nmfa_serial = arn:aws:iam::111111111111:u2f/user/jo/key\n" + role, "security key without codes",
			[]string{"x has a security key for MFA, from which AWS takes no codes: u2f/user/jo/key"},
		},
		{"[profile x]\naws_access_key_id = AKIA\n", "error in config:2", []string{`x cannot be used: config:2: profile "x" has aws_access_key_id but no aws_secret_access_key`}},
		{"[profile x]\nfob_acount = 1\n", "error in config:2", []string{"x cannot be used: config:2: unknown key fob_acount"}},
		{"[profile x]\nfob_account =\n", "error in config:2", []string{"x cannot be used: config:2: fob_account is empty"}},
		{"[profile x]\nfob_mfa_max_age = 1h\nsource_profile = twin\n", "error in config:2", []string{`x cannot be used: config:2: fob_mfa_max_age needs MFA, and profile "x" uses no MFA device`}},
	} {
		if err := os.WriteFile(files.Config, []byte(row.config), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := Read(files, store, World{Getenv: func(string) string { return "" }, User: func() string { return "jo" }, Program: "fob", Log: func(string, ...any) {}})
		if err != nil {
			t.Fatal(err)
		}
		rows := all.Rows(all.Config.Names(), time.Now())
		var cells, causes []string
		for _, r := range rows {
			if strings.HasPrefix(r.Profile, "x") {
				cell := r.Route
				if r.Idle {
					cell += " (idle)"
				}
				cells = append(cells, cell)
			}
		}
		for _, c := range Causes(rows) {
			causes = append(causes, c.Text)
		}
		if got := strings.Join(cells, ", "); got != row.cells || !slices.Equal(causes, row.causes) {
			t.Errorf("%s\ngot  %s\n     %q\nwant %s\n     %q", row.config, got, causes, row.cells, row.causes)
		}
	}
}
