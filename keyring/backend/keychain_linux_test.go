package backend

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fob/keyring/backend/backendtest"
)

// The keychain's code is compiled and run here, too: fob's and the library's own, with
// a stand-in for the package that calls Apple's library. Only keychain_apple.go is
// left to a real macOS.
func TestKeychain(t *testing.T) {
	backendtest.Need(t, "go")
	dir := t.TempDir()
	fake, err := filepath.Abs("testdata/keychain")
	if err != nil {
		t.Fatal(err)
	}
	library := copyModule(t, "github.com/99designs/keyring", filepath.Join(dir, "keyring"))
	apple := copyModule(t, "github.com/99designs/go-keychain", filepath.Join(dir, "go-keychain"))
	sameSignatures(t, filepath.Join(fake, "go-keychain"), apple)

	unconditional(t, filepath.Join(library, "keychain.go"))
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, "go", "mod", "edit", "-replace=github.com/99designs/keyring="+library,
		"-replace=github.com/99designs/go-keychain="+filepath.Join(fake, "go-keychain"), filepath.Join(dir, "go.mod"))
	here := filepath.Dir(filepath.Dir(fake))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(here, "keychain_none.go"):      filepath.Join(fake, "keychain_fake.go"),
		filepath.Join(here, "keychain_fake_test.go"): filepath.Join(fake, "keychain_fake_test.go"),
	}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, "go", "test", "-count=1", "-modfile="+filepath.Join(dir, "go.mod"), "-overlay="+filepath.Join(dir, "overlay.json"), "-run=TestFakeKeychain", "-v", ".")
	if n := strings.Count(out, "--- PASS: TestFakeKeychain"); n < 20 {
		t.Errorf("%d tests passed:\n%s", n, out)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// copyModule copies a module that fob needs, and returns where to.
func copyModule(t *testing.T, module, to string) string {
	t.Helper()
	from := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", module))
	if from == "" {
		run(t, "go", "mod", "download", module)
		from = strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", module))
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// unconditional has a file compiled on every system.
func unconditional(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, code, ok := strings.Cut(string(text), "\npackage ")
	if !ok || !strings.HasPrefix(string(text), "//go:build darwin && cgo\n") {
		t.Fatalf("%s begins otherwise", name)
	}
	if err := os.WriteFile(name, []byte("package "+code), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sameSignatures: what the library calls in the fake, it could call in the original.
func sameSignatures(t *testing.T, fake, original string) {
	t.Helper()
	want := signatures(t, original)
	own := []string{"Load", "State.Save"} // how tests look into it
	got := signatures(t, fake)
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !slices.Contains(own, name) && got[name] != want[name] {
			t.Errorf("%s is %s in the fake and %s in the original", name, got[name], want[name])
		}
	}
	if len(got) < 20 {
		t.Errorf("only %d functions in the fake", len(got))
	}
}

// signatures are those of the exported functions and methods of a directory.
func signatures(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	fset := token.NewFileSet()
	for _, name := range files {
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			var b strings.Builder
			if err := printer.Fprint(&b, fset, f.Type); err != nil {
				t.Fatal(err)
			}
			name := f.Name.Name
			if f.Recv != nil {
				var r strings.Builder
				if err := printer.Fprint(&r, fset, f.Recv.List[0].Type); err != nil {
					t.Fatal(err)
				}
				name = strings.TrimPrefix(r.String(), "*") + "." + name
			}
			all[name] = b.String()
		}
	}
	return all
}
