package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
)

// Facts is what a plan is decided from. The functions must give the same answer
// for the same argument while a plan is made.
type Facts struct {
	Config *awsconfig.Config
	// Key looks up the clear header of the key stored for a profile.
	Key func(profile string) (Key, bool)
	// StoredNames lists the profiles with a stored key, for suggestions only.
	StoredNames func() []string
	// Getenv is the environment.
	Getenv func(name string) string
	// ReadFile reads a session policy named by fob_policy or --policy.
	ReadFile func(path string) ([]byte, error)
	// Login is the name of the person at this computer; the last resort for a
	// role session's name.
	Login string
	// Program is the base name of the program that runs, to know itself in a
	// credential_process.
	Program string
}

// Key is the clear header of a stored key: no secret.
type Key struct {
	ID string
	// Account and ARN are what GetCallerIdentity said when the key was added;
	// empty when it was not asked.
	Account string
	ARN     string
}

// Options is what the command line asks for.
type Options struct {
	// Duration is a demand for the lifetime of the final credentials; 0 is none.
	Duration Demand
	// NoSession hands out the source credentials themselves.
	NoSession bool
	// Region is the flag.
	Region string
	// Policy is the text of a session policy, PolicyARNs are managed ones; both
	// scope the last role down.
	Policy     string
	PolicyARNs []string
}

// Demand is a duration and the flag that asks for it.
type Demand struct {
	Duration time.Duration
	From     string
	// Wish: it is from a file, and is capped where a flag's is an error.
	Wish bool
}

// Limits of STS, in the API references of GetSessionToken and AssumeRole.
const (
	minSession     = 15 * time.Minute
	maxSession     = 36 * time.Hour
	maxRootSession = time.Hour
	maxRole        = 12 * time.Hour
	// maxChained is AWS's cap on a role that is assumed with a session.
	maxChained = time.Hour
	// defaultSession is GetSessionToken's own default.
	defaultSession = 12 * time.Hour
	defaultRole    = time.Hour
)

// Resolve makes the plan for a profile, or says why there is none: one of this
// package's errors, or an awsconfig.SyntaxError.
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
		r.note("%s: a session whose MFA code is older than %s does not serve this profile", maxMFAAgeFrom, Short(p.MaxMFAAge))
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

// link is one profile of a chain; the first is the one asked for.
type link struct {
	name    string
	section awsconfig.Profile
	// role is set when this profile assumes a role on what the next link gives.
	role awsconfig.Value
}

type resolver struct {
	facts Facts
	opts  Options
	chain []link
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

// onward is the profile that another one builds on; none when the source is found.
type onward struct {
	profile string
	// whole: what fob export gives for it, its own role included.
	whole bool
	at    awsconfig.Value
}

// walk follows profile to the credentials it starts from.
func (r *resolver) walk(profile string) error {
	for next := (onward{profile: profile, whole: true}); ; {
		name := next.profile
		if slices.ContainsFunc(r.chain, func(l link) bool { return l.name == name }) {
			return r.loop(name)
		}
		section, inConfig := r.facts.Config.Profile(name)
		key, stored := r.facts.Key(name)
		if !inConfig && !stored {
			return r.missing(next)
		}
		l := link{name: name, section: section}
		// As the source of another profile, the role of a section with a stored
		// key does not count.
		if role, ok := get(section, "role_arn"); ok && (next.whole || !stored) {
			l.role = role
		}
		r.chain = append(r.chain, l)
		if stored {
			// It comes before anything else in its section.
			r.key, r.longLived = key, true
			r.source = StoredKey{Profile: name, KeyID: key.ID, From: "the store"}
			return nil
		}
		var err error
		if next, err = r.follow(l); err != nil || r.source != nil {
			return err
		}
	}
}

// follow finds what a profile without a stored key builds on: another profile,
// or the source.
func (r *resolver) follow(l link) (onward, error) {
	parent, ok := get(l.section, "source_profile")
	switch {
	case ok && parent.Text == l.name && hasStatic(l.section):
		// A section may build its role on its own key.
		return onward{}, r.plaintext(l)
	case ok:
		return onward{profile: parent.Text, at: parent}, nil
	}
	return r.ownSource(l)
}

// ownSource finds the credentials that a section without source_profile names.
func (r *resolver) ownSource(l link) (onward, error) {
	hasRole := l.role.Text != ""
	if v, ok := get(l.section, "credential_source"); ok && hasRole {
		return onward{}, r.environment(l, v)
	}
	if v, ok := get(l.section, "web_identity_token_file"); ok && hasRole {
		return onward{}, &UnsupportedError{Profile: l.name, What: "a web identity token", At: At(v)}
	}
	if hasStatic(l.section) {
		return onward{}, r.plaintext(l)
	}
	for _, k := range []string{"sso_session", "sso_start_url", "login_session"} {
		if v, ok := get(l.section, k); ok {
			return onward{}, &UnsupportedError{Profile: l.name, What: "a browser sign-in (" + k + ")", At: At(v)}
		}
	}
	if v, ok := get(l.section, "credential_process"); ok {
		other, self := cmdline.FobProfile(v.Text, r.facts.Program)
		switch {
		case self && other != l.name:
			return onward{profile: other, whole: true, at: v}, nil // fob never runs itself
		case !self:
			return onward{}, r.process(l, v)
		}
	}
	return onward{}, &NoKeyError{Profile: l.name, For: r.chain[0].name, Role: hasRole, At: where(l.section)}
}

func (r *resolver) plaintext(l link) error {
	static, err := Static(l.section)
	if err != nil {
		return err
	}
	r.longLived = static.Token.Text == ""
	r.source = PlaintextKey{Profile: l.name, KeyID: static.ID.Text, From: From(At(static.ID))}
	r.note("%s is a key in plain text (%s)", static.ID.Text, At(static.ID))
	return nil
}

func (r *resolver) process(l link, v awsconfig.Value) error {
	if !utf8.ValidString(v.Text) {
		// Plan.ID could not tell two such commands apart.
		return &ConfigError{At: At(v), Problem: "the command is not UTF-8"}
	}
	r.source = Process{Profile: l.name, Command: v.Text, From: From(At(v))}
	return nil
}

func (r *resolver) environment(l link, v awsconfig.Value) error {
	if v.Text != "Environment" {
		return &UnsupportedError{Profile: l.name, What: fmt.Sprintf("credential_source = %s", v.Text), At: At(v)}
	}
	id := r.facts.Getenv("AWS_ACCESS_KEY_ID")
	if id == "" || r.facts.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return &ConfigError{At: At(v), Problem: "credential_source = Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set"}
	}
	r.longLived = r.facts.Getenv("AWS_SESSION_TOKEN") == ""
	r.source = Environment{KeyID: id, From: From(At(v))}
	return nil
}

