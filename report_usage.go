package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"fob/internal/cmdline"
	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/internal/ui"
)

// keyInFile is for fob add with the name of a file, such as the one that the AWS console
// offers.
func keyInFile(file string) *usageError {
	return &usageError{
		Problem: file + " is a file; fob add reads one from standard input",
		Way:     ui.TypeLine("fob add PROFILE --stdin < " + cmdline.Quote(file)),
	}
}

// namesFile reports whether what was given as a profile is a file in some directory.
func namesFile(profile string) bool {
	return strings.ContainsRune(profile, os.PathSeparator) && isFile(profile)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// usageProblem puts the parser's words into fob's.
func usageProblem(named []command, parsing *kong.ParseError) *usageError {
	text := parsing.Error()
	subject, _, _ := strings.Cut(text, ":")
	node, path := parsing.Context.Selected(), ""
	if node != nil {
		if node.Hidden {
			node = node.Parent
		}
		path = commandPath(node)
	}
	argument, missing := strings.CutPrefix(text, `expected "<`)
	stranger, unexpected := strings.CutPrefix(text, "unexpected argument ")
	stranger, _, _ = strings.Cut(stranger, ", did you mean ")
	switch {
	case missing:
		argument, _, _ = strings.Cut(argument, ">")
		line := strings.TrimSuffix(usage(named[0], node), " [flags]")
		return &usageError{Problem: fmt.Sprintf("%s is missing: fob %s", strings.ToUpper(argument), line), Command: path}
	case unexpected && path == "add" && isFile(stranger):
		return keyInFile(stranger)
	case unexpected && slices.Contains([]string{"add", "mfa add", "store passphrase"}, path):
		line := "fob " + path
		if path != "store passphrase" {
			line += " PROFILE"
		}
		return &usageError{Problem: "too many arguments: fob takes no secret from the command line", Way: ui.TypeLine(line).To("asks for it"), Secret: true}
	case unexpected && node != nil && len(node.Children) > 0:
		e := &usageError{Problem: fmt.Sprintf("unknown command %q", "fob "+path+" "+stranger)}
		var children []string
		for _, c := range node.Children {
			children = append(children, c.Name)
		}
		if near := plan.Nearest(stranger, children); len(near) > 0 {
			e.Near = "fob " + path + " " + near[0]
		}
		return e
	case strings.HasPrefix(text, "expected one of ") && len(named) == 1:
		words := strings.NewReplacer(`"`, "", ",", "", "  ", " ").Replace(strings.TrimPrefix(text, "expected one of "))
		return &usageError{Problem: fmt.Sprintf("which one? fob %s %s", named[0].name, strings.Join(strings.Fields(words), "|"))}
	case strings.HasPrefix(text, "expected "), unexpected && strings.TrimSpace(stranger) == "" && len(named) > 1:
		return &usageError{Problem: "which command?"}
	case strings.Contains(text, `got "EOL"`), strings.Contains(text, ": missing value, "), strings.Contains(text, "; perhaps try "): // a flag follows
		return &usageError{Problem: subject + " needs a value", Command: path}
	}
	e := flagProblem(text)
	e.Command = path
	for _, f := range parsing.Context.Flags() {
		if len(f.Envs) > 0 && !typed(parsing.Context.Args, f) {
			e.Problem = strings.Replace(e.Problem, "--"+f.Name, f.Envs[0], 1) // where the value is from
		}
	}
	if _, ok := errors.AsType[*mfa.CodeError](parsing); ok {
		e.NoHelp = true // what a code is
	}
	return e
}

// typed reports whether a flag is on the command line.
func typed(args []string, flag *kong.Flag) bool {
	return slices.ContainsFunc(args, func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return name == "--"+flag.Name || strings.HasPrefix(name, "-"+string(flag.Short)) && flag.Short != 0 || slices.Contains(flag.Aliases, strings.TrimPrefix(name, "--"))
	})
}

// flagProblem is about a flag or a value.
func flagProblem(text string) *usageError {
	e := &usageError{}
	text, near, _ := strings.Cut(text, ", did you mean ")
	if !strings.HasPrefix(near, "one of") { // all the short flags there are
		e.Near = strings.Trim(near, `"?`)
	}
	e.Typed, _ = strings.CutPrefix(text, "unknown flag ")
	if flag, value, ok := strings.Cut(text, " must be one of "); ok {
		_, value, _ = strings.Cut(value, ` but got "`)
		e.Typed = flag + "=" + strings.Trim(value, `"`)
	}
	text, _, _ = strings.Cut(text, " (from envar ")
	if flag, value, ok := strings.Cut(text, ": bool value must be "); ok {
		_, value, _ = strings.Cut(value, " but got ")
		text = flag + " must be true or false, not " + value
	}
	text, _, _ = strings.Cut(text, ": time: ") // Go's words for an invalid duration
	flag, value, ok := strings.Cut(text, ": expected duration but got ")
	if !ok {
		flag, value, ok = strings.Cut(text, ": expected duration value but got ")
		value, _, _ = strings.Cut(value, " (")
	}
	if ok {
		text = fmt.Sprintf("%s: invalid duration %s; use a value such as 2h or 1h30m", flag, value)
	}
	if argument, ok := strings.CutPrefix(text, "<"); ok {
		name, rest, _ := strings.Cut(argument, ">")
		text = strings.ToUpper(name) + rest
	}
	e.Problem = strings.ReplaceAll(text, `","`, `", "`)
	for _, word := range []string{"secret", "passphrase", "password", "seed"} {
		e.Secret = e.Secret || strings.Contains(e.Typed, word)
	}
	return e
}

// lineError is a credential_process that does not start fob.
type lineError struct {
	Profile, Line string
	Err           error
}

func (e *lineError) Error() string {
	return fmt.Sprintf("programs cannot run the credential_process of %q: %s %v", e.Profile, e.Line, e.Err)
}
