package session

import (
	"fmt"
	"log/slog"
	"sync"
)

// Rule names one thing that must not happen to a session.
type Rule string

// The rules. Ended and by hand are refused in every mode where the handle is one
// of Do, because there is nothing that could be let pass: the session is gone, or Do
// will end it otherwise.
const (
	RuleEnded   Rule = "ended"   // a unit is used after its end
	RuleOverlap Rule = "overlap" // a unit is used by two at the same time
	RuleRows    Rule = "rows"    // a unit is committed while rows are open
	RuleNested  Rule = "nested"  // a second unit of one pool is asked for while one is held
	RuleByHand  Rule = "by hand" // a unit of Do is committed or rolled back by its function
	RuleHeld    Rule = "held"    // agent code, a model or a socket is waited for with a unit open
	RuleCircle  Rule = "circle"  // all who hold the pool's connections wait for one more
	RuleLeak    Rule = "leak"    // a unit is held for longer than its limit, or dropped
	RuleIdle    Rule = "idle"    // a transaction is open, and nothing is done in it for longer than its limit
	RuleDirty   Rule = "dirty"   // a connection comes back inside a transaction, or with a lock
	RuleWait    Rule = "wait"    // a connection was waited for longer than the limit
)

// Mode is what happens when a rule is broken.
type Mode uint8

// The modes. The zero value is Enforce.
const (
	Enforce Mode = iota // refuse with an *IllegalStateError
	Warn                // log once a call site, and let it pass
	Off                 // let it pass
)

func (m Mode) String() string { return [...]string{"error", "warn", "off"}[m] }

// Rules holds the mode of each rule; those not named are enforced.
// A Rules must not be changed once a Guard has it.
type Rules map[Rule]Mode

// warner logs a broken rule once for each call site.
type warner struct {
	log  *slog.Logger
	mu   sync.Mutex
	seen map[string]struct{}
}

// maxSites bounds the memory of a warner: a program has fewer lines that warn.
const maxSites = 10_000

func (w *warner) warn(e *IllegalStateError) {
	key := fmt.Sprint(e.Rule, e.Op, e.Used)
	w.mu.Lock()
	_, known := w.seen[key]
	first := !known && len(w.seen) < maxSites
	if first {
		w.seen[key] = struct{}{}
	}
	w.mu.Unlock()
	if first {
		w.tell(e)
	}
}

// tell logs what has been refused or taken.
func (w *warner) tell(e *IllegalStateError) {
	w.log.Warn("database session misused", "rule", string(e.Rule), "op", e.Op, "state", e.State,
		"pool", e.Pool, "opened", e.Opened.String(), "used", e.Used, "instead", e.Advice)
}
