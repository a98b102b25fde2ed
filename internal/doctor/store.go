package doctor

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/creds"
	"fob/internal/profiles"
	"fob/internal/ui"
	"fob/keyring"
)

// files looks for files that others can read or write.
func (e *exam) files(context.Context) error {
	loose, err := e.Store.Loose()
	if err != nil {
		return e.blame(err)
	}
	for _, l := range loose {
		if e.Fix && e.Store.Tighten(l.Path) == nil {
			e.fixed("%s was open to others, and no longer is", e.Tilde(l.Path))
			continue
		}
		do := []ui.Hint{ui.TypeLine(l.Fix)}
		if !e.Fix && strings.HasPrefix(l.Fix, "chmod ") {
			do = append(do, e.byFix())
		}
		e.add(Wrong, e.Tilde(l.Path)+" "+l.Problem, do...)
	}
	conflicts, err := e.Store.Conflicts()
	if err != nil {
		return e.blame(err)
	}
	for _, c := range conflicts {
		e.advise(ui.Type("fob", "store").To("says what to do"), "%v", c)
	}
	e.private(e.Files.Credentials)
	if config, err := awsconfig.Read(e.Files.Config); err == nil && len(creds.Secrets(config.Text)) > 0 {
		e.private(e.Files.Config)
	}
	return nil
}

// probeSource is the source of the session that is written to see whether the store
// can be written.
const probeSource = "fob doctor"

// store opens the store, reads everything and writes something.
func (e *exam) store(ctx context.Context) error {
	exists, err := e.Store.Exists()
	if err != nil {
		return e.blame(err)
	}
	if !exists {
		if err := e.Store.CanCreate(); err != nil {
			return e.blame(err)
		}
		do := ui.TypeLine("fob add PROFILE")
		if e.hasKeysToMove() {
			do = ui.Type("fob", "import").To("makes one, and stores your keys in it")
		}
		e.advise(do, "there is no store yet")
		return nil
	}
	made, err := e.Store.Create(ctx) // which opens the existing one
	if err != nil {
		return e.blame(err)
	}
	e.report.Slot = made.Slot
	keys, err := e.readAll(ctx, keyring.KindKey, func(name string) error {
		_, _, err := e.Store.Key(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	e.report.Keys = keys
	e.keyAges()
	seeds, err := e.readAll(ctx, keyring.KindSeed, func(serial string) error {
		_, err := e.Store.Seed(ctx, serial)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := e.readAll(ctx, keyring.KindRotation, func(profile string) error {
		r, _, err := e.Store.Rotation(ctx, profile)
		if err == nil && (e.Profile == "" || e.uses(profile)) {
			e.rotation(profile, r)
		}
		return err
	}); err != nil {
		return err
	}
	if _, err := e.readAll(ctx, keyring.KindBackup, func(id string) error {
		_, _, err := e.Store.Backup(ctx, id)
		return err
	}); err != nil {
		return err
	}
	err = e.Store.SaveSession(ctx, probeSource, strings.Repeat("0", 32), "", creds.Session{Expires: e.Now()})
	if err == nil {
		_, err = e.Store.RemoveSessions(probeSource)
	}
	if err != nil {
		return e.blame(err)
	}
	e.ok("%s opens with %s; %s and %s can be read; it can be written",
		e.Tilde(made.Dir), made.Slot, ui.Count(keys, "key"), ui.Count(seeds, "MFA secret"))
	return e.locks(ctx, made.Dir)
}

// readAll decrypts every item of a kind and counts those that are whole.
func (e *exam) readAll(ctx context.Context, kind keyring.Kind, read func(name string) error) (n int, err error) {
	infos, damaged := e.Store.Infos(kind)
	for _, i := range infos {
		err := read(i.Name)
		if err == nil {
			n++
		} else if err := e.blame(err); err != nil {
			return n, err
		}
	}
	if damaged != nil {
		return n, e.blame(damaged)
	}
	return n, nil
}

// locks says when locks are this machine's alone, because the store's file system
// cannot lock.
func (e *exam) locks(ctx context.Context, store string) error {
	locks, err := e.Store.LocksDir(ctx)
	if err != nil {
		return e.blame(err)
	}
	if filepath.Dir(locks) != store {
		e.advise(ui.Advise("set XDG_DATA_HOME to a directory on this computer"),
			"the file system of %s cannot lock: locks are in %s, where other machines that use this store do not see them", e.Tilde(store), locks)
	}
	return nil
}

// ways says what opens the store here.
func (e *exam) ways(ctx context.Context) error {
	e.about = e.Store.Describe(ctx)
	other := "" // a slot that opens the store here, besides the one in use
	for _, way := range e.about.Ways {
		if way.Slot && !way.Used && way.Problem == "" {
			other = cmp.Or(other, way.Name)
		}
	}
	for _, way := range e.about.Ways {
		title := slotName(way.Name)
		switch {
		case way.Used && way.Problem != "" && other != "":
			e.wrong(ui.TypeLine("export FOB_BACKEND="+cmdline.Quote(other)).To("opens it in another way"), "this machine uses %s, which cannot be used: %s", title, way.Problem)
		case way.Used && way.Problem != "":
			e.wrong(ui.Type("fob", "store"), "this machine uses %s, which cannot be used: %s", title, way.Problem)
		case way.Problem != "": // fob store shows it
		case way.Used:
			e.ok("%s opens the store (used on this machine)", title)
		case way.Slot:
			e.ok("%s opens the store", title)
		}
	}
	if only := e.about.OnlyKeyring(); only != "" {
		e.advise(ui.Type("fob", "store", "add", "file"), "only %s opens the store: if it is ever lost, so is the store", only)
	}
	return nil
}

// slotName is what a slot is called in a sentence.
func slotName(name string) string {
	if name == "file" {
		return "the passphrase"
	}
	return name
}

// unlocked says what the kernel keeps open.
func (e *exam) unlocked(context.Context) error {
	if open := profiles.Unlocked(e.about, e.Now()); open != "" {
		e.ok("unlocked: %s (fob lock ends that)", open)
		return nil
	}
	asks := func(w keyring.Way) bool { return w.Used && w.Name == "file" }
	if e.AsksIn != "" && slices.ContainsFunc(e.about.Ways, asks) {
		do := ui.TypeLine("export FOB_PASSPHRASE_FILE=FILE")
		if keyring.CanHold() {
			do = ui.TypeLine("export FOB_UNLOCK_TTL=12h")
		}
		e.advise(do, "running %s, fob asks for the passphrase each time", e.AsksIn)
	}
	return nil
}
