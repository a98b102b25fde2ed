package main

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/plan"
	appsecrets "fob/internal/secrets"
	"fob/internal/ui"
)

// valueFailures are those of the variables that a command gets.
func valueFailures() []failure {
	return []failure{
		on(func(_ *app, e *plan.VariableError, _ error) verdict {
			if !e.Malformed {
				return exit(exitFailed)
			}
			return exit(exitFailed, ui.Advise("write fob_env_NAME = TEXT, ssm:NAME, secretsmanager:ID#KEY or {{resolve:...}}"))
		}),
		on(func(_ *app, e *plan.NoRegionError, _ error) verdict {
			return exit(exitFailed, ui.Advise("name it with --region, or with region = REGION in the profile"))
		}),
		on(func(_ *app, e *appsecrets.MissingError, err error) verdict {
			code := exitFailed
			if _, refused := errors.AsType[*awsapi.RefusedError](e); refused {
				code = exitRefused
			}
			return exit(code, missingHints(err, e)...)
		}),
	}
}

// missingHints say why the session of a command may not find or read its values.
func missingHints(err error, e *appsecrets.MissingError) (hints []ui.Hint) {
	at, ok := errors.AsType[*planError](err)
	if !ok {
		return nil
	}
	if absent, ok := errors.AsType[*appsecrets.AbsentError](e); ok {
		hints = append(hints, ui.Advise("names are looked up in one region (%s): a full ARN, or --region, names another", absent.Region))
	}
	if refused, ok := errors.AsType[*awsapi.RefusedError](e); ok && refused.Code == "AccessDeniedException" && isReadOnly(at.Plan) {
		hints = append(hints, ui.Advise("the session is scoped down to ReadOnlyAccess, which allows neither secretsmanager:GetSecretValue nor kms:Decrypt"))
	}
	return hints
}

// isReadOnly reports whether the last role of a plan is scoped down to ReadOnlyAccess.
func isReadOnly(p plan.Plan) bool {
	var arns []string
	switch last := p.Steps[len(p.Steps)-1].(type) {
	case plan.AssumeRole:
		arns = last.PolicyARNs
	case plan.WebIdentity:
		arns = last.PolicyARNs
	}
	return slices.ContainsFunc(arns, func(arn string) bool { return strings.HasSuffix(arn, ":aws:policy/ReadOnlyAccess") })
}
