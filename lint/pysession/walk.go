package pysession

import "maps"

// walker goes through one function in the order of its statements and keeps what
// each name stands for. The last round reports; the rounds before only learn.
type walker struct {
	p        *project
	m        *module
	fn       *function
	env      *env
	reader   *function // who looks: fn, or what stands for the module's own statements
	report   bool
	loops    []*stmt
	over     []*stmt // async loops over session providers, innermost last; nil for other loops
	spawns   []*spawn
	opens    []*opening
	pulls    []*pull
	held     []*value
	timed    []*timed
	awaiting bool
}

// opening is a session opened into a plain name: somebody in the function must end it.
type opening struct {
	origin  *origin
	stmt    *stmt
	yielded bool
}

func (w *walker) body(stmts []stmt) {
	for i := range stmts {
		w.stmt(&stmts[i])
	}
}

func (w *walker) stmt(s *stmt) {
	switch s.kind {
	case "=":
		w.assignment(s)
	case "e", "raise":
		v := w.eval(s.value)
		if v.kind == task && v.spawned != nil {
			v.spawned.dropped = true
		}
	case "return":
		w.returns(s)
	case "if":
		w.branch(s)
	case "while":
		w.eval(s.value)
		w.loop(s, nil)
	case "for":
		w.forLoop(s)
	case "with":
		w.with(s)
	case "try":
		w.body(s.body)
		for _, arm := range s.arms {
			w.body(arm)
		}
		w.body(s.final)
	case "switch":
		w.eval(s.value)
		for _, arm := range s.arms {
			w.body(arm)
		}
	case "def":
		w.define(s)
	case "class":
		w.p.defineClass(w.m, s, w.env)
	case "import":
		w.imports(s)
	case "global":
		w.globals(s)
	case "break":
		w.breaks(s)
	}
}

func (w *walker) assignment(s *stmt) {
	v := nothing
	if s.assigns {
		v = w.eval(s.value)
	}
	if s.note != nil {
		if noted := w.fromNote(s.note, &origin{how: given, in: w.fn, mod: w.m, pos: s.pos}); v.kind == unknown {
			v = noted
		}
	}
	for _, t := range s.targets {
		w.assign(t, v, s)
	}
}

// assign binds a target to a value.
func (w *walker) assign(t *expr, v *value, s *stmt) {
	if t == nil {
		return
	}
	switch t.op {
	case opName:
		w.bind(t.name, v, s)
	case opAttr:
		w.storeAttr(t, v, s)
	case opIndex:
		w.storeIndex(t, v, s)
	case opList:
		for i, k := range t.kids {
			part := nothing
			if v.kind == many && i < len(v.elems) {
				part = v.elems[i]
			}
			w.assign(k, part, s)
		}
	case opStar:
		w.assign(t.kids[0], nothing, s)
	}
}

func (w *walker) bind(name string, v *value, s *stmt) {
	scope := w.env
	if scope.global[name] && w.m.names != nil {
		w.storeGlobal(name, v, s)
		scope = w.m.names
		v = join(scope.vars[name], v)
	}
	scope.vars[name] = v
	if v.kind == session && v.origin.how == opened && v.origin.pos.line >= s.pos.line && s.value != nil && w.fn != nil {
		w.opens = append(w.opens, &opening{origin: v.origin, stmt: s})
	}
}

// branch walks both arms from the same names and joins what they leave.
func (w *walker) branch(s *stmt) {
	w.eval(s.value)
	yes, no := w.narrowed(s.value)
	before := w.env.vars
	w.env.vars = fork(before, yes)
	w.body(s.body)
	then := w.env.vars
	w.env.vars = fork(before, no)
	for _, arm := range s.arms {
		w.body(arm)
	}
	switch {
	case leaves(s.body): // what comes after is the other arm's
	case len(s.arms) > 0 && leaves(s.arms[0]):
		w.env.vars = then
	default:
		for name, v := range then {
			w.env.vars[name] = w.merge(w.env.vars[name], v)
		}
	}
}

// merge joins what a name is after both arms. A session that is lost on the way is
// not followed any further.
func (w *walker) merge(a, b *value) *value {
	v := join(a, b)
	for _, one := range []*value{a, b} {
		if one != nil && one.kind == session && v.kind != session {
			escape(w.sessionsOf(one))
		}
	}
	return v
}

func leaves(body []stmt) bool {
	if len(body) == 0 {
		return false
	}
	switch body[len(body)-1].kind {
	case "return", "raise", "continue", "break":
		return true
	}
	return false
}

// fork copies the names, without what a test has ruled out.
func fork(vars map[string]*value, absent string) map[string]*value {
	c := make(map[string]*value, len(vars)+2)
	maps.Copy(c, vars)
	if absent != "" {
		if _, ok := c[absent]; ok {
			c[absent] = &value{kind: none}
		}
	}
	return c
}

