package agent

import (
	"encoding/json"
	"time"

	"github.com/reeve-run/reeve"
)

// Question is what Ask puts to a person.
type Question[T any] struct {
	Text     string
	Deadline time.Duration // after the question was opened; 0: none
	Default  *T            // the answer when the deadline passes; nil: the question fails with CodeUnanswered
}

// Ask opens a question on the thread and waits for its answer: minutes or weeks. A run
// in which every branch waits for longer than a minute holds no goroutine and no node; the answer
// brings it back. Who answers first is settled by the log.
func Ask[T any](ctx Context, name string, q Question[T]) (T, error) {
	var zero T
	s := ctx.scope()
	op, err := s.begin(ctx, OpAsk, name, "")
	if err != nil {
		return zero, err
	}
	defer s.end()
	raw, err := q.encode(op.Path)
	if err != nil {
		return zero, err
	}
	op.Tries = 1
	answer, err := s.rt.Ask(ctx, op, raw)
	if err != nil {
		return zero, err
	}
	if err := json.Unmarshal(answer, &zero); err != nil {
		var none T
		return none, reeve.Errorf(reeve.CodeInvalid, "the answer to question %s does not fit %T: %w", op.Path, none, err)
	}
	return zero, nil
}

func (q Question[T]) encode(path string) (Question[[]byte], error) {
	out := Question[[]byte]{Text: q.Text, Deadline: q.Deadline}
	if q.Default == nil {
		return out, nil
	}
	raw, err := encode("default of question "+path, *q.Default)
	if err != nil {
		return out, err
	}
	out.Default = &raw
	return out, nil
}

// Sleep waits until d after the moment it first began; a crash does not start it again.
// Like a question, a long sleep holds no goroutine.
func Sleep(ctx Context, name string, d time.Duration) error {
	s := ctx.scope()
	op, err := s.begin(ctx, OpSleep, name, "")
	if err != nil {
		return err
	}
	defer s.end()
	op.Tries = 1
	return s.rt.Sleep(ctx, op, d)
}
