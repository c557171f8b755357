package pysession

import "slices"

// kind is what a value is, as far as a rule cares.
type kind int

const (
	unknown   kind = iota
	none           // None
	session        // a database session: origin
	factory        // calling it opens a session: sessionmaker and its like
	scoped         // a scoped_session: a registry that is used like a session
	manager        // a context manager; entering it gives of
	generator      // a generator; each of its values is of
	instance       // an object of class
	classRef       // class itself
	funcRef        // fn itself, bound to self where it is a method
	moduleRef      // a module of the project
	external       // something of a library, by its dotted name
	coroutine      // a call of an async function that is not awaited: carries, of is what it gives
	task           // a coroutine that runs already
	many           // a list or tuple of values like of
)

// value is what a name or expression stands for. Values are not changed once
// made, except for what an instance holds and for whether a generator is ended.
type value struct {
	kind    kind
	origin  *origin
	of      *value
	class   *class
	fn      *function
	self    *value
	module  *module
	name    string
	async   bool
	fresh   bool      // an instance made in the function that looks at it
	holds   []*origin // an instance: the sessions it keeps but does not end
	carries []*origin // a coroutine or task: the sessions that its function uses; a session: what else it may be
	param   int       // 1 + the parameter that it came in by, 0 for none
	spawned *spawn
	elems   []*value  // many: its parts, where they are known
	ended   bool      // a generator: somebody closes it, or may do so
	wrapped bool      // a funcRef: contextmanager has been called on it
	took    []*origin // what an unknown call gave: the sessions that it was called with
}

var nothing = &value{}

// how tells how a session came to be.
type how int

const (
	opened   how = iota // by a call here: somebody must end it
	managed             // by a with statement, which ends it
	given               // as a parameter: the caller ends it
	provided            // by a loop over a provider
	module_             // when the module was loaded
)

// origin is one session, by where it came to be.
type origin struct {
	how     how
	async   bool
	in      *function
	mod     *module
	pos     pos
	end     pos     // where it is ended, as far as that is known
	param   int     // 1 + the parameter
	closers []*expr // calls that end it
	escapes bool    // somebody else may answer for its end
	pulled  bool    // out of a provider, by next or anext
	over    bool    // its with statement is behind
	framed  bool    // given by a framework, for one call
}

// join is what a name is when it can be either; a session beats what is unknown.
func join(a, b *value) *value {
	switch {
	case a == nil || a.kind == unknown || a.kind == none:
		if b == nil {
			return a
		}
		if b.kind == unknown && a != nil && a.kind == none {
			return b
		}
		return b
	case b == nil || b.kind == unknown || b.kind == none:
		return a
	case a.kind == session && b.kind == session && a.origin != b.origin:
		c := *a
		c.carries = appendNew(slices.Clone(a.carries), append([]*origin{b.origin}, b.carries...)...)
		return &c
	case a.kind == many && b.kind == many && a.of == nil && len(a.elems) == 0:
		return b
	case a.kind == b.kind:
		return a
	case a.kind == session && b.kind == factory || a.kind == factory && b.kind == session:
		return nothing // a session or a factory: what it is at run time cannot be told
	}
	return a
}
