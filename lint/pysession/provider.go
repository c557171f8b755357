package pysession

import (
	"fmt"

	"github.com/reeve-run/reeve/lint/rule"
)

// leavesProvider looks at a return inside async loops over session providers.
func (w *walker) leavesProvider(s *stmt) {
	for _, l := range w.over {
		if l != nil {
			w.reportExit("return", l, s.pos)
			return
		}
	}
}

// breaks looks at a break: it leaves the innermost loop.
func (w *walker) breaks(s *stmt) {
	if n := len(w.over); n > 0 && w.over[n-1] != nil {
		w.reportExit("break", w.over[n-1], s.pos)
	}
}

func (w *walker) reportExit(word string, l *stmt, at pos) {
	w.finding(rule.ProviderExit, rule.Error, at,
		fmt.Sprintf("%s leaves the async for over %s, a session provider, before its end", word, l.value), &origin{how: provided, mod: w.m, pos: l.pos})
}

// misusedAwait is an await of something that only with or for understands.
func (w *walker) misusedAwait(v *value, e *expr) {
	if v.of == nil || v.of.kind != session {
		return
	}
	switch v.kind {
	case manager:
		w.finding(rule.ProviderUse, rule.Error, e.pos, fmt.Sprintf("await of %s, which is a context manager: enter it with async with", e.kids[0]), nil)
	case generator:
		w.finding(rule.ProviderUse, rule.Error, e.pos, fmt.Sprintf("await of %s, which is a generator of sessions, not a session", e.kids[0]), nil)
	}
}

// misusedProvider is a session's method called on what only provides sessions.
func (w *walker) misusedProvider(v *value, method string, e *expr) {
	if v.of == nil || v.of.kind != session || !sessionMethods[method] {
		return
	}
	what := "a context manager"
	if v.kind == generator {
		what = "a generator"
	}
	w.finding(rule.ProviderUse, rule.Error, e.pos, fmt.Sprintf("%s is called on %s that provides a session, not on the session", method, what), nil)
}

// scopedMethod looks at the use of a scoped_session in a coroutine.
func (w *walker) scopedMethod(s *value, method string, e *expr) {
	if !s.async && w.fn != nil && w.fn.def.async && sessionMethods[method] {
		w.finding(rule.SharedScope, rule.Warning, e.pos, "a scoped_session is used in a coroutine: its scope is the thread, which all tasks share", nil)
	}
}

// waitFor looks at a bound put around work with a session.
func (w *walker) waitFor(v *value, e *expr) {
	for _, o := range w.sessionsOf(v) {
		w.finding(rule.WaitHolding, rule.Warning, e.pos, "wait_for cancels work that uses a session of its caller: a statement may be cut off half-way, and the session is then unusable", o)
		return
	}
}

// remoteCall looks at a call to another machine while a session is held by a with.
func (w *walker) remoteCall(name string, e *expr) {
	base := name
	if i := len(name) - len(tail(name)) - 1; i > 0 {
		base = trimCall(name[:i])
	}
	if remote[name] || remoteClients[base] && tail(name) != "close" && tail(name) != "aclose" {
		w.waits(trimCall(name), e)
	}
}

// waits notes that a call waits for another machine, here and for whoever calls this function.
func (w *walker) waits(name string, e *expr) {
	if w.fn != nil && !w.fn.remote {
		w.fn.remote = true
		w.p.changedFor(w.fn.readers)
	}
	if len(w.held) > 0 {
		w.finding(rule.WaitHolding, rule.Warning, e.pos, fmt.Sprintf("%s waits for another machine while a session is held", name), w.held[len(w.held)-1].origin)
	}
}

// reportShared is one session in the hands of several at once.
func (w *walker) reportShared(o *origin, at pos, what string) {
	severity := rule.Error
	if !o.async {
		severity = rule.Warning
	}
	w.finding(rule.Spawned, severity, at, fmt.Sprintf("%s runs several at once on the same database session", what), o)
}

// streamed looks at a response that goes on after its function has returned.
func (w *walker) streamed(args arguments, e *expr) {
	for _, o := range w.carried(args.all(e)) {
		w.finding(rule.Spawned, rule.Warning, e.pos, "the response streams from a generator that uses the session after the function has returned, when the session may have ended", o)
		return
	}
}

// unjoined looks at what a function started and did not wait for.
func (w *walker) unjoined() {
	for _, s := range w.spawns {
		if s.joined && s.beside {
			w.reportShared(s.sessions[0], s.pos, s.what)
		}
		if s.joined || len(s.sessions) == 0 || s.group && s.what != "submit" {
			continue
		}
		msg := fmt.Sprintf("%s hands the database session to work that nothing here waits for", s.what)
		if s.later {
			msg = "add_task hands the database session to work that runs after the response, when the session has ended"
		}
		w.finding(rule.Spawned, rule.Error, s.pos, msg, s.sessions[0])
	}
}
