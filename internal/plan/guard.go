package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/awsconfig"
)

// The guards of a profile say what its credentials must not be: fob_account,
// fob_policy, fob_policy_arns, fob_mfa_max_age, fob_regions; that a person has to
// confirm their use: fob_confirm; or what a coding agent gets: fob_agent. A guard that
// cannot be enforced is an error, and so is one that is mistyped: nobody would notice that
// it does not count. What stands nearer to the profile asked for, a second line, and a
// flag, may narrow a guard and never lift it.

// prefix marks fob's own keys, and its own form of the SDKs' keys.
const prefix = "fob_"

// understood are the SDKs' and aws-vault's keys that fob reads, so they may have the
// prefix. (TestUnderstood)
var understood = [...]string{
	"ca_bundle", "credential_process", "credential_source", "duration_seconds", "endpoint_url", "external_id",
	"ignore_configured_endpoint_urls", "include_profile", "login_session", "mfa_process", "mfa_serial", "region",
	"role_arn", "role_session_name", "services", "session_tags", "source_identity", "source_profile",
	"sso_account_id", "sso_region", "sso_registration_scopes", "sso_role_name", "sso_session", "sso_start_url",
	"sts_regional_endpoints", "transitive_session_tags", "use_dualstack_endpoint", "use_fips_endpoint",
	"web_identity_token_file", "web_identity_token_process",
}

// guards and sessionKey are fob's keys that no other program has.
var guards = [...]string{"fob_account", "fob_agent", "fob_confirm", "fob_mfa_max_age", "fob_policy", "fob_policy_arns", "fob_regions"}

const sessionKey = "fob_session_duration"

// checkKeys refuses keys with fob's prefix that have no effect, and guards that say
// nothing.
func checkKeys(section awsconfig.Profile) error {
	for _, v := range section.Prefixed() {
		switch {
		case setsVariable(v), v.Key == sessionKey:
		case slices.Contains(guards[:], v.Key):
			if strings.Trim(v.Text, ", \t\n") == "" {
				return &ConfigError{At: At(v), Problem: v.Key + " is empty"}
			}
		case !slices.Contains(understood[:], strings.TrimPrefix(v.Key, prefix)):
			return &UnknownKeyError{At: At(v), Key: v.Key, Nearest: Nearest(v.Key, prefixedKeys())}
		}
	}
	return nil
}

// prefixedKeys are the keys with fob's prefix that have an effect.
func prefixedKeys() []string {
	keys := append(slices.Clone(guards[:]), sessionKey)
	for _, k := range understood {
		keys = append(keys, prefix+k)
	}
	return keys
}

// UnknownKeyError: a key with fob's prefix that fob does not know.
type UnknownKeyError struct {
	At, Key string
	Nearest []string
}

func (e *UnknownKeyError) Error() string { return e.At + ": unknown key " + e.Key }

// NoDeviceError: fob_mfa_max_age in a profile that uses no MFA device.
type NoDeviceError struct{ Profile, At string }

func (e *NoDeviceError) Error() string {
	return fmt.Sprintf("%s: fob_mfa_max_age needs MFA, and profile %q uses no MFA device", e.At, e.Profile)
}

// guard applies the guards that count for the whole plan, wherever they stand in the
// chain. regionFrom is where the plan's region is from.
func (r *resolver) guard(p *Plan, regionFrom string) (err error) {
	for _, h := range r.chain {
		for _, key := range guards {
			for _, v := range h.section.Every(key) {
				if !strings.EqualFold(v.Text, "false") {
					p.Guarding = append(p.Guarding, Guard{Key: key, Value: strings.Join(strings.Fields(v.Text), " "), From: At(v)})
				}
			}
		}
	}
	if p.Confirm, err = r.confirm(); err != nil {
		return err
	}
	// Managed policies come before the inline one that joins them.
	if err := r.agent(p); err != nil {
		return err
	}
	return r.onlyRegions(p, regionFrom)
}

// every lists the values of a guard in the chain, the nearest first. One that another line
// of the section, the other file or an including profile hides counts, too: a guard that
// is written somewhere is there.
func (r *resolver) every(key string) (all []awsconfig.Value) {
	for _, h := range r.chain {
		all = append(all, h.section.Every(key)...)
	}
	return all
}

