package plan

import (
	"fmt"
	"strings"
)

// NoProfileError: the name is neither in the AWS files nor in the store.
type NoProfileError struct {
	Profile string
	Nearest []string // similar names, the best first, at most three
	Stored  bool     // only stored keys were searched
}

func (e *NoProfileError) Error() string {
	if e.Stored {
		return fmt.Sprintf("no key is stored for %q", e.Profile)
	}
	return fmt.Sprintf("no profile %q in the AWS files or the store", e.Profile)
}

// MissingSourceError: a source profile that does not exist.
type MissingSourceError struct {
	Profile, Source string
	At              string
	Nearest         []string
}

func (e *MissingSourceError) Error() string {
	return fmt.Sprintf("%s: profile %q uses source profile %q, which does not exist", e.At, e.Profile, e.Source)
}

// LoopError: profiles that get their credentials from each other.
type LoopError struct{ Chain []string }

func (e *LoopError) Error() string {
	return "profiles depend on each other in a loop: " + strings.Join(e.Chain, " -> ")
}

// NoKeyError: a profile with nothing to start from.
type NoKeyError struct {
	Profile string
	For     string // the profile asked for
	Role    bool   // Profile has a role, and nothing to assume it with
	At      string // file:line of its section
}

func (e *NoKeyError) Error() string {
	var what string
	switch {
	case e.Role:
		what = fmt.Sprintf("profile %q assumes a role but has no source_profile", e.Profile)
	default:
		what = fmt.Sprintf("no access key for %q", e.Profile)
	}
	if e.For != e.Profile {
		what += fmt.Sprintf(" (needed for %q)", e.For)
	}
	return e.At + ": " + what
}

// PartialKeyError: one half of a key pair in the AWS files.
type PartialKeyError struct {
	Profile, Has, Lacks string
	At                  string
}

func (e *PartialKeyError) Error() string {
	return fmt.Sprintf("%s: profile %q has %s but no %s", e.At, e.Profile, e.Has, e.Lacks)
}

// MachineRoleError: a profile that takes the role of the machine or container it is used
// on. There is no key to keep, and a computer that has a role is not a person's.
type MachineRoleError struct {
	Profile, Source string
	At              string
}

func (e *MachineRoleError) Error() string {
	return fmt.Sprintf("%s: profile %q takes the role of its machine (credential_source = %s), which AWS's tools get by themselves", e.At, e.Profile, e.Source)
}

// SecurityKeyError: the MFA device is a FIDO key, which gives no codes for STS.
type SecurityKeyError struct {
	Profile, Serial string
	At              string
}

func (e *SecurityKeyError) Error() string {
	return e.At + ": " + securityKeyProblem(e.Serial)
}

// ConfigError: a value in a file or variable that is wrong.
type ConfigError struct{ At, Problem string }

func (e *ConfigError) Error() string { return e.At + ": " + e.Problem }

// UsageError: a command line asks for something impossible.
type UsageError struct{ Problem string }

func (e *UsageError) Error() string { return e.Problem }

// fault is the error for a flag, or for a value in a file or variable.
func fault(from, problem string) error {
	if strings.HasPrefix(from, "--") {
		return &UsageError{Problem: from + ": " + problem}
	}
	return &ConfigError{At: from, Problem: problem}
}

func (r *resolver) loop(name string) error {
	names := []string{}
	for _, h := range r.chain {
		names = append(names, h.name)
	}
	return &LoopError{append(names, name)}
}

func (r *resolver) missing(n next) error {
	name := n.profile
	for _, u := range r.facts.Config.Unreadable() {
		if u.Means(name) {
			return &u.SyntaxError
		}
	}
	if len(r.chain) == 0 {
		return &NoProfileError{Profile: name, Nearest: r.nearest(name)}
	}
	return &MissingSourceError{Profile: r.chain[len(r.chain)-1].name, Source: name, At: At(n.at), Nearest: r.nearest(name)}
}
