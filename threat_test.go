package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every promise of doc/threat-model.md names its tests. They exist, everybody runs them,
// and they can fail.
func TestThreatModel(t *testing.T) {
	tests := map[string]string{} // what is wrong with each
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		tests[filepath.Base(name)] = scriptProblem(text(t, name))
	}
	for _, pattern := range []string{"*_test.go", "keyring/*_test.go", "keyring/*/*_test.go", "internal/*/*_test.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && isTest(f.Name.Name) {
					tests[f.Name.Name] = testProblem(f)
				}
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+|[\\w-]+\\.txtar)`")
	promises, ofPromises := 0, false
	for line := range strings.Lines(text(t, "doc/threat-model.md")) {
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			if problem, ok := tests[m[1]]; !ok {
				t.Errorf("no test %s", m[1])
			} else if problem != "" {
				t.Errorf("%s %s", m[1], problem)
			}
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			ofPromises = false
		case line == "| promise | tests |\n":
			ofPromises = true
		case ofPromises && !strings.HasPrefix(line, "|--"):
			promises++
			if cells := strings.Split(line, " | "); len(cells) != 2 || !named.MatchString(cells[1]) {
				t.Errorf("a promise without a test: %s", line)
			}
		}
	}
	if promises < 40 {
		t.Errorf("%d promises", promises)
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

// testProblem says why a test cannot fail, or may not run; "" if it can and does.
func testProblem(f *ast.FuncDecl) string {
	fails := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			fails = fails || slices.Contains([]string{"Error", "Errorf", "Fatal", "Fatalf"}, sel.Sel.Name)
		}
		for _, arg := range call.Args { // a helper may fail it
			name, ok := arg.(*ast.Ident)
			fails = fails || ok && (name.Name == "t" || name.Name == "f")
		}
		return true
	})
	switch {
	case !fails:
		return "cannot fail"
	case strings.HasPrefix(firstCall(f.Body), "Skip"):
		return "is skipped"
	}
	return ""
}

// firstCall is the name of the method that a body calls first; "" if it begins with
// something else.
func firstCall(body *ast.BlockStmt) string {
	first, _ := body.List[0].(*ast.ExprStmt)
	if first == nil {
		return ""
	}
	call, _ := first.X.(*ast.CallExpr)
	if call == nil {
		return ""
	}
	method, _ := call.Fun.(*ast.SelectorExpr)
	if method == nil {
		return ""
	}
	return method.Sel.Name
}

// scriptProblem says why a script cannot show that something holds; "" if it can.
func scriptProblem(txtar string) string {
	script, _, _ := strings.Cut(txtar, "\n-- ")
	for line := range strings.Lines(script) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "!", "stdout", "stderr", "code", "cmp", "cmpenv", "grep", "exists", "sts":
			return ""
		case "skip", "stop":
			return "ends before it looks at anything"
		}
	}
	return "looks at nothing"
}

// The test of the threat model refuses what proves nothing.
func TestThreatModelRefuses(t *testing.T) {
	for body, want := range map[string]string{
		`t.Error("x")`:               "",
		`if x() { t.Fatal() }`:       "",
		`wantErr(t, f())`:            "",
		`f()`:                        "cannot fail",
		``:                           "cannot fail",
		`t.Log("x")`:                 "cannot fail",
		`t.Skip(); t.Error("x")`:     "is skipped",
		`f(); if y { t.Skip() }`:     "cannot fail",
		`t.Parallel(); t.Error("x")`: "",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc TestX(t *testing.T) { "+body+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := testProblem(file.Decls[0].(*ast.FuncDecl)); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
	for txtar, want := range map[string]string{
		"# x\nfob list\nstdout a\n":     "",
		"# x\n! fob list\n":             "",
		"# x\nfob list\n":               "looks at nothing",
		"# x\nfob list\n-- want --\n!x": "looks at nothing",
		"# x\nskip\n! fob list\n":       "ends before it looks at anything",
	} {
		if got := scriptProblem(txtar); got != want {
			t.Errorf("%q: %q, want %q", txtar, got, want)
		}
	}
}
