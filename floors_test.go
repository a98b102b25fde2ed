package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
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
	{8, ". internal/ststest/cmd internal/ststest/whoami"},
	{7, "internal/doctor"},
	{6, "internal/importer"},
	{5, "internal/profiles internal/rotate"},
	{4, "internal/broker internal/iam internal/source"},
	{3, "internal/signin internal/secrets"},
	{2, "keyring internal/mfa internal/awsapi internal/wire internal/ui internal/leaks internal/awsvault"},
	{1, "internal/plan internal/format internal/prompt keyring/backend internal/ststest"},
	{0, "keyring/backend/backendtest internal/awsconfig internal/term internal/helper internal/settings internal/completion internal/lastfail internal/later internal/dbusguard internal/host internal/cmdline"},
	{-1, "internal/creds"}, // the ground: every package that meets a secret knows its type
	{-2, "internal/input"}, // the cellar: how everything from outside comes in
}

// doors: what is not the standard library comes in here and nowhere else, and so
// does its HTTP. A row is for the package and what is below it.
var doors = []struct{ dependency, packages string }{
	{"github.com/alecthomas/kong", ". internal/settings internal/completion"},
	{"github.com/pelletier/go-toml/v2", "internal/settings"},
	{"filippo.io/age", "keyring"},
	{"github.com/99designs/keyring", "keyring/backend"},
	// aws-vault's files are what its library makes with this one.
	{"github.com/dvsekhvalnov/jose2go", "internal/awsvault"},
	{"github.com/godbus/dbus/v5", "keyring/backend"},
	{"github.com/gofrs/flock", "keyring"},
	{"golang.org/x/crypto", "keyring"},
	{"github.com/aws/aws-sdk-go-v2/aws", "internal/awsapi"},
	{"github.com/aws/aws-sdk-go-v2/service/sts", "internal/awsapi"},
	{"github.com/aws/smithy-go", "internal/awsapi"},
	// awsapi calls; signin answers the browser that comes back to this computer.
	{"net/http", "internal/awsapi internal/signin"},
	// keyring listens on a socket in the store's directory, to share an opened store with
	// processes that prove the same passphrase; awsapi dials; signin listens for the
	// browser.
	{"net", "keyring internal/awsapi internal/signin"},
	{"os/user", "internal/host"}, // user.Current may take the environment's word
	{"github.com/pquerna/otp", "internal/mfa"},
	{"github.com/boombuler/barcode", "internal/mfa"},
	{"golang.org/x/term", "internal/term"},
	{"golang.org/x/text", "internal/term"},
	{"golang.org/x/sys", "keyring keyring/backend internal/term internal/host internal/helper ."},
}

// fakes are only ever part of tests and of make demo. They may use these
// dependencies directly, because they stand in for AWS or for a desktop keyring.
var fakes = []string{"internal/ststest", "keyring/backend/backendtest"}

var forFakes = []string{"github.com/pquerna/otp", "github.com/aws/aws-sdk-go-v2", "github.com/godbus/dbus/v5", "net", "net/http"}

// osDoors: what of package os comes in where. main removes secrets from the
// environment, and a package that read the environment by itself could miss that.
// dbusguard works before main does, and looks at os.Args because an argument,
// unlike a variable, is not inherited; keyring/backend has the library run pass in
// the hidden child, whose whole environment fob has made.
//
// input is the only package that reads files, and that reads to the end of anything:
// a file of /dev/zero eats all memory, and a named pipe hangs. Others open directories
// to sync them (keyring, awsconfig), terminals (term), and what they write (main).
var osDoors = []struct{ names, packages string }{
	{"Exit Environ Clearenv ExpandEnv UserHomeDir UserConfigDir UserCacheDir TempDir", "."},
	{"Args LookupEnv Unsetenv", ". internal/dbusguard"},
	{"Getenv", ". keyring/backend"},
	{"Setenv", ". internal/dbusguard keyring/backend"},
	{"ReadFile", "internal/input"},
	{"Open", "keyring internal/awsconfig"},
	{"OpenFile", "internal/input internal/term ."},
	{"NewFile", "internal/helper internal/host keyring/backend"},
}

