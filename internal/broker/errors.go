package broker

import "fmt"

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
