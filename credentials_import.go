package main

import (
	"context"
	"os"
	"slices"

	"fob/internal/helper"
	"fob/internal/host"
	"fob/internal/importer"
	"fob/internal/input"
	"fob/internal/later"
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

// imports are what fob import has changed, and can bring back.
func (a *app) imports() importer.Journal {
	return importer.Journal{Store: a.store(), Files: a.files, Now: a.now}
}

// forgetImport drops what could bring a key in plain text back, unless another profile
// still has the key. It is not worth a failure: the key itself is gone from the store.
func (a *app) forgetImport(keyID string) {
	infos, err := a.store().Infos(keyring.KindKey)
	if err != nil || slices.ContainsFunc(infos, func(i keyring.Info) bool { return i.KeyID == keyID }) {
		return
	}
	switch forgot, err := a.imports().Forget(keyID); {
	case err != nil:
		a.out.Warn("the backup of %s from before fob import stays in the store, encrypted: %v", keyID, err)
	case forgot:
		a.out.Note("fob import --undo no longer brings back %s", keyID)
	}
}