// ioDoors are those of package io.
var ioDoors = []struct{ names, packages string }{{"ReadAll", "internal/input"}}

// What to do when a rule is broken.
const (
	takeParameter = ": take what you need as a parameter, or move one of the two"
	giveFloor     = ": put it on the list of floors"
	useReal       = ": use what it stands in for"
	useDoor       = ": get it from there"
	makeDoor      = ": make one package its door, and say why in the commit"
)

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
		for _, problem := range append(checkImports(pkg, file), checkOS(pkg, file)...) {
			t.Errorf("%s: %s", name, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if _, ok := floorOf(pkg); !ok {
			t.Errorf("package %q is on no floor%s", pkg, giveFloor)
		}
	}
	for _, f := range floors {
		for _, pkg := range strings.Fields(f.packages) {
			if !seen[pkg] {
				t.Errorf("package %q has a floor, but does not exist: remove it from the list", pkg)
			}
		}
	}
}

// The rules are told from the exceptions.
func TestFloorsRefuse(t *testing.T) {
	for _, c := range []struct{ pkg, src, problem string }{
		{"internal/plan", `import "fob/internal/creds"`, ""},
		{"internal/prompt", `import "fob/internal/mfa"`, `imports "fob/internal/mfa" of floor 2` + takeParameter},
		{"internal/plan", `import "fob/internal/mfa"`, `imports "fob/internal/mfa" of floor 2` + takeParameter},
		{"internal/plan", `import "fob/internal/broker"`, `imports "fob/internal/broker" of floor 4` + takeParameter},
		{"internal/plan", `import "fob/internal/other"`, `imports "fob/internal/other", which is on no floor` + giveFloor},
		{"internal/plan", `import "fob/internal/ststest"`, `imports "fob/internal/ststest", which is for tests` + useReal},
		{".", `import "fob/internal/ststest"`, `imports "fob/internal/ststest", which is for tests` + useReal},
		{"internal/plan", `import "os/exec"`, ""},
		{"internal/plan", `import "github.com/alecthomas/kong"`, `imports "github.com/alecthomas/kong", whose door is . internal/settings internal/completion` + useDoor},
		{"internal/awsapi", `import "github.com/aws/aws-sdk-go-v2/service/sts/types"`, ""},
		{"internal/awsapi", `import "github.com/aws/aws-sdk-go-v2/service/s3"`, `imports "github.com/aws/aws-sdk-go-v2/service/s3", which has no door` + makeDoor},
		{".", `import "github.com/aws/aws-sdk-go-v2/aws"`, `imports "github.com/aws/aws-sdk-go-v2/aws", whose door is internal/awsapi` + useDoor},
		{"internal/broker", `import "net/http"`, `imports "net/http", whose door is internal/awsapi internal/signin` + useDoor},
		{"internal/broker", `import "net"`, `imports "net", whose door is keyring internal/awsapi internal/signin` + useDoor},
		{"internal/broker", `import "net/url"`, ""},
		{"internal/ststest", `import "github.com/pquerna/otp/hotp"`, ""},
		{"internal/ststest", `import "golang.org/x/term"`, `imports "golang.org/x/term", whose door is internal/term` + useDoor},
		{"keyring", `import ("os"; "flag"); var x = os.Args`, "uses os.Args, whose door is . internal/dbusguard" + useDoor},
		{"internal/host", `import "os"; var x = os.Getenv("HOME")`, "uses os.Getenv, whose door is . keyring/backend" + useDoor},
		{"internal/dbusguard", `import "os"; var x = os.Args`, ""},
		{"internal/dbusguard", `import "os"; var x = os.Environ()`, "uses os.Environ, whose door is ." + useDoor},
		{"keyring", `import host "os"; func f() { host.Exit(1) }`, "uses os.Exit, whose door is ." + useDoor},
		{".", `import "os"; func f() { os.Exit(1) }`, ""},
		{".", `import "os"; var x, _ = os.ReadFile("x")`, "uses os.ReadFile, whose door is internal/input" + useDoor},
		{"internal/plan", `import "os"; var x, _ = os.Open("x")`, "uses os.Open, whose door is keyring internal/awsconfig" + useDoor},
		{"internal/awsapi", `import "io"; func f(r io.Reader) { io.ReadAll(r) }`, "uses io.ReadAll, whose door is internal/input" + useDoor},
		{"internal/input", `import ("io"; "os"); func f(r io.Reader) { io.ReadAll(r); os.OpenFile("x", 0, 0) }`, ""},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; "+c.src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(append(checkImports(c.pkg, file), checkOS(c.pkg, file)...), "; ")
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
			return ", which is on no floor" + giveFloor
		case isFake(own) && !isFake(pkg):
			return ", which is for tests" + useReal
		case floor >= self:
			return " of floor " + strconv.Itoa(floor) + takeParameter
		}
		return ""
	}
	if isFake(pkg) && slices.ContainsFunc(forFakes, func(w string) bool { return below(name, w) }) {
		return ""
	}
	for _, d := range doors {
		if name == d.dependency || d.dependency != "net" && below(name, d.dependency) { // net/url reaches nobody
			if slices.Contains(strings.Fields(d.packages), pkg) {
				return ""
			}
			return ", whose door is " + d.packages + useDoor
		}
	}
	// The paths of the standard library have no host name.
	if host, _, _ := strings.Cut(name, "/"); !strings.Contains(host, ".") {
		return ""
	}
	return ", which has no door" + makeDoor
}

