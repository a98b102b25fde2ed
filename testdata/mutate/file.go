package main

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
)

// file is a source file and the changes to it. A change only inserts text into a line
// or replaces an operator, so that the numbers of lines stay.
type file struct {
	path    string
	text    []byte
	fset    *token.FileSet
	pkg     *pkg
	changes []change
}

type change struct {
	at, length int    // what is replaced
	text       string // by what
	suffix     bool   // it closes what another change opened
	id         int    // of the mutant
}

func newFile(p *pkg, path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, text: text, fset: token.NewFileSet(), pkg: p}
	tree, err := parser.ParseFile(f.fset, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		// What only words an error is not worth a test.
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && !slices.Contains([]string{"String", "GoString", "Error", "Format"}, fn.Name.Name) {
			f.function(fn.Type, fn.Body)
		}
	}
	return f, nil
}

// function makes the mutants of a function.
func (f *file) function(t *ast.FuncType, body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.function(n.Type, n.Body)
			return false
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.BlockStmt:
			f.statements(n.List)
		case *ast.CaseClause:
			f.statements(n.Body)
		case *ast.CommClause:
			f.statements(n.Body)
		case *ast.IfStmt:
			f.condition(n.Cond, true)
		case *ast.ForStmt:
			if n.Cond != nil {
				f.condition(n.Cond, false) // a loop without an end only costs time
			}
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					for _, e := range c.(*ast.CaseClause).List {
						f.condition(e, true)
					}
				}
			}
		case *ast.BinaryExpr:
			f.binary(n)
		case *ast.Ident:
			if n.Name == "true" || n.Name == "false" {
				f.wrap(n, "other than "+n.Name, "(_m(ID) != ", ")")
			}
		case *ast.ReturnStmt:
			f.result(t, n)
		}
		return true
	})
}

// condition: the branch is always taken, or never.
func (f *file) condition(e ast.Expr, always bool) {
	if always {
		f.wrap(e, "always "+f.source(e), "(_m(ID) || ", ")")
	}
	f.wrap(e, "never "+f.source(e), "(!_m(ID) && ", ")")
}

func (f *file) binary(e *ast.BinaryExpr) {
	type form struct{ call, between, end string }
	lazy := form{"(ID, func() bool { return (", ") }, func() bool { return (", ") })"}
	switch e.Op {
	case token.LAND:
		f.operator(e, "|| in "+f.source(e), "_and"+lazy.call, lazy.between, lazy.end)
	case token.LOR:
		f.operator(e, "&& in "+f.source(e), "_or"+lazy.call, lazy.between, lazy.end)
	case token.LSS:
		f.operator(e, "<= in "+f.source(e), "_lss(ID, ", ", ", ")")
	case token.GTR:
		f.operator(e, ">= in "+f.source(e), "_gtr(ID, ", ", ", ")")
	case token.LEQ:
		f.operator(e, "< in "+f.source(e), "_leq(ID, ", ", ", ")")
	case token.GEQ:
		f.operator(e, "> in "+f.source(e), "_geq(ID, ", ", ", ")")
	case token.EQL, token.NEQ:
		f.wrap(e, "not "+f.source(e), "(_m(ID) != (", "))")
	}
}

// statements are left out one by one, if the program then still compiles.
func (f *file) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok {
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
					continue
				}
			}
		case *ast.DeferStmt, *ast.IncDecStmt, *ast.GoStmt:
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		default:
			continue
		}
		f.wrap(s, "without "+f.source(s), "if !_m(ID) { ", " }")
	}
}

// result: an error is not returned.
func (f *file) result(t *ast.FuncType, s *ast.ReturnStmt) {
	if t.Results == nil || len(s.Results) == 0 || len(s.Results) != t.Results.NumFields() {
		return
	}
	kind, ok := t.Results.List[len(t.Results.List)-1].Type.(*ast.Ident)
	last := s.Results[len(s.Results)-1]
	if name, isName := last.(*ast.Ident); !ok || kind.Name != "error" || isName && name.Name == "nil" {
		return
	}
	f.wrap(last, "nil instead of "+f.source(last), "_err(ID, ", ")")
}

func (f *file) offset(p token.Pos) int { return f.fset.Position(p).Offset }

// source is the first line of a node's text.
func (f *file) source(n ast.Node) string {
	first, _, more := strings.Cut(string(f.text[f.offset(n.Pos()):f.offset(n.End())]), "\n")
	if more {
		first += " ..."
	}
	return first
}

func (f *file) mutant(n ast.Node, what string) int {
	from, to := f.fset.Position(n.Pos()), f.fset.Position(n.End())
	id := f.pkg.next()
	f.pkg.mutants = append(f.pkg.mutants, &mutant{id: id, file: f, from: from.Line, to: to.Line, col: from.Column, what: what})
	return id
}

func (f *file) wrap(n ast.Node, what, before, after string) {
	id := f.mutant(n, what)
	f.changes = append(f.changes,
		change{at: f.offset(n.Pos()), text: strings.ReplaceAll(before, "ID", strconv.Itoa(id)), id: id},
		change{at: f.offset(n.End()), text: after, suffix: true, id: id})
}

// operator also replaces the operator itself.
func (f *file) operator(e *ast.BinaryExpr, what, before, between, after string) {
	f.wrap(e, what, before, after)
	f.changes = append(f.changes, change{at: f.offset(e.OpPos), length: len(e.Op.String()), text: between, id: f.changes[len(f.changes)-1].id})
}

func (f *file) drop(id int) {
	f.changes = slices.DeleteFunc(f.changes, func(c change) bool { return c.id == id })
}

// changed is the text with all changes.
func (f *file) changed() []byte {
	changes := slices.Clone(f.changes)
	order := map[int]int{} // of the mutants; an outer one comes before an inner one
	for i, c := range changes {
		if _, ok := order[c.id]; !ok {
			order[c.id] = i
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.suffix != b.suffix:
			return map[bool]int{true: -1, false: 1}[a.suffix]
		case a.suffix:
			return cmp.Compare(order[b.id], order[a.id])
		}
		return cmp.Compare(order[a.id], order[b.id])
	})
	var out []byte
	at := 0
	for _, c := range changes {
		out = append(out, f.text[at:c.at]...)
		out = append(out, c.text...)
		at = c.at + c.length
	}
	return append(out, f.text[at:]...)
}
