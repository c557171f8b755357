package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/reeve-run/reeve/session"
)

// Defaults of steps; Call and Tx have one try.
const (
	DefaultTries   = 3
	DefaultBackoff = 200 * time.Millisecond
)

// Step runs fn once, records its result, and returns it; after a crash it is answered
// from the log. A failing fn is tried again, three times in all unless Tries says
// otherwise; then, or when the error is Permanent, Step returns a *StepError.
//
// The first use of a name in a scope has the path name, the next name#2, and so on. Over
// the elements of a set use StepKey.
func Step[T any](ctx Context, name string, fn func(context.Context) (T, error), opts ...StepOption) (T, error) {
	return StepKey(ctx, name, "", fn, opts...)
}

// StepKey is Step with a key that tells apart the uses of one name: its path is name[key].
// A slash, a hash, a bracket or a percent sign in the key is escaped, and a key over
// reeve.MaxName bytes is shortened to its beginning and a digest.
func StepKey[T any](ctx Context, name, key string, fn func(context.Context) (T, error), opts ...StepOption) (T, error) {
	var zero T
	s := ctx.scope()
	op, err := s.begin(ctx, OpStep, name, key)
	if err != nil {
		return zero, err
	}
	defer s.end()
	op.Tries, op.Backoff = DefaultTries, DefaultBackoff
	for _, o := range opts {
		o.step(&op)
	}
	raw, err := s.rt.Step(ctx, op, func(ctx context.Context) ([]byte, error) {
		v, err := fn(ctx)
		if err != nil {
			return nil, err
		}
		return encode("result of step "+op.Path, v)
	})
	if err != nil {
		return zero, err
	}
	return decode[T]("step "+op.Path, raw)
}

// Tx is a step whose effect is in the author's own database: fn runs in one unit of p,
// and its result is stored there under Key in the same transaction. A crash between that
// commit and the log's entry is healed by the stored result: exactly once. fn may
// touch only its database, and captures nothing it changes.
func Tx[T, U any](ctx Context, name string, p session.Pool[U], fn func(context.Context, U) (T, error), opts ...StepOption) (T, error) {
	opts = append([]StepOption{Tries(1)}, opts...)
	return Step(ctx, name, func(ctx context.Context) (T, error) {
		raw, err := p.Once(ctx, Key(ctx), func(ctx context.Context, u U) ([]byte, error) {
			v, err := fn(ctx, u)
			if err != nil {
				return nil, err
			}
			return encode("result of "+name, v)
		})
		if err != nil {
			var zero T
			return zero, err
		}
		return decode[T](name, json.RawMessage(raw))
	}, opts...)
}
