// Package plan decides how a profile gets its credentials.
//
// Resolve is a pure function from facts (the parsed AWS files, the clear
// headers of stored keys, a few environment variables) to a Plan: the chain of
// steps from a long-lived key to the credentials asked for. It asks nobody,
// reads no secret and does not use the network, so a plan can be printed, compared
// and hashed. The hash of its first n steps is the name of the session that exists
// after them, in the cache too. Everything that changes credentials is a field of a
// step; Plan.Region and a step's From do not, and are not part of the hash.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"fob/internal/awsconfig"
)

// Plan is how Profile gets credentials: Steps from first to last.
type Plan struct {
	Profile string
	// Region is the region of the program that gets the credentials; empty if unknown.
	Region string
	// Account is the account of the final credentials (12 digits); empty if unknown.
	// Only AWS says it: it answered so when the key was added, or it is the role's.
	Account string
	// Guarding are the guards of the AWS config that count, the nearest profile's first.
	Guarding []Guard
	// Agent is what the coding agent that asks gets; zero if none asks, or if nothing is
	// said about agents.
	Agent AgentGuard
	// Confirm is the file and line of the fob_confirm that counts; "" if there is none.
	Confirm string
	// RegionDenied says that fob_regions does not allow Region; "" if it does, or if the
	// region is unknown.
	RegionDenied string
	// Guards are what the account must be, where it is unknown.
	Guards []AccountGuard
	// STS says where STS is called.
	STS Endpoint
	// MaxMFAAge is how old an MFA session may be for this profile; 0 for any age.
	MaxMFAAge time.Duration
	// Demand is the lifetime that the user asked for; 0 for any.
	Demand time.Duration
	// MFAProcess prints codes of the plan's MFA device; zero for none.
	MFAProcess Command
	// LostMFA is the MFA device of [default] that aws-vault would use for this profile;
	// zero if there is none. For fob and the SDKs [default] is a profile like any other.
	LostMFA LostMFA
	// Doubt says why the MFA device is hardly the key's: it is about a key that AWS was not
	// asked about, and decides nothing. "" for no doubt.
	Doubt string
	Steps []Step
	// Env are the variables that the command of fob exec gets; nil unless Options.Child.
	Env []Variable
	// Variables are the names of aws-vault's that count in this plan.
	Variables []string
	// Notes say what was ignored or limited, and what may surprise.
	Notes []string
}

// LostMFA is a device that [default] lends to other profiles in aws-vault.
type LostMFA struct {
	Serial awsconfig.Value
	// Profile is the one that has to name it.
	Profile string
}

// Command is a command line from the AWS files.
type Command struct {
	Line string `json:"command"`
	From string `json:"from"` // file and line
}

// Guard is a guard of the AWS config that counts for a plan.
type Guard struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"` // file and line
}

// Agent is an AI coding agent, and what it was recognized by.
type Agent struct {
	Name string `json:"name"`
	Sign string `json:"recognized_by"`
}

// AgentGuard is a fob_agent that counts for the agent that asks.
type AgentGuard struct {
	Agent
	Gets string `json:"gets"` // the value of fob_agent
	From string `json:"from"` // file and line
}

// Endpoint is where a service is called.
type Endpoint struct {
	// Region is the region that requests are signed for; it also selects the host if
	// URL is empty. Never empty itself.
	Region string
	// Home is the partition's home region, tried once if Region refuses the call.
	Home string
	// URL is a configured endpoint, or AWS's own; empty for STS's own.
	URL       string
	FIPS      bool
	DualStack bool
	// CABundle is a PEM file of the certificate authorities to trust instead of the
	// system's; empty for the system's.
	CABundle string
}

// IsZero and MarshalText make an endpoint its URL in the JSON of a step, and in Plan.ID.
// AWS's own endpoints are left out: they all lead to the same AWS.
func (e Endpoint) IsZero() bool { return e.IsAWS() }