// root reports whether the source is a root user's key.
func (r *resolver) root() bool { return strings.HasSuffix(r.key.ARN, ":root") }

// steps makes the chain from the links: plan rules 3 to 8.
func (r *resolver) steps() ([]Step, error) {
	if d := r.opts.Duration; d.Duration > 0 && d.Duration < minSession && !d.Wish {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: AWS makes no session under %s", d.From, Short(d.Duration), Short(minSession))}
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
		if d := r.opts.Duration; d.Duration > 0 && !d.Wish {
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
	if d := r.opts.Duration; d.Duration > 0 && !d.Wish {
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
	want, from, err := r.roleWish(r.lastRole())
	if err != nil {
		return nil, err
	}
	demand := r.opts.Duration.Duration > 0
	if demand {
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
	if want > limit && demand && !r.opts.Duration.Wish {
		return nil, &UsageError{Problem: fmt.Sprintf("%s %s: %s", from, Short(want), why)}
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

// sessionLife is the lifetime of a GetSessionToken session. own: it is what was
// asked for, not the shared one under a role.
func (r *resolver) sessionLife(own bool) (life time.Duration, from string, err error) {
	limit, why := maxSession, "AWS caps a session of a key at 36h"
	life = defaultSession
	if r.root() {
		limit, why = maxRootSession, "AWS caps a session of a root user at 1h"
		life = maxRootSession
	}
	from = "default"
	if own && r.opts.Duration.Duration > 0 {
		d := r.opts.Duration
		if d.Wish {
			return r.within(d.Duration, minSession, limit, d.From, why), d.From, nil
		}
		if d.Duration > limit {
			return 0, "", &UsageError{Problem: fmt.Sprintf("%s %s: %s", d.From, Short(d.Duration), why)}
		}
		return d.Duration, d.From, nil
	}
	wish, wishFrom := r.facts.Getenv("FOB_SESSION_DURATION"), "FOB_SESSION_DURATION"
	if wish == "" {
		v, ok := plain(r.chain[len(r.chain)-1].section, "fob_session_duration")
		if !ok {
			return life, from, nil
		}
		wish, wishFrom = v.Text, At(v)
	}
	d, err := ParseDuration(wish)
	if err != nil {
		return 0, "", &ConfigError{At: wishFrom, Problem: err.Error()}
	}
	return r.within(d, minSession, limit, wishFrom, why), wishFrom, nil
}

// roleWish is the lifetime that a role's section asks for.
func (r *resolver) roleWish(section awsconfig.Profile) (life time.Duration, from string, err error) {
	v, ok := get(section, "duration_seconds")
	if !ok {
		return defaultRole, "default", nil
	}
	d, err := ParseDuration(v.Text)
	if err != nil {
		return 0, "", &ConfigError{At: At(v), Problem: err.Error()}
	}
	return d, At(v), nil
}

// within caps a wish and explains it.
func (r *resolver) within(d, low, high time.Duration, from, why string) time.Duration {
	switch {
	case d < low:
		r.note("%s asks for %s; AWS makes no session under %s", from, Short(d), Short(low))
		return low
	case d > high:
		r.note("%s asks for %s; %s", from, Short(d), why)
		return high
	}
	return d
}

func (r *resolver) maxMFAAge() (d time.Duration, from string, err error) {
	for _, l := range r.chain {
		if v, ok := plain(l.section, "fob_mfa_max_age"); ok {
			d, err := ParseDuration(v.Text)
			if err != nil || d <= 0 {
				return 0, "", &ConfigError{At: At(v), Problem: fmt.Sprintf("%q is no duration: 30m, 8h or a number of seconds", v.Text)}
			}
			return d, At(v), nil
		}
	}
	return 0, "", nil
}

// account is where the final credentials act, as far as anyone has said.
func (r *resolver) account(steps []Step) (string, error) {
	account := r.key.Account
	if role, ok := steps[len(steps)-1].(AssumeRole); ok {
		a, _ := parseARN(role.RoleARN)
		account = a.account
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

// get is a value that is not empty: fob's own spelling of the key wins.
func get(p awsconfig.Profile, key string) (awsconfig.Value, bool) {
	v, ok := p.Get(key)
	return v, ok && v.Text != ""
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func seconds(d time.Duration) int { return int(d / time.Second) }
