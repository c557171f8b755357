package pysession

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
	mod      *module
	class    *class
	outer    *function
	name     string
	def      *stmt
	static   bool
	prop     bool
	gives    giving
	yields   bool
	masked   bool // a decorator that is not known may have changed what a call is
	launches bool // it starts work on its own object and does not wait for it
	remote   bool // it waits for another machine
	framed   bool // a framework calls it for each request and uses what it gives

	params   []*value // joined from annotations and calls
	result   *value
	promised *value                    // what its annotation says that it gives
	item     *value                    // what it yields
	ends     map[int]bool              // parameters that it ends
	keeps    map[int]pos               // parameters that a method keeps in its own object
	kept     map[int]string            // and the attributes that it keeps them in
	calls    map[*function][]*callSite // by who calls
	callees  []*function
	readers  readers
	env      *env // the names around a nested function, when its definition was met
	names    *env // its own names, after the last look
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
