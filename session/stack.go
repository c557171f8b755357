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
	return shape{pc: pcs[i], entry: entry(pcs[i]), outer: pcs[i+1:]}, true
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
		if entry(pc) != s.entry {
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

// entry is where the function starts that the return address lies in.
func entry(pc uintptr) uintptr {
	f := runtime.FuncForPC(pc - 1)
	if f == nil {
		return 0
	}
	return f.Entry()
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
// inside the unit: a stack of the unit's shape, looked at while somebody reports it.
func (h *Hold) whereabouts() []Site {
	s, ok := h.opened.shape()
	if !ok {
		return nil
	}
	var at []Site
	for _, stack := range goroutines() {
		if !s.fits(stack) {
			continue
		}
		if site := outside(stack); !slices.Contains(at, site) {
			at = append(at, site)
		}
	}
	return at
}

// outside is the innermost line that is neither the guard's nor of the standard
// library: the call that is being waited for stands there.
func outside(stack []uintptr) Site {
	for _, pc := range stack {
		if s := resolve([]uintptr{pc}); !s.IsZero() && !standard(s.Func) && foreign(pc) {
			return s
		}
	}
	return resolve(stack)
}

// standard says whether a function is of the standard library.
func standard(function string) bool {
	dir, base := path.Split(function)
	name, _, _ := strings.Cut(base, ".")
	pkg := dir + name
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".") && pkg != "main" && first != mainModule()
}

// mainModule is the first part of the program's own module path, which need not have a dot.
var mainModule = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(info.Main.Path, "/")
	return first
})
