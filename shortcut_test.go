//go:build unix

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"fob/internal/host"
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
			p := startIn(t)
			short, cmd, ok := shortcut(p, argv)
			if !ok {
				t.Fatalf("%q: no shortcut", argv)
			}
			long, want := byKong(t, p, argv)
			if !reflect.DeepEqual(cmd, want) {
				t.Errorf("%q: %+v, kong reads %+v", argv, cmd, want)
			}
			if !reflect.DeepEqual(short.globals, long.globals) {
				t.Errorf("%q: %+v, kong reads %+v", argv, short.globals, long.globals)
			}
		}
	}
}

// startIn is how a process with the test's environment started.
func startIn(t *testing.T) start {
	t.Helper()
	return start{getenv: host.Lookup(os.Environ())}
}

// taken reports whether the shortcut reads argv.
func taken(t *testing.T, argv []string) bool {
	t.Helper()
	_, _, ok := shortcut(startIn(t), argv)
	return ok
}

// byKong parses a fob export.
func byKong(t *testing.T, p start, argv []string) (commandLine, *exportCmd) {
	t.Helper()
	var l commandLine
	parser, err := l.parser(p, []command{exportRow(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(argv)
	if err != nil {
		t.Fatal(err)
	}
	return l, ctx.Selected().Target.Addr().Interface().(*exportCmd)
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
		if taken(t, other) {
			t.Errorf("%q is taken", other)
		}
	}
	parser, err := new(commandLine).parser(startIn(t), []command{exportRow(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(parser.Model.Flags, parser.Model.Children[0].Flags...) {
		for _, name := range f.Envs {
			if name == "FOB_BACKEND" {
				continue
			}
			t.Setenv(name, "x")
			if taken(t, argv) {
				t.Errorf("taken though %s is set", name)
			}
			os.Unsetenv(name)
		}
	}
	if !taken(t, argv) {
		t.Fatal("no shortcut without them")
	}
	path := filepath.Join(home, ".config/fob/config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", path); err != nil {
		t.Fatal(err)
	}
	if taken(t, argv) {
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
