package main

import (
	"errors"
	"fmt"

	"fob/internal/awsvault"
	"fob/internal/cmdline"
	"fob/internal/importer"
	"fob/internal/ui"
)

// keepError is a key that fob import does not move.
type keepError struct {
	Where, Problem string
	// Plain: the key is in an AWS file, too, where fob was not told to look.
	Plain bool
}

func (e *keepError) Error() string { return e.Where + ": " + e.Problem }

// namelessError is a key in a file for which nobody can be asked for a profile.
type namelessError struct {
	Where, Key, File string
	Several          bool // the file has other keys, too, and fob add takes one
}

func (e *namelessError) Error() string { return e.Where + ": no profile name for " + e.Key }

// goneError is a key that has left the store while it was being moved.
type goneError struct{ Profile string }

func (e *goneError) Error() string {
	return "the key of " + e.Profile + " has left the store meanwhile, so it stays in its file"
}

// deadKeyError is a key in a file that AWS does not take.
type deadKeyError struct{ Where, ID, Code string }

func (e *deadKeyError) Error() string {
	if e.Code == "SignatureDoesNotMatch" {
		return fmt.Sprintf("%s: AWS refused the secret of %s (%s)", e.Where, e.ID, e.Code)
	}
	return fmt.Sprintf("%s: AWS does not know the key %s (%s)", e.Where, e.ID, e.Code)
}

func importFailures() []failure {
	return []failure{
		on(func(_ *app, e *keepError, _ error) verdict {
			if e.Plain {
				return exit(exitFailed, ui.Type("fob", "import").To("looks in the AWS files as well"))
			}
			return exit(exitFailed)
		}),
		on(func(_ *app, e *namelessError, _ error) verdict {
			if e.Several {
				return exit(exitUsage, ui.Type("fob", "import", e.File).To("asks for the names on a terminal"))
			}
			return exit(exitUsage, ui.TypeLine("fob add PROFILE --stdin < "+cmdline.Quote(e.File)).To("stores it under the name that you choose"))
		}),
		always[*goneError](exitFailed),
		always[*awsvault.PassphraseError](exitFailed),
		always[*awsvault.SessionError](exitFailed),
		always[*awsvault.ReadError](exitFailed),
		on(func(_ *app, e *awsvault.LockedError, _ error) verdict {
			code := exitNoPerson
			if e.Declined {
				code = exitFailed
			}
			switch {
			case e.Fix != "":
				return exit(code, ui.TypeLine(e.Fix).To("asks for the passphrase; then run fob import again"))
			case e.Advice != "":
				return exit(code, ui.Advise("%s", e.Advice))
			}
			return exit(code)
		}),
		on(func(_ *app, e *deadKeyError, _ error) verdict {
			return exit(exitRefused, ui.Advise("it was deleted or deactivated in AWS, or is not complete: remove it from the file if nothing needs it"))
		}),
		on(func(_ *app, e *importer.NotKeysError, _ error) verdict {
			return exit(exitUsage, ui.TypeLine("fob add PROFILE").To("asks for one key"))
		}),
		on(func(_ *app, e *importer.ConflictError, _ error) verdict {
			switch {
			case e.Line == nil:
				return exit(exitFailed, ui.Advise("move %s away, then undo the import again", e.File))
			case e.Line.Want != "":
				return exit(exitFailed, ui.Advise("change line %d of %s back to %s = %s, then undo the import again", e.Line.Line, e.File, e.Line.Key, e.Line.Want))
			case e.Line.Had:
				return exit(exitFailed, ui.Advise("change line %d of %s back to what it was, then undo the import again", e.Line.Line, e.File))
			}
			return exit(exitFailed, ui.Advise("another %s is at line %d of %s: remove it, or give its section another name, then undo the import again", e.Line.Key, e.Line.Line, e.File))
		}),
		func(_ *app, err error) verdict {
			if errors.Is(err, importer.ErrReadBack) {
				return exit(exitStore, ui.Type("fob", "doctor"))
			}
			return otherwise
		},
	}
}