func isFake(pkg string) bool {
	return slices.ContainsFunc(fakes, func(dir string) bool { return below(pkg, dir) })
}

func below(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func checkOS(pkg string, file *ast.File) (problems []string) {
	if isFake(pkg) {
		return nil
	}
	return append(checkDoors(pkg, file, "os", osDoors), checkDoors(pkg, file, "io", ioDoors)...)
}

func checkDoors(pkg string, file *ast.File, of string, doors []struct{ names, packages string }) (problems []string) {
	local := "" // what the file calls the package
	for _, spec := range file.Imports {
		if spec.Path.Value == strconv.Quote(of) {
			local = of
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
		if !ok || x.Name != local {
			return true
		}
		for _, d := range doors {
			if slices.Contains(strings.Fields(d.names), s.Sel.Name) && !slices.Contains(strings.Fields(d.packages), pkg) {
				problems = append(problems, "uses "+of+"."+s.Sel.Name+", whose door is "+d.packages+useDoor)
			}
		}
		return true
	})
	return problems
}

// The walls of package main. Every file is one command, or a part of one; what
// commands share is in a package below, or in one of these files or a part of it.
var shared = []string{"main.go", "app.go", "credentials.go", "report.go"}

const (
	maxCommandLines = 200 // of a command's file
	maxRunLines     = 45  // of a command's Run
)

// commandOf a file of the root: exec for exec.go and exec_unix.go; "" for a shared
// file. process.go is export, by the name that its contract has.
func commandOf(file string) string {
	command, _, _ := strings.Cut(strings.TrimSuffix(file, ".go"), "_")
	if slices.Contains(shared, command+".go") {
		return ""
	}
	if command == "process" {
		return "export"
	}
	return command
}

// room is package main, file by file.
type room struct {
	fset  *token.FileSet
	files map[string]*ast.File
	// lines of each file
	lines map[string]int
}

func parseRoom(sources map[string]string) (room, error) {
	r := room{token.NewFileSet(), map[string]*ast.File{}, map[string]int{}}
	for name, text := range sources {
		// With objects: what a file does not declare itself is in its Unresolved.
		file, err := parser.ParseFile(r.fset, name, text, 0)
		if err != nil {
			return r, err
		}
		r.files[name], r.lines[name] = file, strings.Count(text, "\n")
	}
	return r, nil
}

// problems are the walls that are broken, each with what to do.
func (r room) problems(commands []string) (all []string) {
	declared := r.declared()
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		say := func(n ast.Node, format string, args ...any) {
			all = append(all, fmt.Sprintf("%s:%d: ", name, r.fset.Position(n.Pos()).Line)+fmt.Sprintf(format, args...))
		}
		command := commandOf(name)
		if command != "" {
			if !slices.Contains(commands, command) {
				say(r.files[name], "no command is called %q: name the file after its command, or move it to a package", command)
			}
			if r.lines[name] > maxCommandLines {
				say(r.files[name], "%d lines, at most %d: move logic to a package below, or split off %s_PART.go", r.lines[name], maxCommandLines, command)
			}
			r.checkUses(name, command, declared, say)
		}
		for _, decl := range r.files[name].Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				r.checkFunc(f, command, say)
			}
		}
	}
	return all
}

