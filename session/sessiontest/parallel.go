package sessiontest

import (
	"slices"
	"sync"

	"github.com/reeve-run/reeve/session"
)

// verifying are the tests that have called VerifyNone and still run. It is the only
// state of the package: a unit does not know its test.
var verifying struct {
	sync.Mutex
	tests []*verified
}

// verified is one of them.
type verified struct {
	name   string
	before map[unit]bool     // open when it began, and so not its own
	theirs map[unit][]string // left over by tests that have ended, with their names
}

// unit names a unit as long as the program runs.
type unit struct {
	pool   string
	number uint64
}

func nameOf(u session.Unit) unit { return unit{u.Pool, u.Number} }

func enter(name string) *verified {
	v := &verified{name: name, before: map[unit]bool{}, theirs: map[unit][]string{}}
	for _, u := range session.Units() {
		v.before[nameOf(u)] = true
	}
	verifying.Lock()
	defer verifying.Unlock()
	verifying.tests = append(verifying.tests, v)
	return v
}

// leave gives the units that are left, and the other tests that may have left them.
// What may be of a test that still runs is left to that one.
func (v *verified) leave() (left []session.Unit, tests []string) {
	verifying.Lock()
	verifying.tests = slices.DeleteFunc(verifying.tests, func(w *verified) bool { return w == v })
	verifying.Unlock()
	left = await(v.settle)
	for _, u := range left {
		tests = append(tests, v.theirs[nameOf(u)]...)
	}
	slices.Sort(tests)
	return left, slices.Compact(tests)
}

// settle gives what is left now and can be of no other.
func (v *verified) settle() []session.Unit {
	verifying.Lock()
	defer verifying.Unlock()
	return slices.DeleteFunc(session.Units(), func(u session.Unit) bool {
		return v.before[nameOf(u)] || v.pass(u)
	})
}

// pass leaves a unit to a running test that it may be of. The caller holds the lock.
func (v *verified) pass(u session.Unit) bool {
	name := nameOf(u)
	for _, w := range verifying.tests {
		if !w.before[name] {
			w.theirs[name] = append(append(w.theirs[name], v.theirs[name]...), v.name)
			return true
		}
	}
	return false
}