// MarshalText implements encoding.TextMarshaler.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.URL), nil }

// other is the URL of a server that is not AWS's; "" for AWS.
func (e Endpoint) other() string {
	if e.IsAWS() {
		return ""
	}
	return e.URL
}

// Step is one of the step types of this package.
type Step interface {
	// Kind is the name that explain shows.
	Kind() string
	// Origin is the file and line, flag or variable that decided the step.
	Origin() string
}

// From is the file and line, flag or variable that decided a step.
type From string

// Origin implements Step.
func (f From) Origin() string { return string(f) }

// StoredKey starts from the long-lived key in the store.
type StoredKey struct {
	Profile string `json:"profile"`
	KeyID   string `json:"key_id,omitempty"`
	From    `json:"-"`
}

// PlaintextKey starts from a key in the AWS files.
type PlaintextKey struct {
	Profile string `json:"profile"`
	KeyID   string `json:"key_id,omitempty"`
	From    `json:"-"`
}

// Environment starts from the credentials in the environment (credential_source).
type Environment struct {
	KeyID string `json:"key_id,omitempty"`
	From  `json:"-"`
}

// Process starts from the credentials another program prints (credential_process).
type Process struct {
	Profile string `json:"profile"`
	Command string `json:"command"`
	// ConfigFile and CredentialsFile are the AWS files if the environment names
	// others than the usual ones: the program may read them.
	ConfigFile      string `json:"config_file,omitempty"`
	CredentialsFile string `json:"credentials_file,omitempty"`
	// ForAgent: a coding agent asks. The program may be fob, behind a script, for a profile
	// with a fob_agent: what it gave a person is not for the agent, and the other way round.
	ForAgent bool `json:"for_agent,omitempty"`
	From     `json:"-"`
}

// SSO starts from the credentials that Identity Center gives for an account and a role.
type SSO struct {
	Profile string `json:"profile"`
	// Session is the name of the [sso-session] section; "" if the profile itself has the
	// start URL.
	Session  string `json:"sso_session,omitempty"`
	StartURL string `json:"sso_start_url"`
	Region   string `json:"sso_region"`
	// Scopes are asked for when the client is registered. Without any, which is only so
	// without a Session, a token lasts 8 hours and cannot be refreshed.
	Scopes    []string `json:"sso_registration_scopes,omitempty"`
	AccountID string   `json:"sso_account_id"`
	RoleName  string   `json:"sso_role_name"`
	// OIDC makes tokens, Portal the credentials.
	OIDC   Endpoint `json:"oidc_endpoint,omitzero"`
	Portal Endpoint `json:"portal_endpoint,omitzero"`
	From   `json:"-"`
}

// ConsoleLogin starts from a sign-in to the AWS console, as aws login makes it.
type ConsoleLogin struct {
	Profile string `json:"profile"`
	// Session is the ARN of who signs in.
	Session string `json:"login_session"`
	// CacheDir is where the AWS CLI keeps such sign-ins, if that is not the usual place.
	CacheDir string `json:"cache_dir,omitempty"`
	// AWSLogin: the section is one that aws login signs in to, and not fob's own spelling,
	// or one with a credential_process.
	AWSLogin bool     `json:"aws_login,omitempty"`
	Signin   Endpoint `json:"signin_endpoint,omitzero"`
	From     `json:"-"`
}

// WebIdentity is sts:AssumeRoleWithWebIdentity, with the token in a file or the one that
// a program prints.
type WebIdentity struct {
	Profile         string   `json:"profile"`
	TokenFile       string   `json:"token_file,omitempty"`
	TokenProcess    string   `json:"token_process,omitempty"`
	RoleARN         string   `json:"role_arn"`
	DurationSeconds int      `json:"duration_seconds"`
	RoleSessionName string   `json:"role_session_name"`
	Policy          string   `json:"policy,omitempty"`
	PolicyARNs      []string `json:"policy_arns,omitempty"`
	From            `json:"-"`
}

