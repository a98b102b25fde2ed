package doctor

import (
	"errors"

	"fob/internal/creds"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/ui"
)

// variables looks at the variables that fob exec sets: fob export does not need them, so
// a mistake in them would show only in the end.
func (e *exam) variables(all *profiles.Profiles, names []string) {
	for _, name := range names {
		if section, _ := all.Config.Profile(name); !plan.SetsVariables(section) {
			continue
		}
		p, err := all.Plan(name, plan.Options{Shown: true, Child: true})
		_, mistyped := errors.AsType[*plan.VariableError](err)
		_, nowhere := errors.AsType[*plan.NoRegionError](err)
		switch verdict := e.Judge; {
		case mistyped:
			e.add(Wrong, verdict(err).Sentence, verdict(err).Hints...)
		case nowhere: // it may be set in another environment
			e.add(Advice, verdict(err).Sentence, verdict(err).Hints...)
		}
		for _, v := range p.Env {
			for _, part := range v.Value {
				if text := part.Text.Reveal(); creds.LooksSecret(text) || len(creds.Secrets(text)) > 0 {
					e.advise(ui.Advise("keep it in Secrets Manager, and write {{resolve:secretsmanager:ID}} there"),
						"%s: the value of %s may be a secret, in plain text", v.From, v.Name)
				}
			}
		}
	}
}
