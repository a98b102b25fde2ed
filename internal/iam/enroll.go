package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
)

const (
	// enableTries is how many pairs of codes are tried: a pair can fail because of a
	// wrong clock, or because the user is being changed elsewhere.
	enableTries = 3
	// undoTime limits the cleanup, for which a person may be waiting.
	undoTime = 15 * time.Second
)

// Enrollment gives the user a virtual MFA device. All functions are needed.
type Enrolment struct {
	Client
	// Name is the name of the device; empty for the user's name, or USER-fob if that
	// is taken.
	Name string
	// Keep stores the seed. It is called before the device is enabled, so that no
	// enabled device has lost its seed; Forget removes the seed if the enrollment fails.
	Keep   func(ctx context.Context, serial string, seed creds.Seed) error
	Forget func(serial string) error
	// Show shows the seed to a person.
	Show func(ctx context.Context, d Device) error
	// Codes makes two consecutive codes, neither of which was ever sent.
	Codes func(ctx context.Context, serial string) (first, second string, err error)
	Log   func(format string, args ...any)
}

// LeftError is an enrollment that failed and could not be undone.
type LeftError struct {
	Serial string // of the device that is still in AWS, or may be
	Err    error  // why it failed
	Undo   error  // why it could not be undone; nil if nobody knows whether there is a device
}

func (e *LeftError) Error() string {
	why := e.Err.Error()
	if errors.Is(e.Err, context.Canceled) {
		why = "interrupted"
	}
	if e.Undo == nil {
		return fmt.Sprintf("%s (AWS may have created %s anyway)", why, e.Serial)
	}
	return fmt.Sprintf("%s; could not remove %s from AWS: %v", why, e.Serial, e.Undo)
}

func (e *LeftError) Unwrap() error { return e.Err }

// Run creates, shows and enables the device, and returns its serial. With an error
// it returns the serial of a device that was created and removed again.
//
// If the context ends, Run stops waiting for people, but finishes the call it is
// making: only then does it know what to undo.
func (e Enrolment) Run(ctx context.Context) (serial string, err error) {
	d, err := e.create(ctx)
	if err != nil {
		return "", err
	}
	if err = e.finish(ctx, d); err == nil {
		return d.Serial, nil
	}
	e.Log("undoing: %v", err)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	if _, undo := e.Remove(late, d.Serial); undo != nil {
		// Keep the seed: the device may be enabled, and there is no other copy.
		return "", &LeftError{d.Serial, err, undo}
	}
	return d.Serial, errors.Join(err, e.Forget(d.Serial))
}

// create creates a device with a name that is not taken.
func (e Enrolment) create(ctx context.Context) (Device, error) {
	names := []string{e.Name}
	if e.Name == "" {
		names = []string{e.User, e.User + "-fob"}
	}
	var err error
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return Device{}, err
		}
		var d Device
		d, err = e.Create(context.WithoutCancel(ctx), name)
		switch {
		case Refused(err, AlreadyExists):
			e.Log("the name %s is taken", name)
			continue
		case err != nil && MaybeDone(err):
			return Device{}, &LeftError{Serial: e.Prefix + name, Err: err}
		}
		return d, err
	}
	return Device{}, err
}

// MaybeDone reports whether AWS may have carried out the call that failed.
func MaybeDone(err error) bool {
	var answer *awsapi.AnswerError
	var unreachable *awsapi.UnreachableError
	return errors.As(err, &answer) || errors.As(err, &unreachable) && unreachable.Sent
}

func (e Enrolment) finish(ctx context.Context, d Device) error {
	if err := e.Keep(ctx, d.Serial, d.Seed); err != nil {
		return err
	}
	if err := e.Show(ctx, d); err != nil {
		return err
	}
	for try := 1; ; try++ {
		first, second, err := e.Codes(ctx, d.Serial)
		if err != nil {
			return err
		}
		if err = e.Enable(context.WithoutCancel(ctx), d.Serial, first, second); err == nil {
			return nil
		}
		if !Refused(err, Busy) && !(Refused(err, BadCode) && try == 1) || try == enableTries {
			return err
		}
		e.Log("%v; trying again with the next codes", err)
	}
}
