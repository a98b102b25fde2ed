package doctor

import (
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/creds"
	"fob/internal/host"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

// What is left to move in, and the first thing to do about it: a line for each finding.
func TestMovingIn(t *testing.T) {
	const (
		key  = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
		role = "role_arn = arn:aws:iam::222222222222:role/deploy\nsource_profile = base\n"
		mfa  = "mfa_serial = arn:aws:iam::111111111111:mfa/jo\n"
		fob  = "credential_process = /bin/fob export --profile base\n"
	)
	t.Setenv("PATH", "") // an aws-vault on this machine
	for _, tt := range []struct {
		name                string
		config, credentials string
		stored, vault       string // names
		env                 string
		want                string
	}{
		{name: "nothing"},
		{name: "settings only", config: "[default]\nregion = eu-west-1\n" + mfa + "[profile x]\noutput = json\n"},
		{name: "all moved in", config: "[profile base]\n" + fob + "[profile prod]\n" + role, stored: "base"},

		// Keys in plain text.
		{name: "a key", credentials: "[dev]\n" + key, want: "credentials holds 1 key in plain text: dev > fob import   moves it into the store"},
		{
			name: "in both files, under several names", config: "[profile dev]\n" + strings.Replace(key, "AKIAIOS", "AKIAI44", 1), credentials: "[default]\n" + key + "[one]\n" + key,
			want: "credentials holds 1 key in plain text: default and one > fob import   moves it into the store\n" +
				"config holds 1 key in plain text: dev > fob import   moves it into the store",
		},
		{name: "a session", credentials: "[dev]\n" + key + "aws_session_token = t\n[old]\n" + strings.Replace(key, "AKIA", "ASIA", 1)},
		{name: "a honeytoken", credentials: "[dev]\n" + strings.Replace(key, "AKIAIOSFODNN7EXAMPLE", "AKIASP2TPHJSQH3FJRUX", 1)},
		{
			name: "many", credentials: "[a]\n" + key + "[b]\n" + key + "[c]\n" + key + "[d]\n" + key + "[e]\n" + key + "[f]\n" + key,
			want: "credentials holds 1 key in plain text: a, b, c, d and 2 more > fob import   moves it into the store",
		},
		{
			name: "under the other file's header", config: "[ops]\n" + key, credentials: "[profile dev]\n" + key,
			want: "credentials holds 1 key in plain text: dev > fob import   moves it into the store\n" +
				"config holds 1 key in plain text: ops > fob import   moves it into the store",
		},
		{
			name: "stored, and still there", config: "[profile base]\n" + fob, credentials: "[base]\n" + key, stored: "base",
			want: "credentials:2: base has a key in plain text, and every tool uses it instead of fob's > fob import   removes what the store has already",
		},

		// aws-vault.
		{
			name: "files", config: "[profile base]\n[profile prod]\n" + role, vault: "base hub team/dev",
			want: "aws-vault has 3 keys that fob does not: base, hub and team/dev > fob import",
		},
		{
			name: "files, the one that most wait for first", config: "[profile base]\n[profile prod]\n" + role, vault: "aaa base",
			want: "aws-vault has 2 keys that fob does not: base and aaa > fob import",
		},
		{name: "files, moved in", config: "[profile base]\n" + fob, vault: "base", stored: "base"},
		{
			name: "another backend", config: "[profile base]\n" + mfa + "[profile prod]\n" + role + "[profile next]\n" + role, env: "AWS_VAULT_BACKEND=secret-service",
			want: "no access key for base, which 2 other profiles use > aws-vault exec --no-session base -- fob add base --from-env",
		},
		{
			name: "pass", config: "[profile base]\n" + mfa, env: "AWS_VAULT_PASS_PREFIX=aws-vault",
			want: "no access key for base > aws-vault exec --no-session base -- fob add base --from-env",
		},
		{
			name: "a line of its own", config: "[profile base]\n[profile prod]\n" + role + "[profile old]\ncredential_process = /opt/aws-vault exec --json base\n",
			want: "no access key for base, which 1 other profile uses > aws-vault exec --no-session base -- fob add base --from-env",
		},

		{
			name: "a line of its own, for a key that nobody else uses", config: "[profile base]\n[profile old]\ncredential_process = aws-vault exec -d 1h --json base\n",
			want: "no access key for base > aws-vault exec --no-session base -- fob add base --from-env",
		},
		{
			name: "a line of its own, and the key has moved in", config: "[profile base]\n" + fob + "[profile old]\ncredential_process = aws-vault export --format=json base\n", stored: "base",
			want: "config:4: old gets its credentials from aws-vault > OLD",
		},

		// Keys that are nowhere.
		{
			name: "no key", config: "[profile base]\nregion = eu-west-1\n[profile prod]\n" + role,
			want: "no access key for base, which 1 other profile uses > fob add base",
		},
		{name: "a user's profile", config: "[profile base]\n" + mfa, want: "no access key for base > fob add base"},

		// Profiles that do not go through fob.
		{
			name: "not wired", config: "[profile base]\nregion = eu-west-1\n[profile prod]\n" + role, stored: "base",
			want: "only fob exec finds the key of base and of 1 profile on it: aws --profile and SDKs do not know that fob has it > fob wire base",
		},
		{name: "in the store only", stored: "base"},
		{
			name: "an MFA device beside the role", config: "[profile base]\n" + fob + mfa + "[profile prod]\n" + role + mfa + "[profile next]\n" + role, stored: "base",
			want: "with aws --profile the AWS CLI asks for another MFA code for prod, and Terraform and other SDKs fail > fob wire prod   has every tool ask fob",
		},
		{
			name: "in a file that fob does not change", config: "[profile base]\n" + fob, credentials: "[prod]\n" + role + mfa, stored: "base",
			want: "with aws --profile the AWS CLI asks for another MFA code for prod, and Terraform and other SDKs fail > fob exec prod -- aws ... > or move mfa_serial to [profile base], as fob_mfa_serial",
		},
		{
			name: "beside many", config: "[profile base]\n" + fob + "[profile a]\n" + role + mfa + "[profile b]\n" + role + mfa + "[profile c]\n" + role + mfa + "[profile d]\n" + role + mfa + "[profile e]\n" + role + mfa, stored: "base",
			want: "with aws --profile the AWS CLI asks for another MFA code for a, b, c, d and e, and Terraform and other SDKs fail > fob wire --all   has every tool ask fob",
		},
		{
			name: "sign-ins of their own", config: "[profile ops]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\nregion = eu-west-1\n" +
				"[profile me]\nlogin_session = arn:aws:iam::111111111111:user/jo\nregion = eu-west-1\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n",
			want: "outside fob exec, tools sign in to ops and me by themselves, and keep that in plain text > fob wire ops me   has every tool ask fob",
		},
		{
			name: "a role for longer than AWS allows over a session", config: "[profile base]\n" + fob + "[profile prod]\n" + role + "duration_seconds = 14400\n" +
				"[profile hour]\n" + role + "duration_seconds = 3600\n" + "[profile ours]\n" + role + "fob_duration_seconds = 14400\n", stored: "base",
			want: "outside fob exec, AWS refuses the duration_seconds of prod: a role assumed with a session lasts 1h at most > fob wire prod   has every tool ask fob",
		},
		{
			name: "the same before the key has moved in", config: "[profile base]\n" + key + "[profile prod]\n" + role + "duration_seconds = 14400\n",
			want: "config holds 1 key in plain text: base > fob import   moves it into the store",
		},
		{
			name: "a device that only the roles have", config: "[profile base]\n" + fob + "[profile prod]\n" + role + mfa, stored: "base",
			want: "with aws --profile the AWS CLI asks for another MFA code for prod, and Terraform and other SDKs fail > fob wire prod   has every tool ask fob",
		},
	} {
		line, err := wire.Process("/bin/fob", "base")
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(tt.want, "OLD", setProcess("old", line).String())
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			store := keyring.New(keyring.Options{
				Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
				Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
			})
			if tt.stored != "" {
				if _, err := store.Create(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range strings.Fields(tt.stored) {
				if _, err := store.SetKey(t.Context(), name, creds.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: creds.NewSecret("x")}, keyring.Info{Account: "111111111111"}); err != nil {
					t.Fatal(err)
				}
			}
			config, err := parse([2]string{tt.config, tt.credentials})
			if err != nil {
				t.Fatal(err)
			}
			getenv := host.Lookup(strings.Fields(tt.env))
			all := profiles.New(config, store, profiles.World{
				Getenv: getenv, User: func() string { return "jo" }, Program: "fob", Log: func(string, ...any) {},
			})
			files := profiles.Files{Config: "config", Credentials: "credentials", Tilde: func(path string) string { return path }}
			var got []string
			for _, f := range MovingIn(Moving{Profiles: all, Files: files, Program: "/bin/fob", Getenv: getenv, Home: dir, Vault: strings.Fields(tt.vault)}) {
				line := f.What
				for _, h := range f.Do {
					if !strings.Contains(h.Command, " | ") { // the longer way to take in a key
						line += " > " + h.String()
					}
				}
				got = append(got, line)
			}
			if got := strings.Join(got, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
