package main

import (
	"errors"
	"fmt"

	"fob/internal/awsvault"
	"fob/internal/importer"
	"fob/internal/ui"
)

// keepError is a key that fob import does not move.
type keepError struct{ Where, Problem string }

func (e *keepError) Error() string { return e.Where + ": " + e.Problem }

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
		on(func(_ *app, e *deadKeyError, _ error) verdict {
			return exit(exitRefused, ui.Advise("it was deleted or deactivated in AWS, or is not complete: remove it from the file if nothing needs it"))
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
