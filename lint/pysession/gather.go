package pysession

import "slices"

// usedBeside notes that the function uses a session while a task that it has started
// and not waited for has it too.
func (w *walker) usedBeside(s *value) {
	for _, sp := range w.spawns {
		if sp.joined || sp.later || sp.group {
			continue
		}
		for _, o := range w.sessionsOf(s) {
			sp.beside = sp.beside || slices.Contains(sp.sessions, o)
		}
	}
}

// gather runs several at once: none of them may share a session.
func (w *walker) gather(name string, args arguments, e *expr) *value {
	var all []*value
	for _, v := range args.list {
		if v.kind == many {
			all = append(all, v.elems...)
			continue
		}
		all = append(all, v)
	}
	times := map[*origin]int{}
	for _, v := range all {
		if v.kind == task && v.spawned != nil {
			v.spawned.joined = true
		}
		for _, o := range w.atWork(v) {
			times[o]++
		}
	}
	for _, v := range all {
		for _, o := range w.atWork(v) {
			if times[o] > 1 {
				w.reportShared(o, e.pos, tail(name))
				return &value{kind: many, of: nothing}
			}
		}
	}
	if o := w.sharedSelf(all); o != nil {
		w.reportShared(o, e.pos, tail(name))
	}
	return &value{kind: coroutine}
}

// leaveGroup looks at the tasks of the groups that a with statement waits for.
func (w *walker) leaveGroup(from int) {
	times := map[*origin]int{}
	for _, sp := range w.spawns[from:] {
		if !sp.group {
			continue
		}
		sp.joined = true
		for _, o := range sp.sessions {
			times[o]++
			if w.repeats(sp, o) {
				times[o]++
			}
			if times[o] == 2 {
				w.reportShared(o, sp.pos, sp.what)
			}
		}
	}
}

// repeats says whether the task is started in a loop with a session from before it.
func (w *walker) repeats(sp *spawn, o *origin) bool {
	return sp.loop != nil && (o.param > 0 || o.pos.line < sp.loop.pos.line)
}
