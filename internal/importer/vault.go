package importer

import (
	"errors"
	"fmt"
	"slices"

	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/plan"
)

// withVault adds what aws-vault has for profiles for which fob has nothing. The keys are
// not read yet, so nothing can be said of them but where they are.
func (w World) withVault(found []Found) []Found {
	stored, _ := w.Profiles.Stored() // after an import aws-vault still has its own
	for _, e := range w.Vault {
		if slices.Contains(stored, e.Profile) {
			continue
		}
		f := Found{Place: Place{Shown: e.Place}, Profile: e.Profile, Created: e.Stored, Vault: &e}
		if at := slices.IndexFunc(found, func(o Found) bool { return o.Vault != nil && o.Profile == f.Profile }); at >= 0 {
			f.Kind, f.Why = Blocked, fmt.Sprintf("aws-vault has a key for %s in another place, too (%s)", f.Profile, found[at].Shown)
		}
		found = append(found, f)
	}
	return found
}

// vaultUnused says which credentials tools have for a profile without aws-vault's key; ""
// if they have none. With the key in the store, they would get others.
func (w World) vaultUnused(f Found) string {
	made, err := w.Profiles.Plan(f.Profile, plan.Options{Shown: true})
	if none, ok := errors.AsType[*plan.NoKeyError](err); ok && none.Profile != f.Profile {
		return fmt.Sprintf("profile %s uses the key of %s, not this one", f.Profile, none.Profile)
	}
	if none, ok := errors.AsType[*plan.MissingSourceError](err); ok && none.Source != f.Profile {
		return fmt.Sprintf("profile %s uses the key of %s, not this one", f.Profile, none.Source)
	}
	if err != nil {
		return "" // as nearly always: there is no key
	}
	if process, ok := made.Steps[0].(plan.Process); ok && awsvault.Runs(process.Command) {
		return ""
	}
	return fmt.Sprintf("profile %s gets its credentials from %s, not from this key", f.Profile, made.Steps[0].Origin())
}

// Read is an entry of aws-vault's with its key, or with why that stays where it is.
func (w World) Read(f Found, key creds.Key) Found {
	w.check(&f, key.ID, key.Secret.Reveal())
	return f
}
