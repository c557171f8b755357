package pysession

// serviceHolds are the sessions that a framework puts into the object that it makes
// for a parameter such as service: Service = Depends(): each request has its own.
func (w *walker) serviceHolds(v *value, prm param, from *origin) []*origin {
	if v.kind != instance || prm.def == nil || !isCall(prm.def) {
		return nil
	}
	if d := w.eval(prm.def.kids[0]); d.kind != external || !dependencies[d.name] {
		return nil
	}
	init := v.class.method("__init__")
	if init == nil {
		return nil
	}
	w.looksAtFunction(init)
	for i := range init.keeps {
		kept := init.params[i]
		if kept == nil || kept.kind != session && len(kept.holds) == 0 {
			continue
		}
		o := *from
		o.framed, o.async = true, w.sessionsOf(kept)[0].async
		return []*origin{&o}
	}
	return nil
}
