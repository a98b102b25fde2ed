package profiles

import (
	"slices"
	"time"

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
	Sessions  []time.Time
	// Problem is why there is no plan; nil if there is one.
	Problem error
}

// Until is when the last of the sessions ends; zero without one.
func (r Row) Until() time.Time {
	if len(r.Sessions) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(r.Sessions, time.Time.Compare)
}

// Rows are the profiles by name; names is what Names returned. It reads each item
// of the store once: a thousand are listed before anyone notices.
func (p *Profiles) Rows(names []string, now time.Time) []Row {
	sessions, err := p.store.Infos(keyring.KindSession)
	if err != nil {
		p.log("%v", err) // a damaged session is one session less
	}
	live := map[string][]time.Time{}
	for _, s := range sessions {
		if s.Expires.After(now) {
			live[s.ID] = append(live[s.ID], s.Expires)
		}
	}
	seeds, _ := p.store.Infos(keyring.KindSeed) // a damaged one gives no codes
	seeded := map[string]bool{}
	for _, s := range seeds {
		seeded[s.Name] = true
	}
	keys, facts := p.listed()
	rows := make([]Row, 0, len(names))
	for _, name := range names {
		key := keys[name]
		r := Row{Profile: name, KeyID: key.KeyID, KeyAdded: key.Created}
		made, err := plan.Resolve(facts, name, plan.Options{})
		if r.Problem = err; err == nil {
			r.Account, r.Region, r.MFASerial, r.Source = made.Account, made.Region, made.MFASerial(), made.Steps[0].Kind()
			r.Seed = seeded[r.MFASerial]
			for n := 2; n <= len(made.Steps); n++ {
				r.Sessions = append(r.Sessions, live[made.ID(n)]...)
			}
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
