package main

import (
	"os/exec"
	"slices"
	"strings"
	"time"

	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/ui"
)

// habit is what people type who come from aws-vault or from the AWS CLI, and that fob
// does not take, with fob's way to do the same.
type habit struct {
	// command is what the flags are typed with: a command of fob's, "" for no command
	// at all, or "*" for any. A row of words has none.
	command string
	// typed are the words or the flags, split by blanks.
	typed string
	// way is fob's. WORDS in it stands for what was typed, and PROFILE for the profile.
	way ui.Hint
}

func noServer() ui.Hint {
	return ui.TypeLine("fob doctor PROFILE").To("shows which programs ask fob themselves, and so renew; fob has no server")
}

func noConsole() ui.Hint {
	return ui.TypeLine("fob login PROFILE").To("signs in for programs; it does not open the AWS console")
}

func noSSO() ui.Hint {
	return ui.TypeLine("fob sso").To("shows the sign-ins; fob login with a profile signs in")
}

func lifetimes() ui.Hint {
	return ui.Advise("fob_session_duration = 2h in the profile, or FOB_SESSION_DURATION, sets how long a sign-in lasts")
}

// wordHabits are words in the place of a command.
func wordHabits() []habit {
	return []habit{
		// aws-vault's commands.
		{typed: "proxy serve server", way: noServer()},
		{typed: "console", way: noConsole()},
		// Those of the AWS CLI.
		{typed: "configure", way: ui.TypeLine("fob add PROFILE").To("asks for an access key and adds the profile to ~/.aws/config")},
		{typed: "sts s3 s3api ec2 iam ssm logs lambda eks ecr ecs rds dynamodb cloudformation secretsmanager", way: ui.TypeLine("fob exec PROFILE -- aws WORDS")},
		{typed: "aws terraform tofu", way: ui.TypeLine("fob exec PROFILE -- WORDS")},
		// What the commands are called elsewhere.
		{typed: "run shell sh", way: ui.TypeLine("fob exec PROFILE -- CMD").To("runs a command; without one, a shell")},
		{typed: "env get creds credentials credential-process", way: ui.TypeLine("fob export --profile PROFILE").To("prints credentials for a program; for a shell, with --format env")},
		{typed: "init setup new create set", way: ui.TypeLine("fob add PROFILE").To("stores an access key")},
		{typed: "delete del", way: ui.TypeLine("fob remove PROFILE")},
		{typed: "profiles keys show", way: ui.TypeLine("fob list")},
		{typed: "sessions", way: ui.TypeLine("fob status --all")},
		{typed: "whoami current", way: ui.TypeLine("fob status")},
		{typed: "signin sign-in unlock auth", way: ui.TypeLine("fob login PROFILE")},
		{typed: "logout signout", way: ui.TypeLine("fob clear PROFILE").To("clears its sessions; fob lock locks the store")},
		{typed: "code otp totp", way: ui.TypeLine("fob mfa code PROFILE")},
		{typed: "enroll", way: ui.TypeLine("fob mfa enroll PROFILE")},
		{typed: "passphrase password passwd", way: ui.TypeLine("fob store passphrase")},
		{typed: "backend backends slots keyring vault", way: ui.TypeLine("fob store")},
		{typed: "check", way: ui.TypeLine("fob doctor")},
	}
}

