package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// grammar is a small grammar with the kinds of flags that fob has.
type grammar struct {
	Backend string   `env:"FOB_BACKEND" default:"auto"`
	Quiet   bool     ``
	Color   string   `enum:"auto,never" default:"auto"`
	Extra   []string `sep:"none"`
	Exec    struct {
		Duration time.Duration
		MFACode  string `name:"mfa-code"`
	} `cmd:""`
	List struct{} `cmd:""`
}

// parse runs kong with a config.toml of that text.
func parse(t *testing.T, text string, env map[string]string, args ...string) (grammar, *File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := func() []string { return []string{"exec", "list", "other"} }
	file, err := Load(path, "~/config.toml", commands, func(name string) string { return env[name] })
	if err != nil {
		return grammar{}, nil, err
	}
	var g grammar
	parser, err := kong.New(&g, kong.Exit(func(int) {}), kong.Resolvers(file))
	if err != nil {
		return grammar{}, nil, err
	}
	_, err = parser.Parse(args)
	return g, file, err
}

func TestDefaults(t *testing.T) {
	const text = "backend = 'file'\nquiet = true\nextra = ['a,b', 'c']\n[exec]\nbackend = 'age'\nduration = '2h'\n[other]\nanything = 3\n"
	g, file, err := parse(t, text, nil, "exec")
	if err != nil {
		t.Fatal(err)
	}
	if g.Exec.Duration != 2*time.Hour || !g.Quiet || g.Backend != "age" || len(g.Extra) != 2 || g.Extra[0] != "a,b" {
		t.Errorf("%+v", g)
	}
	for flag, want := range map[string]string{"duration": "~/config.toml:6", "quiet": "~/config.toml:2", "color": "", "mfa-code": ""} {
		if got := file.From(flag); got != want {
			t.Errorf("%s is from %q, want %q", flag, got, want)
		}
	}
	// The command line and the environment win over the file.
	g, file, err = parse(t, "backend = 'file'\n[exec]\nduration = '2h'\n", map[string]string{"FOB_BACKEND": "pass"}, "exec", "--duration", "3h")
	if err != nil || g.Exec.Duration != 3*time.Hour || g.Backend == "file" || file.From("duration") != "" || file.From("backend") != "" {
		t.Errorf("%+v, %v", g, err)
	}
	// The table of another command does not count.
	g, file, err = parse(t, text, nil, "list")
	if err != nil || g.Exec.Duration != 0 || g.Backend != "file" || file.From("duration") != "" {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestDefaultsWrong(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"\ncolour = 'never'", `~/config.toml:2: unknown key "colour"`},
		{"[exce]\na = true", `~/config.toml:2: unknown command "exce"`},
		{"quiet = 'yes'", "~/config.toml:1: quiet must be true or false"},
		{"extra = 'a'", "~/config.toml:1: extra must be a list of strings"},
		{"[exec]\nduration = 2", "~/config.toml:2: duration must be a duration in quotes, such as \"1h30m\""},
		{"[exec]\nduration = 'two hours'", `~/config.toml:2: duration must be a duration such as "1h30m"`},
		{"color = 'green'", "~/config.toml:1: color must be one of auto, never"},
		{"[exec]\nmfa_code = '123456'", "~/config.toml:2: mfa_code can only be set on the command line"},
		{"\nx", "~/config.toml:2: "},
	} {
		_, _, err := parse(t, tt.text, nil, "exec")
		var wrong *Error
		if !errors.As(err, &wrong) || len(wrong.Error()) < len(tt.want) || wrong.Error()[:len(tt.want)] != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if f, err := Load(filepath.Join(dir, "none"), "none", nil, nil); f != nil || err != nil {
		t.Errorf("no file: %v, %v", f, err)
	}
	if f, err := Load(dir, "~/x", nil, nil); f != nil || err == nil || err.Error()[:5] != "~/x: " {
		t.Errorf("a directory: %v, %v", f, err)
	}
	var pathErr *fs.PathError
	if _, err := Load(dir, "~/x", nil, nil); errors.As(err, &pathErr) {
		t.Errorf("%v names the path twice", err)
	}
	if from := (*File)(nil).From("any"); from != "" {
		t.Errorf("no file sets from %q", from)
	}
}
