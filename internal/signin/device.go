package signin

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
)

const (
	// pollPause is the pause between two questions if AWS names none, and slowDown what is
	// added when AWS wants fewer (RFC 8628, 3.2 and 3.5).
	pollPause = 5 * time.Second
	slowDown  = 5 * time.Second
	// maxDeviceTime is longer than any code is good, and maxPoll longer than any pause.
	maxDeviceTime = time.Hour
	maxPoll       = time.Minute
)

// withDevice signs in with a code that the person confirms on any device (RFC 8628).
func (o oidc) withDevice(ctx context.Context, client creds.Client) (creds.Token, error) {
	var device struct {
		Code     string `json:"deviceCode"`
		UserCode string `json:"userCode"`
		URI      string `json:"verificationUri"`
		Complete string `json:"verificationUriComplete"`
		Life     int64  `json:"expiresIn"`
		Interval int64  `json:"interval"`
	}
	const action = "StartDeviceAuthorization"
	err := o.call(ctx, action, "/device_authorization", map[string]any{
		"clientId": client.ID, "clientSecret": client.Secret.Reveal(), "startUrl": o.start,
	}, []string{client.Secret.Reveal()}, &device)
	if err != nil {
		return creds.Token{}, err
	}
	address := cmp.Or(device.Complete, device.URI)
	if !creds.IsPrintable(device.Code) || !creds.IsPrintable(device.UserCode) || !isPage(address) || device.Life <= 0 {
		return creds.Token{}, o.strange(action, "a malformed device code")
	}
	s := o.signer
	ctx, cancel := context.WithTimeoutCause(ctx, seconds(device.Life, maxDeviceTime), &LateError{To: o.title()})
	defer cancel()
	ask := func() (creds.Token, error) {
		return o.createToken(ctx, client, grantDevice, map[string]string{"deviceCode": device.Code})
	}
	// The administrator may have authorized this client already.
	t, err := ask()
	if err == nil || !refusedWith(err, codePending, codeSlowDown) {
		return t, o.late(ctx, err)
	}
	s.Say("Sign in to %s on any device:", o.title())
	s.Say("    %s", address)
	s.Say("Confirm only if the page shows the code %s.", device.UserCode)
	defer s.Waiting("waiting for you to confirm the code (Ctrl-C stops)")()
	pause := cmp.Or(seconds(device.Interval, maxPoll), pollPause)
	for {
		if err := s.pause(ctx, pause); err != nil {
			return t, err
		}
		t, err = ask()
		var unreachable *awsapi.UnreachableError
		switch {
		case refusedWith(err, codeSlowDown):
			pause = min(pause+slowDown, maxPoll)
		case refusedWith(err, codePending):
		case errors.As(err, &unreachable): // the network comes back while the code is good
			s.Log("%v; asking again", err)
		default:
			return t, o.late(ctx, err)
		}
	}
}

// seconds is a number of seconds from an answer as a time from 0 to most: a negative pause
// would be none, and so would one that a Duration is too small for.
func seconds(n int64, most time.Duration) time.Duration {
	return time.Duration(min(max(n, 0), int64(most/time.Second))) * time.Second
}

func (s *Signer) pause(ctx context.Context, d time.Duration) error {
	if s.Pause != nil {
		return s.Pause(ctx, d)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// late says that the time was up, however that showed.
func (o oidc) late(ctx context.Context, err error) error {
	var late *LateError
	if refusedWith(err, codeExpired) || err != nil && errors.As(context.Cause(ctx), &late) {
		return &LateError{To: o.title()}
	}
	return err
}

// isPage reports whether an address is one to show: of a web page, and in one line.
func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && creds.IsPrintable(address) && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && awsapi.IsLoopback(u.Hostname()))
}
