package plan

import (
	"time"

	"fob/internal/awsconfig"
)

// Facts are the input of a plan. While a plan is made, a function must give the
// same answer whenever it gets the same argument.
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
	ReadFile func(path string) (string, error)
	// User is the login name, the last resort for the name of a role session.
	User func() string
	// Agent is the coding agent that asks, looked for only where a profile has a
	// fob_agent or a credential_process; zero if none does. Nil: nobody asks.
	Agent func() Agent
	// FoldCase: the names of variables have no case (Windows).
	FoldCase bool
	// Program is the base name of this program, by which it recognizes itself in a
	// credential_process.
	Program string
}

// Key is the clear header of a stored key: no secret.
type Key struct {
	ID string
	// Account and ARN are the answer of GetCallerIdentity when the key was added;
	// empty if it was not called.
	Account string
	ARN     string
}

// Options is what the command line asks for.
type Options struct {
	// Duration is the lifetime that the final credentials must have; zero for any.
	Duration Requested
	// Export is for credentials that SDKs ask fob export for. If a file or variable
	// wishes for less than MinExport, they get that.
	Export bool
	// NoSession hands out the source's own credentials instead of a session.
	NoSession bool
	// Unguarded is for calls that fob makes itself, without handing out credentials:
	// fob_mfa_max_age does not demand a device, for it may be about to be created.
	Unguarded bool
	// Shown is for plans that are only shown: one that fob_agent refuses is made too.
	Shown bool
	// Variables is for commands that a person runs: aws-vault's variables (AWS_ROLE_ARN,
	// AWS_MFA_SERIAL, ...) count for the profile. A program that runs fob export passes
	// on its own variables, which were not meant for the profile.
	Variables bool
	// Child is for fob exec and what shows it: the variables count that the profile and
	// Secrets, the flags, set for the command.
	Child   bool
	Secrets []Variable
	// Starts is the coding agent that a person starts with the credentials; zero for
	// another program.
	Starts Agent
	// Region is the value of --region.
	Region string
	// Policy is the text of a session policy, PolicyARNs are managed ones. Both limit
	// the last role.
	Policy     string
	PolicyARNs []string
	// PolicyFrom and PolicyARNsFrom are the flags, or the lines of a file, that ask for
	// them.
	PolicyFrom, PolicyARNsFrom string
}

// Requested is a lifetime and the flag, or the line of a file, that asks for it.
type Requested struct {
	Duration time.Duration
	From     string
	// Soft is true for a duration from a file: fob shortens it to what AWS allows. An
	// impossible duration from a flag is an error.
	Soft bool
}