// declared is where each top-level name of the package is declared.
func (r room) declared() map[string]string {
	where := map[string]string{}
	for name, file := range r.files {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					where[d.Name.Name] = name
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						where[s.Name.Name] = name
					case *ast.ValueSpec:
						for _, n := range s.Names {
							where[n.Name] = name
						}
					}
				}
			}
		}
	}
	return where
}

type complain func(n ast.Node, format string, args ...any)

// checkUses: a command uses nothing of another one.
func (r room) checkUses(name, command string, declared map[string]string, say complain) {
	for _, ident := range r.files[name].Unresolved {
		if from := declared[ident.Name]; from != "" && commandOf(from) != "" && commandOf(from) != command {
			say(ident, "uses %s of %s: move it to a package below, or, if it is how commands work, to %s", ident.Name, from, strings.Join(shared, ", "))
		}
	}
}

func (r room) checkFunc(f *ast.FuncDecl, command string, say complain) {
	start, end := r.fset.Position(f.Pos()).Line, r.fset.Position(f.End()).Line
	if n := end - start + 1; command != "" && f.Name.Name == "Run" && n > maxRunLines {
		say(f, "Run has %d lines, at most %d: give its steps names", n, maxRunLines)
	}
	if command != "" && f.Recv != nil && isApp(f.Recv.List[0].Type) {
		say(f, "a method of *app in a command's file: make it a function with an *app parameter")
	}
	if f.Type.Results != nil && slices.ContainsFunc(f.Type.Results.List, func(r *ast.Field) bool { return isApp(r.Type) }) {
		return // it makes one
	}
	apps := appNames(f)
	ast.Inspect(f, func(n ast.Node) bool {
		var targets []ast.Expr
		switch s := n.(type) {
		case *ast.AssignStmt:
			targets = s.Lhs
		case *ast.IncDecStmt:
			targets = []ast.Expr{s.X}
		}
		for _, target := range targets {
			if root, deep := rootOf(target); deep && slices.Contains(apps, root) {
				say(target, "writes a field of %s after the start: make it a parameter, or a sync.OnceValues of newApp", root)
			}
		}
		return true
	})
}

// isApp recognizes *app.
func isApp(e ast.Expr) bool {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := star.X.(*ast.Ident)
	return ok && name.Name == "app"
}

