package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// mutant is a file with one piece of it turned around.
type mutant struct {
	path          string
	line          int
	from, to      int // bytes of the piece
	before, after string
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s → %s", m.path, m.line, m.before, m.after)
}

// mutations of operators: a comparison moves by one or turns around, a conjunction
// becomes a disjunction, a sum a difference.
var mutations = map[token.Token][]string{
	token.EQL: {"!="}, token.NEQ: {"=="}, token.LSS: {"<=", ">"}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<"}, token.GEQ: {">", "<"},
	token.LAND: {"||"}, token.LOR: {"&&"}, token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"},
	token.ADD_ASSIGN: {"-="}, token.SUB_ASSIGN: {"+="}, token.INC: {"--"}, token.DEC: {"++"},
}

// names that stand for their opposite.
var opposites = map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}

// mutantsOf lists what can be turned around in a file.
func mutantsOf(path string) (all []mutant, err error) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	add := func(at token.Pos, before, after string) {
		p := files.Position(at)
		all = append(all, mutant{path, p.Line, p.Offset, p.Offset + len(before), before, after})
	}
	operator := func(at token.Pos, op token.Token) {
		for _, after := range mutations[op] {
			add(at, op.String(), after)
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			operator(n.OpPos, n.Op)
		case *ast.AssignStmt:
			operator(n.TokPos, n.Tok)
		case *ast.IncDecStmt:
			operator(n.TokPos, n.Tok)
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				add(n.OpPos, "!", "")
			}
		case *ast.Ident:
			if after := opposites[n.Name]; after != "" {
				add(n.Pos(), n.Name, after)
			}
		}
		return true
	})
	return all, nil
}
