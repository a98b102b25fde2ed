package plan

import (
	"time"

	"fob/internal/awsconfig"
)

// Facts is what a plan is decided from. The functions must give the same answer
// for the same argument while a plan is made.
type Facts struct {
	Config *awsconfig.Config
	// Key looks up the clear header of the key stored for a profile; false if none
	// is stored. An error (a damaged file) is not an absence: Resolve returns it as
	// it is.
	Key func(profile string) (key Key, stored bool, err error)
	// StoredNames lists the profiles with a stored key, for suggestions only.
	StoredNames func() []string
	// Getenv is the environment.
	Getenv func(name string) string
	// ReadFile reads a session policy named by fob_policy or --policy.
	ReadFile func(path string) ([]byte, error)
	// User is the name of the operating system's user; the last resort for a role
	// session's name.
	User string
	// Program is the base name of the program that runs, to know itself in a
	// credential_process.
	Program string
}

// Key is the clear header of a stored key: no secret.
type Key struct {
	ID string
	// Account and ARN are what GetCallerIdentity said when the key was added;
	// empty when it was not asked.
	Account string
	ARN     string
}

// Options is what the command line asks for.
type Options struct {
	// Duration is the lifetime that the final credentials must have; zero for any.
	Duration Requested
	// NoSession hands out the source credentials themselves.
	NoSession bool
	// Region is the flag.
	Region string
	// Policy is the text of a session policy, PolicyARNs are managed ones; both
	// scope the last role down.
	Policy     string
	PolicyARNs []string
}

// Requested is a lifetime and the flag, or the line of a file, that asks for it.
type Requested struct {
	Duration time.Duration
	From     string
	// Soft: it is from a file. What AWS does not allow is capped, where it would
	// be an error from a flag.
	Soft bool
}
