package pysession

import (
	"encoding/json"
	"fmt"
)

// op says what an expression is.
type op int

const (
	opOther   op = iota // looked through: kids
	opName              // name
	opNone              // the constant None
	opAttr              // kids[0].name
	opCall              // kids[0](kids[1:]..., keys)
	opAwait             // await kids[0]
	opYield             // yield kids[0]
	opFrom              // yield from kids[0]
	opLambda            // params, kids[0]
	opIndex             // kids[0][kids[1:]...]
	opList              // a list, tuple, set or the values of a dict: kids
	opOr                // one of kids
	opBind              // kids[0] := kids[1]
	opStar              // *kids[0]
	opLoop              // a comprehension: kids are its elements, loops its sources
	opIsNone            // kids[0] is None
	opNotNone           // kids[0] is not None
	opUnion             // kids[0] | kids[1], in annotations
)

var ops = map[string]op{
	".": opAttr, "()": opCall, "await": opAwait, "yield": opYield, "yieldfrom": opFrom, "lambda": opLambda,
	"idx": opIndex, "[]": opList, "or": opOr, ":=": opBind, "*": opStar, "for": opLoop, "none": opIsNone,
	"some": opNotNone, "|": opUnion, "?": opOther,
}

// expr is one expression. A nil expr is a constant or something that no rule looks at.
type expr struct {
	op     op
	pos    pos
	name   string
	kids   []*expr
	keys   []keyword
	params []param
	loops  []loop
}

type pos struct{ line, col int }

type keyword struct {
	name  string // empty for **kwargs
	value *expr
}

type param struct {
	name, kind string // kind: p positional, * rest, k keyword only, ** other keywords
	note, def  *expr
}

type loop struct {
	async        bool
	target, iter *expr
}

// stmt is one statement; which fields it uses depends on its kind.
type stmt struct {
	kind    string // = e return if while for with try switch def class import global raise break continue del
	pos     pos
	name    string
	async   bool
	assigns bool    // = with a value
	targets []*expr // = and del; for: the target
	value   *expr   // =, e, return, raise; if, while: the test; for: what is looped over; switch: the subject
	note    *expr   // the annotation of =, what a def returns
	params  []param
	marks   []*expr // decorators
	bases   []*expr
	items   []item // with
	imports []imported
	names   []string // global
	body    []stmt
	arms    [][]stmt // else; the handlers of try and then its else; the cases of switch
	final   []stmt
	end     int
}

type item struct{ value, target *expr }

type imported struct {
	local, module, name string
	level               int
	whole               bool // import module, not from module import name
}

// source is the shape of one file, as facts.py tells it.
type source struct {
	Path  string          `json:"path"`
	Body  json.RawMessage `json:"body"`
	Error string          `json:"error"`
	body  []stmt
}

// decode reads what facts.py wrote. A shape it does not know is a fault of ours
// and comes back as an error.
func decode(raw json.RawMessage) (body []stmt, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode shape: %v", r)
		}
	}()
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("decode shape: %w", err)
	}
	return decodeBody(list), nil
}

func decodeBody(v any) []stmt {
	list, _ := v.([]any)
	body := make([]stmt, 0, len(list))
	for _, s := range list {
		body = append(body, decodeStmt(s.([]any)))
	}
	return body
}

func number(v any) int { return int(v.(float64)) }

func text(v any) string {
	s, _ := v.(string)
	return s
}

