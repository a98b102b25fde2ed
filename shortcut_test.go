//go:build unix

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// The shortcut reads the same as kong.
func TestShortcut(t *testing.T) {
	emptyHome(t)
	for _, v := range [][2]string{{}, {"FOB_BACKEND", "file"}, {"FOB_BACKEND", "no such"}, {"FOB_NO_INPUT", "1"}} {
		if v[0] != "" {
			t.Setenv(v[0], v[1])
		}
		for _, profile := range []string{"dev", "a b", "", "=", "ü", "${HOME}", "@file", "x=y,z"} {
			argv := []string{"export", "--profile", profile}
			short, long := &app{}, &app{}
			cmd := short.shortcut(argv)
			if cmd == nil {
				t.Fatalf("%q: no shortcut", argv)
			}
			if want := byKong(t, long, argv); !reflect.DeepEqual(cmd, want) {
				t.Errorf("%q: %+v, kong reads %+v", argv, cmd, want)
			}
			if !reflect.DeepEqual(short.globals, long.globals) {
				t.Errorf("%q: %+v, kong reads %+v", argv, short.globals, long.globals)
			}
		}
	}
}

// byKong parses a fob export.
func byKong(t *testing.T, a *app, argv []string) *exportCmd {
	t.Helper()
	parser, err := a.parser([]command{exportRow(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(argv)
	if err != nil {
		t.Fatal(err)
	}
	return ctx.Selected().Target.Addr().Interface().(*exportCmd)
}

func exportRow(t *testing.T) command {
	t.Helper()
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == "export" })
	return all[i]
}

// The shortcut leaves every other command line to kong.
func TestNoShortcut(t *testing.T) {
	home := emptyHome(t)
	argv := []string{"export", "--profile", "dev"}
	for _, other := range [][]string{
		nil, {"export"}, {"export", "--profile"}, {"export", "--profile=dev"}, {"export", "dev", "--fresh"},
		{"exec", "--profile", "dev"}, {"export", "-p", "dev"}, {"export", "--profile", "-v"}, {"export", "--profile", "--help"},
		{"export", "--profile", "dev", "-v"}, {"-v", "export", "--profile"},
	} {
		if (&app{}).shortcut(other) != nil {
			t.Errorf("%q is taken", other)
		}
	}
	parser, err := (&app{}).parser([]command{exportRow(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(parser.Model.Flags, parser.Model.Children[0].Flags...) {
		for _, name := range f.Envs {
			if name == "FOB_BACKEND" {
				continue
			}
			t.Setenv(name, "x")
			if (&app{}).shortcut(argv) != nil {
				t.Errorf("taken though %s is set", name)
			}
			os.Unsetenv(name)
		}
	}
	if (&app{}).shortcut(argv) == nil {
		t.Fatal("no shortcut without them")
	}
	path := filepath.Join(home, ".config/fob/config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if (&app{}).shortcut(argv) != nil {
		t.Error("taken though there is a config.toml")
	}
}

// emptyHome sets a home without settings, and clears the variables that set flags.
func emptyHome(t *testing.T) string {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CONFIG_HOME", "FOB_BACKEND", "FOB_NO_INPUT", "FOB_VERBOSE", "FOB_MFA_PROMPT"} {
		t.Setenv(name, "") // puts it back afterwards
		os.Unsetenv(name)
	}
	return home
}
