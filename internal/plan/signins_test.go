package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

func TestSignIns(t *testing.T) {
	w := newWorld(t, txtar.Parse([]byte(`
-- config --
[profile a]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Admin
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[sso-session unused]
sso_start_url = https://other.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = one two,three
[sso-session half]
sso_start_url = https://half.awsapps.com/start
[profile b]
fob_sso_session = corp
[profile c]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile d]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile e]
sso_session = gone
[profile key]
region = eu-west-1
`)))
	var got []string
	for _, s := range SignIns(w.facts(nil)) {
		got = append(got, fmt.Sprint(s.Name(), " ", s.Region, " ", strings.Join(s.Scopes, "+"), " ", s.Origin(), " ", s.Profiles, " ", s.Err))
	}
	want := []string{
		"corp eu-west-1 sso:account:access config:5 [a b] <nil>",
		"unused us-east-1 one+two+three config:8 [] <nil>",
		"half   config:12 [] config:12: [sso-session half] has no sso_region",
		"https://corp.awsapps.com/start eu-west-1  config:17 [c d] <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for name, want := range map[string]string{
		"corp": "corp", "a": "corp", "c": "https://corp.awsapps.com/start", "https://corp.awsapps.com/start": "https://corp.awsapps.com/start",
		"https://other.awsapps.com/start": "", "key": "", "": "",
	} {
		s, err := SignInNamed(w.facts(nil), name)
		if _, none := errors.AsType[*NoSignInError](err); none != (want == "") || s.Name() != want {
			t.Errorf("%q: %q, %v", name, s.Name(), err)
		}
	}
	_, err := SignInNamed(w.facts(nil), "crop")
	if none, ok := errors.AsType[*NoSignInError](err); !ok || !slices.Equal(none.Nearest, []string{"corp"}) {
		t.Errorf("crop: %v", err)
	}
	if _, err := SignInNamed(w.facts(nil), "half"); err == nil {
		t.Error("half a section is a sign-in")
	}
}
