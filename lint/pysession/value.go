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

// class is a class of the project.
type class struct {
	mod     *module
	name    string
	pos     pos
	def     *stmt
	bases   []*value
	methods map[string]*function
	attrs   map[string]*value
	keeps   map[string]pos // attributes that its constructor fills with a session it is given
	ends    map[string]bool
	data    bool // a dataclass or model: annotated names are fields
	fields  []param
	readers readers
}

// method finds a method here or in a base of the project.
func (c *class) method(name string) *function { return c.find(name, 0) }

const deepest = 12 // classes and calls nest less; a circle stops here

func (c *class) find(name string, depth int) *function {
	if f := c.methods[name]; f != nil || depth > deepest {
		return f
	}
	for _, b := range c.bases {
		if b.kind == classRef {
			if f := b.class.find(name, depth+1); f != nil {
				return f
			}
		}
	}
	return nil
}

// attr is what is known of an attribute, here or in a base.
func (c *class) attr(name string, depth int) *value {
	if v := c.attrs[name]; v != nil {
		return v
	}
	if depth > deepest {
		return nil
	}
	for _, b := range c.bases {
		if b.kind == classRef {
			if v := b.class.attr(name, depth+1); v != nil {
				return v
			}
		}
	}
	return nil
}

// owns says whether the class, or one it derives from or that derives from it in
// this project, ends the session that it keeps in the attribute.
func (c *class) owns(attr string) bool { return c.ownsAt(attr, 0) }

// endsSession says whether the class ends the session by way of an attribute.
func (c *class) endsSession(o *origin) bool {
	for name, v := range c.attrs {
		if v.kind == session && v.origin.mod == o.mod && v.origin.pos == o.pos && c.owns(name) {
			return true
		}
	}
	return false
}

func (c *class) ownsAt(attr string, depth int) bool {
	if c.ends[attr] || c.ends["*"] {
		return true
	}
	if depth > deepest {
		return false
	}
	for _, b := range c.bases {
		if b.kind == classRef && b.class.ownsAt(attr, depth+1) {
			return true
		}
	}
	return false
}

// derives says whether the class comes from something of a library under that name.
func (c *class) derives(from map[string]bool, depth int) bool {
	if depth > deepest {
		return false
	}
	for _, b := range c.bases {
		if b.kind == external && from[b.name] || b.kind == classRef && b.class.derives(from, depth+1) {
			return true
		}
	}
	return false
}

// function is a function of the project, with what is known of its calls.
type function struct {
	mod    *module
	class  *class
	outer  *function
	name   string
	def    *stmt
	static bool
	prop   bool
	gives  giving
	yields bool
	masked bool // a decorator that is not known may have changed what a call is
	remote bool // it waits for another machine
	framed bool // a framework calls it for each request and uses what it gives

	params  []*value // joined from annotations and calls
	result  *value
	item    *value                    // what it yields
	ends    map[int]bool              // parameters that it ends
	keeps   map[int]pos               // parameters that a method keeps in its own object
	kept    map[int]string            // and the attributes that it keeps them in
	calls   map[*function][]*callSite // by who calls
	callees []*function
	readers readers
	env     *env // the names around a nested function, when its definition was met
	names   *env // its own names, after the last look
}

// giving is what a decorator makes of a generator function.
type giving int

const (
	plain giving = iota
	contextManager
	asyncContextManager
)

// callSite is one resolved call of a function.
type callSite struct {
	pos  pos
	args map[int]*value
}

func (fn *function) sites() []*callSite {
	var all []*callSite
	for _, c := range fn.calls {
		all = append(all, c...)
	}
	return all
}

func (fn *function) called() int { return len(fn.sites()) }

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
	case a.kind == b.kind:
		return a
	case a.kind == session && b.kind == factory || a.kind == factory && b.kind == session:
		return nothing // a session or a factory: what it is at run time cannot be told
	}
	return a
}