// appNames are the receiver and parameters of type *app, those of function
// literals included.
func appNames(f *ast.FuncDecl) (names []string) {
	add := func(list *ast.FieldList) {
		if list == nil {
			return
		}
		for _, field := range list.List {
			if isApp(field.Type) {
				for _, n := range field.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	add(f.Recv)
	ast.Inspect(f, func(n ast.Node) bool {
		if t, ok := n.(*ast.FuncType); ok {
			add(t.Params)
		}
		return true
	})
	return names
}

// rootOf an expression such as a.b.c[0] is a; deep, if it is not a alone.
func rootOf(e ast.Expr) (name string, deep bool) {
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			e, deep = x.X, true
		case *ast.IndexExpr:
			e, deep = x.X, true
		case *ast.StarExpr:
			e, deep = x.X, true
		case *ast.ParenExpr:
			e = x.X
		case *ast.Ident:
			return x.Name, deep
		default:
			return "", false
		}
	}
}

func TestWalls(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources[name] = string(text)
	}
	for _, name := range shared {
		if sources[name] == "" {
			t.Errorf("no %s: is this the root of the module?", name)
		}
	}
	r, err := parseRoom(sources)
	if err != nil {
		t.Fatal(err)
	}
	// help is a word of the command line rather than a row of the grammar.
	for _, problem := range r.problems(append(commandNames(), "help")) {
		t.Error(problem)
	}
}

// Each wall stands: what it forbids is told from what looks like it.
func TestWallsRefuse(t *testing.T) {
	long := strings.Repeat("\n", maxCommandLines+1)
	for _, c := range []struct{ name, file, src, problem string }{
		{"own names", "list_rows.go", `func f() { show(); var x listCmd; _ = x }`, ""},
		{"a shared name", "list_rows.go", `func f(a *app) { a.run(); newApp() }`, ""},
		{"another's function", "list_rows.go", `func f() { lookUp() }`, "uses lookUp of exec.go"},
		{"another's type", "list_rows.go", `func f() { (&execCmd{}).Run() }`, "uses execCmd of exec.go"},
		{"a part's name", "list_rows.go", `var x = replace`, "uses replace of exec_unix.go"},
		{"a local of that name", "list_rows.go", `func f() { lookUp := 1; _ = lookUp }`, ""},
		{"a field of that name", "list_rows.go", `type t struct{ lookUp int }; func f(x t) { x.lookUp = 1; _ = t{lookUp: 2} }`, ""},
		{"main knows all", "main.go", `func newApp() { lookUp() }`, ""},
		{"a method", "list_rows.go", `func (a *app) f() {}`, "a method of *app"},
		{"a method in app.go", "app.go", `type app struct{}; func (a *app) run() {}`, ""},
		{"a method in a part of report.go", "report_list.go", `func (a *app) f() {}`, ""},
		{"its own method", "list_rows.go", `func (c *listCmd) f() {}`, ""},
		{"a write", "list_rows.go", `func f(a *app) { a.aws = nil }`, "writes a field of a"},
		{"a deep write", "list_rows.go", `func f(a *app) { a.unlock.keys++ }`, "writes a field of a"},
		{"a write in app.go", "app.go", `type app struct{}; func (x *app) run() { x.aws, x.err = g() }`, "writes a field of x"},
		{"a write in a literal", "list_rows.go", `var f = func(a *app) {}; func g() { _ = func(a *app) { a.x = 1 } }`, "writes a field of a"},
		{"the maker", "app.go", `type app struct{}; func remake(a *app) *app { b := *a; a.x = 1; return &b }`, ""},
		{"a variable", "list_rows.go", `func f(a *app) { a = nil }`, ""},
		{"a long file", "list_rows.go", long, "at most 200"},
		{"a long shared file", "app.go", `type app struct{}` + long, ""},
		{"a long Run", "list_rows.go", `func (listCmd) Run() {` + long[:maxRunLines] + `}`, "Run has 46 lines"},
		{"a stranger", "util.go", ``, `no command is called "util"`},
	} {
		sources := map[string]string{
			"main.go": "", "app.go": "type app struct{}", "list.go": "type listCmd struct{}; func show() {}",
			"exec.go": "type execCmd struct{}; func lookUp() {}", "exec_unix.go": "func replace() {}",
		}
		sources[c.file] = c.src
		for name, text := range sources {
			sources[name] = "package main; " + text
		}
		r, err := parseRoom(sources)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(r.problems([]string{"list", "exec"}), "; ")
		if c.problem == "" && got != "" || !strings.Contains(got, c.problem) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.problem)
		}
	}
}