// narrowed tells which name is None in the body, and which in the else.
func (w *walker) narrowed(test *expr) (body, orelse string) {
	if test == nil || len(test.kids) != 1 || test.kids[0] == nil || test.kids[0].op != opName {
		return "", ""
	}
	switch test.op {
	case opIsNone:
		return test.kids[0].name, ""
	case opNotNone:
		return "", test.kids[0].name
	}
	return "", ""
}

func (w *walker) loop(s *stmt, provider *stmt) {
	w.loops, w.over = append(w.loops, s), append(w.over, provider)
	w.body(s.body)
	w.loops, w.over = w.loops[:len(w.loops)-1], w.over[:len(w.over)-1]
	for _, arm := range s.arms {
		w.body(arm)
	}
}

func (w *walker) forLoop(s *stmt) {
	v := w.eval(s.value)
	element, provider := nothing, (*stmt)(nil)
	switch {
	case v.kind == generator && v.of != nil:
		element = v.of
		if element.kind == session {
			element = &value{kind: session, async: element.async, origin: w.origin(provided, s.pos, element.async)}
			if s.async {
				provider = s
			}
		}
	case v.kind == many && v.of != nil:
		element = v.of
	}
	w.assign(s.targets[0], element, s)
	w.loop(s, provider)
}

func (w *walker) origin(h how, at pos, async bool) *origin {
	return &origin{how: h, async: async, in: w.fn, mod: w.m, pos: at}
}

func (w *walker) with(s *stmt) {
	depth, bounds := len(w.held), len(w.timed)
	groups := len(w.spawns)
	for _, it := range s.items {
		entered := w.eval(it.value)
		w.bounded(entered, s)
		v := w.enter(entered, s)
		w.enterAs(it.target, v, s)
		if v.kind == session {
			v.origin.over = false
			w.held = append(w.held, v)
		}
	}
	w.body(s.body)
	for _, h := range w.held[depth:] {
		h.origin.over = h.origin.how == managed
	}
	w.held, w.timed = w.held[:depth], w.timed[:bounds]
	w.leaveGroup(groups)
}

// enterAs binds what a with statement gives. In the object's own attribute it is
// there for the length of the block.
func (w *walker) enterAs(t *expr, v *value, s *stmt) {
	if t != nil && t.op == opAttr && v.kind == session {
		base := w.eval(t.kids[0])
		w.learnAttr(base, t.name, v)
		if w.ageOf(t.kids[0], base) == self {
			return
		}
	}
	w.assign(t, v, s)
}

// enter is what "as" gives.
func (w *walker) enter(v *value, s *stmt) *value {
	switch v.kind {
	case session:
		for _, o := range w.sessionsOf(v) {
			if o.how == opened {
				o.how = managed
			}
		}
		return v
	case manager:
		if v.of != nil && v.of.kind == session {
			return &value{kind: session, async: v.of.async, origin: w.origin(managed, s.pos, v.of.async)}
		}
		if v.of != nil {
			return v.of
		}
	case instance:
		name := "__enter__"
		if s.async {
			name = "__aenter__"
		}
		if m := v.class.method(name); m != nil && m.result != nil {
			r := m.result
			if r.kind == session {
				return &value{kind: session, async: r.async, origin: w.origin(managed, s.pos, r.async)}
			}
			if r.kind == instance {
				return v
			}
		}
		return v
	case external, coroutine:
		return v
	}
	return nothing
}

func (w *walker) returns(s *stmt) {
	v := w.eval(s.value)
	if v.kind == task && v.spawned != nil {
		v.spawned.joined = true // it is the caller's now
	}
	w.leftToFramework(v)
	w.returnedOpen(v, s.pos)
	escape(w.sessionsOf(v))
	w.handsOver([]*value{v})
	if w.fn != nil {
		w.learnResult(v)
	}
	w.leavesProvider(s)
}

func (w *walker) learnResult(v *value) {
	before := w.fn.result
	w.fn.result = join(before, v)
	if before == nil && v.kind != unknown || before != nil && w.fn.result.kind != before.kind {
		w.p.changedFor(w.fn.readers)
	}
}

func (w *walker) globals(s *stmt) {
	if w.env.global == nil {
		w.env.global = map[string]bool{}
	}
	for _, n := range s.names {
		w.env.global[n] = true
	}
}

func (w *walker) define(s *stmt) {
	fn := w.p.function(w.m, nil, w.fn, s)
	fn.env = w.env
	w.env.vars[s.name] = &value{kind: funcRef, fn: fn}
	w.p.walkFunction(fn, w.report)
	escape(w.caught(fn))
}

func (w *walker) imports(s *stmt) {
	for _, i := range s.imports {
		w.env.vars[i.local] = w.p.imported(w.m, i)
	}
}
