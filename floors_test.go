package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house: a package imports only from lower floors. "." is main.
var floors = []struct {
	floor    int
	packages string
}{
	{6, ". internal/ststest/cmd internal/ststest/whoami"},
	{5, "internal/doctor"},
	{4, "internal/profiles internal/importer"},
	{3, "internal/broker internal/iam internal/source internal/child internal/endpoint"},
	{2, "keyring internal/mfa internal/awsapi internal/wire internal/ui internal/leaks"},
	{1, "internal/plan internal/format internal/prompt keyring/backend internal/ststest"},
	{0, "keyring/backend/backendtest internal/awsconfig internal/term internal/helper internal/settings internal/completion internal/lastfail internal/later internal/dbusguard internal/host internal/cmdline"},
	{-1, "internal/creds"}, // the ground: every package that meets a secret knows its type
}

// planned are packages on the list of floors that do not exist yet.
var planned = strings.Fields("internal/importer internal/child internal/endpoint internal/leaks")

// doors: what is not the standard library comes in here and nowhere else, and so
// does its HTTP. A row is for the package and what is below it.
var doors = []struct{ dependency, packages string }{
	{"github.com/alecthomas/kong", ". internal/settings internal/completion"},
	{"github.com/pelletier/go-toml/v2", "internal/settings"},
	{"filippo.io/age", "keyring"},
	{"github.com/99designs/keyring", "keyring/backend"},
	{"github.com/godbus/dbus/v5", "keyring/backend"},
	{"github.com/gofrs/flock", "keyring"},
	{"golang.org/x/crypto", "keyring"},
	{"github.com/aws/aws-sdk-go-v2/aws", "internal/awsapi"},
	{"github.com/aws/aws-sdk-go-v2/service/sts", "internal/awsapi"},
	{"github.com/aws/smithy-go", "internal/awsapi"},
	{"net/http", "internal/awsapi"},
	{"github.com/pquerna/otp", "internal/mfa"},
	{"github.com/boombuler/barcode", "internal/mfa"},
	{"golang.org/x/term", "internal/term"},
	{"golang.org/x/sys", "keyring keyring/backend internal/term internal/host ."},
}

// fakes are only ever part of tests and of make demo. They may use these
// dependencies directly, because they stand in for AWS or for a desktop keyring.
var fakes = []string{"internal/ststest", "keyring/backend/backendtest"}

var forFakes = []string{"github.com/pquerna/otp", "github.com/aws/aws-sdk-go-v2", "github.com/godbus/dbus/v5", "net/http"}

// worldly are the parts of os that only a main may use: main takes secrets out of
// the environment, and a package that reads the environment by itself could miss
// that. dbusguard works before main does; it looks at os.Args because an argument,
// unlike a variable, is not inherited. keyring/backend has the library run pass in the
// hidden child, whose whole environment fob has made.
var worldly = []string{"Exit", "Args", "Environ", "Getenv", "LookupEnv", "Setenv", "Unsetenv", "Clearenv", "ExpandEnv", "UserHomeDir"}

var worldlyExceptions = []string{
	"internal/dbusguard Args", "internal/dbusguard LookupEnv", "internal/dbusguard Getenv", "internal/dbusguard Setenv", "internal/dbusguard Unsetenv",
	"keyring/backend Getenv", "keyring/backend Setenv",
}

