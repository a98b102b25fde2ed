package profiles

import (
	"time"

	"fob/internal/broker"
	"fob/internal/plan"
	"fob/keyring"
)

// Row is what list shows of a profile.
type Row struct {
	Profile   string
	KeyID     string    // of the stored key
	KeyAdded  time.Time // when it was stored
	Account   string
	Region    string
	MFASerial string
	Seed      bool   // the MFA device's secret is in the store
	Source    string // the kind of the first step: "stored-key"
	Route     string // how it gets credentials, in few words
	// Session is until when the profile's own session is used; zero without one.
	Session time.Time
	// SignedIn is until when no person is needed, because of that session or of those
	// that it is made with; zero without one.
	SignedIn time.Time
	// Problem is why there is no plan; nil if there is one.
	Problem error
}

// Rows are the profiles by name; names is what Names returned. It reads each item
// of the store once: a thousand are listed before anyone notices.
func (p *Profiles) Rows(names []string, now time.Time) []Row {
	sessions, err := p.store.Infos(keyring.KindSession)
	if err != nil {
		p.log("%v", err) // a damaged session is one session less
	}
	seeds, _ := p.store.Infos(keyring.KindSeed) // a damaged one gives no codes
	seeded := map[string]bool{}
	for _, s := range seeds {
		seeded[s.Name] = true
	}
	keys, facts := p.listed()
	kept := map[string]keyring.Info{}
	for _, s := range sessions {
		if s.SourceRev == keys[s.Name].Rev { // else its key was replaced
			kept[s.Name+"+"+s.ID] = s
		}
	}
	rows := make([]Row, 0, len(names))
	for _, name := range names {
		key := keys[name]
		r := Row{Profile: name, KeyID: key.KeyID, KeyAdded: key.Created}
		made, err := plan.Resolve(facts, name, plan.Options{Export: true})
		if r.Problem = err; err == nil {
			r.Account, r.Region, r.MFASerial, r.Source = made.Account, made.Region, made.MFASerial(), made.Steps[0].Kind()
			r.Seed, r.Route = seeded[r.MFASerial], Route(made)
			cached := func(n int) (keyring.Info, error) { return kept[made.Source()+"+"+made.ID(n)], nil }
			at := broker.At(now, made, p.store)
			r.Session, _ = broker.Own(made, at, cached) // cached has no errors
			r.SignedIn, _ = broker.SignedIn(made, at, cached)
		}
		rows = append(rows, r)
	}
	return rows
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
