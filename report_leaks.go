package main

import (
	"fob/internal/leaks"
	"fob/internal/ui"
)

func leakFailures() []failure {
	return []failure{
		on(func(_ *app, e *leaks.OtherHookError, _ error) verdict {
			command := ui.Type(append([]string{"fob"}, e.Args...)...)
			if e.Framework {
				return exit(exitFailed, command.To("is the entry of a hook for %s, with language: system and pass_filenames: false", e.Edit()))
			}
			// Without the rest, a hook that continues after it would let the commit through.
			return exit(exitFailed, ui.TypeLine(command.Command+" || exit 1").To("is the line to add at the top of %s", e.Edit()))
		}),
	}
}
