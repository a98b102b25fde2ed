package broker

import (
	"fmt"
	"strings"
	"time"
)

// RefusedError: AWS answered no. Code and Message are AWS's own, on one line;
// they are not safe for a terminal before they are cleaned.
type RefusedError struct {
	Action  string // GetSessionToken
	KeyID   string // who asked
	Role    string // the role asked for, if any
	Code    string
	Message string
	// Skew is how far this computer's clock is ahead of AWS's; 0 if under 5 minutes.
	Skew time.Duration

	// resent: it was sent before, and may have been carried out: the answer was lost.
	resent bool
}

func (e *RefusedError) Error() string {
	what := "AWS refused " + e.Action
	if e.Role != "" {
		what += " of " + e.Role
	}
	what += ": " + e.Code + ": " + e.Message
	if e.resent && e.badCode() {
		what += " (" + lostAnswer + ")"
	}
	return what
}

const lostAnswer = "AWS's first answer was lost, and it takes each code once"

// badCode reports whether AWS refused the MFA code, rather than the device. There
// is no error code for it.
func (e *RefusedError) badCode() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "invalid MFA one time pass code")
}

// UnknownDevice reports whether AWS does not know the MFA device, or not yet.
func (e *RefusedError) UnknownDevice() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "unable to validate MFA code")
}

// UnreachableError: no answer, or one that says to try later.
type UnreachableError struct {
	Host    string
	Problem string
	Tries   int
	// Sent: a request went out, and may have been carried out for all we know.
	Sent bool
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("AWS not reached at %s: %s", e.Host, e.Problem)
}

// AnswerError: something answered that is not AWS, or not in its right mind.
type AnswerError struct {
	Action, Host, Problem string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the answer of %s to %s %s", e.Host, e.Action, e.Problem)
}

// SharedError: another fob asked for the same code while this one waited, and
// was told no; the question is not asked again.
type SharedError struct {
	Serial  string
	Outcome Outcome
	Message string
}

func (e *SharedError) Error() string {
	return fmt.Sprintf("another fob, which this one waited for, got no session with %s: %s", e.Serial, e.Message)
}

// Outcome is how asking for a code ended, when it ended without a session.
type Outcome string

// Outcomes that waiters take over. A network error is not among them, nor that
// nobody could be asked: the next one may have another network, or a terminal.
const (
	Refused    Outcome = "refused"
	Cancelled  Outcome = "cancelled"
	Unanswered Outcome = "unanswered"
)
