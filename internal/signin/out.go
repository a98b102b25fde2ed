package signin

import (
	"context"
	"errors"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
	"fob/keyring"
)

// Forget removes a plan's sign-in from the store. AWS does not hear of it. to is what it
// was a sign-in to, "" if there was none. The registration stays.
func (s *Signer) Forget(ctx context.Context, p plan.Plan) (to string, err error) {
	m := methodOf(p)
	if m == nil {
		return "", nil
	}
	name, id := m.item()
	if _, err := s.Store.TokenInfo(name, id); err != nil {
		return "", absent(err)
	}
	return m.needed().To, s.locked(ctx, id, func() error { return s.Store.RemoveToken(name, id) })
}

// SignOut ends a sign-in to Identity Center in AWS, and removes it from the store. out is
// whether there was one.
func (s *Signer) SignOut(ctx context.Context, step plan.SSO) (out bool, err error) {
	c := center{step}
	name, id := c.item()
	if _, err := s.Store.TokenInfo(name, id); err != nil {
		return false, absent(err)
	}
	if err := s.Open(ctx); err != nil {
		return false, err
	}
	t, _, err := s.access(keyring.WithoutAsking(ctx), c, creds.Secret{})
	if needed := (*NeededError)(nil); errors.As(err, &needed) {
		return true, s.locked(ctx, id, func() error { return s.Store.RemoveToken(name, id) }) // AWS has ended it
	}
	if err != nil {
		return false, err
	}
	portal, err := s.client(step.Portal)
	if err != nil {
		return false, err
	}
	err = portal.JSON(ctx, creds.Session{}, awsapi.JSON{
		Service: "sso", Action: "Logout", Method: "POST", Path: "/logout", Header: bearer(t), Again: true,
	}, nil)
	if err != nil && !refusedWith(err, codeUnauthorized) {
		return false, err
	}
	return true, s.locked(ctx, id, func() error { return s.Store.RemoveToken(name, id) })
}

// locked runs f while nobody renews the sign-in, or what is removed could come back.
func (s *Signer) locked(ctx context.Context, id string, f func() error) error {
	lock, err := s.Store.Lock(ctx, signInLock(id), nil)
	if err != nil {
		return err
	}
	defer lock.Unlock() // closing the file releases it in any case
	return f()
}

// absent is nil for an item that is not there.
func absent(err error) error {
	if none := (*keyring.NotFoundError)(nil); errors.As(err, &none) {
		return nil
	}
	return err
}
