package plan

import (
	"errors"
	"fmt"
	"slices"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// Resolve makes the plan for a profile, or says why there is none: one of this
// package's errors, an awsconfig.SyntaxError, or what Facts.Key returned.
func Resolve(f Facts, profile string, o Options) (Plan, error) {
	r := resolver{facts: f, opts: o}
	if err := r.walk(profile); err != nil {
		return Plan{}, err
	}
	if err := r.lineDuration(); err != nil {
		return Plan{}, err
	}
	p := Plan{Profile: profile}
	var err error
	var regionFrom string
	if p.Region, regionFrom, err = r.region(); err != nil {
		return Plan{}, err
	}
	maxMFAAge, maxMFAAgeFrom, err := r.maxMFAAge()
	if err != nil {
		return Plan{}, err
	}
	p.MaxMFAAge = maxMFAAge
	if !o.Duration.Soft {
		p.Demand = o.Duration.Duration
	}
	if p.Steps, err = r.steps(); err != nil {
		return Plan{}, err
	}
	if err := r.checkMFAAge(p, maxMFAAgeFrom); err != nil {
		return Plan{}, err
	}
	if err := r.guard(&p, regionFrom); err != nil {
		return Plan{}, err
	}
	p.MFAProcess = r.mfaProcess(p.MFASerial())
	p.LostMFA = r.lostMFA()
	if p.STS, err = r.endpoint(p.Region, regionFrom); err != nil {
		return Plan{}, err
	}
	if p.Account, p.Guards, err = r.account(p.Steps); err != nil {
		return Plan{}, err
	}
	if o.Unguarded {
		p.Guards = nil
	}
	if o.Child {
		if p.Env, err = r.env(p.Region); err != nil {
			return Plan{}, err
		}
	}
	r.noteVariables()
	r.noteParents()
	p.Variables, p.Notes = r.used, r.notes
	p.Doubt = r.doubt
	return p, nil
}

type resolver struct {
	facts Facts
	opts  Options
	chain []hop
	// source is the first step; key is set when it is a stored one.
	source Step
	key    Key
	// longLived: the source is a key, not a session.
	longLived bool
	notes     []string
	// used are the names of variables that count.
	used  []string
	doubt string // Plan.Doubt
	// lenient: only the source is asked for, and other mistakes do not matter.
	lenient bool
}

// SourceOf is the name that a profile's sessions are stored under. It needs only the
// way to the source, so other mistakes in the sections do not matter.
func SourceOf(f Facts, profile string) (string, error) {
	r := resolver{facts: f, lenient: true}
	err := r.walk(profile)
	var none *NoKeyError
	switch {
	case errors.As(err, &none) && !none.Role:
		return none.Profile, nil // this is where the key would be
	case err != nil:
		return "", err
	}
	return Plan{Steps: []Step{r.source}}.Source(), nil
}

// ChainOf are the profiles through which a profile gets its credentials, itself first,
// as far as the way is clear.
func ChainOf(f Facts, profile string) (names []string) {
	r := resolver{facts: f, lenient: true}
	_ = r.walk(profile) // the hops before a mistake count
	for _, h := range r.chain {
		names = append(names, h.name)
	}
	return names
}

func (r *resolver) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// hop is one profile of a chain; the first is the one asked for.
type hop struct {
	name    string
	section awsconfig.Profile
	// role is set when this profile assumes a role with the next hop's credentials.
	role awsconfig.Value
	// line is a credential_process, at lineAt, by which fob gets the next hop's.
	line   cmdline.Export
	lineAt awsconfig.Value
}

// next is the profile that another one gets its credentials from; the zero value
// when the source is found.
type next struct {
	profile string
	// withRole: the profile's own role counts too, as in fob export.
	withRole bool
	at       awsconfig.Value
}

// walk follows profile to the credentials it starts from.
func (r *resolver) walk(profile string) error {
	for n := (next{profile: profile, withRole: true}); ; {
		name := n.profile
		if slices.ContainsFunc(r.chain, func(h hop) bool { return h.name == name }) {
			return r.loop(name)
		}
		if err := r.facts.Config.Spoiled(name); err != nil {
			return err
		}
		section, inConfig := r.facts.Config.Profile(name)
		if err := checkKeys(section); err != nil && !r.lenient {
			return err
		}
		key, stored, err := r.facts.Key(name)
		if err != nil {
			return err
		}
		if !inConfig && !stored {
			return r.missing(n)
		}
		h := hop{name: name, section: section}
		// A profile with a key of its own, stored or in plain text, is a source of
		// other profiles without the role in its section, as for the SDKs.
		if role, ok := r.value(h, "role_arn"); ok && (n.withRole || !stored && !hasStatic(section)) {
			h.role = role
		}
		r.chain = append(r.chain, h)
		if stored {
			// The stored key wins over everything in the section.
			r.key, r.longLived = key, true
			r.source = StoredKey{Profile: name, KeyID: key.ID, From: "the store"}
			return nil
		}
		if n, err = r.follow(h); err != nil || r.source != nil {
			return err
		}
	}
}

// steps makes the steps of the chain (testdata/03 to 08).
func (r *resolver) steps() ([]Step, error) {
	if d := r.opts.Duration; d.Duration > 0 && d.Duration < MinSession && !d.Soft {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: the shortest AWS session is %s", d.From, Duration(d.Duration), Duration(MinSession))}
	}
	roles, err := r.roles() // in the order of assuming
	if err != nil {
		return nil, err
	}
	if r.root() && len(roles) > 0 {
		problem := "AWS does not let a root user's key assume roles; use an IAM user's key"
		if r.key.ID == "" {
			problem = "AWS does not let a root user assume roles; sign in as an IAM user or with a role"
		}
		return nil, &ConfigError{At: roles[0].Origin(), Problem: problem}
	}
	if r.opts.NoSession {
		return r.noSession(roles)
	}
	serial, err := r.serial()
	if err != nil {
		return nil, err
	}
	steps := []Step{r.source}
	if len(roles) > 0 {
		return r.roleSteps(steps, roles, serial)
	}
	if !r.longLived {
		if d := r.opts.Duration; d.Duration > 0 {
			if !d.Soft {
				return nil, r.noChoice(d)
			}
			r.note("%v", r.noChoice(d))
		}
		return steps, nil
	}
	life, from, err := r.sessionLife(true)
	if err != nil {
		return nil, err
	}
	return append(steps, SessionToken{MFASerial: serial.Text, DurationSeconds: seconds(life), From: From(either(At(serial), from))}), nil
}

// noChoice is the error for a duration of credentials that fob only passes on.
func (r *resolver) noChoice(d Requested) error {
	switch s := r.source.(type) {
	case SSO:
		return &UsageError{Problem: fmt.Sprintf("%s: the permission set %s decides how long its credentials last", d.From, s.RoleName)}
	case ConsoleLogin:
		return &UsageError{Problem: d.From + ": the credentials of a console sign-in last 15m, and fob renews them"}
	}
	return &UsageError{Problem: fmt.Sprintf("%s: fob cannot choose how long the credentials of %q last", d.From, r.chain[0].name)}
}

func (r *resolver) noSession(roles []AssumeRole) ([]Step, error) {
	if len(roles) > 0 {
		return nil, &UsageError{Problem: fmt.Sprintf("--no-session: profile %q assumes a role, and role credentials are always a session", r.chain[0].name)}
	}
	switch d := r.opts.Duration; {
	case d.Duration == 0 || d.Soft:
	case r.longLived:
		return nil, &UsageError{Problem: d.From + " cannot be used with --no-session: a long-lived key does not expire"}
	default:
		return nil, r.noChoice(d)
	}
	return []Step{r.source}, nil
}

// roleSteps adds the roles to the source. With MFA the session token comes first
// and is shared by every profile with that key and device. The exception is a
// single role that must last longer than AWS allows from a session: it is assumed
// directly, with the code.
func (r *resolver) roleSteps(steps []Step, roles []AssumeRole, serial awsconfig.Value) ([]Step, error) {
	last := &roles[len(roles)-1]
	web, withToken := r.source.(WebIdentity)
	direct := (r.longLived || withToken) && len(roles) == 1
	want, from, err := r.roleLife(r.lastRole())
	if err != nil {
		return nil, err
	}
	if r.opts.Duration.Duration > 0 {
		want, from = r.opts.Duration.Duration, r.opts.Duration.From
	}
	limit := maxChained
	if direct {
		limit = maxRole
	}
	why := "a role assumed from a session lasts at most 1h"
	if direct {
		why = longestRole
	}
	if d := r.opts.Duration; want > limit && d.Duration > 0 && !d.Soft {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: %s", from, Duration(want), why)}
	}
	if d := r.opts.Duration; d.Duration == 0 || d.Soft {
		want = r.wish(want, limit, from, why)
	}
	last.DurationSeconds = seconds(want)
	switch {
	case serial.Text != "" && want > maxChained:
		last.MFASerial = serial.Text
		r.note("to last more than 1h, %s is assumed directly with the MFA code: only its trust policy sees the MFA", last.RoleARN)
	case serial.Text != "":
		life, _, err := r.sessionLife(false)
		if err != nil {
			return nil, err
		}
		steps = append(steps, SessionToken{MFASerial: serial.Text, DurationSeconds: seconds(life), From: From(At(serial))})
		if len(roles) > 1 {
			r.note("MFA reaches only the first role of this chain (%s)", roles[0].RoleARN)
		}
	}
	if withToken {
		steps[0], roles = web.with(roles[0]), roles[1:]
	}
	for _, role := range roles {
		steps = append(steps, role)
	}
	return steps, nil
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
