package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fob/internal/creds"
	"fob/internal/format"
	"fob/internal/term"
	"fob/keyring"
)

type storeCmd struct {
	Show       storeShowCmd       `cmd:"" default:"withargs" hidden:""`
	Add        storeAddCmd        `cmd:"" help:"Add a way to open the store, or mend one."`
	Remove     storeRemoveCmd     `cmd:"" help:"Take a way to open the store away."`
	Passphrase storePassphraseCmd `cmd:"" help:"Change the passphrase."`
	Trust      storeTrustCmd      `cmd:"" help:"Accept a store that this machine does not know."`
}

type storeShowCmd struct {
	JSON bool `help:"For programs."`
}

func (storeCmd) Help() string {
	return `Alone it shows where the store is, what opens it and what else could. Nothing is unlocked; --json is
for programs.`
}

// storePage is fob store --json.
type storePage struct {
	Path       string         `json:"path"`
	Exists     bool           `json:"exists"`
	ID         string         `json:"id,omitempty"`
	Generation int            `json:"generation,omitempty"`
	Slots      []storeWay     `json:"slots"`
	Others     []storeWay     `json:"others"` // could be added
	Items      map[string]int `json:"items"`
	Unlocked   storeUnlocked  `json:"unlocked"`
	Problem    string         `json:"problem,omitempty"`
}