// flagHabits are flags that fob does not have.
func flagHabits() []habit {
	return []habit{
		{"exec", "-j --json", ui.TypeLine("fob export --profile PROFILE").To("prints credentials as JSON")},
		{"exec", "-s --server --ec2-server --ecs-server --lazy -r --refresh", noServer()},
		{"exec", "--assume-role-ttl", ui.TypeLine("fob exec -d 2h PROFILE")},
		{"exec", "--session-ttl", lifetimes()},
		{"exec", "--mfa-serial", ui.Advise("fob_mfa_serial = ARN in the profile names its MFA device")},
		{"exec", "--profile", ui.TypeLine("fob exec PROFILE")},
		{"exec", "-c", ui.TypeLine("fob exec PROFILE -- CMD")},
		{"exec", "--stdout", noSSO()},
		{"export", "--stdout", noSSO()},
		{"export", "--secret", ui.TypeLine("fob exec PROFILE --secret NAME=REF -- CMD").To("reads it for a command; fob export prints credentials only")},
		{"login", "-s --stdout --path", noConsole()},
		{"login", "-d --duration", lifetimes()},
		{"login", "-n --no-session", ui.TypeLine("fob login PROFILE").To("makes sessions; fob exec -n PROFILE hands out the key itself")},
		{"login", "--region", ui.Advise("region = eu-west-1 in the profile sets its region")},
		{"login", "--sso-session", noSSO()},
		{"list", "--credentials", ui.TypeLine("fob list --json").To("has key_id for profiles with a stored key")},
		{"list", "--profile", ui.TypeLine("fob list PROFILE")},
		{"clear", "--all", ui.TypeLine("fob clear").To("clears the sessions of all profiles")},
		{"list", "--sessions", ui.TypeLine("fob status --all")},
		{"remove", "-s --sessions-only", ui.TypeLine("fob clear PROFILE").To("clears its sessions; the key stays")},
		{"add", "--add-config --no-add-config", ui.TypeLine("fob add PROFILE --no-config").To("leaves the AWS config alone")},
		{"add", "--access-key --access-key-id --secret-key --secret-access-key", ui.TypeLine("fob add PROFILE").To("asks for the key; --stdin or --from-env, where nobody can be asked")},

		{"*", "--mfa-prompt=pass", ui.Advise("mfa_process = pass otp NAME in the profile gets the codes from pass")},
		{"export", "--format=ini", ui.TypeLine("fob doctor PROFILE").To("shows which programs ask fob themselves, and need no keys in a file")},
		{"*", "--keychain --secret-service-collection --biometrics", ui.Advise("--backend NAME chooses what opens the store; fob keeps only its own item there")},
		{"*", "--pass-dir --pass-cmd --pass-prefix", ui.Advise("PASSWORD_STORE_DIR names the directory of pass")},
		{"*", "--file-dir", ui.Advise("XDG_DATA_HOME names the directory above the store")},
		{"*", "--no-color", ui.Advise("--color never turns colors off")},
		{"*", "-V", ui.TypeLine("fob --version")},
		{"*", "--help-long --help-man", ui.TypeLine("fob --help")},
		{"*", "--completion-script-bash", ui.TypeLine("fob completion bash")},
		{"*", "--completion-script-zsh", ui.TypeLine("fob completion zsh")},
		{"*", "--output --query --endpoint-url --no-cli-pager --cli-input-json", ui.TypeLine("fob exec PROFILE -- aws CMD").To("takes the flags of the AWS CLI")},
		{"", "--profile --region --prompt --mfa-prompt -d --duration -n --no-session", ui.TypeLine("fob exec PROFILE")},
	}
}

// profiled is a way with the profile that was typed in it, if one was: the value of
// --profile, or a word that is the name of one. The rest are the other words.
func profiled(a *app, way ui.Hint, words []string) ui.Hint {
	profile, rest := "PROFILE", words
	if i := slices.Index(words, "--profile"); i >= 0 && i+1 < len(words) {
		profile, rest = words[i+1], slices.Concat(words[:i], words[i+2:])
	} else if i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(profileNames(a), w) }); i >= 0 {
		profile = words[i]
	}
	typed := strings.NewReplacer("WORDS", ui.Type(rest...).Command, "PROFILE", cmdline.Quote(profile))
	way.Command, way.Words = typed.Replace(way.Command), typed.Replace(way.Words)
	return way
}

// profileNames are all profiles; nil if they cannot be read.
func profileNames(a *app) []string {
	if a.host.Check() != nil {
		return nil
	}
	all, err := a.profiles()
	if err != nil {
		return nil
	}
	names, _ := all.Names()
	return names
}

// wayOfWords is what to do instead of a command that does not exist.
func wayOfWords(a *app, words []string) ui.Hint {
	for _, h := range wordHabits() {
		if slices.Contains(strings.Fields(h.typed), words[0]) {
			return profiled(a, h.way, words)
		}
	}
	if slices.Contains(profileNames(a), words[0]) {
		return ui.Type("fob", "exec", words[0])
	}
	if near := plan.Nearest(words[0], commandNames()); len(near) > 0 {
		return ui.Advise("did you mean fob %s?", strings.Join(near, " or fob "))
	}
	if _, err := exec.LookPath(words[0]); err == nil {
		return profiled(a, ui.TypeLine("fob exec PROFILE -- WORDS"), words)
	}
	return ui.Type("fob", "--help")
}

// wayOfFlag is what to do instead of a flag that this command does not have; the zero
// Hint if nothing is known.
func wayOfFlag(a *app, flag string) ui.Hint {
	for _, h := range flagHabits() {
		if flag != "" && (h.command == "*" || h.command == a.name) && slices.Contains(strings.Fields(h.typed), flag) {
			return lasting(profiled(a, h.way, a.args[1:]), flag, a.args[1:])
		}
	}
	return ui.Hint{}
}

// lasting is a way with the duration that was typed with a flag, if one was.
func lasting(way ui.Hint, flag string, words []string) ui.Hint {
	for i, w := range words {
		d, ok := strings.CutPrefix(w, flag+"=")
		if w == flag && i+1 < len(words) {
			d, ok = words[i+1], true
		}
		if long, err := time.ParseDuration(d); ok && err == nil && long > 0 {
			way.Command, way.Words = strings.Replace(way.Command, "2h", d, 1), strings.Replace(way.Words, "2h", d, 1)
		}
	}
	return way
}
