package pysession

// walker goes through one function in the order of its statements and keeps what
// each name stands for. The last round reports; the rounds before only learn.
type walker struct {
	p      *project
	m      *module
	fn     *function
	env    *env
	reader *function // who looks: fn, or what stands for the module's own statements
	report bool
	loops  []*stmt
	over   []*stmt // async loops over session providers, innermost last; nil for other loops
	spawns []*spawn
	opens  []*opening
	pulls  []*pull
	held   []*value
	timed  []*timed

	launchings []launching
	awaiting   bool
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
		if noted := w.fromNote(s.note, &origin{how: given, in: w.fn, mod: w.m, pos: s.pos}); v.kind == unknown || vague(v) && noted.kind == session {
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
		if element = v.of; !v.fresh {
			element = kept(element)
		}
	}
	w.assign(s.targets[0], element, s)
	w.loop(s, provider)
}

func (w *walker) origin(h how, at pos, async bool) *origin {
	return &origin{how: h, async: async, in: w.fn, mod: w.m, pos: at}
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
