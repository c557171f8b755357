package pysession

import (
	"slices"
	"strings"
)

// spawn is one start of a task, thread or background job with sessions in it.
type spawn struct {
	pos      pos
	sessions []*origin
	what     string
	joined   bool
	dropped  bool
	group    bool  // a task group waits for it
	loop     *stmt // the loop that starts it
	later    bool  // it runs after the response: nothing here can wait for it
	onSelf   bool  // it is work on the object whose method starts it
	beside   bool  // the function has used a session of it before it waited for it
}

// starts recognises what starts work beside the caller. It gives nil for any other call.
func (w *walker) starts(f *value, args arguments, e *expr, awaited bool) *value {
	name := f.name
	switch {
	case startsTask(name) || strings.HasSuffix(name, ".create_task") || strings.HasSuffix(name, ".run_coroutine_threadsafe"):
		if coro := args.keys["coro"]; coro != nil {
			args.list = append([]*value{coro}, args.list...)
		}
		var work []*origin
		for _, v := range args.list[:min(1, len(args.list))] {
			work = w.atWork(v)
		}
		return w.task(name, appendNew(work, w.carried(args.list)...), e, args)
	case strings.HasSuffix(name, ".start_soon"):
		v := w.task(name, w.carried(args.list), e, args)
		v.spawned.group = true
		return v
	case tail(name) == "call_later" || tail(name) == "call_at" || tail(name) == "call_soon" || tail(name) == "call_soon_threadsafe":
		return w.task(name, w.carried(args.list), e, args)
	case name == "threading.Timer":
		return w.task(name, w.carried(append(args.list, args.keys["function"], args.keys["args"], args.keys["kwargs"])), e, args)
	case name == "threading.Thread" || name == "multiprocessing.Process":
		return w.task(name, w.carried(append(args.list, args.keys["target"], args.keys["args"], args.keys["kwargs"])), e, args)
	case name == "asyncio.to_thread" || tail(name) == "run_in_threadpool" || name == "anyio.to_thread.run_sync":
		if awaited {
			return nothing // one after the other
		}
		return &value{kind: coroutine, carries: w.carried(args.all(e))}
	case strings.HasSuffix(name, ".run_in_executor"):
		if awaited {
			return nothing
		}
		return w.task(name, w.carried(args.list), e, args)
	case strings.HasPrefix(name, "concurrent.futures.") && strings.HasSuffix(name, "Executor().submit"):
		v := w.task(name, w.carried(args.all(e)), e, args)
		v.spawned.group = true
		return v
	case strings.HasPrefix(name, "concurrent.futures.") && strings.HasSuffix(name, "Executor().map"):
		for _, o := range w.carried(args.list[:min(1, len(args.list))]) {
			w.reportShared(o, e.pos, "map")
			break
		}
		return nothing
	case w.background(name):
		w.later(w.carried(args.all(e)), e)
		return nothing
	}
	return nil
}

func (w *walker) background(name string) bool {
	if backgroundTask[name] {
		return true
	}
	base, ok := strings.CutSuffix(name, "().add_task")
	return ok && backgroundTypes[base]
}

// atWork are the sessions that a value uses once it is started.
func (w *walker) atWork(v *value) []*origin {
	if v == nil {
		return nil
	}
	return appendNew(slices.Clip(w.sessionsOf(v)), v.took...)
}

// carried are the sessions that the values bring with them.
func (w *walker) carried(vs []*value) []*origin {
	var all []*origin
	for _, v := range vs {
		all = appendNew(all, w.sessionsOf(v)...)
	}
	return all
}

func (w *walker) task(name string, sessions []*origin, e *expr, args arguments) *value {
	s := &spawn{pos: e.pos, sessions: sessions, what: tail(strings.ReplaceAll(name, "()", ""))}
	s.group = strings.HasPrefix(name, "asyncio.TaskGroup().")
	if len(args.list) > 0 && args.list[0].kind == task && args.list[0].spawned != nil {
		return args.list[0]
	}
	if len(w.loops) > 0 {
		s.loop = w.loops[len(w.loops)-1]
	}
	s.onSelf = w.onSelf(append(slices.Clip(args.list), args.keys["target"], args.keys["coro"]))
	w.spawns = append(w.spawns, s)
	v := &value{kind: task, spawned: s, carries: sessions}
	if len(args.list) > 0 && args.list[0].kind == coroutine {
		v.of = args.list[0].of
	}
	return v
}

// passedOn notes that somebody else may wait for the tasks.
func passedOn(vs []*value) {
	for _, v := range vs {
		switch {
		case v == nil:
		case v.kind == task && v.spawned != nil:
			v.spawned.joined = true
		case v.kind == many:
			passedOn(slices.DeleteFunc(slices.Clone(v.elems), func(el *value) bool { return el == v || el.kind == many }))
		}
	}
}

// later is work for after the response.
func (w *walker) later(sessions []*origin, e *expr) {
	if len(sessions) > 0 {
		w.spawns = append(w.spawns, &spawn{pos: e.pos, sessions: sessions, what: "add_task", later: true})
	}
}