func decodeStmt(l []any) stmt {
	s := stmt{kind: l[0].(string), pos: pos{number(l[1]), number(l[2])}}
	rest := l[3:]
	switch s.kind {
	case "=":
		s.targets, s.value, s.note = decodeExprs(rest[0]), decodeExpr(rest[1]), decodeExpr(rest[2])
		s.assigns = number(rest[3]) == 1
	case "e", "return", "raise":
		s.value = decodeExpr(rest[0])
	case "if", "while":
		s.value, s.body, s.arms = decodeExpr(rest[0]), decodeBody(rest[1]), [][]stmt{decodeBody(rest[2])}
	case "for":
		s.async, s.targets, s.value = number(rest[0]) == 1, []*expr{decodeExpr(rest[1])}, decodeExpr(rest[2])
		s.body, s.arms = decodeBody(rest[3]), [][]stmt{decodeBody(rest[4])}
	case "with":
		s.async, s.body = number(rest[0]) == 1, decodeBody(rest[2])
		for _, it := range rest[1].([]any) {
			pair := it.([]any)
			s.items = append(s.items, item{decodeExpr(pair[0]), decodeExpr(pair[1])})
		}
	case "try":
		s.body, s.final = decodeBody(rest[0]), decodeBody(rest[3])
		s.arms = append(decodeBodies(rest[1]), decodeBody(rest[2]))
	case "switch":
		s.value, s.arms = decodeExpr(rest[0]), decodeBodies(rest[1])
	case "def":
		s.name, s.async, s.params = rest[0].(string), number(rest[1]) == 1, decodeParams(rest[2])
		s.marks, s.note, s.body, s.end = decodeExprs(rest[3]), decodeExpr(rest[4]), decodeBody(rest[5]), number(rest[6])
	case "class":
		s.name, s.bases, s.marks, s.body = rest[0].(string), decodeExprs(rest[1]), decodeExprs(rest[2]), decodeBody(rest[3])
	case "import":
		s.imports = decodeImports(rest[0])
	case "global":
		for _, n := range rest[0].([]any) {
			s.names = append(s.names, n.(string))
		}
	case "del":
		s.targets = decodeExprs(rest[0])
	}
	return s
}

func decodeBodies(v any) [][]stmt {
	var all [][]stmt
	for _, b := range v.([]any) {
		all = append(all, decodeBody(b))
	}
	return all
}

func decodeImports(v any) []imported {
	var all []imported
	for _, i := range v.([]any) {
		l := i.([]any)
		all = append(all, imported{text(l[0]), text(l[1]), text(l[2]), number(l[3]), l[2] == nil})
	}
	return all
}

func decodeParams(v any) []param {
	var all []param
	for _, p := range v.([]any) {
		l := p.([]any)
		all = append(all, param{name: text(l[0]), note: decodeExpr(l[1]), def: decodeExpr(l[2]), kind: text(l[3])})
	}
	return all
}

func decodeExprs(v any) []*expr {
	list, _ := v.([]any)
	all := make([]*expr, 0, len(list))
	for _, e := range list {
		all = append(all, decodeExpr(e))
	}
	return all
}

func decodeExpr(v any) *expr {
	switch v := v.(type) {
	case string:
		return &expr{op: opName, name: v}
	case float64:
		return &expr{op: opNone}
	case []any:
		return decodeList(v)
	}
	return nil
}

func decodeList(l []any) *expr {
	e := &expr{op: ops[l[0].(string)]}
	rest := l[1:]
	switch e.op {
	case opCall, opAwait, opYield, opFrom, opLambda, opBind, opLoop:
		e.pos, rest = pos{number(rest[0]), number(rest[1])}, rest[2:]
	}
	switch e.op {
	case opAttr:
		e.kids, e.name = []*expr{decodeExpr(rest[0])}, rest[1].(string)
	case opCall:
		e.kids = append([]*expr{decodeExpr(rest[0])}, decodeExprs(rest[1])...)
		for _, k := range rest[2].([]any) {
			pair := k.([]any)
			e.keys = append(e.keys, keyword{text(pair[0]), decodeExpr(pair[1])})
		}
	case opLambda:
		e.params, e.kids = decodeParams(rest[0]), []*expr{decodeExpr(rest[1])}
	case opLoop:
		e.kids = decodeExprs(rest[0])
		for _, lp := range rest[1].([]any) {
			l := lp.([]any)
			e.loops = append(e.loops, loop{number(l[0]) == 1, decodeExpr(l[1]), decodeExpr(l[2])})
		}
	default:
		e.kids = decodeExprs(rest)
	}
	return e
}
