package main

import (
	"context"
	"errors"
	"slices"

	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/importer"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// listVault is what aws-vault has. It says what may be missing.
func listVault(a *app, all *profiles.Profiles, mayAsk bool) ([]awsvault.Entry, error) {
	w := a.vaultWorld(all)
	w.Prompt = w.Prompt && mayAsk
	entries, problems := awsvault.List(a.ctx, w)
	if a.ctx.Err() != nil {
		return nil, context.Cause(a.ctx)
	}
	for _, p := range problems {
		if p.Locked {
			a.out.Note("aws-vault may have more keys: %s", p.Reason)
		} else {
			a.out.Note("cannot see all of aws-vault's keys: %s", p.Reason)
		}
		if p.Fix != "" {
			a.out.Hints([]ui.Hint{ui.TypeLine(p.Fix)})
		}
	}
	return entries, nil
}

// vaultReader reads keys of aws-vault's.
func vaultReader(a *app, world importer.World) *awsvault.Reader {
	ask := func(ctx context.Context, dir string, again bool) (creds.Secret, error) {
		text := "aws-vault's passphrase for " + a.host.Tilde(dir) + ": "
		if again {
			text = "Wrong passphrase, try again: "
		}
		answer, err := a.person.AskSecret(ctx, "ask for aws-vault's passphrase", text, func(string) error { return nil })
		if nobody, ok := errors.AsType[*ui.NobodyError](err); ok {
			nobody.Flag = "AWS_VAULT_FILE_PASSPHRASE"
		}
		return answer, err
	}
	return &awsvault.Reader{World: a.vaultWorld(world.Profiles), Ask: ask}
}

// readVault reads the key of an item that aws-vault keeps, now that it has been chosen.
func (m *moving) readVault(a *app, item *importer.Item) error {
	if item.Found[0].Vault == nil {
		return nil
	}
	key, err := m.vault.Read(a.ctx, *item.Found[0].Vault)
	if err != nil {
		return err
	}
	f := m.world.Read(item.Found[0], key)
	if f.Kind != importer.LongLived {
		return &keepError{Where: whereFound(f), Problem: f.Why}
	}
	item.Found = []importer.Found{f}
	return nil
}

// verb is what has become of a key: fob removes none from aws-vault.
func verb(item importer.Item) string {
	if item.Found[0].Vault != nil {
		return "Copied"
	}
	return "Moved"
}

// sayKept says which keys aws-vault still has, and which tools still ask it.
func (m *moving) sayKept(a *app) {
	var kept []string
	for _, item := range m.moved {
		if v := item.Found[0].Vault; v != nil && !slices.Contains(kept, v.Profile) {
			kept = append(kept, v.Profile)
		}
	}
	if len(kept) == 0 {
		return
	}
	has := "aws-vault still has the " + ui.Plural(len(kept), "key") + " of " + ui.List(kept)
	if asking := askVault(a); len(asking) > 0 {
		a.out.Say("%s. Tools still ask it for %s: fob doctor", has, ui.List(asking))
		return
	}
	a.out.Say("%s. When nothing uses it any more:", has)
	a.out.Say("    %s", ui.Type("aws-vault", "remove", kept[0]).Command)
}

// askVault are the profiles whose tools ask aws-vault, in the config as it is now.
func askVault(a *app) (names []string) {
	all, err := a.readProfiles()
	if err != nil {
		return nil // it was just written, and whatever happened since is not about this
	}
	for _, name := range all.Config.Names() {
		section, _ := all.Config.Profile(name)
		if line, _ := section.Own("credential_process"); awsvault.Runs(line.Text) {
			names = append(names, name)
		}
	}
	return names
}
