package broker

import (
	"time"

	"fob/internal/plan"
	"fob/keyring"
)

const (
	// minBaseLife is how long a session must still last to assume a role with it.
	minBaseLife = 60 * time.Second
	// shortLife and shortDue are for a program's credentials that last for less than
	// any session of AWS's: SDKs accept them, and 16 minutes before their end never
	// come.
	shortLife = 20 * time.Minute
	shortDue  = 5 * time.Minute
)

// Moment is when a question about cached sessions is asked.
type Moment struct {
	Now time.Time
	// Skew is how far Now is ahead of AWS's clock, as far as is known. The age of an
	// MFA code is counted by AWS's clock.
	Skew time.Duration
}

// AWS is the moment by AWS's clock.
func (m Moment) AWS() time.Time { return m.Now.Add(-m.Skew) }

// Cached returns the header of the cached session of a plan's first n steps, or a
// zero header.
type Cached func(n int) (keyring.Info, error)

// Outlook is what Credentials would do with a plan, as far as the cached sessions
// decide it. The zero value carries out all steps.
type Outlook struct {
	// Serve: it would hand out the cached session. AWS is not called.
	Serve bool
	// Early: it would hand out the cached session, but first try to renew it without
	// asking anybody.
	Early bool
	// From is how many steps a renewal would skip, because their session is cached.
	From int
	// Serial is the MFA device whose code a renewal would need; "" for none.
	Serial string
}

// Judge says what Credentials would do with a plan. Credentials decides by the same
// rules.
func Judge(p plan.Plan, renew Renewal, at Moment, cached Cached) (o Outlook, err error) {
	j := judge{plan: p, renew: renew, at: at}
	v, err := j.final(cached)
	switch {
	case err != nil:
		return Outlook{}, err
	case v == serve:
		return Outlook{Serve: true, From: len(p.Steps)}, nil
	}
	o.Early = v == renewEarly
	if v != renewAll {
		if o.From, err = j.newest(cached); err != nil {
			return Outlook{}, err
		}
	}
	for _, s := range p.Steps[o.From:] {
		if serial := plan.MFASerial(s); serial != "" {
			o.Serial = serial
		}
	}
	return o, nil
}

// SignedIn is until when the credentials of a plan need no person, because of what
// is cached; zero if nothing is that would be used.
func SignedIn(p plan.Plan, at Moment, cached Cached) (until time.Time, err error) {
	j := judge{plan: p, at: at}
	for n := p.FirstCached(); n <= len(p.Steps); n++ {
		s, err := cached(n)
		if err != nil {
			return time.Time{}, err
		}
		least := minBaseLife
		if n == len(p.Steps) {
			least = leastLife
		}
		if end := j.end(s); j.valid(s) && j.left(s) >= least && end.After(until) {
			until = end
		}
	}
	return until, nil
}

// Own is until when the cached session of the whole plan is handed out; zero if
// there is none that would be.
func Own(p plan.Plan, at Moment, cached Cached) (time.Time, error) {
	j := judge{plan: p, at: at}
	s, err := cached(len(p.Steps))
	if err != nil || len(p.Steps) < p.FirstCached() || !j.valid(s) || j.left(s) < leastLife {
		return time.Time{}, err
	}
	return j.end(s), nil
}

// judge holds the rules about cached sessions, for one plan at one moment.
type judge struct {
	plan  plan.Plan
	renew Renewal
	at    Moment
}

type verdict int

const (
	renewDue   verdict = iota // renew it
	renewAll                  // renew it, and every session that it is made with
	renewEarly                // renew it if that needs no person
	serve                     // hand it out
)

// final decides about the session of the whole plan.
func (j judge) final(cached Cached) (verdict, error) {
	if len(j.plan.Steps) < j.plan.FirstCached() {
		return renewDue, nil
	}
	s, err := cached(len(j.plan.Steps))
	if err != nil {
		return renewDue, err
	}
	if j.renew.Ahead && len(j.plan.Steps) > 2 {
		// Signing in ahead is about the MFA session, which needs a person.
		if base, err := cached(2); err != nil || !j.base(base) {
			return renewAll, err
		}
	}
	switch {
	case !j.valid(s) || j.left(s) < j.due(s) || j.half(s) && j.renew.Ahead:
		return renewDue, nil
	case j.half(s) && j.renew.Half && (len(j.plan.Steps) > 1 || !mayAsk(j.plan)):
		return renewEarly, nil
	}
	return serve, nil
}

// newest is how many steps the newest cached session saves that the next step can
// be done with; 0 if there is none.
func (j judge) newest(cached Cached) (n int, err error) {
	for n = len(j.plan.Steps) - 1; n >= j.plan.FirstCached(); n-- {
		if s, err := cached(n); err != nil || j.base(s) {
			return n, err
		}
	}
	return 0, nil
}

// valid reports whether a session may be used at all: it has not expired, and the
// MFA code behind it is not too old for this profile.
func (j judge) valid(s keyring.Info) bool {
	return s.Rev != "" && j.left(s) > 0 && !j.plan.TooOld(s.MFA, j.at.AWS()) && !j.putBack(s)
}

// putBack reports whether this computer's clock has been put back since the session was
// kept. Nobody knows then how much is left of what a console sign-in gave, because its end
// counts from that clock; that of other sessions is AWS's.
func (j judge) putBack(s keyring.Info) bool {
	_, console := j.plan.Steps[0].(plan.ConsoleLogin)
	return console && s.PutBack(j.at.Now)
}

// base reports whether the next step can be done with a session.
func (j judge) base(s keyring.Info) bool {
	return j.valid(s) && j.left(s) >= minBaseLife && !(j.renew.Ahead && j.half(s))
}

// due is with how much time left the plan's last session is renewed, even if a person
// has to be asked.
func (j judge) due(s keyring.Info) time.Duration {
	due := j.renew.Due
	if len(j.plan.Steps) == 1 && s.Expires.Sub(s.Created) < shortLife {
		due = min(due, shortDue)
	}
	return max(due, j.demand())
}

// demand is how long the credentials must last at least, because a duration was
// asked for. It does not count for a program that asks again by itself.
func (j judge) demand() time.Duration {
	if !j.renew.Half {
		return 0
	}
	return LeastOf(j.plan.Demand)
}

// LeastOf is how long a cached session must still last where a duration was asked
// for: nine tenths of it, so that the same command some minutes later needs no new
// code.
func LeastOf(demand time.Duration) time.Duration { return demand / 10 * 9 }

// end is until when a session is used, by this computer's clock.
func (j judge) end(s keyring.Info) time.Time {
	if limit := s.MFA.Add(j.plan.MaxMFAAge + j.at.Skew); j.plan.MaxMFAAge > 0 && limit.Before(s.Expires) {
		return limit
	}
	return s.Expires
}

func (j judge) left(s keyring.Info) time.Duration { return s.Expires.Sub(j.at.Now) }

func (j judge) half(s keyring.Info) bool { return j.left(s) < s.Expires.Sub(s.Created)/2 }
