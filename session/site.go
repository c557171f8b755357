package session

import (
	"fmt"
	"runtime"
	"slices"
)

// Site is a place in the source: the first frame outside the guard.
type Site struct {
	File string
	Line int
	Func string
}

// IsZero says whether the place is not known.
func (s Site) IsZero() bool { return s.File == "" }

// String is "file:line func", or "an unknown place".
func (s Site) String() string {
	if s.IsZero() {
		return "an unknown place"
	}
	return fmt.Sprintf("%s:%d %s", s.File, s.Line, s.Func)
}

// depth is how many frames are kept for a place that a unit opened at. A few
// more than the guard itself puts on the stack: each costs time in every open, and
// the first that is not the guard's is what the reader needs. Where the guard is
// called through a driver, deepest are kept.
const (
	depth   = 10
	deepest = 12
)

// trace is an unresolved place: program counters in a fixed array, so that
// taking it allocates nothing. It is resolved only when somebody reads it.
type trace [deepest]uintptr

// take records up to n callers above the caller of take. Where a library has put so
// many calls of its own between that the author's is not among them, it looks deeper.
func (t *trace) take(n int) {
	if runtime.Callers(3, t[:n]) == n && !foreign(t[n-1]) {
		t.takeDeep()
	}
}

// takeDeep keeps what begins with the author's innermost call.
func (t *trace) takeDeep() {
	var pcs [64]uintptr
	all := pcs[:runtime.Callers(4, pcs[:])]
	if i := slices.IndexFunc(all, foreign); i >= 0 {
		clear(t[copy(t[:], all[i:]):])
	}
}

// here is the place of the call into the guard that is going on.
func here() Site {
	var t [64]uintptr
	runtime.Callers(2, t[:])
	return resolve(t[:])
}

func (t *trace) site() Site { return resolve(t[:]) }

func resolve(pcs []uintptr) Site {
	pcs = trim(pcs)
	if len(pcs) == 0 {
		return Site{}
	}
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if !ours(f) || !more {
			return Site{File: f.File, Line: f.Line, Func: f.Function}
		}
	}
}
