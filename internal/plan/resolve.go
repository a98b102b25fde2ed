package plan

import (
	"fmt"
	"slices"

	"fob/internal/awsconfig"
)

// Resolve makes the plan for a profile, or says why there is none: one of this
// package's errors, an awsconfig.SyntaxError, or what Facts.Key returned.
func Resolve(f Facts, profile string, o Options) (Plan, error) {
	r := resolver{facts: f, opts: o}
	if err := r.walk(profile); err != nil {
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
	if p.Steps, err = r.steps(); err != nil {
		return Plan{}, err
	}
	if p.MaxMFAAge > 0 && p.MFASerial() != "" {
		r.note("%s: a session whose MFA code is older than %s does not serve this profile", maxMFAAgeFrom, Duration(p.MaxMFAAge))
	}
	p.MFAProcess = r.mfaProcess(p.MFASerial())
	if p.STS, err = r.endpoint(p.Region, regionFrom); err != nil {
		return Plan{}, err
	}
	if p.Account, err = r.account(p.Steps); err != nil {
		return Plan{}, err
	}
	p.Notes = r.notes
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
}

func (r *resolver) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// hop is one profile of a chain; the first is the one asked for.
type hop struct {
	name    string
	section awsconfig.Profile
	// role is set when this profile assumes a role on what the next hop gives.
	role awsconfig.Value
}

// next is the profile that another one builds on; none when the source is found.
type next struct {
	profile string
	// withRole: what fob export gives for it, its own role included.
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
		section, inConfig := r.facts.Config.Profile(name)
		key, stored, err := r.facts.Key(name)
		if err != nil {
			return err
		}
		if !inConfig && !stored {
			return r.missing(n)
		}
		h := hop{name: name, section: section}
		// As the source of another profile, the role of a section with a stored
		// key does not count.
		if role, ok := get(section, "role_arn"); ok && (n.withRole || !stored) {
			h.role = role
		}
		r.chain = append(r.chain, h)
		if stored {
			// It comes before anything else in its section.
			r.key, r.longLived = key, true
			r.source = StoredKey{Profile: name, KeyID: key.ID, From: "the store"}
			return nil
		}
		if n, err = r.follow(h); err != nil || r.source != nil {
			return err
		}
	}
}

// follow finds what a profile without a stored key builds on: another profile,
// or the source.
func (r *resolver) follow(h hop) (next, error) {
	parent, ok := get(h.section, "source_profile")
	switch {
	case ok && parent.Text == h.name && hasStatic(h.section):
		// A section may build its role on its own key.
		return next{}, r.plaintext(h)
	case ok:
		return next{profile: parent.Text, at: parent}, nil
	}
	return r.ownSource(h)
}

// steps makes the chain from the links: plan rules 3 to 8.
func (r *resolver) steps() ([]Step, error) {
	if d := r.opts.Duration; d.Duration > 0 && d.Duration < minSession && !d.Soft {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: AWS makes no session under %s", d.From, Duration(d.Duration), Duration(minSession))}
	}
	roles, err := r.roles() // in the order of assuming
	if err != nil {
		return nil, err
	}
	if r.root() && len(roles) > 0 {
		return nil, &ConfigError{At: roles[0].Origin(), Problem: "a root user's key cannot assume roles (AWS's rule); use an IAM user's"}
	}
	if len(roles) == 0 {
		if err := r.unscoped(); err != nil {
			return nil, err
		}
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
		if d := r.opts.Duration; d.Duration > 0 && !d.Soft {
			return nil, &UsageError{Problem: fmt.Sprintf("%s: profile %q hands out credentials whose lifetime fob does not choose", d.From, r.chain[0].name)}
		}
		return steps, nil
	}
	life, from, err := r.sessionLife(true)
	if err != nil {
		return nil, err
	}
	return append(steps, SessionToken{MFASerial: serial.Text, DurationSeconds: seconds(life), From: From(either(At(serial), from))}), nil
}

func (r *resolver) noSession(roles []AssumeRole) ([]Step, error) {
	if len(roles) > 0 {
		return nil, &UsageError{Problem: fmt.Sprintf("--no-session: profile %q is a role, and a role's credentials are always a session", r.chain[0].name)}
	}
	if d := r.opts.Duration; d.Duration > 0 && !d.Soft {
		return nil, &UsageError{Problem: d.From + " and --no-session: a long-lived key has no lifetime"}
	}
	return []Step{r.source}, nil
}

// roleSteps puts the roles on the source. With MFA the session token comes
// first and is shared by every profile on that key and device, except that a
// single role asked for longer than AWS allows from a session is assumed
// directly, with the code.
func (r *resolver) roleSteps(steps []Step, roles []AssumeRole, serial awsconfig.Value) ([]Step, error) {
	last := &roles[len(roles)-1]
	direct := r.longLived && len(roles) == 1
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
	why := "AWS caps a role assumed from a session at 1h"
	if direct {
		why = "AWS caps a role session at 12h"
	}
	if d := r.opts.Duration; want > limit && d.Duration > 0 && !d.Soft {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: %s", from, Duration(want), why)}
	}
	want = r.within(want, minSession, limit, from, why)
	last.DurationSeconds = seconds(want)
	switch {
	case serial.Text != "" && want > maxChained:
		last.MFASerial = serial.Text
		r.note("more than 1h means assuming %s directly with the code: only its trust policy sees the MFA", last.RoleARN)
	case serial.Text != "":
		life, _, err := r.sessionLife(false)
		if err != nil {
			return nil, err
		}
		steps = append(steps, SessionToken{MFASerial: serial.Text, DurationSeconds: seconds(life), From: From(At(serial))})
		if len(roles) > 1 {
			r.note("what a role gives carries no MFA: of this chain only the trust policy of %s sees it", roles[0].RoleARN)
		}
	}
	for _, role := range roles {
		steps = append(steps, role)
	}
	return steps, nil
}

// account is where the final credentials act, as far as anyone has said.
func (r *resolver) account(steps []Step) (string, error) {
	account := r.key.Account
	if role, ok := steps[len(steps)-1].(AssumeRole); ok {
		a, _ := ParseARN(role.RoleARN)
		account = a.Account
	}
	v, ok := plain(r.chain[0].section, "fob_account")
	if !ok {
		return account, nil
	}
	if !isAccountID(v.Text) {
		return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no account: 12 digits", v.Text)}
	}
	if account != "" && account != v.Text {
		return "", &ConfigError{At: At(v), Problem: fmt.Sprintf("the profile is to be in account %s, its credentials are of %s", v.Text, account)}
	}
	return v.Text, nil
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
