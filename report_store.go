package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"fob/internal/cmdline"
	"fob/internal/term"
	"fob/internal/ui"
	"fob/keyring"
	"fob/keyring/backend"
)

func storeFailures() []failure {
	identity := func(a *app) ui.Hint {
		return ui.Advise("FOB_AGE_IDENTITY, or age_identity in %s, names a file of age identities", a.host.Tilde(a.host.SettingsPath()))
	}
	showStore := ui.Type("fob", "store").To("shows what opens the store, and what could")
	return []failure{
		on(func(a *app, e *keyring.SlotError, err error) verdict {
			if errors.Is(err, term.ErrCancelled) || errors.Is(err, context.Canceled) {
				return otherwise
			}
			v := a.judge(e.Err)
			if !e.Only {
				again := ui.Type(slices.Concat([]string{"fob"}, a.args[1:], []string{"--drop", e.Slot})...)
				v.hints = append(v.hints, again.To("continues without it: then it no longer opens the store"))
			}
			return exit(exitStore, v.hints...)
		}),
		on(func(a *app, e *keyring.UnfinishedError, _ error) verdict {
			return exit(exitStore,
				ui.Advise("let the store synchronize first"),
				ui.Type("rm", "-r", e.Dir).If("if no other machine uses it"))
		}),
		on(func(_ *app, e *keyring.StrayError, _ error) verdict {
			return exit(exitStore, ui.Type("rm", e.Path()).If("if you do not need it"))
		}),
		on(func(_ *app, e *keyring.LastSlotError, _ error) verdict {
			if e.Slot == "file" {
				return exit(exitStore, ui.Type("fob", "store").To("shows what could open it as well: add one of these first"))
			}
			return exit(exitStore, ui.Type("fob", "store", "add", "file").To("adds a passphrase first"))
		}),
		on(func(_ *app, e *keyring.SlotExistsError, _ error) verdict {
			if e.Slot == "file" {
				return exit(exitUsage, ui.Type("fob", "store", "passphrase").To("changes it"))
			}
			return exit(exitUsage, showStore)
		}),
		always[*keyring.RecipientError](exitUsage, showStore),
		on(func(_ *app, e *keyring.PluginError, _ error) verdict {
			return exit(exitStore, ui.Advise("install %s, or add its directory to PATH", e.Program))
		}),
		on(func(a *app, _ *keyring.IdentityError, _ error) verdict { return exit(exitStore, identity(a)) }),
		on(wrongPassphrase),
		on(sharedRefusal),
		always[*keyring.MissingError](exitStore, ui.TypeLine("fob add PROFILE").To("creates the store")),
		on(func(_ *app, e *noSecretError, _ error) verdict {
			return exit(exitNoProfile, ui.Type("fob", "mfa", "remove", e.Profile, "--device").To("removes the device in AWS"))
		}),
		on(func(_ *app, e *keyring.NotFoundError, err error) verdict {
			if e.Kind == keyring.KindSeed {
				return exit(exitNoProfile, ui.Type("fob", "mfa", "add", profileOf(err)).To("stores one"))
			}
			return exit(exitNoProfile)
		}),
		on(func(a *app, e *keyring.UnsafeError, _ error) verdict {
			if e.Fix == "" {
				return exit(exitStore, a.ownAgain(e.Path)...)
			}
			return exit(exitStore, ui.TypeLine(e.Fix))
		}),
		on(func(a *app, e *keyring.TrustError, _ error) verdict {
			trust := ui.Type("fob", "store", "trust")
			if a.unattended() {
				trust = ui.Type("fob", "store", "trust", "--yes")
			}
			if e.Fingerprint == "" {
				return exit(exitStore, trust.If("if you know why"))
			}
			hints := []ui.Hint{
				trust.If("if it is yours"),
				ui.Type("fob", "store", "--json").To("where you made it, shows the fingerprint %s", e.Fingerprint),
			}
			if e.Proof != "" {
				hints = append(hints, ui.Type("fob", "--backend", e.Proof, "store", "trust").To("lets %s prove it", keyring.SlotTitle(e.Proof)))
			}
			return exit(exitStore, hints...)
		}),
		on(func(a *app, e *keyring.DamagedError, _ error) verdict { return exit(exitStore, a.repair(e)...) }),
		on(func(_ *app, e *keyring.ChoiceError, _ error) verdict { return exit(exitStore, useBackends(e.Slots)...) }),
		on(noSlot),
		on(func(a *app, e *backend.LockedError, _ error) verdict {
			if e.Slot == "age" {
				return exit(exitStore, identity(a))
			}
			return locked(a, e)
		}),
		on(func(_ *app, e *backend.LostError, _ error) verdict {
			return exit(exitStore, ui.Type("fob", "store", "add", e.Backend).To("creates it again, if something else opens the store"))
		}),
		always[*keyring.UnknownBackendError](exitUsage, showStore),
		on(func(_ *app, e *backend.Error, _ error) verdict {
			if e.Fix != "" {
				return exit(exitStore, ui.TypeLine(e.Fix))
			}
			return exit(exitStore, ui.Type("fob", "store").To("shows what can open it here, and why not"))
		}),
		always[*keyring.FutureError](exitStore, ui.Advise("this fob is too old to read it: install a newer one")),
		always[*keyring.PassphraseError](exitStore),
		always[*keyring.FullError](exitStore),
		on(noLocks),
		on(func(a *app, e *keyring.CreateError, _ error) verdict {
			if hints := a.ownAgain(e.Dir); hints != nil {
				return exit(exitStore, hints...)
			}
			variable := a.host.PlaceVariable()
			if e.Dir == a.host.StatePath() {
				variable = "XDG_STATE_HOME"
			}
			return exit(exitStore, ui.Advise("%s names another place for it", variable))
		}),
		on(func(a *app, e *keyring.WriteError, _ error) verdict {
			if hints := a.ownAgain(e.Dir); hints != nil {
				return exit(exitStore, hints...)
			}
			if info, err := os.Stat(e.Dir); err == nil && info.Mode().Perm()&0o200 == 0 && runtime.GOOS != "windows" {
				return exit(exitStore, ui.Type("chmod", "u+w", e.Dir))
			}
			return exit(exitStore, ui.Advise("copy the store to a writable disk; set %s to its parent", a.host.PlaceVariable()))
		}),
		on(func(a *app, e *fs.PathError, _ error) verdict {
			var hints []ui.Hint
			if errors.Is(e, fs.ErrPermission) {
				hints = a.ownAgain(e.Path)
			}
			switch {
			case a.ofStore(e.Path):
				return exit(exitStore, hints...)
			case len(hints) > 0:
				return exit(exitFailed, hints...)
			}
			return otherwise
		}),
	}
}

