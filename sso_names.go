package main

import (
	"slices"
	"strings"

	"fob/internal/format"
	"fob/internal/plan"
	"fob/internal/signin"
	"fob/internal/wire"
)

// ssoProfile is a profile that somebody may have.
type ssoProfile struct{ name, session, account, role string }

// lines are those by which the profile is known again.
func (p ssoProfile) lines() wire.Lines {
	return wire.Lines{{"fob_sso_session", p.session}, {"fob_sso_account_id", p.account}, {"fob_sso_role_name", p.role}}
}

// wanted are the profiles for what Identity Center lists, with names that tell them apart.
func (c *ssoProfilesCmd) wanted(in plan.SignIn, found []signin.Account, name format.Template) (all []ssoProfile) {
	used := map[string]int{}
	for _, f := range found {
		for _, role := range f.Roles {
			if !c.takes(f.ID, role) {
				continue
			}
			fields := map[string]string{"account": f.ID, "name": f.Name, "role": role}
			if f.Name == "" {
				fields["name"] = f.ID
			}
			filled := c.Prefix + name.Fill(func(field string) string { return legalName(fields[field]) })
			p := ssoProfile{strings.TrimLeft(filled, "-"), in.Session, f.ID, role} // no program takes a flag for a name
			used[p.name]++
			all = append(all, p)
		}
	}
	for i, p := range all {
		switch {
		case p.name == "":
			all[i].name = p.account
		// Two accounts of one name; and who names accounts does not choose what tools use
		// that are told no profile.
		case used[p.name] > 1, p.name == "default":
			all[i].name = p.name + "-" + p.account
		}
	}
	roles := map[string]map[string]bool{}
	for _, p := range all {
		if roles[p.name] == nil {
			roles[p.name] = map[string]bool{}
		}
		roles[p.name][legalName(p.role)] = true
	}
	for i, p := range all {
		if len(roles[p.name]) > 1 { // roles of one account, which the template does not tell apart
			all[i].name = p.name + "-" + legalName(p.role)
		}
	}
	return all
}

func (c *ssoProfilesCmd) takes(account, role string) bool {
	return (len(c.Account) == 0 || slices.Contains(c.Account, account)) && (len(c.RoleName) == 0 || slices.Contains(c.RoleName, role))
}

// legalName is a text as a part of a profile's name that every SDK and shell takes as it
// stands.
func legalName(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (strings.ContainsRune("_.@+-", r) || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '-'
	}, strings.TrimSpace(text))
}
