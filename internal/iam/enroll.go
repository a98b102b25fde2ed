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
	// enableTries: one code pair may be spoilt by a clock or by the user's being
	// changed elsewhere, and AWS asks for patience in both cases.
	enableTries = 3
	// undoTime bounds the cleaning up: the person has given up already.
	undoTime = 15 * time.Second
)

// Enrolment gives the user a virtual MFA device. Zero functions are a bug, but
// for Log.
type Enrolment struct {
	Client
	// Name is the device's; empty for the user's name, or USER-fob if that is taken.
	Name string
	// Keep stores the seed. It is called before the device counts, so that there
	// is never a device whose seed is lost; Forget is called when it comes to nothing.
	Keep   func(ctx context.Context, serial string, seed creds.Seed) error
	Forget func(serial string) error
	// Show offers the seed to a person.
	Show func(ctx context.Context, d Device) error
	// Codes makes two codes in a row, neither ever sent before.
	Codes func(ctx context.Context, serial string) (first, second string, err error)
	Log   func(format string, args ...any)
}

// LeftError is an enrolment that failed and could not be undone.
type LeftError struct {
	Serial string // of what is left at AWS, or may be
	Err    error  // why it failed
	Undo   error  // why it could not be undone; nil if it was not tried
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

// Run makes, shows and enables the device, and returns its serial: beside an
// error it is that of a device that was made and removed again.
//
// The context ends the waiting, but no call that is on its way: AWS may carry it
// out, and what it made must be known to be undone.
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
		// The seed stays: the device may count, and there is no other copy.
		return "", &LeftError{d.Serial, err, undo}
	}
	return d.Serial, errors.Join(err, e.Forget(d.Serial))
}

// create makes a device whose name is free.
func (e Enrolment) create(ctx context.Context) (Device, error) {
	names := []string{e.Name}
	if e.Name == "" {
		names = []string{e.User, e.User + "-fob"}
	}
	var err error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return Device{}, err
		}
		var d Device
		d, err = e.Create(context.WithoutCancel(ctx), name)
		switch {
		case Refused(err, AlreadyExists):
			e.Log("the name %s is taken", name)
			continue
		case err != nil && maybeDone(err):
			return Device{}, &LeftError{Serial: e.Prefix + name, Err: err}
		}
		return d, err
	}
	return Device{}, err
}

// maybeDone: the call may have been carried out.
func maybeDone(err error) bool {
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
