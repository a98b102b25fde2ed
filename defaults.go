package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/plan"
	"fob/internal/settings"
)

// settings turns config.toml into the defaults of flags; nil if there is none.
// What is set for other commands than the one that runs is checked when they do.
func (a *app) settings() (kong.Resolver, error) {
	path := a.settingsPath()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New(plainPath(err))
	}
	all, err := settings.Parse(text)
	var syntax *settings.SyntaxError
	if errors.As(err, &syntax) {
		return nil, &plan.ConfigError{At: fmt.Sprintf("%s:%d", tilde(path), syntax.Line), Problem: syntax.Problem}
	}
	a.fromSettings = map[string]string{}
	return &defaults{app: a, path: tilde(path), all: all}, err
}

// defaults is kong's view of config.toml.
type defaults struct {
	app  *app
	path string
	all  []settings.Setting
}

// notInFile are flags whose value is for one run, or a secret.
var notInFile = []string{"mfa-code", "yes", "no-session", "stdin", "from-env", "help", "version"}

func (d *defaults) wrong(s settings.Setting, format string, args ...any) error {
	return &plan.ConfigError{At: fmt.Sprintf("%s:%d", d.path, s.Line), Problem: fmt.Sprintf(format, args...)}
}

// flag is the name of the flag that a key sets: config.toml has _ where the
// command line has -.
func flag(s settings.Setting) string { return strings.ReplaceAll(s.Key, "_", "-") }

// Validate implements kong.Resolver: every key of the tables that count is a
// flag, and of its type.
func (d *defaults) Validate(k *kong.Application) error {
	for _, s := range d.all {
		flags := k.Flags
		if s.Table != "" {
			i := slices.IndexFunc(k.Children, func(n *kong.Node) bool { return n.Name == s.Table })
			switch {
			case i >= 0:
				flags = append(slices.Clone(k.Children[i].Flags), k.Flags...)
			case slices.ContainsFunc(commands(), func(c command) bool { return c.name == s.Table }):
				continue // another command's
			default:
				return d.wrong(s, "no command %q", s.Table)
			}
		}
		i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == flag(s) })
		if slices.Contains(notInFile, flag(s)) {
			return d.wrong(s, "%s is for the command line only", s.Key)
		}
		if i < 0 {
			return d.wrong(s, "unknown key %q", s.Key)
		}
		if err := d.fits(s, flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// fits checks a value as kong would, whose own words name no file.
func (d *defaults) fits(s settings.Setting, f *kong.Flag) error {
	want := ""
	switch {
	case typeOf(f) != s.Type:
		want = string(typeOf(f))
	case f.Enum != "" && !f.EnumMap()[s.Text]:
		want = "one of " + strings.Join(f.EnumSlice(), ", ")
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		if _, err := time.ParseDuration(s.Text); err != nil {
			want = `a duration such as "1h30m"`
		}
	}
	if want == "" {
		return nil
	}
	return d.wrong(s, "%s is to be %s", s.Key, want)
}

func typeOf(f *kong.Flag) settings.Type {
	switch {
	case f.IsBool():
		return settings.Bool
	case f.IsSlice():
		return settings.List
	}
	return settings.String
}

// Resolve implements kong.Resolver. The environment comes before the file.
func (d *defaults) Resolve(_ *kong.Context, parent *kong.Path, f *kong.Flag) (any, error) {
	for _, env := range f.Envs {
		if os.Getenv(env) != "" {
			return nil, nil
		}
	}
	// What is set for the command comes before what is set for all.
	tables := []string{d.app.name, ""}
	if parent.Command != nil {
		tables = tables[:1]
	}
	for _, table := range tables {
		i := slices.IndexFunc(d.all, func(s settings.Setting) bool { return s.Table == table && flag(s) == f.Name })
		if i < 0 {
			continue
		}
		s := d.all[i]
		if err := d.fits(s, f); err != nil {
			return nil, err
		}
		d.app.fromSettings[f.Name] = fmt.Sprintf("%s:%d", d.path, s.Line)
		if s.Type == settings.List {
			return s.Texts, nil
		}
		return s.Text, nil
	}
	return nil, nil
}
