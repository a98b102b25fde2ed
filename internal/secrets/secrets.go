// Package secrets reads the values of a command's variables from Parameter Store and
// Secrets Manager.
//
// It reads all of them or fails, and then says of each why. A value is read once, before
// the command starts, with the session that the command gets, in as few calls as AWS
// allows; nothing renews it. A reference only names a value. What it names is never
// written to a file, a log or an error, and neither is any part of it.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// Caller carries out calls: an *awsapi.Client.
type Caller interface {
	JSON(ctx context.Context, with creds.Session, call awsapi.JSON, answer any) error
}

// Reader reads values.
type Reader struct {
	// With is the session of the command.
	With creds.Session
	// Dial makes a client for a service, "ssm" or "secretsmanager", in a region.
	Dial func(service, region string) (Caller, error)
	// Fits reports whether the system can give a command a variable of that length.
	Fits func(name, value string) bool
}

// Variable is one of a command's environment.
type Variable struct {
	Name  string
	Value creds.Secret
}

// Missing is why a variable has no value.
type Missing struct {
	Variable  string
	Reference plan.Reference // zero if the value is not in AWS
	Err       error
}

// MissingError means that not all variables have a value.
type MissingError struct {
	Of      int // how many there are
	Missing []Missing
}

func (e *MissingError) Error() string {
	var all []string
	for _, m := range e.Missing {
		name := m.Variable
		if m.Reference != (plan.Reference{}) {
			name += " (" + m.Reference.String() + ")"
		}
		all = append(all, name+": "+m.Err.Error())
	}
	if e.Of == 1 {
		return "no value for " + all[0]
	}
	return fmt.Sprintf("no value for %d of %d variables: %s", len(all), e.Of, strings.Join(all, "; "))
}

// Unwrap returns what the hints of the report are about.
func (e *MissingError) Unwrap() (all []error) {
	for _, m := range e.Missing {
		all = append(all, m.Err)
	}
	return all
}

// AbsentError: AWS has no such parameter or secret, as far as it tells this session.
type AbsentError struct {
	What, Region string // "parameter"
}

func (e *AbsentError) Error() string { return "no such " + e.What + " in " + e.Region }

// Why a value cannot be used.
var (
	errNotObject = errors.New("the secret is not a JSON object, so it has no keys")
	errNoKey     = errors.New("the secret has no such key")
	errNotValue  = errors.New("the key holds a list or an object; use a string, number or boolean")
	errNull      = errors.New("the key has the value null")
	errEmpty     = errors.New("the secret has no value yet")
	errNUL       = errors.New("the value has a NUL byte, which no variable can have")
	errNotText   = errors.New("the value is binary, not text")
	errTooLong   = errors.New("the value is longer than a variable can be")
)

// Read reads the values of variables. Its errors are a *MissingError, and those of the
// caller where they are about no value in particular.
func (r Reader) Read(ctx context.Context, all []plan.Variable) ([]Variable, error) {
	found, err := r.fetch(ctx, plan.References(all))
	if err != nil {
		return nil, err
	}
	var values []Variable
	missing := &MissingError{Of: len(all)}
	for _, v := range all {
		value, at, err := r.value(v, found)
		if err != nil {
			missing.Missing = append(missing.Missing, Missing{v.Name, at, err})
			continue
		}
		values = append(values, Variable{v.Name, creds.NewSecret(value)})
	}
	if len(missing.Missing) > 0 {
		return nil, missing
	}
	return values, nil
}

// value joins the parts of a variable's value. at is the reference that an error is about.
func (r Reader) value(v plan.Variable, found results) (value string, at plan.Reference, err error) {
	var b strings.Builder
	for _, part := range v.Value {
		text := part.Text.Reveal()
		if part.Reference != (plan.Reference{}) {
			if text, err = found.value(part.Reference); err == nil {
				err = check(text)
			}
			if err != nil {
				return "", part.Reference, err
			}
		}
		b.WriteString(text)
	}
	if value = b.String(); !r.Fits(v.Name, value) {
		return "", plan.Reference{}, errTooLong
	}
	return value, plan.Reference{}, check(value)
}

// check reports what no environment can hold.
func check(value string) error {
	switch {
	case strings.ContainsRune(value, 0):
		return errNUL
	case !utf8.ValidString(value):
		return errNotText
	}
	return nil
}

// source is a parameter or secret, whichever keys of it are wanted.
type source struct{ service, id, region, version, stage string }

func sourceOf(r plan.Reference) source {
	return source{r.Service, r.ID, r.Region, r.Version, r.Stage}
}

// result is what a source holds, or why that is not known.
type result struct {
	text creds.Secret
	err  error
}

type results map[source]result

// value is the value that a reference names.
func (found results) value(ref plan.Reference) (string, error) {
	at := found[sourceOf(ref)]
	if at.err != nil || ref.Key == "" {
		return at.text.Reveal(), at.err
	}
	return keyOf(at.text.Reveal(), ref.Key)
}
