package pysession

// An application keeps what lives as long as the process in attributes of its state:
// app.state.sessions is set when it starts and read through request.app.state. Which
// object that is cannot be told, so the attribute's name is what joins the two.

// attrOf is x.name, where x is base; what hangs on a state that is not known is looked up by name.
func (w *walker) attrOf(base *value, e *expr) *value {
	v := w.attr(base, e.name)
	if v.kind != unknown && v.kind != external || !onState(e) {
		return v
	}
	if w.p.stateReaders == nil {
		w.p.stateReaders = readers{}
	}
	w.p.stateReaders[w.reader] = true
	if known := w.p.state[e.name]; known != nil {
		return kept(known)
	}
	return v
}

// onState says whether the expression is an attribute of something called state.
func onState(e *expr) bool {
	return e.op == opAttr && e.kids[0] != nil && e.kids[0].op == opAttr && e.kids[0].name == "state"
}

// learnState notes what is kept in a state: what opens sessions, and objects of the project.
func (w *walker) learnState(t *expr, v *value) {
	if !onState(t) || v.kind != factory && v.kind != instance && v.kind != scoped || w.p.state[t.name] != nil {
		return
	}
	if w.p.state == nil {
		w.p.state = map[string]*value{}
	}
	c := *v
	c.fresh, c.param, c.holds = false, 0, nil
	w.p.state[t.name] = &c
	w.p.changedFor(w.p.stateReaders)
}