// noLocks is a store where a lock cannot be had.
func noLocks(_ *app, e *keyring.NoLocksError, _ error) verdict {
	hints := []ui.Hint{
		ui.Advise("move it to a local disk, and set XDG_DATA_HOME to the directory above it"),
		ui.Advise("or mount this one with locks (for NFS: without nolock)"),
	}
	if e.Instead != "" {
		hints = append(hints,
			ui.Advise("systemd-logind creates %s for a login session", e.Instead),
			ui.Type("loginctl", "enable-linger").If("for a service"))
	}
	return exit(exitStore, hints...)
}

// busy is another process that took too long.
func busy(a *app, e *keyring.BusyError, err error) verdict {
	stop := ui.Type("kill", strconv.Itoa(e.PID)).To("stops it")
	switch {
	case e.Doing != "" && keyring.CanHold() && a.unlock.sessions == 0:
		return exit(exitStore, ui.TypeLine("export FOB_UNLOCK_TTL=12h").To("keeps the store unlocked, so that it is opened once"))
	case e.PID == 0:
		return exit(exitStore, a.loginHint(err)...)
	case e.Terminal != "":
		return exit(exitNoPerson, ui.Advise("answer it on %s", e.Terminal), stop)
	}
	return exit(exitNoPerson, stop)
}

// sharedRefusal is the refusal of another process that this one waited for.
func sharedRefusal(a *app, e *keyring.SharedError, err error) verdict {
	switch {
	case e.Serial == "":
		return exit(exitStore, a.loginHint(err)...)
	case e.Outcome == keyring.Refused:
		return exit(exitRefused)
	case e.Outcome == keyring.Cancelled:
		return exit(exitFailed, a.loginHint(err)...)
	}
	return exit(exitNoPerson, a.codeHints(err)...)
}

// wrongPassphrase says what else opens the store, and how to begin again without it.
func wrongPassphrase(a *app, e *keyring.WrongPassphraseError, _ error) verdict {
	var hints []ui.Hint
	from := a.secrets.passphraseFrom()
	if from != "" {
		hints = append(hints, ui.Advise("the passphrase comes from %s%s", from, oddities(a)))
	}
	hints = append(hints, useBackends(e.Others)...)
	if len(e.Others) == 0 && from == "" {
		hints = append(hints, ui.Advise("a forgotten passphrase cannot be recovered; to start over:"), startOver(e.Dir))
	}
	return exit(exitStore, hints...)
}

// startOver puts a store that nothing opens out of the way.
func startOver(dir string) ui.Hint {
	return ui.TypeLine("mv " + cmdline.Quote(dir) + " " + cmdline.Quote(dir+".old") + " && fob store trust")
}

// oddities says what a passphrase from a variable has that may not be meant to count.
func oddities(a *app) string {
	given, _, err := a.passphrase() // a descriptor has been read by now, and is an error
	text := given.Reveal()
	switch {
	case err != nil:
		return ""
	case strings.Contains(text, "\n"):
		return fmt.Sprintf(", where all %d lines count", strings.Count(text, "\n")+1)
	case text != strings.TrimSpace(text):
		return ", where spaces at its ends count"
	}
	return ""
}

