package agent

import (
	"context"
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
// has ended meanwhile it is the zero time, and the next operation returns the cause.
func Now(ctx Context) time.Time {
	t, _ := Step(ctx, "now", func(context.Context) (time.Time, error) { return time.Now().UTC(), nil })
	return t
}

// Rand is a random number, recorded: the same after every crash. It is a step named "rand".
func Rand(ctx Context) uint64 {
	n, _ := Step(ctx, "rand", func(context.Context) (uint64, error) { return rand.Uint64(), nil })
	return n
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
		return overlap("emit", "text", s.path)
	}
	defer s.end()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
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
