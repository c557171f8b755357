package session

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// ErrIllegalState matches every *IllegalStateError with errors.Is.
var ErrIllegalState = errors.New("illegal state of a database session")

// IllegalStateError says that a session was used out of its scope. It is
// returned at once, before the database is asked.
type IllegalStateError struct {
	Op     string // what was tried: "exec", "commit", "step charge"
	State  string // what the unit was in: "ended: committed", "in use: query"
	Rule   Rule   // the rule that was broken
	Pool   string // the pool's name, where there is one
	Opened Site   // where the unit was opened
	Ended  Site   // where it ended, if it has
	Used   []Site // this use, first; then the other uses that are known
	Held   []Site // rule circle and wait: where the pool's sessions were opened
	Advice string // what to write instead
	Cause  error  // what ended the unit, or what the driver said; matched by errors.Is and As

	late *atomic.Pointer[trace] // the other side of an overlap, known when its operation has ended
}

// Error is one line for the problem and one for each place.
func (e *IllegalStateError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: %s refused: the unit is %s", e.Op, e.State)
	if e.Pool != "" {
		fmt.Fprintf(&b, " (pool %s)", e.Pool)
	}
	if why := e.why(); why != "" {
		fmt.Fprintf(&b, ": %s", why)
	}
	line(&b, "opened at", e.Opened)
	line(&b, "ended at", e.Ended)
	for i, s := range e.Used {
		line(&b, []string{"used at", "and used at"}[min(i, 1)], s)
	}
	for _, s := range e.Held {
		line(&b, "held since", s)
	}
	if e.late != nil {
		if t := e.late.Load(); t != nil {
			line(&b, "and used at", t.site())
		}
	}
	if e.Advice != "" {
		fmt.Fprintf(&b, "\n\tinstead: %s", e.Advice)
	}
	return b.String()
}

// why is the cause in short: a refusal is told by its state, not with all its lines.
func (e *IllegalStateError) why() string {
	if e.Cause == nil {
		return ""
	}
	if cause, ok := errors.AsType[*IllegalStateError](e.Cause); ok {
		return cause.State
	}
	return strings.ReplaceAll(e.Cause.Error(), "\n", "; ")
}

func line(b *strings.Builder, what string, s Site) {
	if !s.IsZero() {
		fmt.Fprintf(b, "\n\t%s %s", what, s)
	}
}

// Unwrap gives ErrIllegalState and the cause.
func (e *IllegalStateError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrIllegalState}
	}
	return []error{ErrIllegalState, e.Cause}
}
