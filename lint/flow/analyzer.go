package flow

import (
	"go/ast"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/ssa"

	"github.com/reeve-run/reeve/lint/handle"
)

// Analyzer follows the handles of a package. Its result is a *Result.
var Analyzer = &analysis.Analyzer{
	Name:       "sessionflow",
	Doc:        "follow database handles through functions, for the analyzers that report",
	Run:        run,
	Requires:   []*analysis.Analyzer{ctrlflow.Analyzer},
	ResultType: reflect.TypeFor[*Result](),
	FactTypes:  []analysis.Fact{new(Summary), new(Ended)},
}

// Result is what is known of a package. It is not changed once made.
type Result struct {
	Funcs  []*ssa.Function // every function with a body, literals included
	Tracks []*Track
	pkg    *pkg
}

// Summary is what callers need to know of a function. Numbers are of parameters, the
// receiver first, and of results.
type Summary struct {
	Ends    []int       // parameters that it ends
	Hides   []int       // parameters that go out of sight in it
	Keeps   []Keep      // parameters that it puts into something of its caller's
	Returns []Return    // parameters that come back, or inside, a result
	Opens   map[int]int // results that are handles of a kind, opened in it
	Fresh   []int       // results made in it
	Waits   string      // what outside the program it waits for, on some path
	Takes   []Take      // the pools of its caller's that it takes connections from
	Spawns  []int       // parameters that a goroutine goes on with after it has returned
	Carries []Return    // parameters that come back among the values of a context
	Retries []int       // parameters that are literals, run again when their transaction failed
	Runs    []int       // parameters that are literals, run with a transaction that it opens
}

// Keep says that a handle parameter is stored in another parameter (Into), or in
// something that lives as long as the program (Into is -1).
type Keep struct {
	Param, Into int
	Field       string
	Owned       bool // somebody ends what is in the field
}

// Return says that a parameter comes back as a result, or held by it.
type Return struct {
	Param, Result int
	Held          bool
}

// AFact marks Summary as a fact.
func (*Summary) AFact() {}

func (s *Summary) String() string { return "summary" }

// Ended says that somebody ends the handle that this field holds.
type Ended struct{}

// AFact marks Ended as a fact.
func (*Ended) AFact() {}

func (*Ended) String() string { return "ended" }

// pkg is one package while it is looked at.
type pkg struct {
	pass      *analysis.Pass
	summaries map[*ssa.Function]*Summary
	ended     map[*types.Var]bool
}

func run(pass *analysis.Pass) (any, error) {
	if handle.Library(pass.Pkg.Path()) || !reaches(pass.Pkg, map[*types.Package]bool{}) {
		return &Result{}, nil
	}
	p := &pkg{pass: pass, summaries: map[*ssa.Function]*Summary{}, ended: map[*types.Var]bool{}}
	res := &Result{Funcs: build(pass), pkg: p}
	p.collectEnded(res.Funcs)
	for range maxRounds {
		if changed := p.summarize(res.Funcs); !p.collectEnded(res.Funcs) && !changed {
			break
		}
	}
	res.Tracks = p.tracks(res.Funcs)
	p.export(res.Funcs)
	return res, nil
}

// maxRounds bounds how far summaries travel within a package: one call a round.
const maxRounds = 6

// reaches says whether the package, or one it imports, is a database library or the
// agents' API.
func reaches(p *types.Package, seen map[*types.Package]bool) bool {
	if seen[p] {
		return false
	}
	seen[p] = true
	if handle.Library(p.Path()) || strings.HasSuffix(p.Path(), "/reeve/agent") {
		return true
	}
	for _, i := range p.Imports() {
		if reaches(i, seen) {
			return true
		}
	}
	return false
}

// build makes the SSA form of the package and lists its functions.
func build(pass *analysis.Pass) []*ssa.Function {
	prog := ssa.NewProgram(pass.Fset, ssa.BuilderMode(0))
	cfgs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	prog.SetNoReturn(func(fn *types.Func) bool {
		return leaves[fn.FullName()] || strings.HasPrefix(fn.Name(), "Fatal") || cfgs.NoReturn(fn)
	})
	for _, i := range pass.Pkg.Imports() {
		prog.CreatePackage(i, nil, nil, true)
	}
	built := prog.CreatePackage(pass.Pkg, pass.Files, pass.TypesInfo, false)
	built.Build()
	var funcs []*ssa.Function
	for _, file := range pass.Files {
		for _, decl := range file.Decls {
			if fd, ok := decl.(*ast.FuncDecl); ok {
				if obj, ok := pass.TypesInfo.Defs[fd.Name].(*types.Func); ok {
					funcs = withLiterals(funcs, prog.FuncValue(obj))
				}
			}
		}
	}
	funcs = withLiterals(funcs, built.Func("init")) // what package variables are set to
	return funcs
}

// leaves are functions of the standard library that do not return. Drivers that do not
// look at the standard library, and at loggers, have no facts about them.
var leaves = map[string]bool{
	"log.Panic": true, "log.Panicf": true, "log.Panicln": true, "(*log.Logger).Panic": true, "(*log.Logger).Panicf": true,
	"(*log.Logger).Panicln": true, "os.Exit": true, "runtime.Goexit": true, "syscall.Exit": true,
}

func withLiterals(funcs []*ssa.Function, fn *ssa.Function) []*ssa.Function {
	if fn == nil || len(fn.Blocks) == 0 {
		return funcs
	}
	funcs = append(funcs, fn)
	for _, lit := range fn.AnonFuncs {
		funcs = withLiterals(funcs, lit)
	}
	return funcs
}

// summary is what is known of the function that a call reaches; nil when nothing is.
func (p *pkg) summary(call *ssa.CallCommon) *Summary {
	fn := call.StaticCallee()
	if fn == nil {
		return nil
	}
	if org := fn.Origin(); org != nil {
		fn = org
	}
	if s := p.summaries[fn]; s != nil {
		return s
	}
	obj, ok := fn.Object().(*types.Func)
	if !ok || obj.Pkg() == p.pass.Pkg || obj.Pkg() == nil || handle.Library(obj.Pkg().Path()) {
		return nil // the libraries are known by heart
	}
	s := new(Summary)
	if p.pass.ImportObjectFact(obj, s) {
		return s
	}
	return nil
}

// export gives other packages what they need.
func (p *pkg) export(funcs []*ssa.Function) {
	for _, fn := range funcs {
		obj, ok := fn.Object().(*types.Func)
		if s := p.summaries[fn]; ok && s != nil && obj.Pkg() == p.pass.Pkg {
			p.pass.ExportObjectFact(obj, s)
		}
	}
	for f := range p.ended {
		if f.Pkg() == p.pass.Pkg {
			p.pass.ExportObjectFact(f, new(Ended))
		}
	}
}
