// SPDX-License-Identifier: MIT

// This file finds the places of a source file that can be changed.

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
)

// The kinds of a mutation. Each is drawn equally often.
const (
	negate   = "negate condition"
	offByOne = "off by one"
	drop     = "drop statement"
	operator = "swap operator"
	constant = "change constant"
)

var kinds = []string{negate, offByOne, drop, operator, constant}

// A mutant is one change of one file.
type mutant struct {
	kind     string
	pkg      string // import path
	file     string // absolute
	line     int
	function string // "Type.Method" or "Function"; "" outside of functions
	from, to int    // the bytes that text replaces
	old      string
	text     string

	src     []byte   // the file
	imports int      // where an import can be added
	whole   [2]int   // the statement, or the largest expression, that is evaluated as one
	expr    ast.Expr // that expression, or nil
}

// swaps are the operators that are exchanged; bounds the comparisons that are moved by one.
var (
	swaps = map[token.Token]token.Token{
		token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
		token.LAND: token.LOR, token.LOR: token.LAND, token.EQL: token.NEQ, token.NEQ: token.EQL,
		token.AND: token.OR, token.OR: token.AND, token.XOR: token.AND, token.AND_NOT: token.AND,
		token.SHL: token.SHR, token.SHR: token.SHL,
		token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.OR_ASSIGN: token.AND_ASSIGN,
		token.AND_ASSIGN: token.OR_ASSIGN, token.INC: token.DEC, token.DEC: token.INC,
	}
	bounds = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}
)

// sites lists every mutant of a file, in the order of the source.
func sites(pkg, dir, name string) ([]mutant, error) {
	file := filepath.Join(dir, name)
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := finder{pkg: pkg, file: file, src: src, fset: fset, imports: fset.Position(f.Name.End()).Offset}
	for _, d := range f.Decls {
		s.function = ""
		if fn, ok := d.(*ast.FuncDecl); ok {
			s.function = functionName(fn)
		} else if gen, ok := d.(*ast.GenDecl); ok && gen.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, s.visit)
	}
	return s.found, nil
}

func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

type finder struct {
	pkg, file, function string
	src                 []byte
	imports             int
	fset                *token.FileSet
	above               []ast.Node // the nodes that contain the visited one
	found               []mutant
}

// add adds a mutant of a part of node, which is an expression or a statement.
func (s *finder) add(kind string, node ast.Node, from, to token.Pos, text string) {
	expr, _ := node.(ast.Expr)
	for i := len(s.above) - 1; i >= 0 && expr != nil; i-- {
		if above, ok := s.above[i].(ast.Expr); ok && (above == expr || operation(above)) {
			expr, node = above, above
		} else if s.above[i] != node {
			break
		}
	}
	a, b := s.fset.Position(from), s.fset.Position(to)
	s.found = append(s.found, mutant{
		kind: kind, pkg: s.pkg, file: s.file, line: a.Line, function: s.function,
		from: a.Offset, to: b.Offset, old: string(s.src[a.Offset:b.Offset]), text: text,
		src: s.src, imports: s.imports, expr: expr,
		whole: [2]int{s.fset.Position(node.Pos()).Offset, s.fset.Position(node.End()).Offset},
	})
}

// operation reports whether x may be parsed in another way when an operand changes.
func operation(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BinaryExpr, *ast.ParenExpr:
		return true
	case *ast.UnaryExpr:
		return x.Op != token.AND
	}
	return false
}

func (s *finder) source(n ast.Node) string {
	return string(s.src[s.fset.Position(n.Pos()).Offset:s.fset.Position(n.End()).Offset])
}

func (s *finder) visit(n ast.Node) bool {
	if n == nil {
		s.above = s.above[:len(s.above)-1]
		return true
	}
	s.above = append(s.above, n)
	switch n := n.(type) {
	case *ast.IfStmt:
		s.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			s.condition(n.Cond)
		}
	case *ast.BinaryExpr:
		s.token(n, n.OpPos, n.Op)
	case *ast.IncDecStmt:
		s.token(n, n.TokPos, n.Tok)
	case *ast.AssignStmt:
		s.token(n, n.TokPos, n.Tok)
	case *ast.SliceExpr:
		if n.High != nil {
			s.add(offByOne, n.High, n.High.Pos(), n.High.End(), "("+s.source(n.High)+")-1")
		}
	case *ast.BasicLit:
		if v, err := strconv.ParseInt(n.Value, 0, 64); err == nil && n.Kind == token.INT {
			s.add(constant, n, n.Pos(), n.End(), strconv.FormatInt(v+1, 10))
		}
	case *ast.Ident:
		if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
			s.add(constant, n, n.Pos(), n.End(), other)
		}
	case *ast.BlockStmt:
		s.statements(n.List)
	case *ast.CaseClause:
		s.statements(n.Body)
	case *ast.CommClause:
		s.statements(n.Body)
	case *ast.Field:
		if n.Tag != nil { // lengths of arrays in types stay
			s.above = s.above[:len(s.above)-1]
			return false
		}
	}
	return true
}

func (s *finder) condition(x ast.Expr) {
	s.add(negate, x, x.Pos(), x.End(), "!("+s.source(x)+")")
}

func (s *finder) token(n ast.Node, pos token.Pos, op token.Token) {
	end := pos + token.Pos(len(op.String()))
	if other, ok := bounds[op]; ok {
		s.add(offByOne, n, pos, end, other.String())
	}
	if other, ok := swaps[op]; ok {
		s.add(operator, n, pos, end, other.String())
	}
}

// statements adds those that can be left out without a change of the control flow
// that the compiler would reject.
func (s *finder) statements(list []ast.Stmt) {
	for _, stmt := range list {
		switch stmt := stmt.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
		case *ast.AssignStmt:
			if stmt.Tok == token.DEFINE {
				continue
			}
		case *ast.BranchStmt:
			if stmt.Tok != token.BREAK && stmt.Tok != token.CONTINUE {
				continue
			}
		case *ast.ReturnStmt:
			if len(stmt.Results) > 0 {
				continue
			}
		default:
			continue
		}
		s.add(drop, stmt, stmt.Pos(), stmt.End(), "")
	}
}
