package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"fob/internal/input"
)

// maxSize is far more than any config.toml has, in bytes.
const maxSize = 1 << 20

// Error is a mistake in config.toml.
type Error struct {
	At      string // file:line, the file as a person is shown it
	Problem string
	// Unknown is a name that does not exist in the Table, and Known are those that do.
	Table, Unknown string
	Known          []string
}

func (e *Error) Error() string { return e.At + ": " + e.Problem }

// File is config.toml as kong sees it: a resolver that gives flags their defaults.
// A nil *File sets nothing.
type File struct {
	path     string
	settings []Setting
	commands func() []string
	getenv   func(string) string
	from     map[string]string // what Resolve has set: flag to file:line
}

// Load reads the file at path, which messages name as shown; nil if it does not
// exist. commands are the names of all commands: a parser may know only the one
// that runs, and settings of the others are checked when those run.
// A mistake in the file is an *Error.
func Load(path, shown string, commands func() []string, getenv func(string) string) (*File, error) {
	text, err := input.Read(path, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%s: %w", shown, failed.Err)
	}
	if err != nil {
		return nil, err
	}
	all, err := Parse([]byte(text))
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return nil, &Error{At: fmt.Sprintf("%s:%d", shown, syntax.Line), Problem: syntax.Problem}
	}
	if err != nil {
		return nil, err
	}
	return &File{path: shown, settings: all, commands: commands, getenv: getenv, from: map[string]string{}}, nil
}

// From is the file:line that set a flag; "" if the file did not set it.
func (f *File) From(flag string) string {
	if f == nil {
		return ""
	}
	return f.from[flag]
}

// notInFile are flags whose value is for one run, or a secret.
var notInFile = []string{"mfa-code", "yes", "no-session", "stdin", "from-env", "undo", "accept", "install-hook", "help", "version"}

// flag is the name of the flag that a key sets: config.toml has _ where the
// command line has -.
func (s Setting) flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

func (f *File) at(s Setting) string { return fmt.Sprintf("%s:%d", f.path, s.Line) }

func (f *File) wrong(s Setting, format string, args ...any) error {
	return &Error{At: f.at(s), Problem: fmt.Sprintf(format, args...)}
}

// Validate implements kong.Resolver: in the tables that concern this parser every
// key is a flag, and every value has the flag's type.
func (f *File) Validate(k *kong.Application) error {
	for _, s := range f.settings {
		flags := k.Flags
		if s.Table != "" {
			i := slices.IndexFunc(k.Children, func(n *kong.Node) bool { return n.Name == s.Table })
			switch {
			case i >= 0:
				flags = append(slices.Clone(k.Children[i].Flags), k.Flags...)
			case slices.Contains(f.commands(), s.Table):
				continue // another command's
			default:
				return &Error{At: f.at(s), Problem: fmt.Sprintf("unknown command %q", s.Table), Unknown: s.Table, Known: f.commands()}
			}
		}
		if slices.Contains(notInFile, s.flag()) {
			return f.wrong(s, "%s can only be set on the command line", s.Key)
		}
		i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == s.flag() })
		if i < 0 {
			return &Error{At: f.at(s), Problem: fmt.Sprintf("unknown key %q", s.Key), Table: s.Table, Unknown: s.Key, Known: keys(flags)}
		}
		if err := f.fits(s, flags[i]); err != nil {
			return err
		}
	}
	return nil
}

// keys are what sets flags in the file.
func keys(flags []*kong.Flag) (names []string) {
	for _, f := range flags {
		if !slices.Contains(notInFile, f.Name) {
			names = append(names, strings.ReplaceAll(f.Name, "-", "_"))
		}
	}
	return names
}

// fits checks a value as kong would, whose own errors name no file.
func (f *File) fits(s Setting, flag *kong.Flag) error {
	want, duration := "", flag.Target.Type() == reflect.TypeFor[time.Duration]()
	switch {
	case typeOf(flag) != s.Type && duration:
		want = `a duration in quotes, such as "1h30m"`
	case typeOf(flag) != s.Type:
		want = string(typeOf(flag))
	case flag.Enum != "" && !flag.EnumMap()[s.Text]:
		want = "one of " + strings.Join(flag.EnumSlice(), ", ")
	case duration:
		if _, err := time.ParseDuration(s.Text); err != nil {
			want = `a duration such as "1h30m"`
		}
	}
	if want == "" {
		return nil
	}
	return f.wrong(s, "%s must be %s", s.Key, want)
}

func typeOf(flag *kong.Flag) Type {
	switch {
	case flag.IsBool():
		return Bool
	case flag.IsSlice():
		return List
	}
	return String
}

// Resolve implements kong.Resolver. The environment wins over the file.
func (f *File) Resolve(c *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if f.getenv(env) != "" {
			return nil, nil
		}
	}
	// The command's own table takes precedence over the settings for all commands.
	tables := []string{command(c), ""}
	if parent.Command != nil {
		tables = tables[:1]
	}
	for _, table := range tables {
		i := slices.IndexFunc(f.settings, func(s Setting) bool { return s.Table == table && s.flag() == flag.Name })
		if i < 0 {
			continue
		}
		s := f.settings[i]
		if err := f.fits(s, flag); err != nil {
			return nil, err
		}
		f.from[flag.Name] = f.at(s)
		if s.Type == List {
			list := make([]any, len(s.Texts)) // kong accepts no other type for a list
			for i, text := range s.Texts {
				list[i] = text
			}
			return list, nil
		}
		return s.Text, nil
	}
	return nil, nil
}

// command is the name of the command that is parsed, without those below it.
func command(c *kong.Context) string {
	for _, p := range c.Path {
		if p.Command != nil {
			return p.Command.Name
		}
	}
	return ""
}
