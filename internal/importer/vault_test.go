package importer

import (
	"testing"
	"time"

	"fob/internal/awsvault"
	"fob/internal/creds"
)

// entries are keys of aws-vault's for profiles.
func entries(profiles ...string) (all []awsvault.Entry) {
	for _, name := range profiles {
		all = append(all, awsvault.Entry{Kind: "pass", Place: `"` + name + `" in pass`, Profile: name, Stored: time.Unix(1700000000, 0)})
	}
	return all
}

// aws-vault's keys are offered where they are what the profile uses; fob does not read them
// to find that out.
func TestFindVault(t *testing.T) {
	const role = "role_arn = arn:aws:iam::111111111111:role/x\n"
	for _, tt := range []struct {
		name, config, credentials, want string
		vault                           []awsvault.Entry
		store                           string
	}{
		{name: "nothing"},
		{name: "keys", config: "[profile dev]\nregion = eu-west-1\n", vault: entries("dev", "no section"), want: "\"dev\" in pass:0 dev moves\n\"no section\" in pass:0 no section moves"},
		{name: "moved already", vault: entries("dev", "ops"), store: "dev", want: `"ops" in pass:0 ops moves`},
		{name: "in two places", vault: entries("dev", "dev"), want: "\"dev\" in pass:0 dev moves\n\"dev\" in pass:0 dev: aws-vault has a key for dev in another place, too (\"dev\" in pass)"},
		{
			name: "in plain text, too", credentials: "[dev]\n" + pair(idA, secretA), vault: entries("dev"),
			want: "~/.aws/credentials:2 dev moves\n\"dev\" in pass:0 dev: dev has another key at ~/.aws/credentials:2, which would override this one",
		},
		{name: "with a role of its own", config: "[profile dev]\n" + role + "source_profile = dev\n", vault: entries("dev"), want: `"dev" in pass:0 dev moves`},
		{name: "on another key", config: "[profile dev]\n" + role + "source_profile = other\n", vault: entries("dev"), want: `"dev" in pass:0 dev: profile dev uses the key of other, not this one`},
		{name: "on another key that is missing", config: "[profile dev]\n" + role + "source_profile = other\n[profile other]\n", vault: entries("dev"), want: `"dev" in pass:0 dev: profile dev uses the key of other, not this one`},
		{
			name: "on another key, which is there", config: "[profile dev]\n" + role + "source_profile = other\n", credentials: "[other]\n" + pair(idA, secretA), vault: entries("dev"),
			want: "~/.aws/credentials:2 other moves\n\"dev\" in pass:0 dev: profile dev gets its credentials from ~/.aws/credentials:2, not from this key",
		},
		{name: "asked by tools", config: "[profile dev]\ncredential_process = /opt/aws-vault exec --json dev\n", vault: entries("dev"), want: `"dev" in pass:0 dev moves`},
		{name: "behind another program", config: "[profile dev]\ncredential_process = /opt/other dev\n", vault: entries("dev"), want: `"dev" in pass:0 dev: profile dev gets its credentials from ~/.aws/config:2, not from this key`},
		{
			name: "behind Identity Center", config: "[profile dev]\nsso_start_url = https://d-1.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = x\n", vault: entries("dev"),
			want: `"dev" in pass:0 dev: profile dev gets its credentials from ~/.aws/config:2, not from this key`,
		},
		{name: "a name that no section can have", vault: entries("a\nb"), want: `"a
b" in pass:0 a
b: the profile name "a\nb" cannot be used in credential_process: the AWS SDKs would not all read it the same way`},
	} {
		w := home(t, tt.config, tt.credentials)
		if tt.store != "" {
			w.stored(t, tt.store, idB, secretB)
		}
		w.Vault = tt.vault
		found, err := w.Find()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := shown(found); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.name, got, tt.want)
		}
		for _, f := range found {
			if f.Vault != nil && (f.Key.ID != "" || f.Created.IsZero()) {
				t.Errorf("%s: %+v", tt.name, f)
			}
		}
	}
}

// Once it is read, a key of aws-vault's is judged as any other.
func TestReadVault(t *testing.T) {
	w := home(t, "", "")
	for _, tt := range []struct {
		id, secret, want string
		kind             Kind
	}{
		{idA, secretA, "", LongLived},
		{"ASIAIOSFODNN7EXAMPLE", secretA, "a session, which expires by itself", Session},
		{"AKIASP2TPHJSQH3FJRUX", secretA, "a honeytoken: its account is known for them, and using it raises an alarm", Bait},
		{secretA, idA, "ID and secret are swapped: the access key ID begins with AKIA, the secret is longer", Wrong},
	} {
		f := w.Read(Found{Profile: "dev", Vault: &entries("dev")[0]}, creds.Key{ID: tt.id, Secret: creds.NewSecret(tt.secret)})
		if f.Kind != tt.kind || f.Why != tt.want || tt.kind == LongLived && f.Key.ID != tt.id {
			t.Errorf("%s: %+v", tt.id, f)
		}
	}
}