// useBackends are the choices of what opens the store.
func useBackends(slots []string) (hints []ui.Hint) {
	for _, slot := range slots {
		hints = append(hints, ui.TypeLine("export FOB_BACKEND="+cmdline.Quote(slot)).To("uses %s", slot))
	}
	return hints
}

func noSlot(a *app, e *keyring.NoSlotError, _ error) verdict {
	if a.name == "store" {
		return exit(exitStore, ui.Type("fob", "store").To("shows what opens it"))
	}
	var hints []ui.Hint
	if e.Backend != "" && e.Backend != "auto" {
		hints = append(hints, ui.Type("fob", "--backend", "auto", "store", "add", e.Backend).To("adds it"))
	}
	return exit(exitStore, append(hints, useBackends(e.Slots)...)...)
}

func locked(a *app, e *backend.LockedError) verdict {
	v := exit(exitStore)
	switch {
	case e.Fix != "":
		v.hints = []ui.Hint{ui.TypeLine(e.Fix)}
	case e.Advice != "":
		v.hints = []ui.Hint{ui.Advise("%s", e.Advice)}
	case slices.Contains(keyring.BackendKinds(), e.Slot):
		v.hints = []ui.Hint{ui.Advise("unlock it at the desktop"), ui.Type("fob", "store").To("shows what else opens the store")}
	}
	if a.NoInput {
		v.code = exitNoPerson // it would have asked
	}
	return v
}

// ownAgain says how to get back a file that belongs to somebody else.
func (a *app) ownAgain(path string) []ui.Hint {
	file, owner, self := a.host.Foreign(path)
	switch {
	case file == "":
		return nil
	case os.Getuid() == 0:
		return []ui.Hint{ui.Advise("run fob as %s, without sudo", owner)}
	}
	why := owner + " owns it"
	if owner == "root" {
		why += ": fob ran under sudo"
	}
	return []ui.Hint{ui.Type("sudo", "chown", "-R", self, file).To("%s", why)}
}

// ofStore reports whether a file is the store's, or what this machine remembers
// about it.
func (a *app) ofStore(path string) bool {
	return slices.ContainsFunc([]string{a.host.StorePath(), a.host.StatePath()}, func(dir string) bool {
		return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
	})
}

// repair says what helps against a damaged file of the store.
func (a *app) repair(e *keyring.DamagedError) []ui.Hint {
	file := e.File
	backup := ui.Advise("restore it from a backup of %s", a.host.Tilde(a.host.StorePath()))
	without, anew := ui.Advise("without a backup, store the keys again; to start over:"), startOver(a.host.StorePath())
	kind, name, _ := e.Item()
	switch {
	case kind == keyring.KindKey:
		return []ui.Hint{ui.Type("fob", "add", name).To("stores this key again; everything else still works"), backup}
	case kind == keyring.KindSeed:
		return []ui.Hint{ui.TypeLine("fob mfa add PROFILE").To("stores this MFA secret again; everything else still works"), backup}
	case kind == keyring.KindRotation:
		forget := ui.Type("rm", a.store().ItemPath(file)).To("forgets the rotation; the user of %s may have a second key in AWS then", name)
		return []ui.Hint{backup, forget}
	case kind == keyring.KindBackup:
		return []ui.Hint{backup, ui.Type("rm", a.store().ItemPath(file)).To("drops what fob import could undo")}
	case kind == keyring.KindRetired:
		return []ui.Hint{backup, ui.Type("rm", a.store().ItemPath(file)).To("forgets a key that is no longer used")}
	case filepath.IsAbs(file) && filepath.Ext(file) == ".json":
		return []ui.Hint{ui.Type("fob", "store", "trust").If("if you know why")}
	case filepath.IsAbs(file): // of the locks
		return []ui.Hint{ui.Type("rm", file).To("fob creates another")}
	case strings.Contains(file, "/slots/"):
		name := strings.Replace(filepath.Base(file), "passphrase", "file", 1)
		return []ui.Hint{ui.Type("fob", "store", "add", name).If("if something else opens the store").To("creates it again"), backup, without, anew}
	}
	return []ui.Hint{backup, without, anew}
}

// unlockHints are the ways to open the store where nobody can be asked for its
// passphrase.
func (a *app) unlockHints(err error) (hints []ui.Hint) {
	lasts := keyring.CanHold() && (a.unlock.sessions > 0 || a.asksEachTime() != "") && !a.unattended()
	if lasts && a.unlock.sessions == 0 {
		hints = append(hints, ui.TypeLine("export FOB_UNLOCK_TTL=12h").To("lets the kernel keep the store unlocked"))
	}
	if lasts {
		hints = append(hints, a.loginHint(err)...)
	}
	return append(hints, passphraseFile())
}

func passphraseFile() ui.Hint {
	return ui.TypeLine("export FOB_PASSPHRASE_FILE=FILE").To("reads the passphrase from a file")
}

func notStored(err error) bool {
	_, missing := errors.AsType[*keyring.NotFoundError](err)
	_, unfit := errors.AsType[*keyring.NameError](err) // the AWS files may have longer names
	return missing || unfit
}
