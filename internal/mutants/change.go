package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// A Mutant is one small change of one line.
type Mutant struct {
	ID   int    // how the test binaries are told which mutant is on
	Key  string // the file, the function, the kind of change and the source: it survives when lines move
	Line int

	edits []edit
}

// An edit inserts text in front of the byte at the offset. No edit has a line break, so that lines keep their numbers.
type edit struct {
	offset int
	text   string
	closes bool
}

// A file holds the source of one file and its mutants.
type file struct {
	name    string // relative to the root of the tree, with slashes
	source  []byte
	mutants []*Mutant

	set  *token.FileSet
	fn   string
	seen map[string]int
}

// parse finds the mutants of a file. Their IDs begin at first.
func parse(name string, source []byte, first int) (*file, error) {
	f := &file{name: name, source: source, set: token.NewFileSet(), seen: map[string]int{}}
	tree, err := parser.ParseFile(f.set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				f.fn = funcName(d)
				f.function(d.Type, d.Body)
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				f.fn = "var"
				f.walk(d, nil)
			}
		}
	}
	for i, m := range f.mutants {
		m.ID = first + i
	}
	return f, nil
}

// funcName returns the name of a function, with its receiver's type.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// add adds a mutant that puts text before and behind a node. § in the text stands for the mutant's ID.
func (f *file) add(kind string, n ast.Node, before, after string) {
	start, end := f.set.Position(n.Pos()), f.set.Position(n.End())
	key := fmt.Sprintf("%s %s: %s: %s", f.name, f.fn, kind, short(string(f.source[start.Offset:end.Offset])))
	f.seen[key]++
	if f.seen[key] > 1 {
		key += fmt.Sprintf(" #%d", f.seen[key])
	}
	m := &Mutant{Key: key, Line: start.Line, edits: []edit{{start.Offset, before, false}}}
	if after != "" {
		m.edits = append(m.edits, edit{end.Offset, after, true})
	}
	f.mutants = append(f.mutants, m)
}

// short returns source in a single line of at most 90 characters.
func short(source string) string {
	runes := []rune(strings.Join(strings.Fields(source), " "))
	if len(runes) > 90 {
		return string(runes[:89]) + "…"
	}
	return string(runes)
}

// function finds the mutants of the body of a function. A function in it is walked with its own results.
func (f *file) function(t *ast.FuncType, body *ast.BlockStmt) { f.walk(body, results(t)) }

// results returns the types of the results, one for each value.
func results(t *ast.FuncType) []ast.Expr {
	types := []ast.Expr{}
	if t.Results == nil {
		return types
	}
	for _, field := range t.Results.List {
		for range max(1, len(field.Names)) {
			types = append(types, field.Type)
		}
	}
	return types
}

// walk finds the mutants in a part of a function whose results have the types.
func (f *file) walk(root ast.Node, types []ast.Expr) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.function(n.Type, n.Body)
			return false
		case *ast.GenDecl:
			return n.Tok == token.VAR
		case *ast.BlockStmt:
			f.statements(n.List, types)
		case *ast.CaseClause:
			f.statements(n.Body, types)
		case *ast.CommClause:
			f.statements(n.Body, types)
		case *ast.IfStmt:
			f.add("always", n.Cond, "(mutantOn(§) || (", "))")
			f.add("never", n.Cond, "(!mutantOn(§) && (", "))")
		case *ast.ForStmt:
			if n.Cond != nil {
				f.add("no loop", n.Cond, "(!mutantOn(§) && (", "))")
			}
		case *ast.SwitchStmt:
			f.cases(n)
		case *ast.BinaryExpr:
			f.binary(n)
		case *ast.ReturnStmt:
			f.returned(n, types)
		}
		return true
	})
}

// statements removes one statement at a time.
func (f *file) statements(list []ast.Stmt, types []ast.Expr) {
	for _, s := range list {
		if removable(s, types) {
			f.add("removed", s, "if !mutantOn(§) { ", " }")
		}
		if r, ok := s.(*ast.RangeStmt); ok {
			start := f.set.Position(r.Body.Lbrace).Offset + 1
			f.add("no loop", r.X, "", "")
			f.mutants[len(f.mutants)-1].edits = []edit{{start, " if mutantOn(§) { break }; ", false}}
		}
	}
}