type storeWay struct {
	Name       string   `json:"name"`
	Used       bool     `json:"used,omitempty"` // on this machine
	Usable     bool     `json:"usable"`
	Problem    string   `json:"problem,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
}

// storeUnlocked is until when, RFC 3339 in UTC; empty if a question comes first.
type storeUnlocked struct {
	Sessions string `json:"sessions,omitempty"`
	Keys     string `json:"keys,omitempty"`
}

func (c *storeShowCmd) Run(a *app) error {
	d := a.store().Describe(a.ctx)
	if c.JSON {
		if err := a.printJSON(pageOf(d)); err != nil {
			return err
		}
		return d.Problem
	}
	if d.Exists || d.Problem == nil { // else it is not known that there is none
		a.showStore(d, time.Now())
	}
	return d.Problem
}

func pageOf(d keyring.Description) storePage {
	p := storePage{
		Path: d.Dir, Exists: d.Exists, ID: d.ID, Generation: d.Gen, Slots: []storeWay{}, Others: []storeWay{},
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
	until := func(kind keyring.Kind) string {
		if ends := d.Unlocked[kind]; !ends.IsZero() {
			return format.Time(ends)
		}
		return ""
	}
	p.Unlocked = storeUnlocked{until(keyring.KindSession), until(keyring.KindKey)}
	if d.Problem != nil {
		p.Problem = d.Problem.Error()
	}
	return p
}

// showStore is the page for a person.
func (a *app) showStore(d keyring.Description, now time.Time) {
	w := a.stdout
	var slots, others, missing []keyring.Way
	used := ""
	for _, way := range d.Ways {
		if way.Used {
			used = way.Name
		}
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
	if !d.Exists {
		fmt.Fprintf(w, "Store      none yet; fob add PROFILE makes it in %s\n", term.Clean(tilde(d.Dir)))
		showWays(w, "May use", others, "fob add chooses; fob --backend NAME add PROFILE decides")
		showWays(w, "Not here", missing, "")
		return
	}
	fmt.Fprintf(w, "Store      %s\n", term.Clean(tilde(d.Dir)))
	if len(d.Items) > 0 {
		fmt.Fprintf(w, "Holds      %s, %s, %s, each encrypted\n", counted(d, keyring.KindKey, "key"), counted(d, keyring.KindSeed, "MFA seed"), counted(d, keyring.KindSession, "session"))
	}
	foot := ""
	if len(slots) > 1 {
		foot = "any one of these is enough; fob --backend NAME uses another"
	}
	showWays(w, "Opened by", slots, foot)
	showWays(w, "Could add", others, "fob store add NAME; for age its recipient, age1...")
	showWays(w, "Not here", missing, "")
	switch open := unlocked(d, now); {
	case open != "":
		fmt.Fprintf(w, "Unlocked   %s; fob lock forgets that\n", open)
	case used == "file":
		fmt.Fprintln(w, "Unlocked   nothing: the passphrase is asked for when it is needed")
	}
	fmt.Fprintf(w, "Vault key  the %s of store %s\n", ordinal(d.Gen), d.ID)
	if only := d.OnlyKeyring(); only != "" {
		a.say("fob: hint: if %s is ever lost, so is the store; a passphrase would open it too: fob store add file", only)
	}
}

// unlocked is what the kernel keeps open, and for how long; "" if nothing.
func unlocked(d keyring.Description, now time.Time) string {
	var open []string
	for _, kind := range []keyring.Kind{keyring.KindSession, keyring.KindKey} {
		if ends := d.Unlocked[kind]; !ends.IsZero() {
			open = append(open, fmt.Sprintf("%ss for %s", kind, left(ends.Sub(now))))
		}
	}
	return strings.Join(open, ", ")
}

func counted(d keyring.Description, kind keyring.Kind, noun string) string {
	return fmt.Sprintf("%d %s", d.Items[kind], plural(d.Items[kind], noun))
}

// showWays is a list with a heading, and what can be done with it at its foot.
func showWays(w io.Writer, heading string, ways []keyring.Way, foot string) {
	for _, way := range ways {
		text := wayWords(way.Name)
		if way.Used {
			text += "; what this machine uses"
		}
		switch {
		case way.Problem == "":
		case way.Slot:
			text += "; not usable here: " + way.Problem
		default:
			text += ": " + way.Problem
		}
		fmt.Fprintf(w, "%-10s %-15s %s\n", heading, term.Clean(way.Name), term.Clean(text))
		heading = ""
		for _, r := range way.Recipients {
			fmt.Fprintf(w, "%-10s %-15s %s\n", "", "", term.Clean(r))
		}
	}
	if len(ways) > 0 && foot != "" {
		fmt.Fprintf(w, "%-10s (%s)\n", "", foot)
	}
}

// wayWords say what a way to open the store is.
func wayWords(name string) string {
	words := map[string]string{
		"file":           "a passphrase",
		"age":            "age keys, also in hardware (YubiKey, TPM, Secure Enclave)",
		"secret-service": "the desktop's keyring",
		"keychain":       "the macOS Keychain",
		"wincred":        "the Windows Credential Manager",
		"kwallet":        "KDE's wallet",
		"pass":           "the password manager pass",
		"keyctl":         "the kernel's memory, until the next start",
	}
	if text := words[name]; text != "" {
		return text
	}
	return "unknown to this fob"
}

// left is a time to come, as people say it.
func left(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

type storeAddCmd struct {
	Way string `arg:"" name:"backend" help:"A name that fob store shows, or an age recipient (age1...)."`
}

func (storeAddCmd) Help() string {
	return `What opens the store today is needed once more. A passphrase is asked for twice; an age
recipient is a public key, and FOB_AGE_IDENTITY names the file with its other half when
the store is to be opened. Where the way is there but its keeper lost it (a slot's file
is gone, an item of the desktop's keyring was deleted) it is made anew.

    fob store add file
    fob store add age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p`
}

func (c *storeAddCmd) Run(a *app) error {
	done, err := a.store().AddSlot(a.ctx, c.Way)
	if err != nil {
		return err
	}
	name := strings.Replace(done.Slot, "passphrase", "file", 1)
	if done.Repaired {
		a.answer("Made anew: %s opens the store again.", name)
	} else {
		a.answer("Added: %s (%s) opens the store too.", name, wayWords(name))
	}
	if done.Chosen {
		a.answer("This machine uses it from now on; fob --backend NAME uses another.")
	}
	a.warnings(done)
	return nil
}

func (a *app) warnings(done keyring.Change) {
	for _, w := range done.Warnings {
		a.warnf("%s", w)
	}
}

type storeRemoveCmd struct {
	Slot string   `arg:"" help:"What is not to open the store any more: a name or recipient that fob store shows."`
	Drop []string `sep:"none" placeholder:"SLOT" help:"Take this one away too, because it cannot be reached; may be repeated."`
}

func (storeRemoveCmd) Help() string {
	return `It makes a new vault key and encrypts every item with it, so the other ways to open the
store have to be at hand, or be given up with --drop. An old copy of the store stays open
to whoever has it and what opened it: if that can be, replace the keys in AWS.`
}

func (c *storeRemoveCmd) Run(a *app) error {
	done, err := a.store().RemoveSlot(a.ctx, c.Slot, c.Drop...)
	if err != nil {
		return err
	}
	a.answer("Removed: %s does not open the store any more.", term.Clean(c.Slot))
	a.rekeyed(done)
	return nil
}

// rekeyed says what a new vault key is worth.
func (a *app) rekeyed(done keyring.Change) {
	a.warnings(done)
	a.notef("everything is encrypted with a new vault key; whoever has an old copy of the store and what opened it still has the keys in it: if that can be, replace the keys in AWS")
}

type storePassphraseCmd struct {
	Stdin bool     `help:"Read the new passphrase from standard input."`
	Drop  []string `sep:"none" placeholder:"SLOT" help:"Take this way to open the store away, because it cannot be reached; may be repeated."`
}

func (storePassphraseCmd) Help() string {
	return `The old passphrase, or what else opens the store, is needed once more. It makes a new vault
key, as fob store remove does.`
}

func (c *storePassphraseCmd) Run(a *app) error {
	var secret creds.Secret
	if c.Stdin {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, maxPassphrase))
		if err != nil {
			return err
		}
		if secret = creds.NewSecret(strings.TrimSuffix(string(text), "\n")); secret.Reveal() == "" {
			return &keyring.PassphraseError{Problem: "is empty"}
		}
	}
	done, err := a.store().NewPassphrase(a.ctx, secret, c.Drop...)
	if err != nil {
		return err
	}
	a.answer("The passphrase is changed.")
	a.rekeyed(done)
	return nil
}

type storeTrustCmd struct {
	Yes bool `short:"y" help:"Do not ask."`
}

func (storeTrustCmd) Help() string {
	return `This machine remembers which store it has used, and refuses one that was exchanged, put
back to an older state or lost: somebody else may have made it. If you know why it
changed (a backup, another machine), fob store trust makes it the one to use.`
}

func (c *storeTrustCmd) Run(a *app) error {
	changed, err := a.store().Trust(a.ctx, func(problem string) error {
		if c.Yes {
			return nil
		}
		return a.confirm(term.Clean(problem) + ". Trust what is there now?")
	})
	switch {
	case err != nil:
		return err
	case !changed:
		a.answer("This machine knows the store already.")
	default:
		a.answer("This machine trusts what is there now.")
	}
	return nil
}
