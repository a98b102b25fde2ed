package format

import (
	"slices"
	"strings"
	"testing"
)

// TestVars: unknown values are left out.
func TestVars(t *testing.T) {
	want := []Var{{"AWS_ACCESS_KEY_ID", exampleID}, {"AWS_SECRET_ACCESS_KEY", exampleSecret}}
	if got := Vars(least(), ""); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestClean: no variable with AWS credentials, or with the way to them, reaches a
// child, nor does a secret of fob.
func TestClean(t *testing.T) {
	for _, name := range strings.Fields(`
		AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_ACCESS_KEY
		AWS_SECRET_KEY AWS_CREDENTIAL_FILE AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION AWS_PROFILE AWS_DEFAULT_PROFILE
		AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN
		AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_ACCOUNT_ID
		AWS_BEARER_TOKEN_BEDROCK AWS_BEARER_TOKEN_ AWS_MFA_SERIAL AWS_SESSION_TAGS AWS_TRANSITIVE_TAGS AWS_SOURCE_IDENTITY
		AWSU_PROFILE AWSUME_PROFILE AWSUME_EXPIRATION AWS_SSO_PROFILE FOB_PASSPHRASE FOB_PASSPHRASE_FD FOB_PASSPHRASE_FILE
		FOB_MFA_CODE FOB_AGE_IDENTITY AWS_VAULT_FILE_PASSPHRASE AWS_VAULT FOB_PROFILE FOB_KEY_ID FOB_ENV`) {
		lower := strings.ToLower(name)
		environ := []string{name + "=1", "A=1", lower + "=2", name + "=", "B=" + name + "=x", name + "=3"}
		if got, want := Clean(environ, false), []string{"A=1", lower + "=2", "B=" + name + "=x"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q", name, got)
		}
		if got, want := Clean(environ, true), []string{"A=1", "B=" + name + "=x"}; !slices.Equal(got, want) {
			t.Errorf("%s on Windows: got %q", name, got)
		}
	}
	kept := []string{
		"PATH=/bin", "HOME=/home/jo", "AWS_REGION=eu-west-1", "AWS_CONFIG_FILE=/c", "AWS_CA_BUNDLE=/ca", "AWS_PAGER=",
		"AWS_PROFILES=x", "XAWS_PROFILE=x", "AWS_BEARER_TOKEN=x", "FOB_BACKEND=file", "FOB_UNLOCK_TTL=0",
		"=C:=C:\\dir", "=AWS_PROFILE=x", "=ExitCode=00000000", "novalue", "", "BASH_FUNC_x%%=() { :; }",
	}
	for _, foldCase := range []bool{false, true} {
		if got := Clean(kept, foldCase); !slices.Equal(got, kept) {
			t.Errorf("got %q, want %q", got, kept)
		}
	}
	// What an outer fob exec has set is not for the programs that fob runs for itself.
	if got := Clean([]string{"DB=secret", "A=1", "FOB_ENV=DB,TOKEN prod", "TOKEN=t", "db=mine"}, false); !slices.Equal(got, []string{"A=1", "db=mine"}) {
		t.Errorf("got %q", got)
	}
	if got := Clean([]string{"FOB_CHAIN=x", "A=1"}, false, "FOB_CHAIN"); !slices.Equal(got, []string{"A=1"}) {
		t.Errorf("got %q", got)
	}
}

// TestEnviron: the variables that a child gets besides those of the session.
func TestEnviron(t *testing.T) {
	const session = "AWS_ACCESS_KEY_ID=" + exampleID + " AWS_SECRET_ACCESS_KEY=" + exampleSecret + " "
	for _, tt := range []struct {
		name, environ string
		child         Child
		want          string
	}{
		{"nothing known", "A=1", Child{Profile: "dev"}, "A=1 " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
		{"compat", "AWS_VAULT=old", Child{Profile: "dev", Compat: true}, session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID + " AWS_VAULT=dev"},
		{
			"a region is set everywhere", "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2 FOB_REGION=x", Child{Profile: "dev", Region: "eu-west-1"},
			session + "AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 FOB_PROFILE=dev FOB_KEY_ID=" + exampleID + " FOB_REGION=eu-west-1",
		},
		{"the user's region stays", "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-1", Child{Profile: "dev"}, "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-1 " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
		{"an outer fob's region goes", "AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2 FOB_REGION=us-west-2", Child{Profile: "dev"}, session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
		{"only an outer fob's", "AWS_REGION=us-west-1 AWS_DEFAULT_REGION=us-west-2 FOB_REGION=us-west-2", Child{Profile: "dev"}, "AWS_REGION=us-west-1 " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
		{"an empty mark is none", "AWS_REGION= FOB_REGION=", Child{Profile: "dev"}, "AWS_REGION= " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
		{
			"Windows", "Aws_Region=us-west-2 fob_region=us-west-2 aws_profile=x =C:=C:\\ Path=x", Child{Profile: "dev", FoldCase: true},
			"=C:=C:\\ Path=x " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID,
		},
		{
			"variables", "DB=inherited A=1 DB=again db=mine", Child{Profile: "dev", Set: []Var{{"DB", "x=y"}, {"EMPTY", ""}}},
			"A=1 db=mine DB=x=y EMPTY= " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID + " FOB_ENV=DB,EMPTY_dev",
		},
		{
			"variables on Windows", "Db=inherited A=1", Child{Profile: "dev", Set: []Var{{"DB", "x"}}, FoldCase: true},
			"A=1 DB=x " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID + " FOB_ENV=DB_dev",
		},
		{
			"of an outer fob exec of the profile", "DB=old TOKEN=t FOB_ENV=DB,TOKEN_dev FOB_PROFILE=dev", Child{Profile: "dev", Set: []Var{{"DB", "new"}}},
			"TOKEN=t DB=new " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID + " FOB_ENV=DB,TOKEN_dev",
		},
		{
			"of another profile's", "DB=old TOKEN=t A=1 FOB_ENV=DB,TOKEN_prod FOB_PROFILE=dev", Child{Profile: "dev"},
			"A=1 " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID,
		},
		{"Unix", "Aws_Region=us-west-2 fob_region=us-west-2", Child{Profile: "dev"}, "Aws_Region=us-west-2 fob_region=us-west-2 " + session + "FOB_PROFILE=dev FOB_KEY_ID=" + exampleID},
	} {
		// A "_" is the space before the profile in FOB_ENV.
		space := strings.NewReplacer("_dev", " dev", "_prod", " prod")
		var environ []string
		for _, entry := range strings.Fields(tt.environ) {
			environ = append(environ, space.Replace(entry))
		}
		if got, want := strings.Join(Environ(environ, least(), tt.child), " "), space.Replace(tt.want); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestEnvironOnce: even in a dirty environment every variable that fob sets is there
// once, with the session's value. The environment passed in does not change.
func TestEnvironOnce(t *testing.T) {
	var dirty []string
	names := []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION",
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCOUNT_ID", "FOB_PROFILE", "FOB_KEY_ID", "FOB_REGION", "AWS_VAULT",
	}
	for _, n := range append(names, names...) {
		dirty = append(dirty, n+"=stale")
	}
	before := slices.Clone(dirty)
	got := Environ(dirty, full(), Child{Profile: "dev", Region: "eu-west-1", Compat: true})
	var gotNames []string
	for _, entry := range got {
		name, value, _ := strings.Cut(entry, "=")
		gotNames = append(gotNames, name)
		if value == "stale" || value == "" {
			t.Errorf("%s", entry)
		}
	}
	slices.Sort(names)
	slices.Sort(gotNames)
	if !slices.Equal(gotNames, names) {
		t.Errorf("got %q", gotNames)
	}
	if !slices.Equal(dirty, before) {
		t.Error("the environment given was changed")
	}
}