// removable reports whether a statement can be left out and the program still compiles.
func removable(s ast.Stmt, types []ast.Expr) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			return true
		}
		name, _ := call.Fun.(*ast.Ident)
		return name == nil || name.Name != "panic"
	case *ast.AssignStmt:
		blank, ok := s.Lhs[0].(*ast.Ident)
		return s.Tok != token.DEFINE && (!ok || blank.Name != "_" || len(s.Lhs) > 1)
	case *ast.DeferStmt:
		name, _ := s.Call.Fun.(*ast.Ident)
		return name == nil || name.Name != "cancel" // go vet finds it
	case *ast.IncDecStmt, *ast.SendStmt, *ast.GoStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.BREAK || s.Tok == token.CONTINUE
	case *ast.ReturnStmt:
		return types != nil && len(types) == 0
	}
	return false
}

// cases leaves out one case at a time of a switch without a tag.
func (f *file) cases(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, s := range n.Body.List {
		for _, e := range s.(*ast.CaseClause).List {
			f.add("never", e, "(!mutantOn(§) && (", "))")
		}
	}
}

// binary leaves out a side of && and ||, moves a boundary, and makes a result one more, or a duration a second more.
func (f *file) binary(n *ast.BinaryExpr) {
	text := func(e ast.Expr) string {
		return string(f.source[f.set.Position(e.Pos()).Offset:f.set.Position(e.End()).Offset])
	}
	switch n.Op {
	case token.LAND:
		f.add("true", n.X, "(mutantOn(§) || (", "))")
		f.add("true", n.Y, "(mutantOn(§) || (", "))")
	case token.LOR:
		f.add("false", n.X, "(!mutantOn(§) && (", "))")
		f.add("false", n.Y, "(!mutantOn(§) && (", "))")
	case token.LSS, token.GTR, token.LEQ, token.GEQ:
		equal := oneLine("(" + text(n.X) + ") == (" + text(n.Y) + ")")
		if equal == "" {
			return
		}
		if n.Op == token.LSS || n.Op == token.GTR {
			f.add("boundary", n, "((", ") || mutantOn(§) && "+equal+")")
		} else {
			f.add("boundary", n, "((", ") && !(mutantOn(§) && "+equal+"))")
		}
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		if !strings.ContainsAny(text(n), "\"`") {
			f.add("one more", n, "mutantMore(§, (", "))")
		}
	default: // other operators stay
	}
}

// oneLine returns the text, or "" if it has more than one line.
func oneLine(text string) string {
	if strings.Contains(text, "\n") {
		return ""
	}
	return text
}

// returned makes one result at a time zero, or the opposite if it is a bool.
func (f *file) returned(n *ast.ReturnStmt, types []ast.Expr) {
	if len(n.Results) != len(types) {
		return
	}
	for i, r := range n.Results {
		start, end := f.set.Position(types[i].Pos()).Offset, f.set.Position(types[i].End()).Offset
		typ := oneLine(string(f.source[start:end]))
		switch text := string(f.source[f.set.Position(r.Pos()).Offset:f.set.Position(r.End()).Offset]); {
		case typ == "bool":
			f.add("opposite", r, "(mutantOn(§) != (", "))")
		case typ != "" && !slices.Contains([]string{"nil", `""`, "0", typ + "{}"}, text):
			f.add("zero", r, "mutantZero["+typ+"](§, (", "))")
		}
	}
}

// mutated returns the source with all mutants that are not dropped, each of them off until its ID is asked for.
func (f *file) mutated() []byte {
	type placed struct {
		edit
		order int
	}
	var all []placed
	for i, m := range f.mutants {
		for _, e := range m.edits {
			e.text = strings.ReplaceAll(e.text, "§", strconv.Itoa(m.ID))
			all = append(all, placed{e, i})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int {
		switch {
		case a.offset != b.offset:
			return a.offset - b.offset
		case a.closes != b.closes && a.closes:
			return -1
		case a.closes != b.closes:
			return 1
		case a.closes:
			return b.order - a.order
		}
		return a.order - b.order
	})
	var b strings.Builder
	last := 0
	for _, e := range all {
		b.Write(f.source[last:e.offset])
		b.WriteString(e.text)
		last = e.offset
	}
	b.Write(f.source[last:])
	return []byte(b.String())
}

// drop forgets the mutants of a line that does not compile, the riskiest kinds first. It reports whether there were any.
func (f *file) drop(line int) bool {
	for _, kinds := range [][]string{{": one more: "}, {": zero: ", ": boundary: "}, {": "}} {
		before := len(f.mutants)
		f.mutants = slices.DeleteFunc(f.mutants, func(m *Mutant) bool {
			return m.Line == line && slices.ContainsFunc(kinds, func(k string) bool { return strings.Contains(m.Key, k) })
		})
		if len(f.mutants) < before {
			return true
		}
	}
	return false
}
