package main

import (
	"fob/internal/format"
	"fob/keyring"
)

type storeCmd struct {
	Show       storeShowCmd       `cmd:"" default:"withargs" hidden:""`
	Add        storeAddCmd        `cmd:"" help:"Add a way to open the store, or repair one."`
	Remove     storeRemoveCmd     `cmd:"" help:"Remove one way of opening the store."`
	Passphrase storePassphraseCmd `cmd:"" help:"Change the passphrase."`
	Trust      storeTrustCmd      `cmd:"" help:"Accept a store that this machine does not know."`
}

type storeShowCmd struct {
	JSON bool `help:"Print JSON."`
}

func (storeCmd) Help() string {
	return `Without a command it shows where the store is, what opens it here, and what else could.
Nothing is unlocked.

    fob store
    fob store add file               a passphrase, too
    fob store passphrase             another passphrase`
}

// storePage is fob store --json.
type storePage struct {
	Path       string `json:"path"`
	Exists     bool   `json:"exists"`
	ID         string `json:"id,omitempty"`
	Generation int    `json:"generation,omitempty"`
	// Fingerprint is that of the vault key, if this machine has opened the store.
	Fingerprint string         `json:"fingerprint,omitempty"`
	Slots       []storeWay     `json:"slots"`
	Others      []storeWay     `json:"others"` // could be added
	Items       map[string]int `json:"items"`
	Unlocked    storeUnlocked  `json:"unlocked"`
	// Conflicts are files that hold an item under another name than its own.
	Conflicts []storeConflict `json:"conflicts,omitempty"`
	Problem   string          `json:"problem,omitempty"`
}

type storeConflict struct {
	Path string `json:"path"`
	Item string `json:"item"` // the name under which fob would use it
	Same bool   `json:"same"` // as the item that fob uses
}

type storeWay struct {
	Name       string   `json:"name"`
	Used       bool     `json:"used,omitempty"` // on this machine
	Usable     bool     `json:"usable"`
	Problem    string   `json:"problem,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
}

// storeUnlocked is until when, RFC 3339 in UTC; empty if fob would ask first.
type storeUnlocked struct {
	Sessions string `json:"sessions,omitempty"`
	Keys     string `json:"keys,omitempty"`
}

func (c *storeShowCmd) Run(a *app) error {
	d := a.store().Describe(a.ctx)
	switch {
	case c.JSON:
		if err := a.out.JSON(pageOf(d)); err != nil {
			return err
		}
	case d.Exists:
		showStore(a, d, a.now())
	case d.Problem == nil: // else it is not known that there is none
		showNoStore(a, d)
	}
	return d.Problem
}

func pageOf(d keyring.Description) storePage {
	p := storePage{
		Path: d.Dir, Exists: d.Exists, ID: d.ID, Generation: d.Gen, Fingerprint: d.Fingerprint, Slots: []storeWay{}, Others: []storeWay{},
		Items: map[string]int{
			"keys": d.Items[keyring.KindKey], "seeds": d.Items[keyring.KindSeed],
			"sessions": d.Items[keyring.KindSession], "sign_ins": d.Items[keyring.KindToken],
		},
	}
	for _, w := range d.Ways {
		way := storeWay{w.Name, w.Used, w.Problem == "", w.Problem, w.Recipients}
		if w.Slot {
			p.Slots = append(p.Slots, way)
		} else {
			p.Others = append(p.Others, way)
		}
	}
	p.Unlocked = storeUnlocked{format.Time(d.Unlocked[keyring.KindSession]), format.Time(d.Unlocked[keyring.KindKey])}
	for _, c := range d.Conflicts {
		p.Conflicts = append(p.Conflicts, storeConflict{c.Path(), c.Item, c.Same})
	}
	if d.Problem != nil {
		p.Problem = d.Problem.Error()
	}
	return p
}
