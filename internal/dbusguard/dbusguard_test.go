package dbusguard

import (
	"go/parser"
	"go/token"
	"os"
	"testing"
)

func TestRestore(t *testing.T) {
	was, had := address, set
	defer func() { address, set = was, had; Restore() }()
	for _, tt := range []struct {
		address string
		set     bool
	}{{"unix:path=/run/user/1000/bus", true}, {"", true}, {"", false}} {
		address, set = tt.address, tt.set
		os.Setenv(variable, Nowhere)
		Restore()
		if got, ok := os.LookupEnv(variable); got != tt.address || ok != tt.set {
			t.Errorf("restored %q %v, want %q %v", got, ok, tt.address, tt.set)
		}
	}
}

func TestIsChild(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want bool
	}{{nil, false}, {[]string{"fob"}, false}, {[]string{"fob", ChildArg}, true}, {[]string{"fob", "exec", ChildArg}, false}, {[]string{"fob", ChildArg, "x"}, false}, {[]string{ChildArg}, false}} {
		if got := isChild(tt.args); got != tt.want {
			t.Errorf("%q: %v", tt.args, got)
		}
	}
}

// With another import, Go could initialize this package after the library.
func TestImportsOnlyOS(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "dbusguard.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		if i.Path.Value != `"os"` {
			t.Errorf("imports %s", i.Path.Value)
		}
	}
}