func TestFloors(t *testing.T) {
	fset := token.NewFileSet()
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		name = filepath.ToSlash(name)
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		seen[pkg] = true
		for _, problem := range append(checkImports(pkg, file), checkWorldly(pkg, file)...) {
			t.Errorf("%s: %s", name, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if _, ok := floorOf(pkg); !ok {
			t.Errorf("package %q is on no floor", pkg)
		}
	}
	for _, f := range floors {
		for _, pkg := range strings.Fields(f.packages) {
			if seen[pkg] == slices.Contains(planned, pkg) {
				t.Errorf("package %q: exists %v, but is planned %v", pkg, seen[pkg], !seen[pkg])
			}
		}
	}
}

// The rules are told from the exceptions.
func TestFloorsRefuse(t *testing.T) {
	for _, c := range []struct{ pkg, src, problem string }{
		{"internal/plan", `import "fob/internal/creds"`, ""},
		{"internal/prompt", `import "fob/internal/mfa"`, `imports "fob/internal/mfa" of floor 2`},
		{"internal/plan", `import "fob/internal/mfa"`, `imports "fob/internal/mfa" of floor 2`},
		{"internal/plan", `import "fob/internal/broker"`, `imports "fob/internal/broker" of floor 3`},
		{"internal/plan", `import "fob/internal/other"`, `imports "fob/internal/other", which is on no floor`},
		{"internal/plan", `import "fob/internal/ststest"`, `imports "fob/internal/ststest", which is for tests`},
		{".", `import "fob/internal/ststest"`, `imports "fob/internal/ststest", which is for tests`},
		{"internal/plan", `import "os/exec"`, ""},
		{"internal/plan", `import "github.com/alecthomas/kong"`, `imports "github.com/alecthomas/kong", whose door is . internal/settings internal/completion`},
		{"internal/awsapi", `import "github.com/aws/aws-sdk-go-v2/service/sts/types"`, ""},
		{"internal/awsapi", `import "github.com/aws/aws-sdk-go-v2/service/s3"`, `imports "github.com/aws/aws-sdk-go-v2/service/s3", which has no door`},
		{".", `import "github.com/aws/aws-sdk-go-v2/aws"`, `imports "github.com/aws/aws-sdk-go-v2/aws", whose door is internal/awsapi`},
		{"internal/broker", `import "net/http"`, `imports "net/http", whose door is internal/awsapi`},
		{"internal/ststest", `import "github.com/pquerna/otp/hotp"`, ""},
		{"internal/ststest", `import "golang.org/x/term"`, `imports "golang.org/x/term", whose door is internal/term`},
		{"keyring", `import ("os"; "flag"); var x = os.Args`, "os.Args is main's"},
		{"internal/host", `import "os"; var x = os.Getenv("HOME")`, "os.Getenv is main's"},
		{"internal/dbusguard", `import "os"; var x = os.Args`, ""},
		{"internal/dbusguard", `import "os"; var x = os.Environ()`, "os.Environ is main's"},
		{"keyring", `import host "os"; func f() { host.Exit(1) }`, "os.Exit is main's"},
		{".", `import "os"; func f() { os.Exit(1) }`, ""},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; "+c.src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(append(checkImports(c.pkg, file), checkWorldly(c.pkg, file)...), "; ")
		if got != c.problem {
			t.Errorf("%s in %s: got %q, want %q", c.src, c.pkg, got, c.problem)
		}
	}
}

// floorOf a package of this module.
func floorOf(pkg string) (floor int, ok bool) {
	for _, f := range floors {
		if slices.Contains(strings.Fields(f.packages), pkg) {
			return f.floor, true
		}
	}
	return 0, false
}

func checkImports(pkg string, file *ast.File) (problems []string) {
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value) // it has been parsed
		if problem := checkImport(pkg, name); problem != "" {
			problems = append(problems, "imports "+strconv.Quote(name)+problem)
		}
	}
	return problems
}

func checkImport(pkg, name string) (problem string) {
	if own, ok := strings.CutPrefix(name, "fob/"); ok {
		floor, ok := floorOf(own)
		self, _ := floorOf(pkg)
		switch {
		case !ok:
			return ", which is on no floor"
		case isFake(own) && !isFake(pkg):
			return ", which is for tests"
		case floor >= self:
			return " of floor " + strconv.Itoa(floor)
		}
		return ""
	}
	if isFake(pkg) && slices.ContainsFunc(forFakes, func(w string) bool { return below(name, w) }) {
		return ""
	}
	for _, d := range doors {
		if below(name, d.dependency) {
			if slices.Contains(strings.Fields(d.packages), pkg) {
				return ""
			}
			return ", whose door is " + d.packages
		}
	}
	// The paths of the standard library have no host name.
	if host, _, _ := strings.Cut(name, "/"); !strings.Contains(host, ".") {
		return ""
	}
	return ", which has no door"
}

func isFake(pkg string) bool {
	return slices.ContainsFunc(fakes, func(dir string) bool { return below(pkg, dir) })
}

func below(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func checkWorldly(pkg string, file *ast.File) (problems []string) {
	if floor, _ := floorOf(pkg); floor == floors[0].floor || isFake(pkg) {
		return nil
	}
	local := "" // what the file calls package os
	for _, spec := range file.Imports {
		if spec.Path.Value == `"os"` {
			local = "os"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if ok && x.Name == local && slices.Contains(worldly, s.Sel.Name) && !slices.Contains(worldlyExceptions, pkg+" "+s.Sel.Name) {
			problems = append(problems, "os."+s.Sel.Name+" is main's")
		}
		return true
	})
	return problems
}
