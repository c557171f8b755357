package agent

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session"
)

// Messages is the thread as it was when the run first started, oldest first, the run's own
// input last. Later messages are reached only by a step that reads them.
func Messages(ctx Context) iter.Seq[reeve.Message] {
	return func(yield func(reeve.Message) bool) {
		messages, err := ctx.scope().rt.Messages(ctx)
		if err != nil {
			return // the runtime has ended the scope: the next operation says why
		}
		for _, m := range messages {
			if !yield(m) {
				return
			}
		}
	}
}

// Now is the time, recorded: the same after every crash. It is a step named "now". When the run
// has ended meanwhile it is the zero time, and the next operation returns the cause. It panics with the
// *session.IllegalStateError where a step would return one.
func Now(ctx Context) time.Time {
	return recorded(ctx, "now", func() time.Time { return time.Now().UTC() })
}

// Rand is a random number, recorded: the same after every crash. It is a step named "rand". It ends
// as Now does.
func Rand(ctx Context) uint64 { return recorded(ctx, "rand", rand.Uint64) }

// recorded is a step that cannot fail by itself, nor by a bound of the author's.
func recorded[T any](ctx Context, name string, fn func() T) T {
	if err := session.Check(ctx, "step "+name); err != nil {
		panic(err)
	}
	s := ctx.scope()
	v, err := Step(&body{Context: s.base, s: s}, name, func(context.Context) (T, error) { return fn(), nil })
	if errors.Is(err, session.ErrIllegalState) {
		panic(err)
	}
	return v
}

// Emit streams text to whoever follows the run. In a step the text belongs to the
// try: a further try starts from nothing. In a body it is recorded, and not sent again after a
// crash. It does not wait for the log, except when more than the server's bound is
// on its way there. It also counts as a sign of life.
func Emit(ctx context.Context, text string) error {
	if err := session.Check(ctx, "agent.Emit"); err != nil {
		return err
	}
	switch c := ctx.Value(currentKey{}).(type) {
	case *body:
		return c.s.emit(c, text)
	case *tryContext:
		return c.try.Emit(text)
	}
	return outside("agent.Emit")
}

func (s *scope) emit(ctx context.Context, text string) error {
	if !s.busy.CompareAndSwap(false, true) {
		return s.overlap("emit", "text")
	}
	defer s.end()
	text = strings.ToValidUTF8(text, "\uFFFD")
	offset := s.text
	s.text += int64(len(text))
	return s.rt.Emit(ctx, s.path, offset, text)
}

// Beat is a sign of life from a step that is long and silent. Outside an agent it does nothing.
func Beat(ctx context.Context) {
	if t, ok := ctx.Value(tryKey{}).(Try); ok {
		t.Beat()
	}
}

// Key is the run and path of the step (or of the agent, in a body): the same after every
// crash, unique for the effect. Give it to outside systems as an idempotency key. Outside an
// agent it is "".
func Key(ctx context.Context) string {
	if t, ok := ctx.Value(tryKey{}).(Try); ok {
		return t.Key()
	}
	return ""
}

// Fence is the thread's fence: it only rises. Give it to outside systems that can refuse
// an older one. Outside an agent it is 0.
func Fence(ctx context.Context) int64 {
	if t, ok := ctx.Value(tryKey{}).(Try); ok {
		return t.Fence()
	}
	return 0
}
