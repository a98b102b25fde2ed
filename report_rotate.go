package main

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/plan"
	"fob/internal/rotate"
	"fob/internal/ui"
	"fob/keyring"
)

// rotateFailures are those of fob rotate.
func rotateFailures() []failure {
	return []failure{
		on(stoppedRotation),
		on(func(a *app, e *rotate.FullError, _ error) verdict { return exit(exitFailed, fullHints(a, e)...) }),
		on(func(_ *app, e *rotate.ElsewhereError, _ error) verdict {
			return exit(exitFailed, ui.Advise("bring this store up to date with that computer's, or run this there"),
				ui.Advise("if that computer is gone: run this in a terminal, and fob asks whether to delete %s", e.KeyID))
		}),
		on(func(_ *app, e *rotate.OwnerError, _ error) verdict {
			if e.Root {
				return exit(exitUsage, ui.Advise("create a key for an IAM user in AWS, store that one, and delete this one there"))
			}
			return exit(exitUsage)
		}),
		on(func(a *app, e *rotate.LeftError, err error) verdict {
			return exit(a.judge(e.Err).code, ui.Advise("delete %s in AWS: its secret is lost", e.KeyID))
		}),
		on(func(_ *app, e *rotate.BothRefusedError, err error) verdict {
			return exit(exitRefused, ui.Advise("were they deactivated? Activate one of them in AWS, and run this again"),
				ui.Type("fob", "add", profileOf(err)).To("stores another key, if they were deleted"))
		}),
		on(func(_ *app, e *rotate.StateError, _ error) verdict { return exit(exitFailed, stateHints(e)...) }),
		on(func(_ *app, e *rotate.CodesError, _ error) verdict {
			return exit(exitNoPerson, ui.Type("fob", "rotate", e.Profile).To("asks for both, in a terminal"),
				ui.Type("fob", "mfa", "add", e.Profile, "--stdin").To("stores the MFA secret, so that fob makes the codes"))
		}),
		always[*rotate.OtherUserError](exitFailed, ui.Advise("does endpoint_url or AWS_ENDPOINT_URL lead to a test server?")),
		always[*keyring.ChangedError](exitFailed, ui.Advise("wait until the other fob is done, then run this again")),
	}
}

// stoppedRotation says what a rotation has come to, and both ways from there.
func stoppedRotation(a *app, e *rotate.StoppedError, _ error) verdict {
	v := a.judge(of(plan.Plan{Profile: e.Profile, Steps: []plan.Step{plan.StoredKey{Profile: e.Profile}}}, e.Err))
	if v.code == exitInterrupted {
		v.code = exitFailed // interrupted, but not without a word
	}
	r := e.Rotation
	uses, rest := "", ""
	if info, err := a.store().KeyInfo(e.Profile); err == nil {
		uses = info.KeyID
	}
	switch r.Step {
	case rotate.Began:
		rest = "; AWS may have created another key"
	case rotate.Created:
		rest = fmt.Sprintf("; %s was created", r.New.ID)
	case rotate.Switched:
		rest = fmt.Sprintf("; %s may still be active", r.Old.ID)
	case rotate.Deactivated:
		rest = fmt.Sprintf("; %s is inactive", r.Old.ID)
	}
	now := ui.Advise("%s uses %s%s", e.Profile, uses, rest)
	if r.Step == rotate.Returning {
		now = ui.Advise("%s and %s may both be active", r.Old.ID, r.New.ID)
	}
	if _, elsewhere := errors.AsType[*rotate.ElsewhereError](e.Err); elsewhere {
		return v
	}
	hints := v.hints
	if uses != "" || r.Step == rotate.Returning {
		hints = append(hints, now)
	}
	if _, state := errors.AsType[*rotate.StateError](e.Err); state {
		return exit(v.code, hints...)
	}
	hints = append(hints, ui.Advise("run this again to continue"))
	if !e.Back {
		hints = append(hints, ui.Type("fob", "rotate", e.Profile, "--abort").To("goes back to %s", r.Old.ID))
	}
	return exit(v.code, hints...)
}

