package main

import (
	"errors"

	"fob/internal/awsvault"
	"fob/internal/importer"
	"fob/internal/ui"
)

// keepError is a key that fob import does not move.
type keepError struct{ Where, Problem string }

func (e *keepError) Error() string { return e.Where + ": " + e.Problem }

func importFailures() []failure {
	return []failure{
		always[*keepError](exitFailed),
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
		on(func(_ *app, e *importer.NotKeysError, _ error) verdict {
			return exit(exitUsage, ui.TypeLine("fob add PROFILE").To("asks for one key"))
		}),
		on(func(_ *app, e *importer.ConflictError, _ error) verdict {
			return exit(exitFailed, ui.Advise("take back those lines in %s first", e.File))
		}),
		func(_ *app, err error) verdict {
			if errors.Is(err, importer.ErrReadBack) {
				return exit(exitStore, ui.Type("fob", "doctor"))
			}
			return otherwise
		},
	}
}