// confirm is where the fob_confirm that counts stands; "" if there is none. A false does
// not lift a guard.
func (r *resolver) confirm() (from string, err error) {
	for _, v := range r.every("fob_confirm") {
		on, err := isTrue(v)
		if err != nil {
			return "", err
		}
		if on {
			from = either(from, At(v))
		}
	}
	return from, nil
}

// isTrue reads a guard that is on or off.
func isTrue(v awsconfig.Value) (bool, error) {
	switch strings.ToLower(v.Text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &ConfigError{At: At(v), Problem: fmt.Sprintf("%s must be true or false, not %q", v.Key, v.Text)}
}

// AccountGuard is a fob_account for credentials of which nobody knows the account
// yet: AWS is asked before they are used.
type AccountGuard struct {
	Steps   int // how many steps make the credentials
	Account string
	From    string // file and line
}

// WrongAccount is the error for credentials of another account.
func (g AccountGuard) WrongAccount(account string) error {
	return &ConfigError{At: g.From, Problem: fmt.Sprintf("fob_account is %s, but the credentials belong to account %s", g.Account, account)}
}

// account is the account of the final credentials, if it is known. Each profile of
// the chain may say in which account its own are; guards are those that cannot be
// checked without asking AWS.
func (r *resolver) account(steps []Step) (account string, guards []AccountGuard, err error) {
	account = r.sourceAccount()
	done := 1 // how many steps make the credentials of this profile
	for _, h := range slices.Backward(r.chain) {
		if h.role.Text != "" {
			role, _ := ParseARN(h.role.Text) // other servers' roles have no account
			account = role.Account
			if !r.withToken(h) {
				done = afterRole(steps, done)
			}
		}
		for _, v := range h.section.Every("fob_account") {
			if !IsAccountID(v.Text) {
				return "", nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is not an account ID (12 digits)", v.Text)}
			}
			g := AccountGuard{Steps: done, Account: v.Text, From: At(v)}
			switch {
			case account == v.Text:
			case account != "":
				return "", nil, g.WrongAccount(account)
			case len(guards) > 0 && guards[len(guards)-1].Steps == done:
				if other := guards[len(guards)-1]; other.Account != v.Text {
					return "", nil, &ConfigError{At: At(v), Problem: fmt.Sprintf("fob_account is %s, but in %s it is %s", v.Text, other.From, other.Account)}
				}
			default:
				r.note("%s: fob asks AWS for the account of these credentials before it uses them", At(v))
				guards = append(guards, g)
			}
		}
	}
	return account, guards, nil
}

// sourceAccount is the account of the credentials that the chain starts from; "" if
// nobody knows.
func (r *resolver) sourceAccount() string {
	switch s := r.source.(type) {
	case SSO:
		return s.AccountID
	case ConsoleLogin:
		a, _ := ParseARN(s.Session) // the plan was made from an ARN
		return a.Account
	}
	return r.key.Account
}

// afterRole is how many steps there are up to the next role.
func afterRole(steps []Step, done int) int {
	for i, s := range steps[done:] {
		if _, ok := s.(AssumeRole); ok {
			return done + i + 1
		}
	}
	return done
}

// maxMFAAge is the smallest fob_mfa_max_age of the chain; 0 if there is none.
func (r *resolver) maxMFAAge() (least time.Duration, from string, err error) {
	for _, v := range r.every("fob_mfa_max_age") {
		d, err := ParseDuration(v.Text)
		if err != nil || d <= 0 {
			return 0, "", &ConfigError{At: At(v), Problem: invalidDuration(v.Text).Error()}
		}
		if least == 0 || d < least {
			least, from = d, At(v)
		}
	}
	return least, from, nil
}

// checkMFAAge makes sure that a plan with a fob_mfa_max_age has an MFA code whose age
// can be known.
func (r *resolver) checkMFAAge(p Plan, from string) error {
	switch {
	case p.MaxMFAAge == 0 || r.opts.Unguarded:
		return nil
	case p.MFASerial() != "":
		r.note("%s: this profile does not use a session whose MFA code is older than %s", from, Duration(p.MaxMFAAge))
		return nil
	case r.opts.NoSession:
		return &UsageError{Problem: "--no-session: the key itself carries no MFA, which fob_mfa_max_age demands (" + from + ")"}
	}
	if !r.longLived {
		return &ConfigError{At: from, Problem: fmt.Sprintf("fob_mfa_max_age needs the MFA code of an access key, which profile %q does not use", p.Profile)}
	}
	return &NoDeviceError{Profile: p.Profile, At: from}
}
