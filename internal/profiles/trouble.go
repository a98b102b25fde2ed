package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

// Cause is why some profiles cannot be used.
type Cause struct {
	Text     string // "28 profiles need a key for "base""
	Profiles int
	// Err is the problem of one of them. What helps against it helps them all.
	Err error
}

// Causes are why profiles cannot be used: each cause once, the one of most profiles
// first.
func Causes(rows []Row) []Cause {
	type group struct {
		clause
		first Row
		n     int
	}
	var groups []*group
	named := map[string]*group{}
	for _, r := range rows {
		if r.Problem == nil || r.Idle {
			continue
		}
		c := reason(r)
		g := named[c.many]
		if g == nil {
			g = &group{clause: c, first: r}
			named[c.many] = g
			groups = append(groups, g)
		}
		g.n++
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.n, a.n) })
	causes := make([]Cause, len(groups))
	for i, g := range groups {
		text := ui.Count(g.n, "profile") + " " + g.many
		if g.n == 1 {
			text = g.first.Profile + " " + g.one
		}
		causes[i] = Cause{text, g.n, g.first.Problem}
	}
	return causes
}

// clause says the same of one profile and of many. Profiles with the same clause have
// the same problem.
type clause struct{ one, many string }

func agree(one, many, rest string) clause { return clause{one + " " + rest, many + " " + rest} }

// reason is why a profile cannot be used.
func reason(r Row) clause {
	switch e := r.Problem.(type) {
	case *plan.NoKeyError:
		switch {
		case e.Role:
			return agree("has", "have", "a role and nothing to assume it with")
		case !r.wanted:
			return agree("has", "have", "no key")
		}
		return agree("needs", "need", fmt.Sprintf("a key for %q", e.Profile))
	case *plan.MissingSourceError:
		return agree("uses", "use", fmt.Sprintf("source profile %q, which does not exist", e.Source))
	case *plan.LoopError:
		return agree("is", "are", "in a loop of source profiles: "+strings.Join(loop(e.Chain), " > "))
	case *plan.MachineRoleError:
		return agree("takes", "take", "the role of the machine ("+e.Source+"), which AWS's tools get by themselves")
	case *plan.SecurityKeyError:
		return agree("has", "have", "a security key for MFA, from which AWS takes no codes: "+plan.ShortSerial(e.Serial))
	}
	return agree("cannot", "cannot", "be used: "+r.Problem.Error())
}

// loop is the part of a chain that repeats itself, the same wherever the chain begins.
func loop(chain []string) []string {
	again := chain[len(chain)-1]
	round := chain[slices.Index(chain, again) : len(chain)-1]
	least := slices.Index(round, slices.Min(round))
	round = slices.Concat(round[least:], round[:least])
	return append(round, round[0])
}

// trouble is why a profile cannot be used, in the place of its route.
func trouble(err error) string {
	switch e := err.(type) {
	case *plan.NoKeyError:
		switch {
		case e.Role:
			return "no source for its role"
		case e.For == e.Profile:
			return "no key"
		}
		return fmt.Sprintf("no key for %q", e.Profile)
	case *plan.MissingSourceError:
		return fmt.Sprintf("no profile %q", e.Source)
	case *plan.LoopError:
		return "loop of source profiles"
	case *plan.MachineRoleError:
		return e.Source
	case *plan.SecurityKeyError:
		return "security key without codes"
	case *plan.PartialKeyError:
		return errorIn(e.At)
	case *plan.NoDeviceError:
		return errorIn(e.At)
	case *plan.ConfigError:
		return errorIn(e.At)
	case *plan.UnknownKeyError:
		return errorIn(e.At)
	case *awsconfig.SyntaxError:
		return errorIn(fmt.Sprintf("%s:%d", e.File, e.Line))
	case *keyring.DamagedError:
		return "damaged key"
	}
	return "cannot be used"
}

// errorIn is an error in a line of a file, without the way to the file.
func errorIn(at string) string { return "error in " + at[strings.LastIndexAny(at, `/\`)+1:] }
