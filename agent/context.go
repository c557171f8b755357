package agent

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session"
)

// Context is what the body of an agent gets. Functions given to Step and Tx get a
// plain context.Context instead, so that an operation inside a step does not compile.
//
// It belongs to one goroutine at a time and ends when the function returns.
type Context interface {
	context.Context
	scope() *scope
}

// scope is one agent call or parallel branch: it numbers its operations.
type scope struct {
	rt    Runtime
	path  string
	base  context.Context // the scope's own, without the bounds that the author has put on it
	n     int
	names map[string]int
	busy  atomic.Bool
	over  atomic.Bool // the function has returned
	text  int64       // bytes emitted by the body
}

// body is the Context of a scope.
type body struct {
	context.Context
	s *scope
}

func (b *body) scope() *scope { return b.s }

// Value answers for the scope itself, so that contexts derived from a body still reach it.
func (b *body) Value(key any) any {
	if key == (currentKey{}) {
		return b
	}
	return b.Context.Value(key)
}

// currentKey finds the nearest body or try in a context.
type currentKey struct{}

// WithTimeout is context.WithTimeout for a Context. The bound is an absolute time, recorded as a step
// named "timeout": a crash or a long wait does not put it off. What was recorded before it is answered
// from the log also afterwards.
func WithTimeout(ctx Context, d time.Duration) (Context, context.CancelFunc) {
	end := recorded(ctx, "timeout", func() time.Time { return time.Now().Add(d).UTC() })
	inner, cancel := context.WithDeadlineCause(ctx, end, reeve.Errorf(reeve.CodeTimeout, "agent.WithTimeout of %s has passed", d))
	return &body{Context: inner, s: ctx.scope()}, cancel
}

// begin checks that an operation may start now and gives it its number and path. Every
// begin is followed by end. A context that has ended does not matter here: what the log has is
// answered all the same, and the runtime refuses the rest.
func (s *scope) begin(ctx context.Context, kind OpKind, name, key string) (Op, error) {
	if err := s.enter(ctx, kind, name); err != nil {
		return Op{}, err
	}
	op, err := s.number(kind, name, key)
	if err != nil {
		s.end()
	}
	return op, err
}

// enter holds that the scope belongs to one goroutine, and that no unit is open.
func (s *scope) enter(ctx context.Context, kind OpKind, name string) error {
	if s.over.Load() || !s.busy.CompareAndSwap(false, true) {
		return s.overlap(kind, name)
	}
	if err := session.Check(ctx, string(kind)); err != nil {
		s.end()
		return named(err, kind, name)
	}
	return nil
}

func (s *scope) end() { s.busy.Store(false) }

func (s *scope) number(kind OpKind, name, key string) (Op, error) {
	if err := reeve.CheckName(nameOf[kind], name); err != nil {
		return Op{}, err
	}
	s.n++
	return Op{Kind: kind, Scope: s.path, N: s.n, Name: name, Path: s.place(name, key)}, nil
}

// nameOf says whose name it is that is refused.
var nameOf = map[OpKind]string{OpStep: "name of step", OpCall: "name of call", OpAsk: "name of question", OpSleep: "name of sleep"}

// place is the path of a name's next use: name, then name#2, name#3, …
func (s *scope) place(name, key string) string {
	local := name
	if key != "" {
		local += "[" + escape(key) + "]"
	}
	if s.names == nil {
		s.names = make(map[string]int)
	}
	s.names[local]++
	if uses := s.names[local]; uses > 1 {
		local += "#" + strconv.Itoa(uses)
	}
	if s.path == "" {
		return local
	}
	return s.path + "/" + local
}

// named puts the operation's name into a refusal; it is not spent on the operations that are let through.
func named(err error, kind OpKind, name string) error {
	if e, ok := errors.AsType[*session.IllegalStateError](err); ok {
		e.Op = string(kind) + " " + name
	}
	return err
}

func (s *scope) overlap(kind OpKind, name string) error {
	state := "in use: the scope " + quotePath(s.path) + " is inside another operation"
	if s.over.Load() {
		state = "ended: the function of the scope " + quotePath(s.path) + " has returned"
	}
	return &session.IllegalStateError{
		Op:     string(kind) + " " + name,
		State:  state,
		Rule:   "scope",
		Used:   []session.Site{caller()},
		Advice: "a scope belongs to one goroutine and one operation at a time: make branches with agent.Parallel or agent.Go, and call no operation inside the function of a step",
	}
}

// caller is the first frame outside this package.
func caller() session.Site {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "reeve/agent.") || !more {
			return session.Site{File: f.File, Line: f.Line, Func: f.Function}
		}
	}
}