// SessionToken is sts:GetSessionToken, with MFA if MFASerial is set.
type SessionToken struct {
	MFASerial       string `json:"mfa_serial,omitempty"`
	DurationSeconds int    `json:"duration_seconds"`
	From            `json:"-"`
}

// AssumeRole is sts:AssumeRole, with an MFA code of its own if MFASerial is set.
type AssumeRole struct {
	RoleARN           string            `json:"role_arn"`
	DurationSeconds   int               `json:"duration_seconds"`
	RoleSessionName   string            `json:"role_session_name"`
	ExternalID        string            `json:"external_id,omitempty"`
	MFASerial         string            `json:"mfa_serial,omitempty"`
	SourceIdentity    string            `json:"source_identity,omitempty"`
	Tags              map[string]string `json:"tags,omitempty"`
	TransitiveTagKeys []string          `json:"transitive_tag_keys,omitempty"`
	Policy            string            `json:"policy,omitempty"`
	PolicyARNs        []string          `json:"policy_arns,omitempty"`
	From              `json:"-"`
}

// The kinds, as explain --json prints them.
func (StoredKey) Kind() string    { return "stored-key" }
func (PlaintextKey) Kind() string { return "plaintext-key" }
func (Environment) Kind() string  { return "environment" }
func (Process) Kind() string      { return "process" }
func (SSO) Kind() string          { return "sso" }
func (ConsoleLogin) Kind() string { return "console-login" }
func (WebIdentity) Kind() string  { return "web-identity" }
func (SessionToken) Kind() string { return "session-token" }
func (AssumeRole) Kind() string   { return "assume-role" }

