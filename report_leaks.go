package main

import (
	"fob/internal/leaks"
	"fob/internal/ui"
)

func leakFailures() []failure {
	return []failure{
		on(func(_ *app, e *leaks.OtherHookError, _ error) verdict {
			return exit(exitFailed, ui.Type(append([]string{"fob"}, e.Args...)...).To("is the line to add to the pre-commit hook there"))
		}),
	}
}
