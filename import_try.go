package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/helper"
	"fob/internal/importer"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// givenCodes are the MFA codes that the command line gives, by device: each is used once.
type givenCodes map[string]*mfa.Given

// signIn makes a profile's session, as it will be, and asks for an MFA code if one is
// needed. Nothing is rewritten yet, so it may fail or take as long as it wants.
func (m *moving) signIn(a *app, will *profiles.Profiles, name string) error {
	p, err := will.Plan(name, plan.Options{Export: true})
	if err != nil {
		return err
	}
	serial := p.MFASerial()
	if m.given[serial] == nil {
		m.given[serial] = a.givenCode(m.codeFlags, serial)
	}
	_, err = a.credentials(a.ctx, p, request{
		codeFlags: m.codeFlags, renew: broker.RenewLogin, program: named("fob import"),
		given: m.given[serial], seen: &broker.Seen{},
	})
	return err
}

// tryLine runs a profile's credential_process once as SDKs do, and looks at what it prints
// as they do. It may not ask anything, and is lent what opens the sessions. Where that is
// not possible and the store needs its passphrase each time, the line must still find fob
// and the profile; the session itself has just been made.
func (m *moving) tryLine(a *app, draft *importer.Draft, name string, id awsapi.Identity) error {
	section, _ := draft.Profiles.Config.Profile(name)
	line, _ := section.Own("credential_process")
	defer a.out.Waiting("starting fob as programs do ...")()
	lent, variable, err := a.lend()
	if err != nil {
		return err
	}
	environ := append(a.helperEnviron(""), "FOB_NO_INPUT=1")
	out, err := helper.Output(a.ctx, line.Text, append(environ, variable...), nil, lent...)
	for _, f := range lent {
		f.Close()
	}
	if failed, ok := errors.AsType[*helper.FailedError](err); ok && failed.Code == exitNoPerson {
		explain := strings.Replace(strings.TrimSuffix(line.Text, " --format process"), " export --profile ", " explain --json --profile ", 1)
		if _, err = helper.Output(a.ctx, explain, environ, nil); err == nil {
			a.out.Log("%s: the store needs its passphrase each time; only fob explain was run", name)
			return nil
		}
	}
	if err == nil {
		err = checkOutput(out, draft.Profiles, name, id, a.now())
	}
	if err != nil {
		return &lineError{name, line.Text, err}
	}
	a.out.Log("%s: its credential_process printed a session", name)
	return nil
}

// checkOutput reads a document as SDKs do, and makes sure that it is a session of the key.
func checkOutput(out []byte, will *profiles.Profiles, name string, id awsapi.Identity, now time.Time) error {
	s, err := format.ReadProcess(out)
	if err != nil {
		return err
	}
	made, err := will.Plan(name, plan.Options{Export: true})
	if err != nil {
		return err
	}
	roles := made.Roles()
	switch {
	case s.Token.IsZero():
		return errors.New("printed a long-lived key, not a session")
	case !s.Expires.After(now):
		return errors.New("printed a session that has expired")
	case len(roles) == 0 && s.AccountID != "" && s.AccountID != id.Account:
		return fmt.Errorf("printed a session of account %s, not of %s", s.AccountID, id.Account)
	}
	return nil
}

// keyOwnership is what AWS says about a key, beside whose it is.
type keyOwnership struct {
	who     string
	created time.Time // zero if IAM does not tell
	serials importer.Serials
}

// device finds the MFA device of a key's user, for the profiles that name none. Many users
// may not ask IAM, and then profiles that use the key may name it.
func (m *moving) device(a *app, item importer.Item, key creds.Key, id awsapi.Identity) keyOwnership {
	arn, _ := plan.ParseARN(id.ARN)
	o := keyOwnership{who: fmt.Sprintf("user %s in account %s", arn.Name(), id.Account), serials: importer.Serials{}}
	var serials []string
	u, err := a.iamUserOf(m.world.Profiles, item.Profiles[0], creds.Session{Key: key}, id)
	if err == nil {
		var all []string
		if all, err = u.Devices(a.ctx); err == nil {
			serials, _, _ = u.Split(all)
		}
		keys, unlisted := u.AccessKeys(a.ctx)
		for _, k := range keys {
			if k.ID == key.ID {
				o.created = k.Created
			}
		}
		if unlisted != nil {
			a.out.Log("the age of %s is not known: %v", key.ID, unlisted)
		}
	}
	if err != nil {
		a.out.Log("the MFA devices are not known: %v", err)
		serials = m.namedDevices(item, arn)
	}
	for _, name := range item.Profiles {
		section, _ := m.world.Profiles.Config.Profile(name)
		if _, named := section.Get("mfa_serial"); !named && len(serials) == 1 {
			o.serials[name] = serials[0]
		}
	}
	if len(o.serials) > 0 {
		o.who += ", MFA device " + plan.ShortSerial(serials[0])
	} else if len(serials) > 1 {
		a.out.Note("the user has %s; to use one, set fob_mfa_serial in the profile", ui.Count(len(serials), "MFA device"))
	}
	return o
}

// noteMFA says what sessions cannot do that the key itself could.
func (m *moving) noteMFA(a *app, draft *importer.Draft, names []string) {
	for _, name := range names {
		p, err := draft.Profiles.Plan(name, plan.Options{Export: true})
		if err == nil && p.MFASerial() == "" && len(p.Roles()) == 0 {
			a.out.Note("%s names no MFA device: its sessions cannot call IAM or assume roles that require MFA", name)
		}
	}
}

// namedDevices are the user's devices that profiles on the key name.
func (m *moving) namedDevices(item importer.Item, user plan.ARN) (serials []string) {
	for _, name := range item.Profiles {
		for _, on := range m.world.Profiles.Users(name) {
			section, _ := m.world.Profiles.Config.Profile(on)
			v, _ := section.Get("mfa_serial")
			if v.Text != "" && v.Text != "none" && plan.CheckSerial(v.Text, user) == "" && !slices.Contains(serials, v.Text) {
				serials = append(serials, v.Text)
			}
		}
	}
	return serials
}
