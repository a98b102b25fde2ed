package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

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
	showEntry(a, "Store", "none yet; fob add PROFILE creates it in "+a.host.Tilde(d.Dir))
	showWays(a, "Could use", others, "(fob add chooses; fob --backend NAME add PROFILE decides)")
	showWays(a, "Not here", missing, "")
}

// whenNeeded says where the passphrase comes from if nothing is unlocked.
func whenNeeded(a *app) string {
	from, where := a.secrets.passphraseFrom(), a.asksEachTime()
	switch {
	case from != "":
		return "fob takes the passphrase from " + from + " when it needs it"
	case where == "" || a.unattended():
	case keyring.CanHold():
		return "fob asks each time " + where + " (unless FOB_UNLOCK_TTL=12h is set)"
	default:
		return "fob asks each time " + where + " (unless FOB_PASSPHRASE_FILE is set)"
	}
	return "fob asks for the passphrase when it needs it"
}

func showStore(a *app, d keyring.Description, now time.Time) {
	slots, others, missing := sortWays(d)
	showEntry(a, "Store", a.host.Tilde(d.Dir))
	if len(d.Items) > 0 {
		held := []string{ui.Count(d.Items[keyring.KindKey], "key"), ui.Count(d.Items[keyring.KindSeed], "MFA secret"), ui.Count(d.Items[keyring.KindSession], "session")}
		if n := d.Items[keyring.KindToken]; n > 0 { // most people have no Identity Center
			held = append(held, ui.Count(n, "sign-in"))
		}
		showEntry(a, "Holds", strings.Join(held, ", ")+", each encrypted")
	}
	foot := ""
	if len(slots) > 1 {
		foot = "(any one of these is enough; fob --backend NAME uses another)"
	}
	showWays(a, "Opened by", slots, foot)
	showWays(a, "Could add", others, "(fob store add NAME; for age: fob store add age1..., its recipient)")
	showWays(a, "Not here", missing, "")
	switch open := profiles.Unlocked(d, now); {
	case open != "":
		showEntry(a, "Unlocked", open+" (fob lock ends that)")
	case usedSlot(slots) == "file":
		showEntry(a, "Unlocked", "nothing: "+whenNeeded(a))
	}
	a.noteConflicts(d.Conflicts)
	if only := d.OnlyKeyring(); only != "" && !a.Quiet {
		a.out.Hints([]ui.Hint{ui.Type("fob", "store", "add", "file").To("adds a passphrase: if %s is ever lost, so is the store", only)})
	}
}

func showEntry(a *app, heading, text string) {
	a.out.Hang(ui.Plain.Text(fmt.Sprintf("%-10s ", heading)), ui.Plain.Text(text))
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
		texts := []ui.Styled{ui.Plain.Text(keyring.SlotTitle(way.Name))}
		if way.Used {
			texts = append(texts, ui.Good.Text("(used on this machine)"))
		}
		why := a.out.Sentence(errors.New(way.Problem))
		switch {
		case way.Problem == "":
		case way.Slot:
			texts = append(texts, ui.Caution.Text("not usable here: "+why))
		default:
			texts = []ui.Styled{ui.Dim.Text(keyring.SlotTitle(way.Name) + ": " + why)}
		}
		a.out.Hang(ui.Plain.Text(fmt.Sprintf("%-10s %-15s ", heading, way.Name)), texts...)
		heading = ""
		for _, r := range way.Recipients {
			a.out.Hang(ui.Plain.Text(fmt.Sprintf("%-10s %-15s ", "", "")), ui.Plain.Text(r))
		}
	}
	if len(ways) > 0 && foot != "" {
		a.out.Hang(ui.Plain.Text(fmt.Sprintf("%-10s ", "")), ui.Dim.Text(foot))
	}
}
