package awsconfig

import (
	"fmt"
	"slices"
	"strings"
)

// includeKey is a key of aws-vault's. It names a profile whose values are included.
const includeKey = "include_profile"

// include is a line that names an included profile.
type include struct {
	section section
	profile string // the section's, once it is known to be one
	target  string
	fob     bool // written with the prefix
	file    string
	line    int
}

// isInclude is called for every line, so it compares lengths first.
func isInclude(key string) bool {
	n := len(key)
	return n == len(includeKey) && strings.EqualFold(key, includeKey) ||
		n == len(prefix+includeKey) && strings.EqualFold(key, prefix+includeKey)
}

// LoopError is a chain of include_profile that comes back to itself.
type LoopError struct {
	File string
	Line int // of the first profile's include_profile
	// Loop begins and ends with the same profile.
	Loop []string
}

func (e *LoopError) Error() string {
	quoted := make([]string, len(e.Loop))
	for i, name := range e.Loop {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%s:%d: include_profile loop: %s", e.File, e.Line, strings.Join(quoted, " -> "))
}

// checkLoops finds a loop, in time proportional to the number of include lines.
func (c *Config) checkLoops(includes []include) error {
	includes = c.effective(includes)
	next := make(map[string]include, len(includes))
	for _, in := range includes {
		if old, ok := next[in.profile]; !ok || in.fob || !old.fob {
			next[in.profile] = in
		}
	}
	checked := map[string]bool{}
	for _, first := range includes {
		var path []string
		for name := first.profile; !checked[name]; {
			in, ok := next[name]
			if i := slices.Index(path, name); i >= 0 {
				return &LoopError{File: in.file, Line: in.line, Loop: append(path[i:], name)}
			}
			if !ok {
				break
			}
			path = append(path, name)
			name = in.target
		}
		for _, name := range path {
			checked[name] = true
		}
	}
	return nil
}

// effective keeps the includes of profiles. A [default] next to a [profile default]
// does not count.
func (c *Config) effective(includes []include) []include {
	if len(includes) == 0 {
		return nil
	}
	def := c.config.named(kindProfile, defaultName)
	displaced := len(def) > 0 && !def[0].short()
	var kept []include
	for _, in := range includes {
		kind, name := in.section.meaning()
		if kind == kindProfile && !(in.section.short() && displaced) {
			in.profile = name
			kept = append(kept, in)
		}
	}
	return kept
}
