package rotate

import (
	"context"
	"time"

	"fob/internal/creds"
	"fob/internal/iam"
)

// call makes a call with a key: again with a session where a policy demands MFA, and again
// while AWS does not know a key that it has only just made.
func (x *run) call(ctx context.Context, with creds.Key, do func(context.Context) error) error {
	try := func() error {
		err := do(context.WithoutCancel(ctx))
		if !iam.Refused(err, iam.Denied) || x.signedIn[with.ID] {
			return err
		}
		ok, problem := x.iam.SignIn(ctx, with)
		if problem != nil {
			return problem
		}
		if !ok {
			return err
		}
		x.signedIn[with.ID] = true
		return do(context.WithoutCancel(ctx))
	}
	isNew := with.ID == x.journal.New.ID && x.iam.Now().Sub(x.journal.Created) < patience
	if isNew || x.reactivated && with.ID == x.journal.Old.ID {
		return x.patiently(ctx, try)
	}
	return try()
}

// patiently repeats what AWS refuses because it does not know the key yet.
func (x *run) patiently(ctx context.Context, do func() error) error {
	const longest = 8 * time.Second
	waited, pause := time.Duration(0), time.Second
	for {
		err := do()
		if !iam.Refused(err, iam.UnknownKey) || waited >= patience {
			return err
		}
		x.Log("AWS does not know the key yet; waiting %v", pause)
		if err := x.Wait(ctx, pause); err != nil {
			return err
		}
		waited, pause = waited+pause, min(2*pause, longest)
	}
}

// setActive activates or deactivates the old key.
func (x *run) setActive(ctx context.Context, with creds.Key, active bool) error {
	return x.call(ctx, with, func(ctx context.Context) error {
		return x.iam.SetAccessKey(ctx, with, x.journal.Old.ID, active)
	})
}

func (x *run) delete(ctx context.Context, with creds.Key, id string) error {
	return x.call(ctx, with, func(ctx context.Context) error { return x.iam.DeleteAccessKey(ctx, with, id) })
}
