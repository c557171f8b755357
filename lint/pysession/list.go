package pysession

// maxElems bounds what is known of one list's elements.
const maxElems = 64

// appended keeps what is put into a list that is built here.
func (w *walker) appended(list *value, name string, args arguments) {
	if name != "append" && name != "add" && name != "extend" || len(args.list) != 1 {
		return
	}
	el := args.list[0]
	if name == "extend" && el.kind == many {
		if len(list.elems) < maxElems {
			list.elems = append(list.elems, el.elems...)
		}
		list.of = join(list.of, el.of)
		return
	}
	list.of = join(list.of, el)
	if el == list || len(list.elems) > maxElems || el.kind != task && len(w.sessionsOf(el)) == 0 {
		return
	}
	list.elems = append(list.elems, el)
	if len(w.loops) > 0 { // it may come again with the same session
		again := *el
		if again.carries = w.fromBefore(el.carries, w.loops[len(w.loops)-1]); len(again.carries) > 0 {
			list.elems = append(list.elems, &again)
		}
	}
}

// fromBefore are the sessions that were there before the loop began.
func (w *walker) fromBefore(all []*origin, l *stmt) []*origin {
	var before []*origin
	for _, o := range all {
		if o.pos.line < l.pos.line || o.param > 0 {
			before = append(before, o)
		}
	}
	return before
}
