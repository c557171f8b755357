package session

import (
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// shape is the author's line and function on a stack, and the calls that led to it.
type shape struct {
	pc    uintptr
	entry uintptr
	outer []uintptr
}

func (t *trace) shape() (shape, bool) {
	pcs := trim(t[:])
	i := slices.IndexFunc(pcs, foreign)
	if i < 0 {
		return shape{}, false
	}
	return shape{pc: pcs[i], entry: functionOf(pcs[i]).entry, outer: pcs[i+1:]}, true
}

// author is the author's innermost line on a stack.
func author(pcs []uintptr) uintptr {
	if i := slices.IndexFunc(pcs, foreign); i >= 0 {
		return pcs[i]
	}
	return 0
}

func (s shape) fits(stack []uintptr) bool {
	for i, pc := range stack {
		if functionOf(pc).entry != s.entry {
			continue
		}
		rest := stack[i+1:]
		n := min(len(rest), len(s.outer))
		if slices.Equal(rest[:n], s.outer[:n]) {
			return true
		}
	}
	return false
}

// function is what is known of the function that a return address lies in.
type function struct {
	entry uintptr // where it starts
	name  string
}

// functions remembers them: a look at ten thousand goroutines sees few places.
var functions sync.Map // uintptr to function

func functionOf(pc uintptr) function {
	if f, ok := functions.Load(pc); ok {
		return f.(function)
	}
	var known function
	if f := runtime.FuncForPC(pc - 1); f != nil {
		known = function{f.Entry(), f.Name()}
	}
	functions.Store(pc, known)
	return known
}

// trim cuts off the unused end.
func trim(pcs []uintptr) []uintptr {
	if i := slices.Index(pcs, 0); i >= 0 {
		return pcs[:i]
	}
	return pcs
}

// most is the number of goroutines beyond which no circle is looked for: the
// profile would cost more than the wait's own bound does.
const most = 100_000

// goroutines are the stacks of all goroutines.
func goroutines() [][]uintptr {
	n := runtime.NumGoroutine()
	if n > most {
		return nil
	}
	records := make([]runtime.StackRecord, n+n/4+10)
	n, ok := runtime.GoroutineProfile(records)
	if !ok {
		return nil // they grew meanwhile; the next look sees them
	}
	stacks := make([][]uintptr, n)
	for i := range stacks {
		stacks[i] = records[i].Stack()
	}
	return stacks
}

// whereabouts are the author's lines on which the goroutines are now that may be
// inside the unit: those with a stack of the unit's shape. It also says whether one of
// them waits for another connection inside database/sql, where no driver sees it.
func (h *Hold) whereabouts() (at []Site, waits bool) {
	s, ok := h.opened.shape()
	if !ok {
		return nil, false
	}
	for _, stack := range goroutines() {
		if !s.fits(stack) {
			continue
		}
		waits = waits || slices.ContainsFunc(stack, inPool) && !slices.ContainsFunc(stack, inGuard)
		if site := outside(stack); !slices.Contains(at, site) {
			at = append(at, site)
		}
	}
	return at, waits
}

// inGuard says whether the call at pc is the guard's.
func inGuard(pc uintptr) bool { return strings.HasPrefix(functionOf(pc).name, itself) && !foreign(pc) }

// inPool says whether the call at pc is the one in which database/sql waits.
func inPool(pc uintptr) bool { return functionOf(pc).name == "database/sql.(*DB).conn" }

// name is the name of the function that has opened the unit.
func (s shape) name() string { return functionOf(s.pc).name }

// outside is the innermost line of the program's own module, or, for a stack that has
// none, of whatever is not the standard library: the call that is being waited for
// stands there.
func outside(stack []uintptr) Site {
	var library Site
	for _, pc := range stack {
		if !foreign(pc) {
			continue
		}
		s := resolve([]uintptr{pc})
		switch pkg := packageOf(s.Func); {
		case own(pkg):
			return s
		case library.IsZero() && !standard(pkg):
			library = s
		}
	}
	if library.IsZero() {
		return resolve(stack)
	}
	return library
}

// packageOf is the import path of a function's package.
func packageOf(function string) string {
	dir, base := path.Split(function)
	name, _, _ := strings.Cut(base, ".")
	return dir + name
}

// own says whether a package is of the program's own module.
func own(pkg string) bool {
	m := mainModule()
	return pkg == "main" || m != "" && strings.HasPrefix(pkg, m) && (len(pkg) == len(m) || strings.ContainsRune("/_", rune(pkg[len(m)])))
}

// standard says whether a package is of the standard library: the first part of its path has no dot.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

// mainModule is the program's own module path; empty where the binary does not tell.
var mainModule = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
})
