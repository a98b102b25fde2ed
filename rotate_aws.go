package main

import (
	"context"
	"time"

	"fob/internal/awsapi"
	"fob/internal/broker"
	"fob/internal/creds"
	"fob/internal/iam"
	"fob/internal/plan"
	"fob/internal/prompt"
	"fob/internal/rotate"
	"fob/keyring"
)

// keyCalls are IAM's calls about the keys of a profile's user, with either of them.
type keyCalls struct {
	app      *app
	profile  string
	user     iam.User
	client   *awsapi.Client
	sessions map[string]creds.Session // with MFA, by the key's ID
	signed   plan.Plan                // that of the last session
}

func newKeyCalls(a *app, profile string, id awsapi.Identity) (*keyCalls, error) {
	all, err := a.profiles()
	if err != nil {
		return nil, err
	}
	e, err := all.IAM(profile, id.ARN)
	if err != nil {
		return nil, err
	}
	client, err := a.newClient(e, a.out.Log)
	if err != nil {
		return nil, err
	}
	user, err := iam.NewUser(client, profile, creds.Session{}, id)
	return &keyCalls{app: a, profile: profile, user: user, client: client, sessions: map[string]creds.Session{}}, err
}

// with is IAM, called with a key, or with its session after SignIn.
func (c *keyCalls) with(key creds.Key) iam.Client {
	client := c.user.Client
	client.With = creds.Session{Key: key}
	if s, ok := c.sessions[key.ID]; ok {
		client.With = s
	}
	return client
}

// SignIn makes an MFA session of a key, by the profile or another one that has it.
func (c *keyCalls) SignIn(ctx context.Context, with creds.Key) (ok bool, err error) {
	p, ok, err := c.signInPlan(with.ID)
	if !ok || err != nil {
		return false, err
	}
	serial := p.MFASerial()
	// The user's own session, and no role's.
	own, ok := p.Steps[1].(plan.SessionToken)
	if !ok || own.MFASerial == "" {
		own = plan.SessionToken{MFASerial: serial, DurationSeconds: int(time.Hour / time.Second)}
	}
	p.Steps = []plan.Step{p.Steps[0], own}
	c.app.out.Note("AWS refused %s alone; trying again with an MFA session (%s)", with.ID, plan.ShortSerial(serial))
	s, err := c.app.credentials(ctx, p, request{renew: broker.RenewExec, program: named("fob rotate")})
	if err != nil {
		return false, err
	}
	c.sessions[with.ID], c.signed = s, p
	return true, nil
}

// signInPlan is the plan of a profile that has a key and names an MFA device; ok is false if
// there is none. It need not be the profile that names the rotation: that one may have got
// another key in the meantime.
func (c *keyCalls) signInPlan(keyID string) (p plan.Plan, ok bool, err error) {
	all, err := c.app.readProfiles() // with the keys that are stored now
	if err != nil {
		return plan.Plan{}, false, err
	}
	p, err = all.Plan(c.profile, plan.Options{Unguarded: true})
	if err != nil || p.KeyID() == keyID && p.MFASerial() != "" {
		return p, err == nil, err
	}
	stored, err := c.app.store().Infos(keyring.KindKey)
	if err != nil && !rotate.OnlyDamaged(err) {
		return plan.Plan{}, false, err
	}
	for _, info := range stored {
		if info.KeyID != keyID || info.Name == c.profile {
			continue
		}
		p, err := all.Plan(info.Name, plan.Options{Unguarded: true})
		if err == nil && p.KeyID() == keyID && p.MFASerial() != "" {
			return p, true, nil
		}
	}
	return plan.Plan{}, false, nil
}

func (c *keyCalls) CanSignIn() error {
	if _, err := c.app.store().SeedInfo(c.signed.MFASerial()); err == nil || c.signed.MFAProcess.Line != "" {
		return nil
	}
	if c.app.NoInput {
		return &prompt.NoPersonError{Why: []error{prompt.ErrNoInput}}
	}
	return prompt.Ready(c.app.prompters(c.profile))
}

// Now is the time by AWS's clock, as its last answer said.
func (c *keyCalls) Now() time.Time { return c.app.now().Add(-c.client.RawSkew()) }

func (c *keyCalls) AccessKeys(ctx context.Context, with creds.Key) ([]iam.AccessKey, error) {
	return c.with(with).AccessKeys(ctx)
}

func (c *keyCalls) CreateAccessKey(ctx context.Context, with creds.Key) (creds.Key, iam.AccessKey, error) {
	return c.with(with).CreateAccessKey(ctx)
}

func (c *keyCalls) SetAccessKey(ctx context.Context, with creds.Key, id string, active bool) error {
	return c.with(with).SetAccessKey(ctx, id, active)
}

func (c *keyCalls) DeleteAccessKey(ctx context.Context, with creds.Key, id string) error {
	return c.with(with).DeleteAccessKey(ctx, id)
}

func (c *keyCalls) AccessKeyUse(ctx context.Context, with creds.Key, id string) (creds.KeyUse, error) {
	return c.with(with).AccessKeyUse(ctx, id)
}
