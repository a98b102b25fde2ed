package format

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/creds"
)

// shell is a format for a shell, or for a file of variables.
type shell struct {
	name string
	line func(Var) (string, error)
	// unset is the line that removes a variable; nil for a file, which nobody
	// evaluates in a shell that has variables already.
	unset func(name string) string
}

// shells is the table of formats, in the order of the help.
func shells() []shell {
	return []shell{
		{"env", func(v Var) (string, error) { return "export " + v.Name + "=" + single(v.Value, `'\''`), nil },
			func(name string) string { return "unset " + name }},
		{"env-no-export", func(v Var) (string, error) { return v.Name + "=" + single(v.Value, `'\''`), nil }, nil},
		// In single quotes fish has two escapes, \\ and \'.
		{"fish", func(v Var) (string, error) {
			return "set -gx " + v.Name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v.Value) + "'", nil
		}, func(name string) string { return "set -e " + name }},
		{"powershell", func(v Var) (string, error) { return "$Env:" + v.Name + " = " + single(v.Value, `''`), nil },
			func(name string) string { return "Remove-Item Env:" + name }},
		{"windows-cmd", func(v Var) (string, error) {
			// cmd.exe expands before it parses, so no quotes protect these.
			if strings.ContainsAny(v.Value, `"%!^&|<>`) {
				return "", fmt.Errorf("the value of %s cannot be written safely for cmd.exe", v.Name)
			}
			return `set "` + v.Name + "=" + v.Value + `"`, nil
		}, func(name string) string { return `set "` + name + `="` }},
		// The readers of .env files agree only on single quotes without escapes.
		{"dotenv", func(v Var) (string, error) {
			if strings.ContainsAny(v.Value, `'\`) {
				return "", fmt.Errorf("the value of %s cannot be written safely to a .env file", v.Name)
			}
			return v.Name + "='" + v.Value + "'", nil
		}, nil},
	}
}

// Shells are the names of the formats, in the order of the help.
func Shells() []string {
	var names []string
	for _, f := range shells() {
		names = append(names, f.name)
	}
	return names
}

// Session writes a profile's session in one of the formats that Shells names, with
// the variables by which fob knows it again. A name of a profile that a format cannot
// hold is left out, and so is that of an earlier session. environ is the environment
// of the shell: what an earlier session has left there would be used with this one,
// so a format for a shell removes it.
func Session(name string, s creds.Session, profile, region string, environ []string) ([]byte, error) {
	vars := Vars(s, region)
	text, err := Shell(name, append(vars, marks(s, profile, region)...))
	if err != nil {
		text, err = Shell(name, append(vars, marks(s, "", region)...))
	}
	if err != nil {
		return nil, err
	}
	all := shells()
	if unset := all[slices.IndexFunc(all, func(f shell) bool { return f.name == name })].unset; unset != nil {
		for _, n := range stale(environ, vars) {
			text = append(text, unset(n)+"\n"...)
		}
	}
	return text, nil
}

// Shell writes variables in one of the formats that Shells names.
func Shell(name string, vars []Var) ([]byte, error) {
	all := shells()
	i := slices.IndexFunc(all, func(f shell) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown format %q", name)
	}
	var b strings.Builder
	for _, v := range vars {
		if !printable(v.Value) {
			return nil, fmt.Errorf("the value of %s contains characters that cannot be written safely", v.Name)
		}
		line, err := all[i].line(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(line + "\n")
	}
	return []byte(b.String()), nil
}

func single(s, quote string) string { return "'" + strings.ReplaceAll(s, "'", quote) + "'" }
