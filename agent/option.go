package agent

import "time"

// StepOption is an option of Step, StepKey and Tx.
type StepOption interface{ step(*Op) }

// CallOption is an option of Call, Parallel and Go.
type CallOption interface{ call(*callOptions) }

// SharedOption is both.
type SharedOption interface {
	StepOption
	CallOption
}

type callOptions struct {
	op     Op
	atMost int
}

type shared func(*Op)

func (f shared) step(op *Op)         { f(op) }
func (f shared) call(o *callOptions) { f(&o.op) }

// Tries is how often a step or call may be tried, from 1; a lower number counts as 1.
func Tries(n int) SharedOption { return shared(func(op *Op) { op.Tries = max(1, n) }) }

// Timeout bounds each try of a step, and all tries of a call together. What is over it fails with
// CodeTimeout. A call's bound is an absolute time in the log: a crash or a long wait does not put it off.
func Timeout(d time.Duration) SharedOption { return shared(func(op *Op) { op.Timeout = max(0, d) }) }

// Backoff is the wait before the second try; it is doubled, with jitter, before each further one.
func Backoff(d time.Duration) SharedOption { return shared(func(op *Op) { op.Backoff = max(0, d) }) }

type stepOption func(*Op)

func (f stepOption) step(op *Op) { f(op) }

// StallAfter is the silence (no Beat, no Emit) after which the step is reported as stalled.
func StallAfter(d time.Duration) StepOption { return stepOption(func(op *Op) { op.Stall = max(0, d) }) }

type atMost int

func (n atMost) call(o *callOptions) { o.atMost = int(n) }

// AtMost bounds how many branches of a Parallel run at once; 0 or less: all of them.
func AtMost(n int) CallOption { return atMost(n) }
