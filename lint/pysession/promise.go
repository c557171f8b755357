package pysession

// promise takes up what a function's return annotation says. It counts only where the
// function's own statements do not tell: an annotation may lie.
func (w *walker) promise(fn *function) {
	note := fn.def.note
	if note == nil {
		return
	}
	if fn.yields || streamNote(note) {
		note = itemNote(note)
	}
	v := w.fromNote(note, &origin{how: given, in: fn, mod: fn.mod, pos: fn.def.pos})
	switch v.kind {
	case session, factory, scoped:
		fn.promised = v
	case instance:
		c := *v
		c.fresh = true // nothing says that it was there before
		fn.promised = &c
	}
}

// itemNote is what a generator's annotation says of what it yields. Many a provider
// is annotated as if it returned its session.
func itemNote(note *expr) *expr {
	if streamNote(note) {
		return note.kids[1]
	}
	return note
}

// streamNote says whether the annotation is that of a generator or iterator.
func streamNote(note *expr) bool {
	if note.op != opIndex || len(note.kids) < 2 || note.kids[0] == nil {
		return false
	}
	switch note.kids[0].name {
	case "AsyncGenerator", "AsyncIterator", "AsyncIterable", "Generator", "Iterator", "Iterable",
		"AbstractAsyncContextManager", "AsyncContextManager", "AbstractContextManager", "ContextManager":
		return true
	}
	return false
}

// returned is what a function is known to return, or else what it promises.
func (fn *function) returned() *value {
	if vague(fn.result) {
		if fn.promised != nil && !fn.yields && (fn.def.note == nil || !streamNote(fn.def.note)) {
			return fn.promised
		}
	}
	return fn.result
}

// yielded is what a generator is known to yield, or else what it promises.
func (fn *function) yielded() *value {
	if vague(fn.item) && fn.promised != nil {
		return fn.promised
	}
	return fn.item
}

// vague says whether a value tells less than an annotation can.
func vague(v *value) bool {
	return v == nil || v.kind == unknown || v.kind == none || v.kind == external
}
