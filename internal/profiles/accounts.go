package profiles

import (
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// Accounts are those that the AWS files and the store name: of keys, roles, MFA devices
// and permission sets. They are good for what a person reads: that a key is of another
// account does not mean that it is not the user's.
func (p *Profiles) Accounts() map[string]bool {
	known := map[string]bool{}
	add := func(texts ...string) {
		for _, text := range texts {
			if arn, ok := plan.ParseARN(text); ok {
				text = arn.Account
			}
			if plan.IsAccountID(text) {
				known[text] = true
			}
		}
	}
	for _, name := range p.Config.Names() {
		section, _ := p.Config.Profile(name)
		for _, key := range section.Keys() {
			if v, ok := section.Get(key); ok {
				add(v.Text, creds.GuessAccount(v.Text))
			}
		}
	}
	keys, _ := p.keys() // what reads a damaged one names it
	for _, k := range keys {
		add(k.Account, creds.GuessAccount(k.KeyID))
	}
	seeds, _ := p.store.Infos(keyring.KindSeed)
	for _, s := range seeds {
		add(s.Name)
	}
	return known
}