// of is an error of a plan's, unless it says already which one's it is.
func of(p plan.Plan, err error) error {
	if _, known := errors.AsType[*planError](err); known {
		return err
	}
	return &planError{Plan: p, Err: err}
}

// stateHints are the ways out of a state that somebody else has made.
func stateHints(e *rotate.StateError) []ui.Hint {
	back := ui.Type("fob", "rotate", e.Profile, "--abort")
	switch e.Action {
	case rotate.NewGone:
		if e.Rotation.Step == rotate.Returning {
			return []ui.Hint{ui.Advise("activate %s in AWS, then run this again", e.Rotation.Old.ID)}
		}
		return []ui.Hint{back.To("goes back to %s", e.Rotation.Old.ID)}
	case rotate.OldGone:
		if e.Rotation.New.ID != "" {
			return []ui.Hint{ui.Type("fob", "rotate", e.Profile).To("continues with %s", e.Rotation.New.ID)}
		}
		return []ui.Hint{ui.Type("fob", "add", e.Profile).To("stores another key")}
	case rotate.Replaced:
		return []ui.Hint{back.To("ends that rotation")}
	}
	return nil
}

// fullHints show the keys that a user has, and how to make room.
func fullHints(a *app, e *rotate.FullError) (hints []ui.Hint) {
	var make []ui.Hint
	for _, k := range e.Keys {
		facts, owner := describeKey(a, k), a.ownerOf(k.ID)
		if owner != "" {
			facts += ", stored for " + owner
		}
		hints = append(hints, ui.Advise("%s: %s", k.ID, facts))
		if k.PerhapsLost {
			hints = append(hints, ui.Advise("AWS may have created %s for fob: with iam:GetAccessKeyLastUsed, fob could tell whether it is used", k.ID))
		}
		switch {
		case k.ID == e.KeyID:
		case k.Active():
			command := []string{"fob", "exec", e.Profile}
			if withoutMFA(a, e.Profile) {
				command = append(command, "--no-session") // IAM takes no session without MFA
			}
			command = append(command, "--", "aws", "iam", "update-access-key", "--user-name", e.User, "--access-key-id", k.ID, "--status", "Inactive")
			make = append(make, ui.Type(command...).If("if nothing needs it"))
		case owner != "":
			make = append(make, ui.Type("fob", "remove", owner).If("if "+owner+" does not need it").To("then rotate with --yes"))
		default:
			make = append(make, ui.Type("fob", "rotate", e.Profile, "--yes").To("deletes %s first", k.ID))
		}
	}
	return append(hints, make...)
}

// withoutMFA reports whether the sessions of a profile are made without MFA.
func withoutMFA(a *app, profile string) bool {
	all, err := a.profiles()
	if err != nil {
		return false
	}
	p, err := all.Plan(profile, plan.Options{Unguarded: true})
	return err == nil && p.MFASerial() == ""
}

// keyPermissions are what a user must be allowed for fob rotate. Where the key alone was
// refused, AWS does not tell whether a session with MFA would do.
func keyPermissions(e *awsapi.RefusedError) []ui.Hint {
	if e.Action != "ListAccessKeys" && e.Action != "GetAccessKeyLastUsed" && !strings.HasSuffix(e.Action, "AccessKey") {
		return nil
	}
	hints := []ui.Hint{ui.Advise("the user needs iam:ListAccessKeys, GetAccessKeyLastUsed, CreateAccessKey, UpdateAccessKey and DeleteAccessKey for itself")}
	if !strings.HasPrefix(e.KeyID, "ASIA") {
		hints = append(hints, ui.Advise("if a policy requires MFA for that: fob_mfa_serial in the profile names the device"))
	}
	return hints
}

// endsAll reports whether an error would meet the other keys as well: fob is interrupted, or
// cannot open the store.
func (a *app) endsAll(err error) bool {
	nobody, ok := errors.AsType[*ui.NobodyError](err)
	code := a.judge(err).code
	return a.ctx.Err() != nil || code == exitInterrupted || code == exitStore && !rotate.OnlyDamaged(err) || ok && nobody.What == askForPassphrase
}
