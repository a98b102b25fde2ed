package plan

import (
	"fmt"
	"time"

	"fob/internal/awsconfig"
)

// Limits of STS, in the API references of GetSessionToken and AssumeRole.
const (
	MinSession     = 15 * time.Minute
	maxSession     = 36 * time.Hour
	maxRootSession = time.Hour
	maxRole        = 12 * time.Hour
	longestRole    = "the longest role session is 12h"
	// maxChained is AWS's limit for a role that is assumed with a session.
	maxChained = time.Hour
	// MinExport is the shortest life of what fob export makes. botocore asks again for
	// credentials with less than 15 minutes left, on every request.
	MinExport = 20 * time.Minute
	// defaultSession is GetSessionToken's own default.
	defaultSession = 12 * time.Hour
	defaultRole    = time.Hour
)

// sessionLife is the lifetime of a GetSessionToken session. own is true for a
// session that is handed out, false for the shared one below a role.
func (r *resolver) sessionLife(own bool) (life time.Duration, from string, err error) {
	limit, why := maxSession, "the longest AWS session is 36h"
	life = defaultSession
	if r.root() {
		limit, why = maxRootSession, "the longest session of a root user is 1h"
		life = maxRootSession
	}
	from = "default"
	if own && r.opts.Duration.Duration > 0 {
		d := r.opts.Duration
		if d.Soft {
			return r.wish(d.Duration, limit, d.From, why), d.From, nil
		}
		if d.Duration > limit {
			return 0, "", &UsageError{Problem: fmt.Sprintf("%s %s: %s", d.From, Duration(d.Duration), why)}
		}
		return d.Duration, d.From, nil
	}
	asked, askedFrom := r.facts.Getenv("FOB_SESSION_DURATION"), "FOB_SESSION_DURATION"
	if asked == "" {
		v, ok := plain(r.chain[len(r.chain)-1].section, "fob_session_duration")
		if !ok {
			return life, from, nil
		}
		asked, askedFrom = v.Text, At(v)
	}
	d, err := ParseDuration(asked)
	if err != nil {
		return 0, "", &ConfigError{At: askedFrom, Problem: err.Error()}
	}
	if own {
		return r.wish(d, limit, askedFrom, why), askedFrom, nil
	}
	return r.within(d, MinSession, limit, askedFrom, why), askedFrom, nil
}

// roleLife is the lifetime that a role's section asks for.
func (r *resolver) roleLife(section awsconfig.Profile) (life time.Duration, from string, err error) {
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

// wish is within for the lifetime of the final credentials, if a file or variable
// wishes for it.
func (r *resolver) wish(d, high time.Duration, from, why string) time.Duration {
	switch {
	case d >= MinExport:
	case r.opts.Export:
		r.note("%s asks for %s, but fob export makes it %s: with less, SDKs would ask again for every request", from, Duration(d), Duration(MinExport))
		return MinExport
	default:
		r.note("%s asks for %s: fob export makes it %s, because with less SDKs would ask again for every request", from, Duration(d), Duration(MinExport))
	}
	return r.within(d, MinSession, high, from, why)
}

// within limits a lifetime to what AWS allows, and adds a note if that changes it.
func (r *resolver) within(d, low, high time.Duration, from, why string) time.Duration {
	switch {
	case d < low:
		r.note("%s asks for %s, but the shortest AWS session is %s", from, Duration(d), Duration(low))
		return low
	case d > high:
		r.note("%s asks for %s, but %s", from, Duration(d), why)
		return high
	}
	return d
}

func seconds(d time.Duration) int { return int(d / time.Second) }
