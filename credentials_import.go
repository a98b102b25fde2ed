package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"

	"fob/internal/helper"
	"fob/internal/host"
	"fob/internal/importer"
	"fob/internal/input"
	"fob/internal/later"
	"fob/internal/ui"
	"fob/keyring"
)

// readBackArg is the argument of the process that reads a new key back from the store. It
// is fob itself.
const readBackArg = "__readback"

// maxReadBack is far more than a request has, in bytes.
const maxReadBack = 64 << 10

// otherProcess has another process of fob's read keys back.
func (a *app) otherProcess(ctx context.Context, request []byte) ([]byte, error) {
	program, err := host.Self()
	if err != nil {
		return nil, err
	}
	return helper.Run(ctx, helper.Program{Path: program, Args: []string{readBackArg}, Environ: a.helperEnviron(""), Stdin: string(request)})
}

// readBack is that process: a request on standard input, the answer on standard output.
func (p program) readBack(args []string) int {
	proc := newStart(args)
	ctx, stop := later.Context(notify)
	defer stop()
	a, err := newApp(ctx, p, proc, commandLine{setBy: func(string) string { return "" }})
	if err != nil {
		return exitFailed
	}
	request, err := input.All(os.Stdin, maxReadBack)
	if err != nil {
		return exitFailed
	}
	answer, err := importer.Answer(ctx, a.store(), []byte(request))
	if err == nil {
		_, err = os.Stdout.Write(answer)
	}
	if err != nil {
		return exitFailed
	}
	return 0
}

// lentVariable is the number of a descriptor from which a fob that fob import tries, as
// programs would start it, reads what opens the sessions: it may not ask anybody, and a
// passphrase that was typed here is of no use to it.
const lentVariable = "FOB_LENT_FD"

// loan is what is read there.
type loan struct {
	Mark   string `json:"mark"`
	Subkey []byte `json:"subkey"`
}

// lend is the end of a pipe with a loan, and the variable that names it. On Windows a
// shell's programs inherit no files.
func (a *app) lend() (lent []*os.File, environ []string, err error) {
	if runtime.GOOS == "windows" {
		return nil, nil, nil
	}
	mark, subkey, err := a.store().Lend(a.ctx, keyring.KindSession)
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(loan{mark, subkey})
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	_, err = w.Write(text) // which a pipe holds
	if err = errors.Join(err, w.Close()); err != nil {
		r.Close()
		return nil, nil, err
	}
	return []*os.File{r}, []string{lentVariable + "=3"}, nil
}

// borrow opens the store with a loan. One that is of no use is as good as none.
func (a *app) borrow(store *keyring.Store) {
	var l loan
	text, err := host.ReadDescriptor(a.secrets.lent)
	if err == nil && json.Unmarshal([]byte(text), &l) == nil {
		store.Borrow(keyring.KindSession, l.Mark, l.Subkey)
	}
}

// imports are what fob import has changed, and can bring back.
func (a *app) imports() importer.Journal {
	return importer.Journal{Store: a.store(), Files: a.files, Now: a.now}
}

// forgetImport drops what could bring a key in plain text back, unless another profile
// still has the key. It is not worth a failure: the key itself is gone from the store.
func (a *app) forgetImport(keyID string) {
	infos, err := a.store().Infos(keyring.KindKey)
	if slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.KeyID == keyID }) {
		return
	}
	var done importer.Forgotten
	if err == nil { // else one that cannot be read may be this key
		done, err = a.imports().Forget(a.ctx, keyID)
	}
	if keys, _, unread := a.imports().Keys(); err != nil && (unread != nil || slices.Contains(keys, keyID)) {
		a.out.Warn("the backup of %s from before fob import stays in the store, encrypted: %v", keyID, err)
	}
	if done.Any {
		a.out.Note("fob import --undo no longer brings back %s", ui.List(append([]string{keyID}, done.With...)))
	}
	if len(done.With) > 0 {
		a.out.Note("%s stays in the store, and was in a file with %s", ui.List(done.With), keyID)
	}
	if len(done.Only) > 0 {
		a.out.Note("fob import --undo still brings back %s: fob cannot read %s, which was in a file with it, from the store", keyID, ui.List(done.Only))
	}
	if done.Elsewhere {
		a.out.Note("fob import --undo on another computer can still bring back %s: it was imported there, too", keyID)
	}
}