// ID names the credentials that exist after the first n steps: 32 hexadecimal
// digits of a SHA-256 over everything that decides them.
func (p Plan) ID(n int) string {
	h := sha256.New()
	enc := json.NewEncoder(h) // a line each; map keys are sorted
	// A configured endpoint may be another AWS. Regions, FIPS and dual stack are
	// other endpoints of the same AWS.
	_ = enc.Encode([]string{"fob plan 1", p.STS.URL})
	for _, s := range p.Steps[:n] {
		_ = enc.Encode(s.Kind())
		_ = enc.Encode(s)
	}
	// What was made before the guard has not passed it.
	for _, g := range p.Guards {
		if g.Steps <= n {
			_ = enc.Encode([]any{"fob_account", g.Steps, g.Account})
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// EnvironmentSource is the Source of plans that start from the environment. It is
// not the name of a profile: the AWS files cannot have one with brackets.
const EnvironmentSource = "[environment]"

// Source is the profile whose key or process the plan starts from, or
// EnvironmentSource. Sessions are stored under that name; it is never empty.
func (p Plan) Source() string {
	switch s := p.Steps[0].(type) {
	case StoredKey:
		return s.Profile
	case PlaintextKey:
		return s.Profile
	case Process:
		return s.Profile
	case SSO:
		return s.Profile
	case ConsoleLogin:
		return s.Profile
	case WebIdentity:
		return s.Profile
	case Environment:
		return EnvironmentSource
	}
	panic("a plan that starts with " + p.Steps[0].Kind())
}

// KeyID is the key that the plan starts from; "" if it starts from something else.
func (p Plan) KeyID() string { return keyID(p.Steps[0]) }

func keyID(s Step) string {
	switch s := s.(type) {
	case StoredKey:
		return s.KeyID
	case PlaintextKey:
		return s.KeyID
	case Environment:
		return s.KeyID
	}
	return ""
}

// StartsWithKey reports whether the plan starts with a key, stored or not, and not with
// what a sign-in or another program gave.
func (p Plan) StartsWithKey() bool {
	switch p.Steps[0].(type) {
	case StoredKey, PlaintextKey, Environment:
		return true
	}
	return false
}

// MFASerial is the device whose code the plan needs when nothing is cached, or "".
func (p Plan) MFASerial() string {
	for _, s := range p.Steps {
		if serial := MFASerial(s); serial != "" {
			return serial
		}
	}
	return ""
}

// CodeSteps is how many steps lead to the last session that needs a code; 0 if none
// does.
func (p Plan) CodeSteps() (n int) {
	for i, s := range p.Steps {
		if MFASerial(s) != "" {
			n = i + 1
		}
	}
	return n
}

// FirstCached is how many steps the first session has that can be cached. A key is
// not a session, but what another program printed is one, unless the directory that
// fob is started in decides which program that is.
func (p Plan) FirstCached() int {
	command := ""
	switch s := p.Steps[0].(type) {
	case Process:
		command = s.Command
	case WebIdentity:
		command = s.TokenProcess
	case SSO, ConsoleLogin:
	default:
		return 2
	}
	if strings.HasPrefix(strings.TrimLeft(command, `"' `), ".") {
		return 2
	}
	return 1
}

// maxLead is how far in the future an MFA code may seem to have been used: clocks
// that agree well enough for AWS's codes differ by less.
const maxLead = time.Minute

// TooOld reports whether a session is too old for this profile at a time of AWS's
// clock: mfa is when the MFA code behind the session was used. A code that nobody
// knows the time of, or that is still to come, is too old, because its true age is
// not known.
func (p Plan) TooOld(mfa, at time.Time) bool {
	age := at.Sub(mfa)
	return p.MaxMFAAge > 0 && (mfa.IsZero() || age > p.MaxMFAAge || age < -maxLead)
}

// Roles are the ARNs of the roles, in the order in which they are assumed.
func (p Plan) Roles() []string {
	var roles []string
	for _, s := range p.Steps {
		switch role := s.(type) {
		case WebIdentity:
			roles = append(roles, role.RoleARN)
		case AssumeRole:
			roles = append(roles, role.RoleARN)
		}
	}
	return roles
}

// MFASerial is the device whose code the step needs, or "".
func MFASerial(s Step) string {
	switch s := s.(type) {
	case SessionToken:
		return s.MFASerial
	case AssumeRole:
		return s.MFASerial
	}
	return ""
}

// MarshalJSON is the format of fob explain --json. It leaves unknown values out; a
// step begins with its kind and ends with its origin.
func (p Plan) MarshalJSON() ([]byte, error) {
	steps := make([]json.RawMessage, len(p.Steps))
	for i, s := range p.Steps {
		var err error
		if steps[i], err = join(map[string]string{"kind": s.Kind()}, s, map[string]string{"from": s.Origin()}); err != nil {
			return nil, err
		}
	}
	return join(struct {
		Profile    string            `json:"profile"`
		Region     string            `json:"region,omitempty"`
		Account    string            `json:"account,omitempty"`
		STS        string            `json:"sts_endpoint,omitempty"`
		Steps      []json.RawMessage `json:"steps"`
		MFAProcess Command           `json:"mfa_process,omitzero"`
		Guards     []Guard           `json:"guards,omitempty"`
		Agent      AgentGuard        `json:"agent,omitzero"`
		Env        []Variable        `json:"env,omitempty"`
		Notes      []string          `json:"notes,omitempty"`
	}{p.Profile, p.Region, p.Account, p.STS.URL, steps, p.MFAProcess, p.Guarding, p.Agent, p.Env, p.Notes})
}

// join makes one JSON object of several that share no key, and keeps their order.
// It does not escape < > & because people read the command of a process there.
func join(objects ...any) ([]byte, error) {
	var all []string
	for _, o := range objects {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(o); err != nil {
			return nil, err
		}
		if inside := strings.TrimSpace(b.String()); inside != "{}" {
			all = append(all, inside[1:len(inside)-1])
		}
	}
	return []byte("{" + strings.Join(all, ",") + "}"), nil
}
