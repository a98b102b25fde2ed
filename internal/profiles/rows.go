package profiles

import (
	"sync"
	"time"

	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/lastfail"
	"fob/internal/plan"
	"fob/keyring"
)

// Row is what list shows of a profile.
type Row struct {
	Profile  string
	KeyID    string    // of the stored key
	KeyAdded time.Time // when it was stored
	// KeyCreated is when AWS created it; zero if that is not known.
	KeyCreated time.Time
	Account    string
	Guess      string // the account that the key's ID tells, if nobody has asked AWS
	Region     string
	MFASerial  string
	Seed       bool   // the MFA device's secret is in the store
	Source     string // the kind of the first step: "stored-key"
	// SourceProfile is the profile whose key or process that is; "" for the environment.
	SourceProfile string
	Roles         []string // the ARNs, in the order in which they are assumed
	// Route is how it gets credentials, or why it does not, in few words.
	Route string
	// Session is until when the profile's own session is used; zero without one.
	Session time.Time
	// SignedIn is until when no person is needed, because of that session or of those
	// that it is made with; zero without one.
	SignedIn time.Time
	// SignIn is the sign-in that the plan starts from, if Source says that it starts from
	// one.
	SignIn SignIn
	// Refused is when AWS last refused to make the profile's own session with those;
	// zero if there is one, or if nobody has tried.
	Refused time.Time
	// Problem is why there is no plan; nil if there is one.
	Problem error
	// Idle: there is none because the section only has settings, and no other profile
	// wants a key of it.
	Idle bool
	// wanted: other profiles need a key of this one.
	wanted bool
}

// Rows are the profiles by name; names is what Names returned. It reads each item
// of the store once: a thousand are listed before anyone notices.
func (p *Profiles) Rows(names []string, now time.Time) []Row {
	keys, facts := p.listed()
	seeded, kept, refusals := p.seeds(), p.sessions(keys), p.refusals()
	tokens := sync.OnceValue(p.tokens) // most people have none
	rows := make([]Row, 0, len(names))
	for _, name := range names {
		r := Row{Profile: name, KeyID: keys[name].KeyID, KeyAdded: keys[name].Created, KeyCreated: keys[name].KeyCreated}
		made, err := plan.Resolve(facts, name, plan.Options{Export: true, Shown: true})
		if err != nil {
			r.Problem, r.Route = err, trouble(err)
			if r.KeyID != "" {
				r.Route = ShortKey(r.KeyID) + ", " + r.Route
			}
			rows = append(rows, r)
			continue
		}
		r.Account, r.Region, r.MFASerial = made.Account, made.Region, made.MFASerial()
		if r.Account == "" && len(made.Roles()) == 0 && made.STS.IsAWS() {
			r.Guess = creds.GuessAccount(made.KeyID())
		}
		r.Source, r.SourceProfile, r.Roles, r.Route = made.Steps[0].Kind(), made.Source(), made.Roles(), Route(made)
		if r.SourceProfile == plan.EnvironmentSource {
			r.SourceProfile = ""
		}
		r.Seed = seeded[r.MFASerial]
		at, cached := broker.At(now, made, p.store), among(kept, made)
		r.Session, _ = broker.Own(made, at, cached) // cached has no errors
		r.SignedIn, _ = broker.SignedIn(made, at, cached)
		if name, id, ok := made.Token(); ok {
			r.SignIn = p.orAWS(signInOf(tokens()[name+"+"+id], now), made)
			r.SignedIn = later(r.SignedIn, r.SignIn.Until)
		}
		if r.Session.IsZero() && !r.SignedIn.IsZero() {
			r.Refused = refusals.of(made, cached)
		}
		rows = append(rows, r)
	}
	p.findIdle(rows)
	return rows
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// seeds are the MFA devices whose secret is stored.
func (p *Profiles) seeds() map[string]bool {
	infos, _ := p.store.Infos(keyring.KindSeed) // a damaged one gives no codes
	stored := map[string]bool{}
	for _, s := range infos {
		stored[s.Name] = true
	}
	return stored
}

// sessions are the headers of the cached sessions, by their source and ID.
func (p *Profiles) sessions(keys map[string]keyring.Info) map[string]keyring.Info {
	infos, err := p.store.Infos(keyring.KindSession)
	if err != nil {
		p.log("%v", err) // a damaged session is one session less
	}
	kept := make(map[string]keyring.Info, len(infos))
	for _, s := range infos {
		if s.SourceRev == keys[s.Name].Rev { // else its key was replaced
			kept[s.Name+"+"+s.ID] = s
		}
	}
	return kept
}

// among finds the headers of a plan's sessions.
func among(kept map[string]keyring.Info, made plan.Plan) broker.Cached {
	found := make([]keyring.Info, len(made.Steps)+1)
	for n := made.FirstCached(); n <= len(made.Steps); n++ {
		found[n] = kept[made.Source()+"+"+made.ID(n)] // an ID takes longer than all the rest
	}
	return func(n int) (keyring.Info, error) { return found[n], nil }
}

// findIdle tells the profiles without a key that need one from those that only have
// settings.
func (p *Profiles) findIdle(rows []Row) {
	wanted := map[string]bool{}
	for _, r := range rows {
		if none, ok := r.Problem.(*plan.NoKeyError); ok && none.For != none.Profile {
			wanted[none.Profile] = true
		}
	}
	for i := range rows {
		r := &rows[i]
		none, ok := r.Problem.(*plan.NoKeyError)
		if !ok || none.Role {
			continue
		}
		// aws-vault's users name their MFA device in [default], for all profiles.
		section, _ := p.Config.Profile(r.Profile)
		_, device := section.Get("mfa_serial")
		r.wanted = wanted[none.Profile]
		r.Idle = !r.wanted && (!device || r.Profile == "default")
	}
}

// refusals are when AWS last refused an export of each profile.
type refusals map[string]time.Time

func (p *Profiles) refusals() refusals {
	failed, err := lastfail.All(p.state)
	if err != nil {
		p.log("%v", err)
	}
	when := refusals{}
	for _, f := range failed {
		if f.Refused() {
			when[f.Profile] = f.Time
		}
	}
	return when
}

// of is when AWS refused a plan although the profile was signed in. What it refused
// under an earlier sign-in may be allowed by now, and what it has granted since is.
func (r refusals) of(made plan.Plan, cached broker.Cached) time.Time {
	at := r[made.Profile]
	for n := made.FirstCached(); n <= len(made.Steps); n++ {
		if s, _ := cached(n); s.Rev != "" && s.Created.After(at) {
			return time.Time{}
		}
	}
	return at
}

// listed reads the headers of all keys at once. facts takes the keys from there
// and looks up only those that could not be read.
func (p *Profiles) listed() (keys map[string]keyring.Info, facts plan.Facts) {
	infos, damaged := p.keys()
	keys = make(map[string]keyring.Info, len(infos))
	for _, k := range infos {
		keys[k.Name] = k
	}
	facts = p.facts
	facts.Key = func(profile string) (plan.Key, bool, error) {
		info, ok := keys[profile]
		if !ok && damaged != nil {
			return p.key(profile)
		}
		return planKey(info), ok, nil
	}
	return keys, facts
}
