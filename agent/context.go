package agent

import (
	"context"
	"errors"
	"runtime"
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
	n     int
	names map[string]int
	busy  atomic.Bool
	text  int64 // bytes emitted by the body
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

// WithTimeout is context.WithTimeout for a Context. The bound holds for this attempt:
// after a crash it starts again.
func WithTimeout(ctx Context, d time.Duration) (Context, context.CancelFunc) {
	inner, cancel := context.WithTimeoutCause(ctx, d, reeve.Errorf(reeve.CodeTimeout, "agent.WithTimeout of %s has passed", d))
	return &body{Context: inner, s: ctx.scope()}, cancel
}

// begin checks that an operation may start now and gives it its number and path. Every
// begin is followed by end.
func (s *scope) begin(ctx context.Context, kind OpKind, name, key string) (Op, error) {
	if !s.busy.CompareAndSwap(false, true) {
		return Op{}, overlap(kind, name, s.path)
	}
	op, err := s.number(ctx, kind, name, key)
	if err != nil {
		s.busy.Store(false)
	}
	return op, err
}

func (s *scope) end() { s.busy.Store(false) }

func (s *scope) number(ctx context.Context, kind OpKind, name, key string) (Op, error) {
	if ctx.Err() != nil {
		return Op{}, context.Cause(ctx)
	}
	if err := session.Check(ctx, string(kind)); err != nil {
		return Op{}, named(err, kind, name)
	}
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
		local += "#" + itoa(uses)
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

func overlap(kind OpKind, name, path string) error {
	return &session.IllegalStateError{
		Op:     string(kind) + " " + name,
		State:  "in use: the scope " + quotePath(path) + " is inside another operation",
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
