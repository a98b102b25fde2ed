package main

import (
	"fmt"
	"slices"

	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

// edit removes what fob wrote to the profile's section.
func (c *removeCmd) edit(a *app) func(text string, r wire.Record) (wire.Edit, error) {
	return func(text string, r wire.Record) (wire.Edit, error) { return wire.Remove(text, c.Profile, a.args[0], r) }
}

// removeLines removes a profile without a key of its own, as fob add --source writes it:
// its lines, and the sessions of its role.
func (c *removeCmd) removeLines(a *app, all *profiles.Profiles, unread error) error {
	c.noteConflicts(a)
	near := plan.Nearest(c.Profile, all.Removable(a.args[0]))
	if unread != nil && len(near) == 0 {
		return unread // the lines of any profile may be in there
	}
	gone, added, err := a.files.Preview(c.Profile, c.edit(a))
	if unread == nil && err != nil {
		return err
	}
	if len(gone) == 0 {
		section, exists := all.Config.Profile(c.Profile)
		if !exists {
			return &plan.NoProfileError{Profile: c.Profile, Nearest: near, Stored: true}
		}
		return &notOursError{Profile: c.Profile, At: fmt.Sprintf("%s:%d", section.File, section.Line)}
	}
	users := usedBy(all, c.Profile, c.Profile)
	if err := c.confirmLines(a, gone, added, users); err != nil {
		return err
	}
	sessions := roleSessions(all, c.Profile) // whose plan needs the lines
	signedIn, lonely := lonelySignIn(all, c.Profile)
	if err := c.unwire(a); err != nil {
		return err
	}
	forgot := false
	if lonely {
		if forgot, err = c.forget(a, signedIn); err != nil {
			return err
		}
	}
	for _, s := range sessions {
		if err := a.store().RemoveSession(s.source, s.id); err != nil {
			return err
		}
	}
	if len(sessions) > 0 || forgot {
		a.out.Note("sessions already handed out stay valid until they expire")
	}
	if c.Yes && users != "" && len(added) == 0 { // what fob wire has rewritten works as before
		a.out.Note("%s, which is gone now", users)
	}
	return nil
}

func (c *removeCmd) confirmLines(a *app, gone, added []string, users string) error {
	if c.Yes {
		return nil
	}
	if _, err := a.person.Terminal("ask for confirmation"); err == nil { // else the question says why not
		a.showLines("This removes from", c.Profile, gone)
		if len(added) > 0 { // what fob wire has rewritten
			a.showLines("and restores in", c.Profile, added)
		}
		if users != "" {
			a.out.Say("%s.", users)
		}
	}
	return a.person.Confirm(a.ctx, "--yes", "Remove %s?", c.Profile)
}

// noteConflicts names files that still hold a key of the profile.
func (c *removeCmd) noteConflicts(a *app) {
	found, err := a.store().Conflicts()
	if err != nil {
		a.out.Log("%v", err)
	}
	a.noteConflicts(slices.DeleteFunc(found, func(f keyring.Conflict) bool {
		return f.Info.Kind != keyring.KindKey || f.Info.Name != c.Profile
	}))
}

// session is where a session is cached.
type session struct{ source, id string }

// roleSessions are the sessions of the role that a profile ends in. The session under it
// is other profiles' too.
func roleSessions(all *profiles.Profiles, profile string) (cached []session) {
	for _, export := range []bool{false, true} {
		p, err := all.Plan(profile, plan.Options{Export: export, Shown: true})
		if err != nil {
			continue // a mistake in the profile does not keep its lines
		}
		n := len(p.Steps)
		if _, role := p.Steps[n-1].(plan.AssumeRole); !role {
			continue
		}
		if info, err := all.Cached(p)(n); err == nil && info.Rev != "" {
			cached = append(cached, session{p.Source(), p.ID(n)})
		}
	}
	return cached
}

// unwire removes what fob wrote.
func (c *removeCmd) unwire(a *app) error {
	a.disused(c.Profile)
	var forgotten, rewritten bool
	_, changed, err := a.files.Wire(c.Profile, func(text string, r wire.Record) (wire.Edit, error) {
		forgotten, rewritten = r.IsZero(), r.Rewritten()
		return c.edit(a)(text, r)
	})
	if err != nil || !changed {
		return a.showUnwritten(c.Profile, err)
	}
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	section, stays := all.Config.Profile(c.Profile)
	if !stays {
		a.out.Answer("Removed profile %s from %s.", c.Profile, a.host.Tilde(a.files.Config))
		return nil
	}
	if rewritten {
		a.out.Answer("Restored %s in %s, as it was before fob wire.", c.Profile, a.host.Tilde(a.files.Config))
		return nil
	}
	a.out.Answer("Removed its lines from %s.", a.host.Tilde(a.files.Config))
	if forgotten {
		a.out.Note("%s:%d: the rest of this section stays, because fob does not remember writing it", section.File, section.Line)
	}
	return nil
}
