package main

import (
	"time"

	"fob/internal/format"
	"fob/internal/profiles"
	"fob/internal/ui"
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
	Problem     string         `json:"problem,omitempty"`
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
		Items: map[string]int{"keys": d.Items[keyring.KindKey], "seeds": d.Items[keyring.KindSeed], "sessions": d.Items[keyring.KindSession]},
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
	if d.Problem != nil {
		p.Problem = d.Problem.Error()
	}
	return p
}

// sortWays splits the ways to open the store into its slots, those that could be
// added, and those that this machine does not have.
func sortWays(d keyring.Description) (slots, others, missing []keyring.Way) {
	for _, way := range d.Ways {
		switch {
		case way.Slot:
			slots = append(slots, way)
		case way.Name == "age" && d.Exists:
			way.Problem = "" // a recipient needs no identity
			others = append(others, way)
		case way.Problem == "":
			others = append(others, way)
		default:
			missing = append(missing, way)
		}
	}
	return slots, others, missing
}

func showNoStore(a *app, d keyring.Description) {
	_, others, missing := sortWays(d)
	a.out.Print("Store      none yet; fob add PROFILE creates it in %s\n", a.host.Tilde(d.Dir))
	showWays(a, "Could use", others, "fob add chooses; fob --backend NAME add PROFILE decides")
	showWays(a, "Not here", missing, "")
}

func showStore(a *app, d keyring.Description, now time.Time) {
	slots, others, missing := sortWays(d)
	a.out.Print("Store      %s\n", a.host.Tilde(d.Dir))
	if len(d.Items) > 0 {
		a.out.Print("Holds      %s, %s, %s, each encrypted\n",
			ui.Count(d.Items[keyring.KindKey], "key"), ui.Count(d.Items[keyring.KindSeed], "MFA secret"), ui.Count(d.Items[keyring.KindSession], "session"))
	}
	foot := ""
	if len(slots) > 1 {
		foot = "any one of these is enough; fob --backend NAME uses another"
	}
	showWays(a, "Opened by", slots, foot)
	showWays(a, "Could add", others, "fob store add NAME; for age its recipient, age1...")
	showWays(a, "Not here", missing, "")
	switch open := profiles.Unlocked(d, now); {
	case open != "":
		a.out.Print("Unlocked   %s (fob lock ends that)\n", open)
	case usedSlot(slots) == "file":
		a.out.Print("Unlocked   nothing: fob asks for the passphrase when it needs it\n")
	}
	if only := d.OnlyKeyring(); only != "" && !a.Quiet {
		a.out.Hints([]ui.Hint{ui.Type("fob", "store", "add", "file").To("adds a passphrase: if %s is ever lost, so is the store", only)})
	}
}

func usedSlot(slots []keyring.Way) string {
	for _, way := range slots {
		if way.Used {
			return way.Name
		}
	}
	return ""
}

// showWays is a list with a heading, and at its foot what can be done with it.
func showWays(a *app, heading string, ways []keyring.Way, foot string) {
	for _, way := range ways {
		text := keyring.SlotTitle(way.Name)
		if way.Used {
			text += "; used on this machine"
		}
		switch {
		case way.Problem == "":
		case way.Slot:
			text += "; not usable here: " + way.Problem
		default:
			text += ": " + way.Problem
		}
		a.out.Print("%-10s %-15s %s\n", heading, way.Name, text)
		heading = ""
		for _, r := range way.Recipients {
			a.out.Print("%-10s %-15s %s\n", "", "", r)
		}
	}
	if len(ways) > 0 && foot != "" {
		a.out.Print("%-10s (%s)\n", "", foot)
	}
}
