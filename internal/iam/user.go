package iam

import (
	"fmt"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// User is an IAM user, and IAM as it is called for that user.
type User struct {
	Client
	awsapi.Identity
	Profile string // whose key it is
	// Skew is how far this computer's clock is ahead of AWS's.
	Skew time.Duration
}

// NotUserError means that a key belongs to no IAM user.
type NotUserError struct{ ARN string }

func (e *NotUserError) Error() string {
	return e.ARN + " is not an IAM user: its MFA devices are managed in the console"
}

// NewUser is the user whose key is With, and whom AWS knows as id. The error is a
// *NotUserError.
func NewUser(aws Caller, profile string, key creds.Session, id awsapi.Identity) (User, error) {
	a, ok := plan.ParseARN(id.ARN)
	if !ok || a.UserName() == "" {
		return User{}, &NotUserError{id.ARN}
	}
	return User{
		Client:   Client{AWS: aws, With: key, User: a.UserName(), Prefix: a.MFADevice("")},
		Identity: id, Profile: profile,
	}, nil
}

// Title names the user for a person.
func (u User) Title() string { return fmt.Sprintf("%s in account %s", u.User, u.Account) }
