package pysession

import (
	"slices"
	"strings"
)

// external calls something of a library.
func (w *walker) external(f *value, args arguments, e *expr, awaited bool) *value {
	if v := w.opener(f.name, args, e); v != nil {
		return v
	}
	if v := w.builtin(f.name, args, e); v != nil {
		return v
	}
	w.handsOver(args.list)
	name := f.name
	switch {
	case name == "contextlib.closing" || name == "contextlib.aclosing":
		if len(args.list) == 1 {
			if v := args.list[0]; v.kind == session {
				v.origin.how = managed
				return &value{kind: manager, of: v}
			}
			return args.list[0]
		}
	case strings.HasSuffix(name, ".enter_context") || strings.HasSuffix(name, ".enter_async_context"):
		if len(args.list) == 1 {
			v := w.enter(args.list[0], &stmt{pos: e.pos})
			if v.kind == session && v.origin.how == managed {
				v.origin.how = given // it lives as long as the stack
			}
			return v
		}
	case name == "contextlib.contextmanager" || name == "contextlib.asynccontextmanager":
		if len(args.list) == 1 && args.list[0].kind == funcRef {
			f := *args.list[0]
			f.wrapped = true
			return &f
		}
	case name == "functools.partial" || name == "functools.partialmethod":
		carried := w.carried(args.all(e))
		escape(carried)
		return &value{carries: carried}
	case name == "asyncio.shield" && len(args.list) == 1:
		return args.list[0]
	case name == "asyncio.wait_for" && len(args.list) > 0:
		w.waitFor(args.list[0], e)
		return args.list[0]
	case gathers(name):
		return w.gather(name, args, e)
	case dependencies[name]:
		return nothing
	}
	if closesByName(name) {
		escape(w.carried(args.all(e)))
	}
	if streams[name] {
		w.streamed(args, e)
	}
	if v := w.starts(f, args, e, awaited); v != nil {
		return v
	}
	w.remoteCall(name, e)
	return &value{kind: external, name: name + "()", took: w.carried(args.all(e))}
}

// opener are the calls of SQLAlchemy that open sessions or make what opens them.
func (w *walker) opener(name string, args arguments, e *expr) *value {
	if async, ok := sessionType(name); ok {
		return w.open(args, e, async)
	}
	if async, ok := factoryClasses[name]; ok {
		for _, k := range e.keys {
			if k.name == "class_" {
				if c := w.eval(k.value); c.kind == external {
					async = async || sessionClasses[c.name]
				} else if c.kind == classRef {
					a, _ := c.class.isSession(0)
					async = async || a
				}
			}
		}
		if len(e.kids) > 2 { // sessionmaker(engine, AsyncSession)
			if c := w.eval(e.kids[2]); c.kind == external {
				async = async || sessionClasses[c.name]
			}
		}
		return &value{kind: factory, async: async}
	}
	if async, ok := scopedClasses[name]; ok {
		return &value{kind: scoped, async: async || args.keys["scopefunc"] != nil || len(args.list) > 1}
	}
	return nil
}

// open is a session that a call opens. On a connection of somebody else's it takes
// nothing out of a pool, and has nothing to give back.
func (w *walker) open(args arguments, e *expr, async bool) *value {
	h := opened
	for _, v := range append(slices.Clip(args.list[:min(1, len(args.list))]), args.keys["bind"]) {
		if v != nil && v.kind == external && connection(v.name) {
			h = given
		}
	}
	for _, k := range e.keys {
		if k.name == "bind" && k.value != nil && connectionNames[k.value.name] {
			h = given
		}
	}
	return &value{kind: session, async: async, origin: w.origin(h, e.pos, async)}
}

// connectionNames are what a connection is called; an engine is never called so.
var connectionNames = map[string]bool{"connection": true, "conn": true, "_conn": true, "_connection": true}

func connection(name string) bool {
	switch tail(trimCall(name)) {
	case "get_bind", "connect", "begin", "Connection", "AsyncConnection":
		return true
	}
	return false
}

// providerMethod calls a method of a generator or context manager.
func (w *walker) providerMethod(v *value, name string, e *expr) *value {
	switch name {
	case "__anext__", "__next__", "send", "asend":
		return w.pull(v, e, isCall(e.kids[0].kids[0]), name[0] == 'a' || name == "__anext__")
	case "__enter__", "__aenter__":
		if v.of != nil && v.of.kind == session {
			return &value{kind: session, async: v.of.async, origin: w.origin(given, e.pos, v.of.async)}
		}
	case "close", "aclose", "__exit__", "__aexit__", "athrow", "throw":
		v.ended = true
	default:
		w.misusedProvider(v, name, e)
	}
	return nothing
}
